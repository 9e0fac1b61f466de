"""Reports look at rows by where they come from, of whatever task, where the file has a column that says so."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from portside.data import load_examples
from portside.data.columns import Columns
from portside.data.multilabel import read as read_labels
from portside.data.tagged import load_tagged
from portside.evaluation.report.multilabel import LabelRows
from portside.evaluation.report.multilabel import sections_of as label_sections
from portside.evaluation.report.tagging import TaggedRows
from portside.evaluation.report.tagging import sections_of as tag_sections


def test_a_column_of_lists_is_no_part_and_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    rows = [{"text": f"text {n}", "label": "ab"[n % 2], "product": ["x", "y"][: n % 3]} for n in range(8)]
    path.write_text("\n".join(map(json.dumps, rows)))
    assert load_examples(path, role="test").parts == {}


def test_texts_of_several_labels_are_looked_at_by_where_they_come_from(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    rows = [f"text {row},{'late' if row % 2 else ''},{'mail' if row < 20 else 'chat'}" for row in range(60)]
    path.write_text("text,labels,source\n" + "\n".join([",late,mail", *rows]) + "\n")
    dataset = read_labels(path, Columns(), test=True)
    assert dataset.parts == {"source": ("mail",) * 20 + ("chat",) * 40}
    assert dataset.subset([0, 59]).parts == {"source": ("mail", "chat")}
    assert read_labels(path, Columns(), test=False).parts == dataset.parts, "rows kept aside from training have them"
    # Right of chat alone.
    truth = np.array([[bool(row % 2)] for row in range(60)])
    given = np.where(truth & (np.arange(60)[:, None] >= 20), 0.9, 0.1)
    rows_asked = LabelRows([one.text for one in dataset.examples], ("late",), 1, given, truth, 0.5, dataset.parts)
    slices = next(one for one in label_sections(rows_asked, "rows.csv", None) if one.key == "slices")
    assert "source 'mail'" in slices.sentences[0]


def test_sentences_are_looked_at_by_where_they_come_from(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    tagged = [
        {"tokens": ["Ann", "left"], "tags": ["B-PER", "O"], "source": "mail" if row < 20 else "chat"}
        for row in range(58)
    ]
    spans = {"text": "Ann left. Bob came.", "spans": [{"start": 0, "end": 3, "label": "PER"}], "source": "chat"}
    path.write_text("\n".join(map(json.dumps, [*tagged, {"tokens": [], "tags": [], "source": "none"}, spans])))
    dataset = load_tagged(path)
    assert dataset.parts == {"source": ("mail",) * 20 + ("chat",) * 40}, "a row of two sentences counts twice"
    assert dataset.subset([0, 59]).parts == {"source": ("mail", "chat")}
    names = ("O", "B-PER", "I-PER")
    found = [["O", "O"] if row < 20 else list(one.tags) for row, one in enumerate(dataset.sentences)]
    sure = [np.eye(3)[[names.index(tag) for tag in tags]] * 0.9 + 0.05 for tags in found]
    words, truth = [one.tokens for one in dataset.sentences], [one.tags for one in dataset.sentences]
    asked = TaggedRows(names, words, truth, sure, parts=dataset.parts)
    slices = next(one for one in tag_sections(asked, "rows.jsonl", None) if one.key == "slices")
    assert "source 'mail'" in slices.sentences[0]
