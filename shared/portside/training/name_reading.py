"""Learn from validation sentences how a tagger's confidence in a name is read; keep it only where it reads better."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from portside.inference.name_reading import FEATURES, NameReading, Names, Weights, names_in

__all__ = ["FEWEST", "fit_name_reading", "fit_weights", "folds_of", "held_out"]

FEWEST = 200
"""Names below which so many weights are a matter of luck."""
FOLDS = 5
BLOCK = 20
"""Neighbouring sentences that go into one fold where documents do not tell them apart: they tell of each other."""
NEVER_DOWN = ("odds", "weakest")
"""The surer the words of a name, the surer the name: these slopes are not below 0."""
VARIANCE, TYPES_VARIANCE = 1.0, 0.25
"""How far the weights, and what a type adds, are expected to lie from reading a name as its words' probabilities have
it: with few names they stay near it."""


def fit_name_reading(
    truth: Sequence[Sequence[str]],
    rows: Sequence[NDArray[np.float64]],
    tags: Sequence[str],
    documents: Sequence[int],
) -> NameReading:
    """From sentences that the tagger has not learned from.

    ``truth`` has their words' tags in IOB2, ``rows`` their probabilities, each of shape (words, tags) in the order of
    ``tags``, ``documents`` the number of each one's document. With fewer than ``FEWEST`` names, or all in one fold, or
    where names in other folds are not read better (by the logarithm of the chance that is given to what is so), there
    are no weights.
    """
    names = names_in(truth, rows, tags)
    folds = folds_of(documents)
    if len(names) < FEWEST or len(np.unique(names.right)) < 2 or len(np.unique(folds[names.sentence])) < 2:
        return NameReading(n=len(names))
    before, after = (log_loss(one, names.right) for one in (names.confidence, held_out(names, folds)))
    return NameReading(len(names), before, after, fit_weights(names) if after < before else None)


def log_loss(chance: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Mean of minus the logarithm of the chance given to what is so, both of shape (n,); 0 of nothing."""
    given = np.where(right, chance, 1 - chance)
    return float(-np.log(np.maximum(given, 1e-12)).mean()) if len(given) else 0.0


def held_out(names: Names, folds: NDArray[np.int64]) -> NDArray[np.float64]:
    """The chance of each name being right, read with weights of the names in other folds; shape (n,).

    ``folds`` has the fold of each sentence.
    """
    own, out = folds[names.sentence], names.confidence.copy()
    for fold in np.unique(own):
        here = own == fold
        out[here] = fit_weights(names.at(~here)).chances(names.features[here], names.at(here).types)
    return out


def folds_of(documents: Sequence[int], *, folds: int = FOLDS, seed: int = 0) -> NDArray[np.int64]:
    """A fold for each sentence, shape (sentences,): documents are not divided, nor blocks of neighbours where fewer
    documents than ``folds`` are told apart.
    """
    from portside.evaluation.tagging import known_documents

    known = known_documents(documents)
    blocks = np.arange(len(documents)) // BLOCK
    whose = blocks if known is None or len(np.unique(known)) < folds else known
    _, number = np.unique(whose, return_inverse=True)
    count = int(number.max(initial=-1)) + 1
    return np.asarray(np.random.default_rng(seed).permutation(count)[number] % folds, dtype=np.int64)


def fit_weights(names: Names) -> Weights:
    """The likeliest weights, under a normal prior about reading a name as its words' probabilities have it.

    Source: Platt, "Probabilistic Outputs for Support Vector Machines", 1999; with several features as in Kuleshov and
    Liang, "Calibrated Structured Prediction", NeurIPS 2015.
    """
    from scipy.optimize import minimize

    kinds = sorted(set(names.types))
    of_type = np.array([[kind == one for one in kinds] for kind in names.types], dtype=np.float64)
    of_type = of_type.reshape(len(names), len(kinds))  # no names have no columns
    columns = np.column_stack([names.features, np.ones(len(names)), of_type])
    start = np.zeros(columns.shape[1])
    start[FEATURES.index("odds")] = 1.0
    variance = np.repeat([VARIANCE, TYPES_VARIANCE], [len(FEATURES) + 1, len(kinds)])
    bounds = [(0.0, None) if name in NEVER_DOWN else (None, None) for name in FEATURES]
    bounds += [(None, None)] * (1 + len(kinds))

    def surprise(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        odds, away = columns @ weights, weights - start
        wrong = 1 / (1 + np.exp(-odds)) - names.right
        told = np.logaddexp(0.0, odds) - odds * names.right
        return told.sum() + (away**2 / variance).sum() / 2, columns.T @ wrong + away / variance

    found = minimize(surprise, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    slopes, of_kinds = found[: len(FEATURES)], found[len(FEATURES) + 1 :]
    return Weights(
        dict(zip(FEATURES, map(float, slopes), strict=True)),
        float(found[len(FEATURES)]),
        dict(zip(kinds, map(float, of_kinds), strict=True)),
    )
