"""What is wrong with files of several labels a text, and of tagged words."""

from __future__ import annotations

import io
import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from babel.messages.pofile import read_po

from portside.cli import main
from portside.data.columns import Columns
from portside.errors import DataError, UsageError
from portside.evaluation.report.fault_tasks import faults_of_task, name_faults_of_files, set_faults_of_files
from portside.evaluation.report.name_faults import names_in_words
from portside.evaluation.report.page import render
from portside.evaluation.report.parts import Report
from portside.evaluation.report.words import translated
from portside.inference.interfaces import FakeEncoder
from portside.progress import NullProgress, RecordingProgress
from portside.records import Tagged
from portside.settings import Settings
from portside.training.word_vectors import FakeWords

WISHES = {"parcel": "where is my parcel", "refund": "I want my money back", "login": "I cannot sign in"}
ENDS = ["today", "please", "at last", "right now", "for the second time", "since Monday", "this week", "as promised"]
SETS = [*combinations(WISHES, 1), *combinations(WISHES, 2)]
PEOPLE = ["Ann", "Maria", "James", "Peter", "Laura", "David"]
CITIES = ["Berlin", "London", "Paris", "Madrid"]
HAN = re.compile(r"[\u4e00-\u9fff]")
CATALOGUE = Path(__file__).parents[4] / "shared" / "portside_ui" / "locale" / "zh.po"


def label_sets(path: Path, *, left_out: int, too_much: int) -> Path:
    """Each set of wishes with each end; of one row a label is left out, another has one too many."""
    rows: list[dict[str, Any]] = [
        {"text": f"{' and '.join(WISHES[label] for label in labels)} {end}", "labels": list(labels)}
        for end in ENDS
        for labels in SETS
    ]
    rows[left_out]["labels"].pop()
    rows[too_much]["labels"].append(next(label for label in WISHES if label not in rows[too_much]["labels"]))
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def tagged(path: Path, *, untagged: int, other_type: int) -> Path:
    """Somebody is somewhere; of one row the person has no tag, of another the city is tagged as a person."""
    rows = [
        {
            "tokens": ["Yesterday", person, verb, "in", city, "again"],
            "tags": ["O", "B-PER", "O", "O", "B-LOC", "O"],
        }
        for person in PEOPLE
        for city in CITIES
        for verb in ("arrived", "slept")
    ]
    rows[untagged]["tags"][1] = "O"
    rows[other_type]["tags"][4] = "B-PER"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def asked(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    with pytest.raises(SystemExit) as ended:
        main(["data", "faults", *arguments, "--json"])
    assert ended.value.code == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)["sections"]
    return found


@pytest.mark.models
@pytest.mark.slow
def test_a_label_left_out_and_one_too_many_are_named_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTSIDE_HOME", str(tmp_path))
    file = label_sets(tmp_path / "rows.jsonl", left_out=4, too_much=18)
    rows = asked(capsys, str(file), "--task", "multilabel")["labels"]["tables"][0]["rows"]
    assert {(row["row"], row["label"], row["what is wrong"]) for row in rows[:2]} == {
        (5, "login", "missing"),
        (19, "refund", "too much"),
    }


@pytest.mark.models
@pytest.mark.slow
def test_a_name_without_tags_and_one_of_another_type_are_named_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTSIDE_HOME", str(tmp_path))
    file = tagged(tmp_path / "rows.jsonl", untagged=10, other_type=31)
    found = asked(capsys, str(file), "--task", "tagging", "--test", str(file))
    rows = found["labels"]["tables"][0]["rows"]
    assert {(row["row"], row["words"], row["type"], row["likelier"]) for row in rows[:2]} == {
        (11, "Maria", "no name", "PER"),
        (32, "Madrid", "PER", "LOC"),
    }
    assert "[Madrid] again" in next(row["sentence"] for row in rows if row["row"] == 32)
    assert "48 of 48 rows of rows.jsonl stand in rows.jsonl" in found["leaks"]["warnings"][0]


def sets_report(tmp_path: Path, lines: list[str], test: Path | None = None) -> Report:
    file = tmp_path / "few.csv"
    file.write_text("text,labels\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return set_faults_of_files(file, test, Columns(), Settings(home=tmp_path), NullProgress(), encoder=FakeEncoder())


def names_report(tmp_path: Path, text: str, test: Path | None = None) -> Report:
    file = tmp_path / "few.txt"
    file.write_text(text, encoding="utf-8")
    return name_faults_of_files(
        file, test, Settings(home=tmp_path), NullProgress(), encoder=FakeEncoder(), words=FakeWords()
    )


def test_few_rows_are_refused_plainly(tmp_path: Path) -> None:
    (labels, *_rest) = sets_report(tmp_path, ["a text,yes|no", "another,no"]).sections
    assert labels.sentences[0] == "There are too few rows to look for wrong labels: a label takes 5 rows."
    assert "there are 2: no, yes" in labels.sentences[1]
    (labels, *_rest) = names_report(tmp_path, "Bonn B-LOC\nis O\n\nUlm B-LOC\n").sections
    assert labels.sentences[0].startswith("There are too few sentences to look for wrong tags: a type takes 5 names")
    assert "there are 1: LOC" in labels.sentences[1]


def test_a_file_in_which_nothing_can_be_told_apart_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="labels that some texts have and others have not"):
        sets_report(tmp_path, ["a text,yes", "another,yes"])
    with pytest.raises(DataError, match="only O"):
        names_report(tmp_path, "Bonn O\n")


