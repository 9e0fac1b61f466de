"""Reports on taggers and on several labels: mistakes by hand, promises, what changed."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from babel.messages.pofile import read_po
from numpy.typing import NDArray

from portside.evaluation.report.facts import KEPT_ASIDE
from portside.evaluation.report.multilabel import LabelRows, changed_labels, labels_section
from portside.evaluation.report.multilabel import sections_of as label_sections
from portside.evaluation.report.page import render
from portside.evaluation.report.parts import Report, Section
from portside.evaluation.report.tagging import TaggedRows, changed_names, names_section
from portside.evaluation.report.tagging import sections_of as tag_sections
from portside.evaluation.report.versus import Changed, versus_section
from portside.evaluation.report.words import translated
from portside.evaluation.significance import bootstrap_ratio, paired_ratio

CATALOGUE = Path(__file__).parents[4] / "shared" / "portside_ui" / "locale" / "zh.po"
NAMES = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")


def asked(truth: list[str], found: list[str]) -> TaggedRows:
    rows = [np.eye(len(NAMES))[[NAMES.index(tag) for tag in tags.split()]] * 0.9 + 0.02 for tags in found]
    sentences = [list("abcde")[: len(tags.split())] for tags in truth]
    return TaggedRows(NAMES, sentences, [tags.split() for tags in truth], rows)


def test_each_mistake_is_told_for_what_it_is() -> None:
    truth = ["B-PER I-PER O", "B-LOC O O", "B-PER O O", "O O O", "B-LOC O B-PER"]
    found = ["B-PER O O", "B-PER O O", "O O O", "O B-LOC O", "B-LOC O B-PER"]
    made = names_section(asked(truth, found))
    assert made.sentences[0] == (
        "It finds 2 of 5 names with the right type and both ends; of the 5 names that it gives, 3 are wrong."
    )
    kinds = [row[2:] for row in made.tables[1].rows]
    assert kinds == [
        ["other ends", "PER: a b", "PER: a"],
        ["other type", "LOC: a", "PER: a"],
        ["missed", "PER: a", ""],
        ["no name", "", "LOC: b"],
    ]
    assert not made.warnings


def test_a_tagger_that_learned_from_shuffled_tags_is_called_out() -> None:
    made = names_section(asked(["B-PER O O"] * 100, ["O O B-LOC"] * 100))
    assert any("next to none" in warning for warning in made.warnings)


@pytest.mark.parametrize(("shuffled", "called_out"), [(True, True), (False, False)])
def test_labels_that_do_not_fit_their_texts_are_called_out(shuffled: bool, called_out: bool) -> None:
    random = np.random.default_rng(0)
    truth = random.random((200, 3)) < [0.7, 0.3, 0.2]
    given = np.where(random.permutation(truth) if shuffled else truth, 0.9, 0.1)
    made = labels_section(["text"] * 200, ("a", "b", "c"), given, truth, 0.5)
    assert bool(made.warnings) == called_out


def test_ratios_by_hand() -> None:
    sums = np.array([[2.0, 2.0], [0.0, 2.0], [2.0, 4.0]])
    assert bootstrap_ratio(sums).value == 0.5
    assert paired_ratio(sums, sums).low == paired_ratio(sums, sums).high == 0.0
    better = np.array([[2.0, 2.0], [2.0, 2.0], [4.0, 4.0]])
    assert paired_ratio(sums, better).value == 0.5


def test_a_version_is_better_only_where_chance_is_ruled_out() -> None:
    random = np.random.default_rng(1)
    before = np.stack([random.random(300) < 0.5, np.ones(300)], axis=1).astype(float)
    after = before.copy()
    after[:3, 0] = 1
    assert "may be chance" in versus_section("F1", "a:2", "a:1", before.copy(), before).sentences[0]
    after[:100, 0] = 1
    assert versus_section("F1", "a:2", "a:1", after, before).sentences[0].startswith("a:2 is better")


@pytest.mark.parametrize(("differ", "better"), [(1, False), (5, False), (6, True)])
def test_a_handful_of_rows_that_differ_may_be_chance(differ: int, better: bool) -> None:
    """Resampling five rows that all became better would always find the new version better."""
    before = np.stack([np.zeros(8), np.ones(8)], axis=1)
    after = before.copy()
    after[:differ, 0] = 1
    (verdict,) = versus_section("F1", "a:2", "a:1", after[:differ], before[:differ]).sentences
    assert verdict.startswith("a:2 is better") is better
    documents = np.repeat(np.arange(differ), 4)
    verdict, few = versus_section(
        "F1", "a:2", "a:1", after[:differ].repeat(4, axis=0), before[:differ].repeat(4, axis=0), groups=documents
    ).sentences
    assert verdict.startswith("a:2 is better") is better
    assert (f"no more than {differ} documents" in verdict) is not better
    assert "too narrow" in few


def test_the_answers_that_changed_are_shown_the_worse_first() -> None:
    rows = np.array([[1.0, 1.0]] * 3)
    changed = [
        Changed(2, "b", "x", "y", "x", worse=-1),
        Changed(7, "c", "x", "x", "y", worse=1),
        Changed(8, "d", "x", "y", "z", worse=0),
    ]
    table = versus_section("F1", "a:2", "a:1", rows, rows, changed=changed).tables[0]
    assert table.title == "Answers that changed (3 of 3)"
    assert [(row[0], row[-1]) for row in table.rows] == [(7, "worse"), (8, "different"), (2, "better")]
    many = versus_section("F1", "a:2", "a:1", rows, rows, changed=changed * 100).tables[0]
    assert (many.title, len(many.rows)) == ("Answers that changed (50 of 300)", 50)


def test_sentences_whose_names_changed() -> None:
    truth = ["B-PER I-PER O", "B-LOC O O", "O O O"]
    old, new = asked(truth, ["B-PER O O", "B-LOC O O", "O O O"]), asked(truth, ["B-PER I-PER O", "O O O", "O O O"])
    assert changed_names(new, old) == [
        Changed(1, "a b c", "PER: a b", "PER: a", "PER: a b", worse=-2),
        Changed(2, "a b c", "LOC: a", "LOC: a", "", worse=1),
    ]


def labelled(given: NDArray[np.float64], truth: NDArray[np.bool_], labels: str = "abc", known: int = 3) -> LabelRows:
    return LabelRows([f"text {n}" for n in range(len(truth))], tuple(labels), known, given, truth, 0.5)


def test_texts_whose_labels_changed() -> None:
    truth = np.array([[True, True, False], [False, True, False], [True, False, False]])
    old = labelled(np.array([[0.9, 0.1, 0.1], [0.1, 0.9, 0.1], [0.9, 0.1, 0.1]]), truth)
    # The newer one numbers its labels otherwise.
    new = labelled(np.array([[0.9, 0.9, 0.1], [0.1, 0.1, 0.1], [0.1, 0.9, 0.1]]), truth[:, [1, 0, 2]], "bac")
    assert changed_labels(new, old, [2, 5, 9]) == [
        Changed(2, "text 0", "a, b", "a", "a, b", worse=-1),
        Changed(5, "text 1", "b", "b", "", worse=1),
    ]


TRUTH = np.random.default_rng(5).random((300, 3)) < 0.4


def tagger(*, claimed: float = 0.95, kinds: str = "PER LOC", documents: Sequence[int] = ()) -> TaggedRows:
    """Finds a person and a place in each sentence, wrong in every fortieth place; ``kinds`` are the true types."""
    person, place = kinds.split()
    truth = [[f"B-{person}", "O", f"B-{place}", "O"]] * 300
    found = [["B-PER", "O", "O" if row % 40 == 7 else "B-LOC", "B-LOC" if row % 40 == 7 else "O"] for row in range(300)]
    rest = (1 - claimed) / (len(NAMES) - 1)
    rows = [np.eye(len(NAMES))[[NAMES.index(tag) for tag in tags]] * (claimed - rest) + rest for tags in found]
    sentences = [["Ann", "left", "Rome", str(row)] for row in range(300)]
    return TaggedRows(NAMES, sentences, truth, rows, documents)


def tagged_report(rows: TaggedRows, seen: Callable[[str], bool] = lambda text: False) -> Report:
    return Report("names, version 3", "", [], tag_sections(rows, "test.conll", seen))


def labeller(*, claimed: float = 0.98, renamed: bool = False) -> LabelRows:
    """Gives just the right labels but for every fortieth text; ``renamed``: the data call its third one differently."""
    given = np.where(TRUTH, claimed, 1 - claimed)
    given[7::40, 0] = claimed
    if not renamed:
        return labelled(given, TRUTH)
    none = np.zeros((len(given), 1))
    truth = np.concatenate([TRUTH[:, :2], none.astype(bool), TRUTH[:, 2:]], axis=1)
    return labelled(np.concatenate([given, none], axis=1), truth, "abcd")


def labels_report(rows: LabelRows, seen: Callable[[str], bool] = lambda text: False) -> Report:
    return Report("topics, version 3", "", [], label_sections(rows, "test.csv", seen))


def section(report: Report, key: str) -> Section:
    return next(one for one in report.sections if one.key == key)


def leaked(text: str) -> bool:
    return text.endswith(("1", "2"))


@pytest.mark.parametrize(
    ("report", "answers"),
    [(tagged_report(tagger()), "names"), (labels_report(labeller()), "labels")],
    ids=["tagging", "multi-label"],
)
def test_what_can_be_promised_stands_in_page_json_and_terminal(report: Report, answers: str) -> None:
    promised = section(report, "guarantee")
    assert promised.sentences[2].startswith(f"Giving only {answers} of which it is at least")
    assert "at most 10 % of the texts that get any have a wrong one among them" in promised.sentences[2]
    assert "cannot be promised" in promised.sentences[0]
    assert "all of them hold at once is certain to 85 % at least" in promised.sentences[3]
    assert "a text counts once" in promised.sentences[4]
    assert str(promised.sentences[2]) in render(report)
    assert report.to_dict()["sections"]["guarantee"]["details"]["promises"][2]["threshold"] is not None


def test_nothing_is_promised_from_texts_that_were_trained_on() -> None:
    for report in (tagged_report(tagger(), lambda text: True), labels_report(labeller(), lambda text: True)):
        assert all("cannot be promised: 0 texts" in one for one in section(report, "guarantee").sentences[:3])


def test_of_a_document_one_sentence_counts() -> None:
    promised = section(tagged_report(tagger(documents=[row // 10 for row in range(300)])), "guarantee")
    assert "30 texts that get any are too few" in promised.sentences[2]
    assert promised.sentences[-1].startswith("Of each document one text counts")


def intervals(made: Section) -> list[tuple[float | None, float | None]]:
    return [(one.low, one.high) for one in (*made.figures, *made.charts[0].bars)]


def test_documents_of_one_sentence_written_ten_times_have_the_intervals_of_one_sentence_each() -> None:
    once = tagger()
    lines = [row for row in range(300) for _ in range(10)]
    rows, truth = [once.rows[row] for row in lines], [once.truth[row] for row in lines]
    copied = TaggedRows(NAMES, [once.sentences[row] for row in lines], truth, rows, lines)
    # The two names of a sentence are less alike than chance would have it: for copies alone that can be seen.
    assert np.array(intervals(names_section(copied))) == pytest.approx(
        np.array(intervals(names_section(once))), abs=0.001
    )
    blind = names_section(TaggedRows(NAMES, copied.sentences, truth, rows))
    assert all(one[0] < other[0] for one, other in zip(intervals(names_section(copied)), intervals(blind), strict=True))


@pytest.mark.parametrize(("documents", "known", "few"), [(300, False, False), (30, True, False), (10, True, True)])
def test_documents_are_told_of_where_they_are_known(documents: int, known: bool, few: bool) -> None:
    said = " ".join(names_section(tagger(documents=[row % documents for row in range(300)])).sentences)
    assert ("Those of one document are alike" in said) == known
    assert ("too narrow" in said) == few


def test_two_versions_are_compared_by_documents() -> None:
    before = np.stack([np.arange(300) % 2, np.ones(300)], axis=1).astype(float)
    after = before.copy()
    after[:30, 0] = 1
    documents = np.repeat(np.arange(10), 30)
    assert versus_section("F1", "a:2", "a:1", after, before).sentences[0].startswith("a:2 is better")
    # All that became better stands in one document.
    assert "may be chance" in versus_section("F1", "a:2", "a:1", after, before, groups=documents).sentences[0]


def test_a_threshold_that_was_chosen_on_the_rows_is_said_to_flatter_them() -> None:
    kept, on_file = (label_sections(labeller(), source, None)[0] for source in (KEPT_ASIDE, "test.csv"))
    assert "was chosen on these very rows" in kept.sentences[-1]
    assert not any("very rows" in one for one in on_file.sentences)


def test_macro_f1_has_its_interval() -> None:
    macro = next(one for one in section(labels_report(labeller()), "accuracy").figures if one.name == "Macro-F1")
    assert macro.low is not None
    assert macro.high is not None
    assert macro.low < macro.value < macro.high


def test_probabilities_before_they_were_adjusted_are_told() -> None:
    sections = label_sections(labeller(claimed=0.9), "test.csv", None, temperature=2.0)
    calibration = next(one for one in sections if one.key == "calibration")
    assert "(temperature 2.00)" in calibration.sentences[1]


@pytest.mark.parametrize(
    ("sections_of", "rows"), [(tag_sections, tagger()), (label_sections, labeller())], ids=["tagging", "multi-label"]
)
def test_promises_are_tried_for_the_shares_that_are_asked_for(
    sections_of: Callable[..., list[Section]], rows: TaggedRows | LabelRows
) -> None:
    made = Report("m", "", [], sections_of(rows, "test.csv", None, risks=(0.03, 0.3)))
    assert [one["risk"] for one in section(made, "guarantee").details["promises"]] == [0.03, 0.3]


@pytest.mark.parametrize(
    ("sections_of", "rows"), [(tag_sections, tagger()), (label_sections, labeller())], ids=["tagging", "multi-label"]
)
def test_rows_kept_aside_are_called_so_and_flatter_what_was_adjusted_on_them(
    sections_of: Callable[..., list[Section]], rows: TaggedRows | LabelRows
) -> None:
    kept = Report("m", "", [], sections_of(rows, KEPT_ASIDE, None, temperature=2.0))
    assert section(kept, "rows").sentences[0] == "300 rows that were kept aside from training."
    assert section(kept, "calibration").sentences[-1].startswith("They were adjusted on these very rows")
    on_file = Report("m", "", [], sections_of(rows, "test.csv", None, temperature=2.0))
    assert not any("these very rows" in one for one in section(on_file, "calibration").sentences)
    untouched = Report("m", "", [], sections_of(rows, KEPT_ASIDE, None, temperature=1.0))
    assert not any("these very rows" in one for one in section(untouched, "calibration").sentences)


@pytest.mark.parametrize(
    "report",
    [
        Report("m", "", [], tag_sections(tagger(), KEPT_ASIDE, None, temperature=2.0)),
        Report("m", "", [], label_sections(labeller(), KEPT_ASIDE, None, temperature=2.0)),
        tagged_report(tagger(kinds="PER CITY", documents=[row // 30 for row in range(300)]), leaked),
        tagged_report(tagger(claimed=0.999, kinds="LOC LOC")),
        labels_report(labeller(renamed=True), leaked),
        labels_report(labelled(np.where(TRUTH[:, [1, 0, 2]], 0.999, 0.1), TRUTH)),
    ],
)
def test_all_that_is_said_has_its_chinese(report: Report) -> None:
    rows = np.array([[1.0, 1.0]] * 3)
    changed = [Changed(row, "a", "b", "c", "d", worse) for row, worse in enumerate((-1, 0, 1))]
    compared = versus_section("Entity F1", "a:2", "a:1", rows, rows, changed=changed)
    entries = read_po(io.BytesIO(CATALOGUE.read_bytes()), locale="zh")
    chinese = {str(one.id): str(one.string) for one in entries if one.id and isinstance(one.id, str)}
    lacking = set()

    def look_up(text: str) -> str:
        if text not in chinese and re.search(r"[A-Za-z]{2}", re.sub(r"\{\w+\}", "", text)):
            lacking.add(text)
        return chinese.get(text, text)

    translated(Report(report.title, report.subtitle, report.facts, [compared, *report.sections]), look_up)
    assert not lacking
