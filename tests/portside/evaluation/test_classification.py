from __future__ import annotations

import json

import pytest

from portside.data import Dataset
from portside.errors import DataError
from portside.evaluation.classification import evaluate_classifier, score_labels
from portside.inference.interfaces import FakeClassifier
from portside.records import Example

KEYWORDS = {"card": "card", "parcel": "parcel"}


def judge(rows: list[tuple[str, str]]) -> Dataset:
    return Dataset.of([Example(text, label) for text, label in rows], source="test.csv")


def fake(*labels: str) -> FakeClassifier:
    return FakeClassifier(KEYWORDS, labels, model="intents:3")


def test_scores_by_hand() -> None:
    # a: 2 true, 3 predicted, 2 right; b: 2 true, 1 predicted, 1 right; c: 1 true, none predicted; d: only predicted
    scores = score_labels(["a", "a", "b", "b", "c"], ["a", "a", "a", "b", "d"])
    assert (scores["a"].precision, scores["a"].recall, scores["a"].f1) == pytest.approx((2 / 3, 1.0, 0.8))
    assert (scores["b"].precision, scores["b"].recall, scores["b"].f1) == pytest.approx((1.0, 0.5, 2 / 3))
    assert (scores["c"].precision, scores["c"].recall, scores["c"].f1, scores["c"].support) == (0.0, 0.0, 0.0, 1)
    assert (scores["d"].f1, scores["d"].support) == (0.0, 0)


def test_a_report_by_hand() -> None:
    data = judge([("my card", "card"), ("card lost", "card"), ("card?", "parcel"), ("parcel", "parcel")])
    report = evaluate_classifier(fake("card", "parcel"), data, seen=lambda text: text == "my card")
    assert (report.n, report.accuracy, report.seen_in_training) == (4, 0.75, 1)
    assert report.macro_f1 == pytest.approx((0.8 + 2 / 3) / 2)
    assert report.confusion == {"card": {"card": 2}, "parcel": {"card": 1, "parcel": 1}}
    assert report.top_confusions() == [("parcel", "card", 1)]


def test_the_report_as_json_has_the_promised_keys() -> None:
    report = evaluate_classifier(fake("card", "parcel"), judge([("my card", "card"), ("parcel", "parcel")]))
    found = json.loads(json.dumps(report.to_dict()))
    assert {"model", "version", "data", "n", "accuracy", "macro_f1", "accuracy_ci95", "per_class"} <= found.keys()
    assert (found["model"], found["version"], found["data"], found["n"]) == ("intents", 3, "test.csv", 2)
    assert found["per_class"]["card"] == {"precision": 1.0, "recall": 1.0, "f1": 1.0, "support": 1}
    assert found["accuracy_ci95"] == pytest.approx([0.342, 1.0], abs=1e-3)
    assert found["seen_in_training"] is None


def test_labels_that_the_model_does_not_know_are_named() -> None:
    data = judge([("my card", "card"), ("x", "refund"), ("y", "refund")])
    with pytest.raises(DataError, match=r"'refund' \(2 rows\).*'card', 'parcel'"):
        evaluate_classifier(fake("card", "parcel"), data)


@pytest.mark.parametrize(
    ("rows", "words"), [([], "must be rows"), ([("my card", "card"), ("x", "")], r"test\.csv, row 2.*true label")]
)
def test_rows_that_cannot_be_judged(rows: list[tuple[str, str]], words: str) -> None:
    with pytest.raises(DataError, match=words):
        evaluate_classifier(fake("card", "parcel"), judge(rows))


def test_progress_is_told() -> None:
    told: list[int] = []
    evaluate_classifier(fake("card", "parcel"), judge([("my card", "card")] * 3), report=told.append)
    assert told == [3]