def test_copies_with_other_labels_and_leaks_are_named(tmp_path: Path) -> None:
    test = tmp_path / "test.csv"
    test.write_text("text,labels\nWhere is my parcel today?,parcel\n", encoding="utf-8")
    lines = ["where is my parcel today,parcel", '"where is my parcel, today",parcel|late', "something else,"]
    leaks, _labels, _mixed, copies = sets_report(tmp_path, lines, test).sections
    assert "1 of 1 rows of test.csv stand in few.csv" in leaks.warnings[0]
    assert "1 of these have two different labels" in copies.sentences[0]
    assert leaks.tables[0].rows[0][5] in ("parcel", "late, parcel")


def test_near_copies_of_sentences_may_have_other_names_but_not_other_types(tmp_path: Path) -> None:
    first = "We O\nflew O\nyesterday O\nmorning O\nto O\nBonn B-LOC\nwith O\nfriends O\n\n"
    copies = names_report(tmp_path, first + first.replace("Bonn", "Born")).sections[-1]
    assert copies.sentences[0] == "1 pairs of rows are almost the same text; 0 of these have two different labels."
    copies = names_report(tmp_path, first + first.replace("Bonn B-LOC", "Born B-PER")).sections[-1]
    assert "1 of these have two different labels" in copies.sentences[0]
    assert "Bonn [LOC]" in copies.sentences[1]
    moved = first.replace("to O\nBonn B-LOC", "to B-LOC\nBonn I-LOC")
    copies = names_report(tmp_path, first + moved).sections[-1]
    assert "1 of these have two different labels" in copies.sentences[0], "the same text, another name"
    assert names_in_words(Tagged(("Ann", "Lee", "left"), ("B-PER", "I-PER", "O"))) == "Ann Lee [PER]"


def test_reading_words_is_told(tmp_path: Path) -> None:
    progress = RecordingProgress()
    file = tagged(tmp_path / "rows.jsonl", untagged=0, other_type=9)
    name_faults_of_files(file, None, Settings(home=tmp_path), progress, encoder=FakeEncoder(), words=FakeWords())
    assert progress.updates


def test_other_tasks_are_refused_with_advice(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--task matching") as caught:
        faults_of_task("matching", tmp_path, None, Columns(), settings=Settings(home=tmp_path), progress=NullProgress())
    assert "classification, multilabel or tagging" in str(caught.value)
    with pytest.raises(UsageError, match="No task of that name"):
        faults_of_task("nothing", tmp_path, None, Columns(), settings=Settings(home=tmp_path), progress=NullProgress())


@pytest.fixture(scope="module")
def chinese() -> dict[str, str]:
    entries = read_po(io.BytesIO(CATALOGUE.read_bytes()), locale="zh")
    return {str(one.id): str(one.string) for one in entries if one.id and isinstance(one.id, str)}


def test_the_pages_are_in_chinese_too(tmp_path: Path, chinese: dict[str, str]) -> None:
    sets = label_sets(tmp_path / "sets.jsonl", left_out=4, too_much=18)
    names = tagged(tmp_path / "names.jsonl", untagged=10, other_type=31)
    settings, encoder = Settings(home=tmp_path), FakeEncoder()
    for report in (
        set_faults_of_files(sets, sets, Columns(), settings, NullProgress(), encoder=encoder),
        name_faults_of_files(names, names, settings, NullProgress(), encoder=encoder, words=FakeWords()),
    ):
        found = translated(report, lambda text: chinese.get(text, text))
        assert HAN.search(found.title)
        assert HAN.search(found.subtitle)
        for section in found.sections:
            heads = [name for table in section.tables for name in (table.title, *table.head)]
            shown = [*section.sentences, *section.warnings, *(figure.name for figure in section.figures)]
            for sentence in (section.title, *shown, *heads):
                assert HAN.search(sentence), sentence
        assert {name for name, _value in found.facts if not HAN.search(name)} == set()
        assert render(report, language="zh-Hans", translate=lambda text: chinese.get(text, text))
