"""Every word that a report on a classifier says by itself has its Chinese; nothing of the user's is translated."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from babel.messages.pofile import read_po

from portside.data import Dataset
from portside.evaluation.held_out import HeldOut, save_held_out
from portside.evaluation.report.behaviour import tried_on
from portside.evaluation.report.build import report_on, report_on_held_out
from portside.evaluation.report.explanations import explained_on
from portside.evaluation.report.faults import LabelledRowsOf, faults_report
from portside.evaluation.report.page import render
from portside.evaluation.report.parts import Bar, Chart, Report, Section, Table
from portside.evaluation.report.words import translated
from portside.evaluation.suite_files import Suite, find_suites
from portside.inference.attributor import FakeAttributor
from portside.inference.folder import ModelFile, write_model_file
from portside.inference.interfaces import FakeClassifier, FakeEncoder, FakeScorer
from portside.inference.outside_gate import EnergyGate, InsideReading
from portside.records import Example
from portside.registry import ModelRegistry, ModelVersion
from portside.said import said
from portside.training.seen import save_seen

CATALOGUE = Path(__file__).parents[4] / "shared" / "portside_ui" / "locale" / "zh.po"
HAN = re.compile(r"[\u4e00-\u9fff]")
LABELS = ("card", "fee", "parcel")
WORDS = ["", "please help me today ", "now, "]
TEXTS = [f"{WORDS[n % 3]}my {LABELS[n % 3]} {n}" for n in range(240)]
CARD = {
    "summary": "Tells 3 labels apart",
    "created_at": "2026-01-02T03:04",
    "method": "full",
    "encoder": {"name": "mini"},
    "data": {"source": "rows.csv", "trained_on": 100},
    "calibration": {"temperature": 2.0},
    "training": {"history": [{"step": 1}, {"step": 2}]},
    "search": {"trials": 12},
}


@pytest.fixture(scope="module")
def chinese() -> dict[str, str]:
    entries = read_po(io.BytesIO(CATALOGUE.read_bytes()), locale="zh")
    return {str(one.id): str(one.string) for one in entries if one.id and isinstance(one.id, str)}


def lacking(report: Report, chinese: dict[str, str]) -> set[str]:
    """What of the report, drawn as a page too, is not in the catalogue."""
    missing = set()

    def look_up(text: str) -> str:
        says_something = re.search(r"[A-Za-z]{2}", re.sub(r"\{\w+\}", "", text))
        if says_something and text not in chinese and not HAN.search(text):
            missing.add(text)
        return chinese.get(text, text)

    render(report, translate=look_up)
    return missing


def english_sentences(report: Report) -> Iterator[str]:
    """Longer runs of English words that no look-up could reach, with what the user's own rows and names hold."""
    for section in report.sections:
        yield from (*section.sentences, *section.warnings, section.title)
        yield from (part for chart in section.charts for part in (chart.title, chart.summary))
        yield from (table.title for table in section.tables)


def classifier(model: str = "intents:3", *, gate: EnergyGate | None = None, **keywords: str) -> FakeScorer:
    known = {"card": "card", "parcel": "parcel", **keywords}
    return FakeScorer(FakeClassifier(known, LABELS, confidence=0.97, model=model), gate=gate)


def measured(*, against: FakeScorer | None = None, seen: int = 0, renamed: bool = False) -> Report:
    """With mistakes, rows from outside, parts that are worse, and what else is asked for."""
    truth = [LABELS[n % 3] for n in range(240)]
    truth = ["weather" if n % 7 == 0 else "charge" if renamed and one == "fee" else one for n, one in enumerate(truth)]
    rows = Dataset.of([Example(text, label) for text, label in zip(TEXTS, truth, strict=True)], source="test.csv")
    version = ModelVersion("intents", 3, Path("nowhere"), CARD)
    known = set(TEXTS[:seen])
    reading = InsideReading(0.0, 1.0, 2.0, -3.0, 0.1, 40)
    gate = EnergyGate(-0.1, 0.05, 100, reading) if seen else None
    return report_on(version, classifier(fee="fee", gate=gate), rows, seen=known.__contains__, against=against)


