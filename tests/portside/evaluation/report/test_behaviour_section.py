"""The section on small changes."""

from __future__ import annotations

from pathlib import Path

from portside.evaluation.report.behaviour import tried_on
from portside.evaluation.report.page import render
from portside.evaluation.report.parts import Report
from portside.inference.interfaces import FakeClassifier
from portside.said import Said

TEXTS = [f"where is my parcel, order {n}" for n in range(30)] + [f"I want a refund for item {n}" for n in range(30)]


def test_a_classifier_by_whole_words_bears_case_and_not_typos(tmp_path: Path) -> None:
    model = FakeClassifier({"parcel": "parcel", "refund": "refund"}, ("other", "parcel", "refund"))
    found = tried_on(model, TEXTS, tmp_path)
    assert "Tried on 60 texts" in found.sentences[0]
    rates = {bar.name.partition(" (")[0]: bar.value for bar in found.charts[0].bars}
    assert rates["capitals"] == 1.0
    assert rates["typos"] < 1.0
    assert found.tables[0].rows
    assert render(Report("m", "", [], [found]))


def test_what_a_failing_text_got_keeps_its_template_for_translation(tmp_path: Path) -> None:
    model = FakeClassifier({"parcel": "parcel"}, ("other", "parcel"))
    tests, table = tried_on(model, TEXTS, tmp_path).tables
    assert ["capitals", "Everything in capitals."] in tests.rows
    assert all(isinstance(row[3], Said) for row in table.rows)


def test_without_texts_it_says_what_could_be_tried(tmp_path: Path) -> None:
    model = FakeClassifier({"parcel": "parcel"}, ("other", "parcel"))
    assert tried_on(model, [], tmp_path).sentences
