"""What a cheap tagger says of each word of sentences that it has not learned from. Imports torch: import it lazily."""

from __future__ import annotations

import random
import warnings
from collections.abc import Sequence
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from portside.data.identity import text_key
from portside.inference.classifier import softmax
from portside.records import Tagged
from portside.training.closed_form import best_temperature
from portside.training.discriminant import Head, LabelStatistics

__all__ = ["cross_predict_words", "sentence_folds"]

FOLDS = 5
BLOCK = 20
"""Sentences that stay together where documents are not told apart: neighbours tell of each other."""
WORDS_AT_ONCE = 50_000
"""Words looked at together: bounds the memory of a large file."""
MOST_WORDS = 200_000
"""Words that the regression learns from, drawn by chance: more would only take time."""
TINY = 1e-12
STRENGTH, STEPS = 0.01, 40
"""Of the regression: inverse weight of the penalty, and steps at most."""


def cross_predict_words(
    sentences: Sequence[Tagged],
    vectors: NDArray[np.float32],
    given: Sequence[NDArray[np.int64]],
    kinds: int,
    *,
    seed: int = 0,
) -> tuple[list[int], list[NDArray[np.float64]]]:
    """Places of the sentences that were asked about, and for each its words' probabilities, shape (words, kinds).

    A linear discriminant and a logistic regression on ``vectors``, one for each word of all sentences in their order,
    five times trained on four fifths of the documents; ``given`` are the places of the words' types, 0 for no name. The
    answer is the geometric mean of the two: the discriminant believes too readily in names, the regression, of which
    most words are none, too rarely, and what both contradict is most often wrong. A sentence that stands in another
    fold too is not asked about.
    """
    ends = np.cumsum([len(one.tokens) for one in sentences])
    starts = ends - [len(one.tokens) for one in sentences]
    truth = np.concatenate(given) if given else np.zeros(0, dtype=np.int64)

    def words_of(places: Sequence[int]) -> NDArray[np.int64]:
        return np.concatenate([np.arange(starts[place], ends[place]) for place in places])

    asked: list[int] = []
    logits, chances = [], []
    for train, valid in sentence_folds(sentences, FOLDS, seed=seed):
        learned, words = words_of(train), words_of(valid)
        weights, bias = _head(vectors, truth, learned, kinds)
        asked += valid
        logits.append(vectors[words] @ weights.T + bias)
        chances.append(_regression(vectors, truth, learned, words, kinds, seed=seed))
    if not asked:
        return [], []
    found = np.concatenate(logits)
    found /= best_temperature(found, truth[words_of(asked)])
    rows = softmax(0.5 * (np.log(softmax(found) + TINY) + np.log(np.concatenate(chances) + TINY)))
    parts = np.split(rows, np.cumsum([len(sentences[place].tokens) for place in asked])[:-1])
    order = sorted(range(len(asked)), key=asked.__getitem__)
    return [asked[place] for place in order], [parts[place] for place in order]


def _head(vectors: NDArray[np.float32], truth: NDArray[np.int64], words: NDArray[np.int64], kinds: int) -> Head:
    """The linear discriminant of these words."""
    parts = np.array_split(words, 1 + len(words) // WORDS_AT_ONCE)
    return reduce(
        LabelStatistics.joined, (LabelStatistics.of(vectors[some], truth[some], kinds) for some in parts)
    ).head()


def _regression(
    vectors: NDArray[np.float32],
    truth: NDArray[np.int64],
    learned: NDArray[np.int64],
    asked: NDArray[np.int64],
    kinds: int,
    *,
    seed: int,
) -> NDArray[np.float64]:
    """What a logistic regression on the words ``learned`` says of those ``asked``, shape (asked, kinds)."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    if len(learned) > MOST_WORDS:
        learned = np.sort(np.random.default_rng(seed).choice(learned, MOST_WORDS, replace=False))
    out = np.zeros((len(asked), kinds))
    present = np.unique(truth[learned])
    if len(present) < 2:
        out[:, present] = 1.0
        return out
    rows = vectors[learned]
    mean, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-3
    model = LogisticRegression(C=STRENGTH, max_iter=STEPS, tol=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it is near enough by then
        model.fit((rows - mean) / spread, truth[learned])
    out[:, model.classes_] = model.predict_proba((vectors[asked] - mean) / spread)
    return out


def sentence_folds(sentences: Sequence[Tagged], count: int, *, seed: int) -> list[tuple[list[int], list[int]]]:
    """``count`` times places of sentences to train on and to ask about, both in ascending order.

    Documents stay whole where there are enough of them, else blocks of neighbours do.
    """
    units = _units(sentences, count)
    names = sorted(set(units))
    random.Random(seed).shuffle(names)
    fold_of = {name: place % count for place, name in enumerate(names)}
    keys = [text_key(" ".join(one.tokens)) for one in sentences]
    out = []
    for fold in range(count):
        train = [place for place, unit in enumerate(units) if fold_of[unit] != fold]
        learned = {keys[place] for place in train}
        valid = [place for place, unit in enumerate(units) if fold_of[unit] == fold and keys[place] not in learned]
        if train and valid:
            out.append((train, valid))
    return out


def _units(sentences: Sequence[Tagged], count: int) -> list[int]:
    """What each sentence stays together with, by number."""
    documents = [one.document for one in sentences]
    if len(set(documents)) >= count:
        return documents
    size = min(BLOCK, max(1, len(sentences) // count))
    return [place // size for place in range(len(sentences))]