def kept(home: Path, *, by_model: bool, rows: int = 240) -> Report:
    registry, truth = ModelRegistry(home), np.arange(rows) % 3
    with registry.staging("m") as folder:
        gate = EnergyGate(-0.1, 0.05, rows)
        write_model_file(folder, ModelFile("classification", 16, LABELS, gate.to_options()))
        save_held_out(folder, HeldOut(TEXTS[:rows], truth, np.eye(3, dtype=np.float32)[truth], by_model), LABELS)
        save_seen(folder, ["another"])
        return report_on_held_out(
            registry.register("m", folder, CARD, actor="a", reason="r", check=lambda _: None),
        )


def faults(leaks: bool) -> Report:
    def rows_of(file: str, texts: list[str]) -> LabelledRowsOf:
        labels = [LABELS[n % 3] for n in range(len(texts))]
        return LabelledRowsOf(file, texts, labels, range(1, len(texts) + 1), FakeEncoder().encode(texts))

    def predict(texts, vectors, label_ids, labels):  # type: ignore[no-untyped-def]
        wrong = np.where(np.arange(len(texts)) % 5 == 0, (label_ids + 1) % labels, label_ids)
        return np.arange(len(texts)), np.eye(labels)[wrong] * 0.9 + 0.1 / labels

    def learn(texts, vectors, label_ids, labels):  # type: ignore[no-untyped-def]
        return [(50, np.arange(100) < 60), (100, np.arange(100) < 90)]

    data = rows_of("rows.csv", [*TEXTS[:60], TEXTS[1].upper()])
    return faults_report(data, predict, learn, rows_of("test.csv", TEXTS[:3] if leaks else ["quite another matter"]))


def small_changes(home: Path) -> Section:
    return tried_on(FakeClassifier({"card": "card", "fee": "fee"}, LABELS), TEXTS, home)


def test_a_report_on_a_file(chinese: dict[str, str]) -> None:
    for report in (
        measured(),
        measured(against=classifier("intents:2")),
        measured(seen=1),
        measured(seen=100),
        measured(seen=240),
        measured(renamed=True),
    ):
        assert {section.key for section in report.sections} >= {
            "accuracy",
            "calibration",
            "guarantee",
            "slices",
            "rows",
        }
        assert lacking(report, chinese) == set()


def test_a_report_on_kept_rows(tmp_path: Path, chinese: dict[str, str]) -> None:
    for report in (
        kept(tmp_path, by_model=True),
        kept(tmp_path, by_model=False),
        kept(tmp_path, by_model=True, rows=9),
    ):
        assert lacking(report, chinese) == set()


@pytest.mark.parametrize("leaks", [True, False])
def test_what_is_wrong_with_a_file(leaks: bool, chinese: dict[str, str]) -> None:
    report = faults(leaks)
    assert [section.key for section in report.sections] == ["leaks", "labels", "confusable", "copies", "learning"]
    assert lacking(report, chinese) == set()


def test_explanations_and_small_changes(tmp_path: Path, chinese: dict[str, str]) -> None:
    explained = explained_on(FakeAttributor({"card": 4.0, "fee": -4.0}), TEXTS)
    unfounded = explained_on(FakeAttributor({}, bias=1.0), TEXTS)
    assert explained is not None
    assert unfounded is not None
    assert lacking(Report("m", "", [], [explained, unfounded, small_changes(tmp_path)]), chinese) == set()


BEARING = (
    "Maria and James went from Germany to Nigeria, she paid two fees to Nokia in Paris, I want to know how it is.",
    "我想问：小米和华为在德国的女士，价格上涨。",
)


def own_words(suites: Sequence[Suite]) -> set[str]:
    """What suites call themselves, their tests and the groups in them."""
    tests = [test for suite in suites for test in suite.tests]
    names = {word for test in tests for word in (test.name, test.about, *test.groups)}
    return {word for word in names | {suite.about for suite in suites} if word}


