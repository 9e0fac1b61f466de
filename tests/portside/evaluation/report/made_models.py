"""One model of each task that answers as it is told to, sound unless it is asked to be otherwise, and its report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from portside.data import Dataset
from portside.data.matching import MatchingDataset
from portside.evaluation.report import matching, multilabel, tagging
from portside.evaluation.report.build import report_on
from portside.evaluation.report.multilabel import LabelRows
from portside.evaluation.report.parts import Report
from portside.evaluation.report.tagging import TaggedRows
from portside.evaluation.scored import Scorer
from portside.inference.outside_gate import EnergyGate
from portside.inference.ranking import Ranked
from portside.records import Example, Judged
from portside.registry import ModelVersion
from portside.tasks.matching import SYSTEMS

ROWS = 300
RANDOM = np.random.default_rng(1)


def nothing_seen(text: str) -> bool:
    return False


def leaked(text: str) -> bool:
    """A fifth of the rows, whose texts end with their numbers."""
    return text.endswith(("1", "2"))


# A classifier.

LABELS = ("card", "fee", "parcel")
TRUTH = [LABELS[n % 3] for n in range(ROWS)]
TEXTS = [f"{'word ' * int(size)}about {TRUTH[n]} {n}" for n, size in enumerate(RANDOM.integers(1, 20, ROWS))]
BY_LENGTH = [LABELS[min(len(text) // 35, 2)] for text in TEXTS]


def subject(text: str) -> str:
    return text.split()[-2]


@dataclass
class Classifier:
    """Answers as ``answer`` says, wrong in every tenth text, always as sure as ``confidence``."""

    answer: Callable[[str], str] = subject
    confidence: float = 0.9
    labels: tuple[str, ...] = LABELS
    model: str = "intents:3"
    gate: EnergyGate | None = None

    def scores(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        out = np.full((len(texts), len(self.labels)), (1 - self.confidence) / (len(self.labels) - 1))
        for row, text in enumerate(texts):
            place = self.labels.index(self.answer(text))
            wrong = text.endswith("7")
            out[row, (place + 1) % len(self.labels) if wrong else place] = self.confidence
        return np.log(out).astype(np.float32), np.zeros((len(texts), 2), dtype=np.float32)


def classified(
    model: Scorer | None = None,
    truth: Sequence[str] = TRUTH,
    seen: Callable[[str], bool] = nothing_seen,
    texts: Sequence[str] = TEXTS,
) -> Report:
    data = Dataset.of([Example(text, label) for text, label in zip(texts, truth, strict=True)], source="test.csv")
    version = ModelVersion("intents", 3, Path("nowhere"), {"summary": "tells intents apart"})
    return report_on(version, model or Classifier(), data, seen=seen)


# A classifier that gives several labels, none of which most texts have.

TOPICS = ("art", "law", "sea", "tea")
TOPICS_OF = RANDOM.random((ROWS, len(TOPICS))) < 0.3
TOPIC_TEXTS = [
    f"{'word ' * int(size)}{' '.join(topic for topic, there in zip(TOPICS, row, strict=True) if there)} {n}"
    for n, (size, row) in enumerate(zip(RANDOM.integers(1, 30, ROWS), TOPICS_OF, strict=True))
]
TOPICS_BY_LENGTH = np.stack([[len(text) > 30 * place for text in TOPIC_TEXTS] for place in range(1, 5)], axis=1)


def labelled(
    given: NDArray[np.bool_] | None = None,
    truth: NDArray[np.bool_] = TOPICS_OF,
    *,
    claimed: float = 0.95,
    known: Sequence[str] = TOPICS,
    texts: Sequence[str] = TOPIC_TEXTS,
    seen: Callable[[str], bool] = nothing_seen,
) -> Report:
    """``given`` are what the model gives, its topics in the order of ``known``; None: the right ones, but for a few."""
    if given is None:
        given = TOPICS_OF.copy()
        given[7::20] = ~given[7::20]
    probabilities = np.where(given, claimed, 1 - claimed)
    labels = tuple(dict.fromkeys((*known, *TOPICS)))
    of_all = np.zeros((len(texts), len(labels)))
    of_all[:, : len(known)] = probabilities
    there = np.zeros((len(texts), len(labels)), dtype=bool)
    there[:, [labels.index(topic) for topic in TOPICS]] = truth
    rows = LabelRows(texts, labels, len(known), of_all, there, 0.5)
    return Report("topics, version 3", "", [], multilabel.sections_of(rows, "test.csv", seen))


# A tagger. Of its sentences some begin with a name, some words in capitals are no names, some names are not.

TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
WORDS = ("the", "a", "man", "saw", "met", "on", "sea", "great", "yesterday", "Monday", "English", "market", "long", "I")
NAMES = {"PER": ("Ann", "Bea", "Jo", "Maximilian", "dana"), "LOC": ("Rome", "Oslo", "York", "ghent", "Philadelphia")}
Tags = list[list[str]]


def _sentence(row: int) -> tuple[list[str], list[str]]:
    words = [*RANDOM.choice(WORDS, int(RANDOM.integers(3, 12))).tolist(), str(row)]
    words[0] = words[0].capitalize()
    tags = ["O"] * len(words)
    for kind in ("PER", "LOC"):
        place = int(RANDOM.integers(0, len(words) - 1))
        words[place], tags[place] = str(RANDOM.choice(NAMES[kind])), f"B-{kind}"
    return words, tags


_MADE = [_sentence(row) for row in range(ROWS)]
SENTENCES, TRUE_TAGS = [words for words, _ in _MADE], [tags for _, tags in _MADE]
GIVEN_TAGS = [["O"] * len(tags) if row % 20 == 7 else tags for row, tags in enumerate(TRUE_TAGS)]
BY_CAPITAL = [["B-PER" if word[0].isupper() else "O" for word in words] for words in SENTENCES]
BY_PLACE = [[{0: "B-PER", 3: "B-LOC"}.get(place, "O") for place in range(len(words))] for words in SENTENCES]
BY_WORD_LENGTH = [["B-LOC" if len(word) > 5 else "O" for word in words] for words in SENTENCES]


def tagged(
    found: Tags = GIVEN_TAGS,
    truth: Tags = TRUE_TAGS,
    *,
    claimed: float = 0.93,
    sentences: Sequence[Sequence[str]] = SENTENCES,
    names: tuple[str, ...] = TAGS,
    seen: Callable[[str], bool] = nothing_seen,
) -> Report:
    rest = (1 - claimed) / (len(names) - 1)
    rows = [np.eye(len(names))[[names.index(tag) for tag in tags]] * (claimed - rest) + rest for tags in found]
    made = tagging.sections_of(TaggedRows(names, sentences, truth, rows), "test.conll", seen)
    return Report("names, version 3", "", [], made)


# A matcher: ten queries for each of thirty documents, among ninety others of all lengths.

DOCUMENTS = {f"d{n}": f"{'word ' * int(size)}{n}" for n, size in enumerate(RANDOM.permutation(120) + 1)}
QUERIES = {f"q{n}": f"{'ask ' * int(size)}{n}" for n, size in enumerate(RANDOM.integers(1, 60, ROWS))}
ANSWERS = {f"q{n}": f"d{n % 30}" for n in range(ROWS)}
Orders = Mapping[str, Sequence[str]]


def ordered(first: Callable[[str], str], documents: Sequence[str] = tuple(DOCUMENTS)) -> dict[str, list[str]]:
    """Each query's documents: the one that ``first`` says, then all others, in an order of its own."""
    out = {}
    for query in QUERIES:
        others = [one for one in RANDOM.permutation(np.array(documents)).tolist() if one != first(query)]
        out[query] = [first(query), *others]
    return out


