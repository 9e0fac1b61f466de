"""Reports look at rows by where they come from, of whatever task, where the file has a column that says so."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from portside.data import load_examples
from portside.data.columns import Columns
from portside.data.matching import MatchingDataset, load_judged
from portside.data.multilabel import read as read_labels
from portside.data.tagged import load_tagged
from portside.evaluation.report.matching import sections_of as match_sections
from portside.evaluation.report.multilabel import LabelRows
from portside.evaluation.report.multilabel import sections_of as label_sections
from portside.evaluation.report.tagging import TaggedRows
from portside.evaluation.report.tagging import sections_of as tag_sections
from portside.inference.ranking import Ranked
from portside.tasks.matching import SYSTEMS


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


def test_texts_with_rare_labels_are_looked_at() -> None:
    # Of 100 texts 15 have the rare label, and it is never given.
    rare = np.arange(100) < 15
    truth = np.stack([np.ones(100, dtype=bool), rare], axis=1)
    given = np.stack([np.full(100, 0.9), np.full(100, 0.1)], axis=1)
    asked = LabelRows([f"text {row}" for row in range(100)], ("common", "rare"), 2, given, truth, 0.5)
    slices = next(one for one in label_sections(asked, "rows.csv", None) if one.key == "slices")
    assert "rare labels (right on 0 % of 15, elsewhere on 100 %)" in slices.sentences[0]


def _looked_at(dataset: MatchingDataset) -> str:
    """What is said of a model that finds the document of the queries from chat alone."""
    orders = {
        query: [one.document for one in dataset.judged if one.query == query] if "chat" in text else []
        for query, text in dataset.queries.items()
    }
    cosines = dict.fromkeys(dataset.queries, 0.5)
    ranked = Ranked(dict.fromkeys(SYSTEMS, orders), len(dataset.documents), dict.fromkeys(SYSTEMS, cosines))
    found = match_sections(ranked, "hybrid", dataset, None)
    return next(one for one in found if one.key == "slices").sentences[0]


def test_queries_are_looked_at_by_where_they_come_from(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    of = ["mail" if row < 20 else "chat" for row in range(60)]
    rows = [f"{of[row]} query {row},answer {row},{of[row]},{row}" for row in range(60)]
    # A row without a document does not count; of two rows of one query the first says where it comes from.
    more = ["lost,,fax,1", "mail query 0,answer 3,chat,2"]
    path.write_text("query,document,source,number\n" + "\n".join([more[0], *rows, more[1]]) + "\n")
    dataset = load_judged(path)
    assert dataset.parts == {"source": ("mail",) * 20 + ("chat",) * 40}
    assert dataset.subset(["q60", "q1"]).parts == {"source": ("chat", "mail")}
    assert "source 'mail' (right on 0 % of 20, elsewhere on 100 %)" in _looked_at(dataset)


def test_queries_of_a_folder_are_looked_at_by_where_they_come_from(tmp_path: Path) -> None:
    of = ["mail" if row < 20 else "chat" for row in range(60)]
    queries = [{"_id": f"q{row}", "text": f"{of[row]} query {row}", "language": of[row]} for row in range(60)]
    documents = [{"_id": f"d{row}", "text": f"answer {row}"} for row in range(60)]
    for name, lines in (
        ("queries", [{"_id": "none", "text": "not judged", "language": "x"}, *queries]),
        ("corpus", documents),
    ):
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (tmp_path / "qrels").mkdir()
    judged = "\n".join(f"q{row}\td{row}\t1" for row in reversed(range(60)))
    (tmp_path / "qrels" / "test.tsv").write_text(f"query-id\tcorpus-id\tscore\n{judged}\n")
    dataset = load_judged(tmp_path, test=True)
    assert dataset.parts == {"language": ("chat",) * 40 + ("mail",) * 20}, "in the order of the queries"
    assert "language 'mail'" in _looked_at(dataset)
