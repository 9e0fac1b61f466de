from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from portside.data.multilabel import load_multilabelled
from portside.errors import DataError
from portside.evaluation.multilabel import average_precision, evaluate_multilabeller
from portside.records import MultiLabelled
from portside.tasks.multilabel import best_threshold, label_order, truth_of


@pytest.mark.parametrize("separator", ["|", ";", ","])
def test_labels_in_one_cell(tmp_path: Path, separator: str) -> None:
    file = tmp_path / "a.csv"
    file.write_text(f'text,labels\nmy card,"new{separator} card "\nhello,\nlate,late\n,late\n')
    found = load_multilabelled(file)
    assert found.examples == (
        MultiLabelled("my card", ("card", "new")),
        MultiLabelled("hello", ()),
        MultiLabelled("late", ("late",)),
    )
    assert found.labels == ("card", "late", "new")
    assert any("without text" in finding.rule for finding in found.findings)
    assert any("single example" in finding.rule for finding in found.findings)


def test_lists_in_json_lines(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    rows = [
        {"text": "a b", "intents": ["y", "x", "y"]},
        {"text": "c", "intents": []},
        {"text": "A  b", "intents": ["x"]},
    ]
    file.write_text("\n".join(json.dumps(row) for row in rows))
    found = load_multilabelled(file)
    assert [one.labels for one in found.examples] == [("x", "y"), (), ("x",)]
    assert any("different labels" in finding.rule for finding in found.findings)


def test_a_cell_of_another_kind_is_refused_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"text": "a", "labels": ["x"]}\n{"text": "b", "labels": [["x"]]}\n')
    with pytest.raises(DataError, match="row 2"):
        load_multilabelled(file)


def test_labels_that_all_texts_have_teach_nothing(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("text,labels\na,x|y\nb,x|y\n")
    with pytest.raises(DataError, match="some texts have"):
        label_order(load_multilabelled(file))


def test_the_threshold_makes_micro_f1_best() -> None:
    truth = np.array([[True, False], [True, False], [False, True]])
    probabilities = np.array([[0.35, 0.1], [0.32, 0.2], [0.1, 0.9]])
    assert best_threshold(probabilities, truth) == 0.3
    assert best_threshold(probabilities, np.zeros((3, 2), dtype=bool)) == 0.5
    # 0.25 to 0.5 are equally good: the nearest to one half is taken
    assert best_threshold(np.array([[0.51, 0.2]]), np.array([[True, False]])) == 0.5


class Labeller:
    model = "m:1"
    labels = ("x", "y")
    threshold = 0.5

    def probabilities(self, texts: object, *, report: object = None) -> np.ndarray:  # type: ignore[type-arg]
        return np.array([[0.9, 0.8], [0.6, 0.1], [0.2, 0.7]])


def test_figures_by_hand(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("text,labels\na,x|y\nb,y\nc,y|z\n")
    report = evaluate_multilabeller(Labeller(), load_multilabelled(file))
    # said: x y x y; there: x y, y, y z; right: x y, -, y
    assert report.micro_f1 == pytest.approx(2 * 3 / (4 + 5))
    assert report.per_label["x"].precision == 0.5
    assert report.per_label["y"].f1 == pytest.approx(2 * 2 / (2 + 3))
    assert report.per_label["z"].recall == 0.0  # a label the model does not know
    assert report.exact == pytest.approx(1 / 3)
    found = report.to_dict()
    assert {"micro_f1", "macro_f1", "map", "per_label", "n", "model", "version", "data"} <= set(found)
    assert found["map"] == pytest.approx(
        np.mean([1.0, average_precision(np.array([0.8, 0.1, 0.7]), np.ones(3, bool)), 1 / 3])
    )


def test_truth_leaves_unknown_labels_out() -> None:
    rows = [MultiLabelled("a", ("q", "x"))]
    assert truth_of(rows, ["x", "y"]).tolist() == [[True, False]]