def answered(query: str) -> str:
    """The right document, but for every seventh query."""
    return ANSWERS[query] if int(query[1:]) % 7 else "d99"


def by_length(query: str, sign: int) -> list[str]:
    return sorted(DOCUMENTS, key=lambda one: sign * len(DOCUMENTS[one]))


def by_nearest_length(query: str) -> list[str]:
    return sorted(DOCUMENTS, key=lambda one: abs(len(DOCUMENTS[one]) - len(QUERIES[query])))


JUDGED = MatchingDataset(
    DOCUMENTS, QUERIES, tuple(Judged(query, right, 1.0) for query, right in ANSWERS.items()), "test.csv"
)


def judged(answers: Mapping[str, str]) -> MatchingDataset:
    return replace(JUDGED, judged=tuple(Judged(query, right, 1.0) for query, right in answers.items()))


def matched(
    orders: Orders | None = None,
    dataset: MatchingDataset = JUDGED,
    seen: Callable[[str], bool] = nothing_seen,
    words: Orders | None = None,
) -> Report:
    """``words`` is how plain words rank; None: one document first for all, far worse than any model."""
    own = ordered(answered) if orders is None else orders
    plain = ordered(lambda query: "d99") if words is None else words
    orders_of = {
        system: {query: [*order] for query, order in (plain if system == "keywords" else own).items()}
        for system in SYSTEMS
    }
    near = {system: {query: 1 - place / ROWS for place, query in enumerate(dataset.queries)} for system in SYSTEMS}
    found = Ranked(orders_of, len(dataset.documents), near)
    return Report("answers, version 3", "", [], matching.sections_of(found, "hybrid", dataset, seen))