def test_what_built_in_suites_call_their_tests_and_groups_is_translated(
    tmp_path: Path, chinese: dict[str, str]
) -> None:
    words = own_words(find_suites(None, tmp_path))
    assert {word for word in words if not HAN.search(chinese.get(word, ""))} == set()
    # A model that knows people by their names, and sentiments, fails tests of every kind.
    model = FakeClassifier({"maria": "positive", "james": "negative"}, ("neutral", "positive", "negative"))
    report = Report("m", "", [], [tried_on(model, BEARING, tmp_path)])
    assert lacking(report, chinese) == set()
    page = render(report, translate=lambda text: chinese.get(text, text))
    # Words such as "men" and "first names" stand in the sentences that were tried, or in style sheets, too.
    cells = {html.unescape(one.strip()) for one in re.findall(r">([^<>]+)<", page)}
    assert cells & {chinese[word] for word in words}
    assert not {word for word in words if any(re.match(rf"{re.escape(word)}( \(\d+\))?$", cell) for cell in cells)}
    assert "for women, " not in page
    assert "女性：positive" in page


def test_a_users_suite_stays_as_it_was_written(tmp_path: Path, chinese: dict[str, str]) -> None:
    written = (
        '[[test]]\nname = "capitals"\nkind = "bias"\ngroups = {women = ["card"], men = ["fee"]}\nabout = "blanks"\n'
    )
    (tmp_path / "mine.toml").write_text(written, encoding="utf-8")
    section = tried_on(
        FakeClassifier({"card": "card", "fee": "fee"}, LABELS), TEXTS, tmp_path, suites=str(tmp_path / "mine.toml")
    )
    (found,) = translated(Report("m", "", [], [section]), lambda text: chinese.get(text, text)).sections
    assert found.charts[0].bars[0].name.startswith("capitals（")
    assert found.tables[0].rows == [["capitals", "blanks"]]
    assert "women" in found.tables[1].rows[0][3]


def test_no_sentence_is_left_in_english(tmp_path: Path, chinese: dict[str, str]) -> None:
    explained = explained_on(FakeAttributor({"card": 4.0, "fee": -4.0}), TEXTS)
    assert explained is not None
    sections = [*measured(against=classifier("intents:2"), seen=100).sections, explained, small_changes(tmp_path)]
    report = Report("m", "", [], [*sections, *faults(leaks=True).sections, *kept(tmp_path, by_model=False).sections])
    for sentence in english_sentences(translated(report, lambda text: chinese.get(text, text))):
        assert HAN.search(sentence), sentence
        assert not re.search(r"(?<!my )(?<!now, )\b[a-z]+ (of|the|are|is|that|than|it|rows) [a-z]+", sentence), sentence


def test_the_page_is_in_the_language_that_was_asked_for(chinese: dict[str, str]) -> None:
    page = render(measured(seen=100), language="zh-Hans", translate=lambda text: chinese.get(text, text))
    assert '<html lang="zh-Hans">' in page
    assert "请先阅读" in page
    for english in ("Read this first", "Show the numbers", "95 % interval", "Accuracy", "more than chance"):
        assert english not in page
    assert '<html lang="en">' in render(measured())


def test_a_users_label_stays_as_it_is(chinese: dict[str, str]) -> None:
    section = Section(
        "a",
        "How often it is right",
        charts=[Chart("Promises", "Promises", "rows", "label", bars=[Bar("rows", 1.0), Bar("Accuracy", 1.0)])],
        tables=[Table("Promises", ["label", "rows"], [["rows", 1], [said("worse"), None]])],
    )
    (found,) = translated(Report("rows", "rows", [], [section]), lambda text: chinese.get(text, text)).sections
    assert [bar.name for bar in found.charts[0].bars] == ["rows", "Accuracy"]
    assert found.tables[0].rows == [["rows", 1], [chinese["worse"], None]]
    assert replace(found, title="").tables[0].head == [chinese["label"], chinese["rows"]]
