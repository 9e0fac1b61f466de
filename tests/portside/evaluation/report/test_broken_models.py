"""A deliberately broken model is called out in words, whatever its task, and a sound one is not."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from portside.evaluation.report.parts import Report
from portside.said import Said
from portside.tasks.spec import find_tasks
from tests.portside.evaluation.report.made_models import (
    ANSWERS,
    BY_CAPITAL,
    BY_LENGTH,
    BY_PLACE,
    BY_WORD_LENGTH,
    GIVEN_TAGS,
    LABELS,
    QUERIES,
    ROWS,
    TEXTS,
    TOPIC_TEXTS,
    TOPICS_BY_LENGTH,
    TOPICS_OF,
    TRUE_TAGS,
    TRUTH,
    Classifier,
    answered,
    by_length,
    by_nearest_length,
    classified,
    judged,
    labelled,
    leaked,
    matched,
    ordered,
    subject,
    tagged,
)

CATALOGUE = Path(__file__).parents[4] / "shared" / "portside_ui" / "locale" / "zh.po"


@dataclass(frozen=True)
class Broken:
    """A report on a broken model, and what one of its warnings has to say."""

    report: Callable[[], Report]
    says: str


@dataclass(frozen=True)
class Hole:
    """Why a task cannot have the fault."""

    reason: str


FAULTS = (
    "shuffled labels",
    "leaked test rows",
    "over-confident scores",
    "a renamed class",
    "only looks at length",
)
ANEW = np.random.default_rng(2).permutation(ROWS)
OTHER_ANSWERS = dict(zip(QUERIES, [ANSWERS[f"q{row}"] for row in ANEW], strict=True))
MIXED_LABELS, MIXED_TAGS = [TRUTH[row] for row in ANEW], [TRUE_TAGS[row] for row in ANEW]
# Of sentences of one length, so that as many words have a tag as before.
SAME_LENGTH = {len(tags): [row for row, other in enumerate(TRUE_TAGS) if len(other) == len(tags)] for tags in TRUE_TAGS}
NEXT = {row: rows[(place + 1) % len(rows)] for rows in SAME_LENGTH.values() for place, row in enumerate(rows)}
SHUFFLED_TAGS = [TRUE_TAGS[NEXT[row]] for row in range(ROWS)]
ONE_WRONG = np.where(np.arange(len(TOPICS_OF))[:, None] % 3 == 0, ~TOPICS_OF, TOPICS_OF)
THIRD_MISSED = [[tag.replace("LOC", "PER") for tag in tags] for tags in GIVEN_TAGS]
CITIES = [[tag.replace("LOC", "CITY") for tag in tags] for tags in TRUE_TAGS]
# The model ranks a document of its own first where the judgements name d3.
OWN_FIRST = lambda query: "further 1" if ANSWERS[query] == "d3" else answered(query)  # noqa: E731

TABLE: dict[str, dict[str, Sequence[Broken] | Hole]] = {
    "classification": {
        "shuffled labels": [Broken(lambda: classified(truth=MIXED_LABELS), "no better than always answering")],
        "leaked test rows": [Broken(lambda: classified(seen=leaked), "60 of 300 rows have a text that")],
        "over-confident scores": [Broken(lambda: classified(Classifier(confidence=0.999)), "surer than it is right")],
        "a renamed class": [
            Broken(lambda: classified(truth=["charge" if one == "fee" else one for one in TRUTH]), "know as 'fee'")
        ],
        "only looks at length": [
            Broken(lambda: classified(Classifier(dict(zip(TEXTS, BY_LENGTH, strict=True)).__getitem__)), "how long"),
            # Where the length tells the labels of these very rows, too: nobody would notice by the figures.
            Broken(
                lambda: classified(Classifier(dict(zip(TEXTS, BY_LENGTH, strict=True)).__getitem__), truth=BY_LENGTH),
                "how long a text is",
            ),
        ],
    },
    "multilabel": {
        "shuffled labels": [Broken(lambda: labelled(truth=TOPICS_OF[ANEW]), "no better than")],
        "leaked test rows": [Broken(lambda: labelled(seen=leaked), "60 of 300 rows (20.0 %) have a text that")],
        "over-confident scores": [Broken(lambda: labelled(ONE_WRONG, claimed=0.999), "surer than it is right")],
        "a renamed class": [
            Broken(lambda: labelled(known=("art", "law", "ocean", "tea")), "call 'sea' what the model seems to know as")
        ],
        "only looks at length": [
            Broken(lambda: labelled(TOPICS_BY_LENGTH), "how long a text is"),
            Broken(lambda: labelled(TOPICS_BY_LENGTH, truth=TOPICS_BY_LENGTH), "how long a text is"),
        ],
    },
    "tagging": {
        "shuffled labels": [Broken(lambda: tagged(truth=SHUFFLED_TAGS), "no better than those of other sentences")],
        "leaked test rows": [Broken(lambda: tagged(seen=leaked), "60 of 300 rows (20.0 %) have a text that")],
        "over-confident scores": [Broken(lambda: tagged(THIRD_MISSED, claimed=0.999), "surer than it is right")],
        "a renamed class": [Broken(lambda: tagged(truth=CITIES), "call 'CITY' what the model seems to know as 'LOC'")],
        # What a text's length is to a classifier, a word's capitals, place and length are to a tagger.
        "only looks at length": [
            Broken(lambda: tagged(BY_CAPITAL), "how a word is written"),
            Broken(lambda: tagged(BY_PLACE), "how a word is written"),
            Broken(lambda: tagged(BY_WORD_LENGTH), "how a word is written"),
        ],
    },
    "matching": {
        "shuffled labels": [
            Broken(lambda: matched(dataset=judged(OTHER_ANSWERS)), "no better than an order drawn at random")
        ],
        "leaked test rows": [Broken(lambda: matched(seen=leaked), "60 of 300 rows (20.0 %) have a text that")],
        "over-confident scores": Hole(
            "It claims no probability: a cosine orders queries and says nothing of how many of them are right. What "
            "may be promised from a cosine on is measured on the rows, and the report says so."
        ),
        # Judgements of ids that no document has are refused as soon as they are read: see tests/portside/data.
        "a renamed class": [
            Broken(lambda: matched(ordered(OWN_FIRST)), "another id? Then name that in the judgements"),
            Broken(
                lambda: matched(dataset=judged({**ANSWERS, **{q: "d77" for q, d in ANSWERS.items() if d == "d3"}})),
                "The judgements name 'd77' for 10 queries",
            ),
        ],
        "only looks at length": [
            Broken(lambda: matched({query: by_length(query, 1) for query in QUERIES}), "the shorter come first"),
            Broken(lambda: matched({query: by_length(query, -1) for query in QUERIES}), "the longer come first"),
            Broken(lambda: matched({query: by_nearest_length(query) for query in QUERIES}), "about as long as"),
            # The same few documents, the longest, whatever the query; what follows them is drawn by chance.
            Broken(
                lambda: matched(ordered(lambda query: by_length(query, -1)[int(query[1:]) % 3])),
                "hardly looks at the query: for 3",
            ),
        ],
    },
}
SOUND = {"classification": classified, "multilabel": labelled, "tagging": tagged, "matching": matched}
CASES = [
    pytest.param(each, id=f"{task}, {fault}" + (f" {place}" if len(broken) > 1 else ""))
    for task, faults in TABLE.items()
    for fault, broken in faults.items()
    if not isinstance(broken, Hole)
    for place, each in enumerate(broken, start=1)
]


@pytest.fixture(scope="module")
def chinese() -> Catalog:
    return read_po(io.BytesIO(CATALOGUE.read_bytes()), locale="zh")


def test_no_task_and_no_fault_is_forgotten() -> None:
    tasks = {task.name for task in find_tasks()}
    assert set(TABLE) == set(SOUND) == tasks, "give the new task its faults in TABLE, and a sound model in SOUND"
    for task, faults in TABLE.items():
        assert set(faults) == set(FAULTS), f"say of each fault how {task} calls it out, or why it cannot (Hole)"
        assert all(len(one.reason) > 20 if isinstance(one, Hole) else one for one in faults.values())


@pytest.mark.parametrize("broken", CASES)
def test_each_fault_is_called_out(broken: Broken) -> None:
    warnings = broken.report().warnings
    assert any(broken.says in warning for warning in warnings), warnings


@pytest.mark.parametrize("broken", CASES)
def test_what_is_called_out_has_its_chinese(broken: Broken, chinese: Catalog) -> None:
    templates = [warning.template if isinstance(warning, Said) else warning for warning in broken.report().warnings]
    assert not [template for template in templates if template not in chinese]


@pytest.mark.parametrize("task", SOUND)
def test_a_sound_model_has_no_fault(task: str) -> None:
    assert SOUND[task]().warnings == []


def test_a_matcher_says_that_its_cosines_are_no_probabilities() -> None:
    (promised,) = [one for one in matched().sections if one.key == "guarantee"]
    assert "A cosine is no probability: it only orders the queries, from the surest down." in promised.sentences


@pytest.mark.parametrize("task", TABLE)
@pytest.mark.parametrize("fault", ["leaked test rows", "a renamed class"])
def test_nobody_is_sent_to_look_for_another_fault(task: str, fault: str) -> None:
    broken = TABLE[task][fault]
    for one in () if isinstance(broken, Hole) else broken:
        told = " ".join(one.report().warnings)
        others = ("shuffled", "same rows", "at little but", "hardly looks", "surer than it is right")
        assert not any(words in told for words in others), told


def test_every_row_of_unknown_labels_still_makes_a_report() -> None:
    found = classified(truth=["weather"] * ROWS)
    assert [section.key for section in found.sections] == ["rows"]
    assert "knows no label of these rows ('weather')" in found.warnings[0]


@pytest.mark.parametrize(("known", "left"), [(300, 0), (200, 100)])
def test_nothing_is_promised_from_texts_that_were_trained_on(known: int, left: int) -> None:
    """All right where it was trained on, wrong elsewhere: whoever counts both promises what does not hold."""
    learned = set(TEXTS[:known])
    model = Classifier(lambda text: subject(text) if text in learned else "fee")
    made = classified(model, seen=learned.__contains__)
    (promised,) = [one for one in made.sections if one.key == "guarantee"]
    assert all("cannot be promised" in one for one in promised.sentences[:3])
    assert [one["n"] for one in promised.details["promises"]] == [left] * 3
    assert any(
        f"{known} rows whose text the model was trained on do not count here" in one for one in promised.sentences
    )
    assert bool(promised.charts) == bool(left)


def test_labels_that_go_with_the_length_are_no_fault_of_a_model_that_reads() -> None:
    """Greetings are short and complaints long: a model that is right where the length is not has read the words."""
    noise = np.random.default_rng(3).random(ROWS) < 0.2
    truth = [LABELS[(LABELS.index(one) + 1) % 3] if odd else one for one, odd in zip(BY_LENGTH, noise, strict=True)]
    assert classified(Classifier(dict(zip(TEXTS, truth, strict=True)).__getitem__), truth=truth).warnings == []
    several = np.where(noise[:, None], ~TOPICS_BY_LENGTH, TOPICS_BY_LENGTH)
    assert labelled(several, truth=several, texts=TOPIC_TEXTS).warnings == []
