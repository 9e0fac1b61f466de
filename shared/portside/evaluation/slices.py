"""Parts of the rows on which a classifier is worse than on the rest. Pure decisions."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from portside.data.words import split_words
from portside.evaluation.alike import part_and_rest
from portside.evaluation.intervals import wilson
from portside.evaluation.scored import Scored
from portside.evaluation.significance import SIGNIFICANT, holm
from portside.said import said

__all__ = [
    "Slice",
    "compare_slices",
    "part_slices",
    "rare_rows",
    "slices_of",
    "text_slices",
    "word_count",
]

FEWEST = 10
"""Rows of a slice below which nothing is said of it."""
RARE = 0.2
"""Share of the rows that the rarest labels hold together."""
OTHER_SCRIPT = 0.1
"""Share of letters of another script from which a text is not in Latin letters alone."""


@dataclass(frozen=True)
class Slice:
    """Some of the rows, against all others."""

    name: str
    n: int
    accuracy: float
    low: float
    """Of Wilson's 95 % interval; wider where rows are alike."""
    high: float
    rest: float
    """Accuracy on all other rows."""
    p_worse: float
    """Chance of so bad a result where the slice is no harder than the rest: Fisher's exact test, corrected by Holm for
    the number of slices that were looked at."""

    @property
    def worse(self) -> bool:
        """Whether it is worse by more than chance."""
        return self.p_worse < SIGNIFICANT


def slices_of(scored: Scored) -> dict[str, NDArray[np.bool_]]:
    """Masks of shape (n,) by name: by length, rare labels, script, where the rows come from, and each label."""
    found = text_slices(scored.texts)
    found[said("rare labels")] = rare_rows(scored.truth[:, None] == np.arange(len(scored.labels)))
    found |= part_slices(scored.parts)
    for place, label in enumerate(scored.labels):
        found[said("label '{label}'", label=label)] = scored.truth == place
    return found


def part_slices(parts: Mapping[str, Sequence[str]]) -> dict[str, NDArray[np.bool_]]:
    """Masks of shape (rows,) by name: each value of each column that says where rows come from."""
    found: dict[str, NDArray[np.bool_]] = {}
    for column, values in parts.items():
        for value in sorted(set(values)):
            name = (
                said("{column} '{value}'", column=column, value=value) if value else said("no {column}", column=column)
            )
            found[name] = np.array([each == value for each in values])
    return found


def word_count(text: str) -> int:
    """Words of a text; every Chinese or Japanese character counts as one, signs count as none."""
    return sum(any(map(str.isalnum, word.text)) for word in split_words(text))


def text_slices(texts: Sequence[str]) -> dict[str, NDArray[np.bool_]]:
    """Masks of shape (texts,) by name: what can be told from the texts alone, of any task."""
    lengths = np.array([word_count(text) for text in texts])
    # Where many texts are as long as the longest, these are the long ones.
    short, long = np.minimum(np.quantile(lengths, [1 / 3, 2 / 3]), lengths.max() - 1)
    return {
        said("short texts (up to {n} words)", n=f"{short:.0f}"): lengths <= short,
        said("long texts (over {n} words)", n=f"{long:.0f}"): lengths > long,
        said("texts with digits"): np.array([any(sign.isdigit() for sign in text) for text in texts]),
        said("texts in capitals"): np.array([text.isupper() for text in texts]),
        said("texts in other than Latin letters"): np.array([_other_script(text) for text in texts]),
    }


def compare_slices(
    right: NDArray[np.bool_], slices: Mapping[str, NDArray[np.bool_]], groups: NDArray[np.integer] | None = None
) -> list[Slice]:
    """Each slice against the rest, the worst first; those of too few rows, or of nearly all, are left out.

    ``groups`` says of each row which it belongs to, as a name to its sentence: rows of one group are alike, and count
    as the fewer independent ones that tell as much. None: each row stands for itself.
    """
    n, hits = len(right), int(right.sum())
    kept = {name: mask for name, mask in slices.items() if FEWEST <= int(mask.sum()) <= n - FEWEST}
    whose = None if groups is None else np.unique(groups, return_inverse=True)[1]
    apart = {name: part_and_rest(right, mask, whose) for name, mask in kept.items()}
    found = []
    for (name, each), chance in zip(apart.items(), holm([one.p_worse for one in apart.values()]), strict=True):
        rows, good = int(kept[name].sum()), int(right[kept[name]].sum())
        doubt = wilson(each.right, each.rows)
        found.append(Slice(name, rows, good / rows, *doubt, (hits - good) / (n - rows), chance))
    return sorted(found, key=lambda one: (one.p_worse, one.accuracy - one.rest))


def rare_rows(truth: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Rows with one of the rarest labels, shape (rows,), at most ``RARE`` of all rows; ``truth``: (rows, labels)."""
    rows = truth.sum(axis=0)
    rare = np.zeros(len(truth), dtype=bool)
    for label in np.argsort(rows, kind="stable").tolist():
        wider = rare | truth[:, label]
        if wider.sum() > RARE * len(truth):
            break
        rare = wider
    return rare


def _other_script(text: str) -> bool:
    letters = [sign for sign in text if sign.isalpha()]
    other = sum(not unicodedata.name(sign, "").startswith("LATIN") for sign in letters)
    return other > OTHER_SCRIPT * len(letters)
