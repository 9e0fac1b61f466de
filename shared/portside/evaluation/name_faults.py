"""Words that are probably tagged wrongly, and types of names that are mixed up. Pure decisions."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from portside.errors import UsageError
from portside.tasks.tags import Span, split_tag

__all__ = ["SuspectName", "name_probabilities", "suspect_names", "types_of_words"]


@dataclass(frozen=True)
class SuspectName:
    """Words of one sentence, side by side, whose type is probably wrong."""

    sentence: int
    start: int
    end: int
    """Words ``start`` to ``end``, the end not included."""
    given: int
    """Place of the type that they have; 0: they are no name."""
    suggested: int
    chance_given: float
    """What a tagger that has not learned from the sentence gives the type that they have, at the worst of them."""
    chance_suggested: float


def types_of_words(tags: Sequence[str], types: Sequence[str]) -> NDArray[np.int64]:
    """For each tag the place of its type among ``types``, counted from 1; 0 for ``O``."""
    number = {"": 0, **{kind: place for place, kind in enumerate(types, start=1)}}
    return np.array([number[split_tag(tag)[1]] for tag in tags], dtype=np.int64)


def suspect_names(
    probabilities: Sequence[NDArray[np.float64]], given: Sequence[NDArray[np.int64]]
) -> list[SuspectName]:
    """Words that are probably tagged wrongly, the most suspect first; neighbours with the same fault are one.

    For each sentence its words' probabilities, shape (words, 1 + types), by a tagger that has not learned from the
    sentence, and the places of the types that they have. Confident learning for each word (Wang and Mueller,
    "Detecting Label Errors in Token Classification Data", 2022), as cleanlab implements it.

    Raises:
        UsageError: the two do not have as many sentences, or words.
    """
    if [len(rows) for rows in probabilities] != [len(types) for types in given]:
        raise UsageError(
            "Wrong tags are looked for in words with probabilities",
            seen=f"{sum(map(len, given))} and {sum(map(len, probabilities))} words",
        )
    present = np.unique(np.concatenate(given)) if len(given) else np.zeros(0, dtype=np.int64)
    if len(present) < 2:
        return []
    from cleanlab.token_classification.filter import find_label_issues

    # As for labels of texts: types without words are left out, the rest share their probability.
    place_of = {int(kind): place for place, kind in enumerate(present)}
    kept = [np.maximum(rows[:, present], 1e-12) for rows in probabilities]
    kept = [rows / rows.sum(axis=1, keepdims=True) for rows in kept]
    labels = [[place_of[int(kind)] for kind in types] for types in given]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="May not flag all label issues")
        found = find_label_issues(labels, kept, return_indices_ranked_by="self_confidence", n_jobs=1)
    best = [rows.argmax(axis=1) for rows in probabilities]
    wrong = [(sentence, word) for sentence, word in found if best[sentence][word] != given[sentence][word]]
    made = [
        _named(sentence, words, probabilities[sentence], given[sentence], best[sentence])
        for sentence, words in _neighbours(wrong, given, best)
    ]
    return sorted(made, key=lambda one: (one.chance_given, one.sentence, one.start))


def _neighbours(
    wrong: Iterable[tuple[int, int]], given: Sequence[NDArray[np.int64]], best: Sequence[NDArray[np.int64]]
) -> Iterable[tuple[int, list[int]]]:
    """Runs of words with the same type given and the same one said, with their sentence."""

    def run_of(one: tuple[int, tuple[int, int]]) -> tuple[int, int, int, int]:
        order, (sentence, word) = one
        return sentence, word - order, int(given[sentence][word]), int(best[sentence][word])

    for key, run in groupby(enumerate(sorted(wrong)), key=run_of):
        yield key[0], [word for _order, (_sentence, word) in run]


def _named(
    sentence: int,
    words: Sequence[int],
    probabilities: NDArray[np.float64],
    given: NDArray[np.int64],
    best: NDArray[np.int64],
) -> SuspectName:
    worst = min(words, key=lambda word: probabilities[word, given[word]])
    return SuspectName(
        sentence,
        words[0],
        words[-1] + 1,
        int(given[worst]),
        int(best[worst]),
        float(probabilities[worst, given[worst]]),
        float(probabilities[worst, best[worst]]),
    )


def name_probabilities(rows: NDArray[np.float64], span: Span) -> NDArray[np.float64]:
    """Of each type for the words of a name together, shape (1 + types,): the mean over its words."""
    return np.asarray(rows[span.start : span.end].mean(axis=0), dtype=np.float64)
