"""Choose the ranking weights on a validation period, by the NDCG of the lists they make.

Pure: the shelf must be made of events before the period, the cases of events in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from portside_recommend.behaviour import popularity
from portside_recommend.choices import Choices
from portside_recommend.config import EvaluationConfig, RankingWeights
from portside_recommend.judging import Case, outcome
from portside_recommend.ranking import SIGNALS, alike, signal
from portside_recommend.shelf import Shelf

__all__ = ["LOUDNESS", "SHAPES", "Tuned", "choose_weights"]

SHAPES: dict[str, tuple[float, ...]] = {
    "popular_days": (0.0, 90.0, 30.0, 14.0, 7.0),
    "decay": (1.0, 0.99, 0.97, 0.93, 0.85, 0.7, 0.55),
    "power": (2.0, 4.0, 6.0, 8.0),
}
"""What a signal says: each value means computing it again."""
LOUDNESS: dict[str, tuple[float, ...]] = {
    "together": (0.0, 0.25, 0.5, 1.0, 2.0),
    "following": (0.0, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0),
    "popular": (0.0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5),
    # Never 0: words are all that speaks for an item that was added a moment ago.
    "text": (0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0),
}
"""How much a signal counts: cheap to try."""
DRAWN = 60
"""Random settings of the loudness from which the best start is taken: going up from one start stops too early."""
ROUNDS = 2
LIKENESS_BYTES = 500_000_000
"""What the likeness of all cases may take; computing it anew for each setting takes ten times as long."""


@dataclass(frozen=True)
class Tuned:
    """The weights chosen, with the figure they were chosen by."""

    weights: RankingWeights
    ndcg: float
    before: float
    """NDCG of the weights that the search began with."""
    cases: int
    tried: int


def choose_weights(
    shelf: Shelf,
    choices: Choices,
    cases: Sequence[Case],
    config: EvaluationConfig,
    *,
    history_length: int,
    near: bool = False,
) -> Tuned:
    """Search from the shelf's own weights: random loudness, then shapes and loudness in turn, each value by itself.

    ``choices`` are those that the shelf's behaviour was learned from: popularity is counted anew for each window.
    ``near``: the shelf's weights are good ones for a like shelf; only climb from them.
    """
    rng = np.random.default_rng(config.seed)
    drawn = np.sort(rng.permutation(len(cases))[: config.max_tuning_cases])
    sample = [replace(cases[place], history=cases[place].history.newest(history_length)) for place in drawn]
    search = _Search(_Bench(shelf, choices, sample, config.k), shelf.weights)
    before = search.figure
    for _ in range(0 if near else DRAWN):
        search.try_values({name: float(rng.choice(values)) for name, values in LOUDNESS.items()})
    for _ in range(ROUNDS):
        climbed = search.figure
        search.climb(LOUDNESS)
        search.climb(SHAPES)
        search.climb(LOUDNESS)
        if search.figure == climbed:
            break
    return Tuned(search.best, search.figure, before, len(sample), search.tried)


class _Search:
    """The best weights so far and their figure."""

    def __init__(self, bench: _Bench, start: RankingWeights) -> None:
        self._bench = bench
        self.best, self.figure, self.tried = start, bench.figure(start), 1

    def try_values(self, values: Mapping[str, float]) -> None:
        """Take these values if they make better lists."""
        trial = replace(self.best, **values)
        figure = self._bench.figure(trial)
        self.tried += 1
        if figure > self.figure:
            self.best, self.figure = trial, figure

    def climb(self, grid: Mapping[str, Sequence[float]]) -> None:
        """Try every value of the grid, one name after the other."""
        for name, values in grid.items():
            start = getattr(self.best, name)
            for value in values:
                if value != start:
                    self.try_values({name: value})


class _Bench:
    """Scores the same cases under many weights; each signal is computed once for each shape it can take."""

    def __init__(self, shelf: Shelf, choices: Choices, cases: Sequence[Case], k: int) -> None:
        self._shelf, self._choices, self._cases, self._k = shelf, choices, cases, k
        every = np.arange(len(shelf))
        self._unseen = [np.setdiff1d(every, case.history.seen) for case in cases]
        self._kept: dict[str, tuple[tuple[float, ...], list[NDArray[np.float32]]]] = {}
        self._likeness = self._compared()

    def _compared(self) -> list[NDArray[np.float16]] | None:
        """Likeness of unseen to past items for each case: the same for every weight. None where it takes too much."""
        sizes = (2 * len(rows) * len(case.history.items) for rows, case in zip(self._unseen, self._cases, strict=True))
        if sum(sizes) > LIKENESS_BYTES:
            return None
        vectors = self._shelf.vectors
        return [
            alike(vectors[rows], vectors[case.history.items]).astype(np.float16)
            for rows, case in zip(self._unseen, self._cases, strict=True)
        ]

    def figure(self, weights: RankingWeights) -> float:
        """Mean NDCG of the lists under ``weights``."""
        loud = {name: getattr(weights, name) for name in SIGNALS if getattr(weights, name) > 0}
        parts = {name: self._signal(name, weights) for name in loud}
        lists = []
        for place, rows in enumerate(self._unseen):
            total = np.zeros(len(rows), dtype=np.float32)
            for name, loudness in loud.items():
                total += np.float32(loudness) * parts[name][place]
            top = min(self._k, len(total))
            best = np.argpartition(-total, top - 1)[:top] if top else np.zeros(0, dtype=np.int64)
            lists.append(rows[best[np.argsort(-total[best], kind="stable")]])
        return float(outcome(lists, self._cases, self._k).ndcg.mean())

    def _signal(self, name: str, weights: RankingWeights) -> list[NDArray[np.float32]]:
        shape: dict[str, tuple[float, ...]] = {
            "text": (weights.decay, weights.power),
            "together": (weights.decay,),
            "following": (),
            "popular": (weights.popular_days,),
        }
        # The search moves one coordinate at a time: the latest shape of each signal is all that is worth keeping.
        if name not in self._kept or self._kept[name][0] != shape[name]:
            shelf = self._shelf
            if name == "popular":
                shelf = replace(shelf, popular=popularity(self._choices, days=weights.popular_days))
            known: Sequence[NDArray[np.float16] | None] = self._likeness or [None] * len(self._cases)
            lines = [
                signal(name, shelf, case.history, rows, weights, likeness=line)
                for case, rows, line in zip(self._cases, self._unseen, known, strict=True)
            ]
            self._kept[name] = (shape[name], lines)
        return self._kept[name][1]
