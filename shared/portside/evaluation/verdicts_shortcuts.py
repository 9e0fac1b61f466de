"""Models that take a shortcut: their answers follow from how long a text is, or how a word is written, alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from portside.evaluation.significance import mcnemar
from portside.evaluation.slices import word_count
from portside.said import said
from portside.tasks.tagging import case_of
from portside.tasks.tags import split_tag

__all__ = ["Shortcut", "labels_by_length", "lengths_of", "shortcut", "tags_by_shape"]

EXPLAINS = 0.5
"""Share of the answers beyond the usual ones that the shortcut foretells, from which the words hardly count. Of labels
that people gave who read the texts it foretells next to none (intents, sentiment and topics of the samples, NLU++), of
the names of several types in CoNLL-2003, WNUT-17 and BTC at most 0.25; of names without their type 0.74 in CoNLL-2003,
as good English writes them in capitals: therefore whoever is right more often than the shortcut is not called out."""
IS_ALL = 0.9
"""That share from which the answers are the shortcut, even where these answers are right: a text's length told the
labels of these very rows, and will not tell those of others."""
SURE = 0.01
"""Probability by luck below which one way of answering is more often right than another."""
FEWEST = 60
"""Texts, below which nothing is said: a tree needs some of each length."""
FOLDS = 5


@dataclass(frozen=True)
class Shortcut:
    """What foretells a model's answers although it is nearly nothing."""

    agreed: float
    """Share of the answers that it foretells."""
    usual: float
    """Share of them that are the commonest answer."""
    n: int

    @property
    def slots(self) -> dict[str, str]:
        """For a sentence."""
        return {"agreed": f"{100 * self.agreed:.0f}", "usual": f"{100 * self.usual:.0f}", "n": f"{self.n:,}"}


def shortcut(
    little: NDArray[np.float64],
    answers: NDArray[np.int64],
    truth: NDArray[np.int64],
    groups: NDArray[np.int64] | None = None,
    *,
    least: float = EXPLAINS,
    is_all: float = IS_ALL,
    leaf: int = 3,
) -> Shortcut | None:
    """Whether ``little``, shape (rows, features), is all that the model looks at: a decision tree is learned from it.

    ``answers`` and ``truth`` are numbers, shape (rows, answers of a row). ``groups`` are rows that are alike, as the
    words of a sentence. None where the tree, cross-validated, foretells too few of the answers (``least``), or where
    the model is right more often than the tree where the two differ: then it looks at more, and the labels of these
    rows do go with ``little``. The latter counts up to a share of ``is_all``; ``leaf``: fewest rows that the tree
    learns from.
    """
    whose = np.arange(len(answers)) if groups is None else np.unique(groups, return_inverse=True)[1]
    usual = np.array([np.bincount(column - column.min()).argmax() + column.min() for column in answers.T])
    common = float((answers == usual).mean())
    if whose.max(initial=-1) + 1 < FEWEST or common == 1:
        return None
    foretold = _foretold(little, answers, whose, leaf)
    agreed = float((foretold == answers).mean())
    share = (agreed - common) / (1 - common)
    if share < least or not _more_often(foretold == answers, answers == usual, whose):
        return None
    if share < is_all and _more_often(answers == truth, foretold == truth, whose):
        return None
    return Shortcut(agreed, common, answers.size)


def _foretold(
    little: NDArray[np.float64], answers: NDArray[np.int64], whose: NDArray[np.integer], leaf: int
) -> NDArray[np.int64]:
    """Each row's answers by a tree that has learned from rows of other groups."""
    from sklearn.tree import DecisionTreeClassifier

    fold = np.random.default_rng(0).permutation(whose.max() + 1) % FOLDS
    out = np.empty_like(answers)
    for one in range(FOLDS):
        asked = fold[whose] == one
        tree = DecisionTreeClassifier(min_samples_leaf=leaf, random_state=0).fit(little[~asked], answers[~asked])
        out[asked] = tree.predict(little[asked]).reshape(-1, answers.shape[1])
    return out


def _more_often(one: NDArray[np.bool_], other: NDArray[np.bool_], whose: NDArray[np.integer]) -> bool:
    """Whether ``one`` holds more often than ``other``, by a sign test of the groups."""
    ahead = np.bincount(whose, weights=one.sum(axis=1) - other.sum(axis=1))
    return mcnemar((ahead < 0).tolist(), (ahead > 0).tolist()).p_better < SURE


def lengths_of(texts: Sequence[str]) -> NDArray[np.float64]:
    """Characters and words of each text, shape (texts, 2)."""
    return np.array([(len(text), word_count(text)) for text in texts], dtype=np.float64).reshape(-1, 2)


def labels_by_length(texts: Sequence[str], given: NDArray[np.bool_], truth: NDArray[np.bool_]) -> str | None:
    """Whether the length of a text is enough to foretell which labels a model gives it; both (texts, labels)."""
    found = shortcut(lengths_of(texts), given.astype(np.int64), truth.astype(np.int64)) if given.size else None
    if found is None:
        return None
    return said(
        "The model seems to look at little but how long a text is: its length alone foretells {agreed} % of {n} "
        "decisions for or against a label (always deciding as usual for that label: {usual} %). Look whether the texts "
        "of each label come from sources of different length, and mix them",
        **found.slots,
    )


def tags_by_shape(
    sentences: Sequence[Sequence[str]],
    found: Sequence[Sequence[str]],
    truth: Sequence[Sequence[str]],
    *,
    truth_fits: bool = True,
) -> str | None:
    """Whether a word's length, capitals and place in the sentence are enough to foretell what a tagger says of it.

    Names do stand in capitals: a tagger is called out only where it is not right more often than these three are. Not
    ``truth_fits``: the true tags are perhaps those of other sentences and can tell nothing of that.
    """
    words = [
        (len(word), case_of(word), place, row) for row, each in enumerate(sentences) for place, word in enumerate(each)
    ]
    if not words:
        return None
    _, coded = np.unique([_kinds(found), _kinds(truth)], return_inverse=True)
    answers, right = coded.reshape(2, -1, 1)
    table = np.array(words, dtype=np.int64)
    # Leaves of ten: there are many words, of few lengths and places.
    least = EXPLAINS if truth_fits else IS_ALL
    little = table[:, :3].astype(np.float64)
    seen = shortcut(little, answers, right, table[:, 3], least=least, is_all=np.inf, leaf=10)
    if seen is None:
        return None
    return said(
        "The model seems to look at little but how a word is written: its length, its capitals and its place in the "
        "sentence alone foretell what it says of {agreed} % of {n} words (always the commonest answer: {usual} %). Add "
        "sentences in which names and other words look alike, for example all in small letters",
        **seen.slots,
    )


def _kinds(tags: Sequence[Sequence[str]]) -> list[str]:
    """Each word's type, word by word; empty: no name."""
    return [split_tag(tag)[1] for each in tags for tag in each]
