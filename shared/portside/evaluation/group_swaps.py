"""Texts that differ in nothing but which group they name, and what that changes in a model's probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portside.evaluation.perturbations import WordTable
from portside.said import said

__all__ = ["Bias", "compare_groups", "paired_interval", "swap_groups"]


@dataclass(frozen=True)
class Bias:
    """The largest difference that naming one group or another makes to a label's mean probability."""

    n: int
    """Texts, each in a version for every group."""
    first: str
    second: str
    label: str
    difference: float
    """Mean probability of ``label`` in the versions for ``second`` minus that in those for ``first``."""
    interval: tuple[float, float] | None
    """Paired, of 95 % over all comparisons together; None for a single text."""
    comparisons: int
    """Pairs of groups times labels that the largest was chosen from."""
    means: Mapping[str, float]
    """Group -> mean probability of ``label``."""

    @property
    def shown(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.interval is not None and not self.interval[0] <= 0 <= self.interval[1]

    @property
    def sentence(self) -> str:
        """What it means."""
        what = said(
            "The largest difference is in the probability of {label}: {points} points for {second} against {first}",
            label=self.label,
            points=f"{100 * self.difference:+.1f}",
            second=self.second,
            first=self.first,
        )
        if self.interval is None:
            return said("{what}; one text is too few to say whether that is chance.", what=what)
        low, high = (f"{100 * end:+.1f}" for end in self.interval)
        many = said(" over {count} comparisons", count=f"{self.comparisons:,}") if self.comparisons > 1 else ""
        verdict = said("more than chance") if self.shown else said("which may be chance")
        sentence = "{what} (95 % interval{over} {low} to {high}, n = {n}), {verdict}."
        return said(sentence, what=what, over=many, low=low, high=high, n=f"{self.n:,}", verdict=verdict)

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {
            "n": self.n,
            "first": self.first,
            "second": self.second,
            "label": self.label,
            "difference": self.difference,
            "interval": None if self.interval is None else list(self.interval),
            "comparisons": self.comparisons,
            "means": dict(self.means),
            "shown": self.shown,
        }


def swap_groups(text: str, groups: Mapping[str, Sequence[str]]) -> list[str]:
    """The text in a version for each group, in their order; none where it names no group.

    Every word of any group becomes the word at the same place of the version's group; a word at two places of its
    group stands for the first.
    """
    names = tuple(groups)
    table = _table(tuple(word for name in names for word in groups[name]))
    if not table.found(text):
        return []
    size = len(groups[names[0]])
    return [table.replace(text, lambda place, words=groups[name]: words[place % size]) for name in names]  # type: ignore[misc]


@lru_cache(maxsize=16)
def _table(words: tuple[str, ...]) -> WordTable:
    return WordTable(words)


def compare_groups(
    versions: Sequence[Sequence[Mapping[str, float]]], groups: Sequence[str], labels: Sequence[str]
) -> Bias:
    """The largest difference between two groups in the mean probability of a label.

    ``versions``: for each text the probabilities of its version for each of ``groups``; at least one text. The interval
    is Bonferroni's over all pairs of groups and ``labels``, for the largest is chosen from them. Of two labels whose
    probabilities sum to 1 one says all.
    """
    # (texts, groups, labels)
    table = np.array([[[one[label] for label in labels] for one in each] for each in versions], dtype=np.float64)
    looked_at = labels[-1:] if len(labels) == 2 and np.allclose(table.sum(axis=2), 1) else labels
    table = table[:, :, -len(looked_at) :]
    pairs = list(combinations(range(len(groups)), 2))
    comparisons = len(pairs) * len(looked_at)
    differences = np.stack([table[:, second] - table[:, first] for first, second in pairs], axis=1)
    pair, label = np.unravel_index(np.abs(differences.mean(axis=0)).argmax(), differences.shape[1:])
    first, second = pairs[int(pair)]
    chosen = differences[:, pair, label]
    return Bias(
        n=len(table),
        first=groups[first],
        second=groups[second],
        label=looked_at[int(label)],
        difference=float(chosen.mean()),
        interval=paired_interval(chosen, comparisons=comparisons),
        comparisons=comparisons,
        means={name: float(table[:, place, label].mean()) for place, name in enumerate(groups)},
    )


def paired_interval(differences: NDArray[np.float64], *, comparisons: int = 1) -> tuple[float, float] | None:
    """Student's 95 % interval of the mean of paired differences, shape (pairs,); None of fewer than two.

    Of several ``comparisons`` each gets its share of the 5 % (Bonferroni).
    """
    from scipy.stats import t

    n = len(differences)
    if n < 2:
        return None
    margin = float(t.ppf(1 - 0.025 / comparisons, n - 1)) * float(differences.std(ddof=1)) / np.sqrt(n)
    mean = float(differences.mean())
    return mean - float(margin), mean + float(margin)
