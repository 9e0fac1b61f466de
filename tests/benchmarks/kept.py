"""Whether "at most x % wrong" is kept: rows cut in halves at random, one to promise by and one to check on.

A half that nothing could be promised on has kept nothing: it is counted beside the others, and answers nothing. Halves
share no text: rows and answers that belong together stand in the same one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from portside.evaluation.answers import Answers
from portside.evaluation.risk import RISKS, promise_risk, promise_texts
from portside.training.seen import text_hash

__all__ = ["HEAD", "SPLITS", "TEXTS_HEAD", "Tally", "alike", "halves", "tally", "tally_texts", "text_rows"]

SPLITS = 100
HEAD = [
    "set",
    "rows a half",
    "at most wrong %",
    "promised in",
    "kept in",
    "answered %, where promised",
    "answered %, of all halves",
    "wrong among them %",
]
TEXTS_HEAD = [
    "set",
    "texts a half",
    "at most % of texts with a wrong one",
    "promised in",
    "kept in",
    "given %, where promised",
    "given %, of all halves",
    "texts with a wrong one %",
]
"""Of answers of which a text may have several: the texts are those that get any."""

Outcome = Callable[[NDArray[np.bool_], NDArray[np.bool_]], "tuple[float, float] | None"]
"""Of the rows to promise by and those to check on: share answered, share wrong; None where nothing is promised."""


@dataclass(frozen=True)
class Tally:
    """What came of promises on many halves."""

    splits: int
    kept: int
    answered: Sequence[float]
    """Share of the other half that was answered, of each split with a promise."""
    wrong: Sequence[float]
    """Share of wrong answers among them; of texts that get several, of those with a wrong one."""

    @property
    def promised(self) -> int:
        """Splits on which something could be promised."""
        return len(self.answered)

    def cells(self) -> list[str]:
        """Of the table."""
        promised = f"{self.promised} of {self.splits}"
        if not self.promised:
            return [promised, "–", "–", "0.0", "–"]
        return [
            promised,
            f"{self.kept} of {self.promised}",
            f"{100 * np.mean(self.answered):.1f}",
            f"{100 * sum(self.answered) / self.splits:.1f}",
            f"{100 * np.mean(self.wrong):.1f}",
        ]


def alike(texts: Sequence[str]) -> NDArray[np.int64]:
    """A number for each text, the same for texts that differ in case and spacing alone: they go into one half."""
    return np.array([text_hash(text) for text in texts], dtype=np.int64)


def tally(
    confidence: NDArray[np.floating],
    right: NDArray[np.bool_],
    risk: float,
    splits: int = SPLITS,
    seed: int = 0,
    *,
    groups: NDArray[np.integer] | None = None,
) -> Tally:
    """Promise on ``splits`` random halves of the rows, and look at the other halves.

    ``groups`` says of each row what it belongs to, None: each stands for itself.
    """

    def outcome(given: NDArray[np.bool_], asked: NDArray[np.bool_]) -> tuple[float, float] | None:
        promise = promise_risk(confidence[given], right[given], risk=risk)
        if promise.threshold is None:
            return None
        chosen = asked & (confidence >= promise.threshold)
        return _share(chosen.sum(), asked.sum()), _share((chosen & ~right).sum(), chosen.sum())

    return _tally(np.arange(len(right)) if groups is None else groups, risk, splits, seed, outcome)


def tally_texts(
    answers: Answers, groups: NDArray[np.integer], risk: float, splits: int = SPLITS, seed: int = 0
) -> Tally:
    """As ``tally``, of answers of which a text may have several; ``groups`` has an entry for each text asked about."""

    def outcome(given: NDArray[np.bool_], asked: NDArray[np.bool_]) -> tuple[float, float] | None:
        confidence, right, text = answers.confidence, answers.right, answers.text
        promise = promise_texts(confidence[given], right[given], text[given], risk=risk)
        if promise.threshold is None:
            return None
        chosen = asked & (confidence >= promise.threshold)
        slips = len(np.unique(text[chosen & ~right]))
        return _share(chosen.sum(), asked.sum()), _share(slips, len(np.unique(text[chosen])))

    return _tally(groups[answers.text], risk, splits, seed, outcome)


def text_rows(name: str, answers: Answers, texts: Sequence[str], splits: int = SPLITS) -> Iterator[list[object]]:
    """Lines of the table of texts with several answers, one for each risk that a report tries.

    ``answers`` are those that promises are made from; ``texts`` all that were asked about.
    """
    half, groups = len(np.unique(answers.text)) // 2, alike(texts)
    for risk in RISKS:
        yield [name, half, f"{100 * risk:g}", *tally_texts(answers, groups, risk, splits).cells()]


def halves(
    groups: NDArray[np.integer], splits: int, seed: int
) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Rows to promise by and rows to check on, shape (rows,) each; those of one group stand in the same half."""
    random = np.random.default_rng(seed)
    whole, whose = np.unique(groups, return_inverse=True)
    for _ in range(splits):
        first = np.zeros(len(whole), dtype=bool)
        first[random.permutation(len(whole))[: len(whole) // 2]] = True
        yield first[whose], ~first[whose]


def _tally(groups: NDArray[np.integer], risk: float, splits: int, seed: int, outcome: Outcome) -> Tally:
    kept, answered, wrong = 0, [], []
    for given, asked in halves(groups, splits, seed):
        found = outcome(given, asked)
        if found is None:
            continue
        kept += found[1] <= risk
        answered.append(found[0])
        wrong.append(found[1])
    return Tally(splits, kept, answered, wrong)


def _share(some: int, of: int) -> float:
    return float(some / of) if of else 0.0
