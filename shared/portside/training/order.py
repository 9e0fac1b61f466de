"""The order in which training sees its rows: texts of like length share a batch, batches come at random."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

__all__ = ["LengthGrouped"]

BATCHES_SORTED_TOGETHER = 50
"""Enough for batches of nearly equal length, few enough that a batch's company changes from epoch to epoch."""


class LengthGrouped:
    """Places of rows for one epoch after another; the same for the same ``seed`` and ``epoch``, resumed or not.

    transformers' own length grouping runs from long to short inside each group and draws from the global random
    state; here batches are shuffled and the order depends on nothing else.
    """

    def __init__(self, lengths: Sequence[int], batch_size: int, *, seed: int) -> None:
        self._lengths = lengths
        self._batch_size = batch_size
        self._seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        rng = random.Random(f"{self._seed}/{self.epoch}")
        places = list(range(len(self._lengths)))
        rng.shuffle(places)
        size, group = self._batch_size, self._batch_size * BATCHES_SORTED_TOGETHER
        batches: list[list[int]] = []
        for start in range(0, len(places), group):
            together = sorted(places[start : start + group], key=lambda place: self._lengths[place])
            batches += [together[at : at + size] for at in range(0, len(together), size)]
        # Only the last batch may be short: the loader cuts the sequence into batches of equal size.
        short = [batches.pop()] if batches and len(batches[-1]) < size else []
        rng.shuffle(batches)
        return iter([place for batch in batches + short for place in batch])
