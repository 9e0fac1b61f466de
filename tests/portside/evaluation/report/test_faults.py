"""The report on what is wrong with labelled files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from portside.cli import main
from portside.data.columns import Columns
from portside.evaluation.intervals import wilson
from portside.evaluation.report.fault_files import faults_of_files
from portside.evaluation.report.faults import LabelledRowsOf, faults_report
from portside.evaluation.report.learning import curve_sections
from portside.evaluation.report.name_faults import name_faults_report
from portside.evaluation.report.page import render
from portside.inference.interfaces import FakeEncoder
from portside.progress import NullProgress
from portside.records import Tagged
from portside.settings import Settings

WORDS = {"parcel": "where is my parcel", "refund": "I want my money back", "login": "I cannot sign in to my account"}
ENDS = ["today", "please", "at last", "right now", "for the second time", "since Monday", "this week", "as promised"]


def rows_of(texts: list[tuple[str, str]]) -> LabelledRowsOf:
    names, labels = [text for text, _ in texts], [label for _, label in texts]
    return LabelledRowsOf("rows.csv", names, labels, range(1, len(texts) + 1), FakeEncoder().encode(names))


def never_wrong(texts, vectors, label_ids, labels):  # type: ignore[no-untyped-def]
    return np.arange(len(texts)), np.eye(labels)[label_ids] * 0.9 + 0.1 / labels


def curve(texts, vectors, label_ids, labels):  # type: ignore[no-untyped-def]
    right = np.arange(len(texts)) % 10 < 9
    return [(len(texts) // 2, np.roll(right, 1) & right), (len(texts), right)]


def test_clean_rows_are_said_to_be_clean() -> None:
    data = rows_of([(f"{words} {end}", label) for label, words in WORDS.items() for end in ENDS])
    found = faults_report(data, never_wrong, curve)
    assert found.warnings == []
    assert "None of 24 labels looks wrong" in found.sections[0].sentences[0]
    assert "No two labels are mixed up" in found.sections[1].sentences[0]
    assert render(found)


def test_a_copy_under_another_label_and_a_leak_are_named() -> None:
    data = rows_of([("where is my parcel today", "parcel"), ("Where is my parcel, today?", "refund")])
    test = rows_of([("where is my parcel, today", "parcel"), ("something else altogether", "parcel")])
    found = faults_report(data, never_wrong, curve, test)
    assert found.sections[0].key == "leaks"
    assert "1 of 2 rows of rows.csv stand in rows.csv" in found.warnings[0]
    (copies,) = [section for section in found.sections if section.key == "copies"]
    assert "1 of these have two different labels" in copies.sentences[0]


def test_shares_of_what_is_wrong_have_their_intervals() -> None:
    data = rows_of([(f"{words} {end}", label) for label, words in WORDS.items() for end in ENDS])

    def mixed(texts, vectors, label_ids, labels):  # type: ignore[no-untyped-def]
        # Labels are login, parcel, refund: three texts of the first are taken for the second.
        told = np.where(np.isin(np.arange(24), [16, 17, 18]), 1, label_ids)
        return np.arange(24), np.eye(labels)[told] * 0.9 + 0.1 / labels

    leaks, labels, confusable, *_ = faults_report(data, mixed, curve, data).sections
    assert (leaks.figures[0].low, leaks.figures[0].high) == wilson(24, 24)
    (wrong,) = labels.figures
    assert (wrong.value, wrong.low, wrong.high) == (3 / 24, *wilson(3, 24))
    (bar,) = confusable.charts[0].bars
    assert (bar.value, bar.low, bar.high) == (3 / 16, *wilson(3, 16))
    row = dict(zip(confusable.tables[0].head, confusable.tables[0].rows[0], strict=True))
    assert (row["rows"], row["share"], row["from"], row["to"]) == (3, "18.8 %", "6.6 %", "43.0 %")


def test_types_that_are_mixed_up_have_their_interval() -> None:
    sentences = [Tagged((f"Ann{n}",), ("B-PER" if n % 2 else "B-LOC",)) for n in range(16)]
    data = rows_of([(one.tokens[0], one.tags[0]) for one in sentences])

    def mixed(sentences, vectors, given, kinds):  # type: ignore[no-untyped-def]
        # Of nothing, LOC and PER: three of the places are taken for people.
        told = [2 if place in (0, 2, 4) else int(kind[0]) for place, kind in enumerate(given)]
        return [*range(16)], [np.eye(kinds)[[one]] * 0.9 + 0.1 / kinds for one in told]

    sections = name_faults_report(data, sentences, data.vectors, mixed).sections
    (confusable,) = [one for one in sections if one.key == "confusable"]
    row = dict(zip(confusable.tables[0].head, confusable.tables[0].rows[0], strict=True))
    assert (row["names"], row["share"], row["from"], row["to"]) == (3, "18.8 %", "6.6 %", "43.0 %")


@pytest.mark.parametrize(
    ("half", "whole", "said"),
    [
        (700, 800, "would probably help again"),
        (795, 800, "cannot be told from so few"),
        (9_001, 9_000, "would hardly help"),
        (9_000, 9_050, "help a little"),
    ],
)
def test_a_learning_curve_says_whether_more_rows_help(half: int, whole: int, said: str) -> None:
    n = 1_000 if whole < 1_000 else 10_000
    right = np.arange(n) < whole
    if said == "cannot be told from so few":  # other rows, nearly as many
        right = np.random.default_rng(0).permutation(right)
    (found,) = curve_sections([(500, np.arange(n) < half), (1_000, right)])
    assert said in found.sentences[0]
    table = found.charts[0].table
    assert [row[-3:] for row in table.rows] == [[low, high, n] for low, high in (wilson(half, n), wilson(whole, n))]
    assert curve_sections([(500, np.arange(n) < half)]) == []


@pytest.mark.models
@pytest.mark.slow
def test_a_wrong_label_is_found_in_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTSIDE_HOME", str(tmp_path))
    file = tmp_path / "rows.csv"
    lines = [f"{words} {end},{label}" for label, words in WORDS.items() for end in ENDS]
    lines[3] = lines[3].replace(",parcel", ",login")
    file.write_text("text,label\n" + "\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["data", "faults", str(file), "--json"])
    assert ended.value.code == 0
    found = json.loads(capsys.readouterr().out)["sections"]["labels"]
    assert [row["row"] for row in found["tables"][0]["rows"]] == [4]
    assert found["tables"][0]["rows"][0]["likelier"] == "parcel"


def test_two_rows_are_too_few_to_look(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("text,label\na text,yes\nanother,no\n", encoding="utf-8")
    found = faults_of_files(file, None, Columns(), Settings(home=tmp_path), NullProgress(), encoder=FakeEncoder())
    assert "too few rows" in found.sections[0].sentences[0]
