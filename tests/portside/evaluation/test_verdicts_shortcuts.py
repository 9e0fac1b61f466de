"""Shortcuts: answers that follow from the length of a text, or from how a word is written."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from portside.evaluation.verdicts_shortcuts import lengths_of, shortcut, tags_by_shape

RANDOM = np.random.default_rng(0)
N = 300
LITTLE = RANDOM.integers(1, 90, (N, 1)).astype(np.float64)
BUCKET = (LITTLE // 30).astype(np.int64)
ANY = RANDOM.integers(0, 3, (N, 1))


def but_for(share: float, answers: NDArray[np.int64] = BUCKET) -> NDArray[np.int64]:
    """``answers``, of which so large a share is something else."""
    return np.where(RANDOM.random((N, 1)) < share, (answers + 1) % 3, answers)


def test_answers_that_follow_the_length_are_foretold() -> None:
    found = shortcut(LITTLE, BUCKET, ANY)
    assert found is not None
    assert found.agreed > 0.95
    assert found.usual < 0.5
    assert found.slots["n"] == "300"


@pytest.mark.parametrize(
    ("answers", "truth", "called"),
    [
        (ANY, ANY, False),
        (but_for(0.2), ANY, True),
        (but_for(0.6), ANY, False),
        # The truth goes with the length, too, but for a fifth of the rows: of those it takes the words to be right.
        ((read := but_for(0.2)), read, False),
        (BUCKET, read, True),
        # Where the length is all there is to the truth, nobody could tell by the figures.
        (BUCKET, BUCKET, True),
    ],
    ids=["reads", "length with noise", "a little length", "reads what goes with length", "length", "length is right"],
)
def test_who_is_called_out(answers: NDArray[np.int64], truth: NDArray[np.int64], called: bool) -> None:
    assert (shortcut(LITTLE, answers, truth) is not None) is called


def test_a_few_short_texts_with_one_answer_prove_nothing() -> None:
    little = np.full((80, 1), 50.0)
    answers = np.zeros((80, 1), dtype=np.int64)
    little[:5], answers[:5] = 2, 1
    assert shortcut(little, answers, answers) is None
    assert shortcut(LITTLE[:40], BUCKET[:40], ANY[:40]) is None


def test_rows_of_a_sentence_count_once() -> None:
    """Sixty words of three sentences are three rows to a test, not sixty."""
    assert shortcut(LITTLE, BUCKET, ANY, np.arange(N) // 100) is None
    assert shortcut(LITTLE, BUCKET, ANY, np.arange(N) // 3) is not None


def test_lengths_are_those_in_signs_and_in_words() -> None:
    assert lengths_of(["to be", "be"]).tolist() == [[5, 2], [2, 1]]
    assert lengths_of([]).shape == (0, 2)


def test_a_tagger_that_looks_at_capitals_is_called_out() -> None:
    # Words of one length; a fifth of the names is written small, a third of the other words in capitals.
    names, others = (["rome" if row % 5 == 0 else "Rome" for row in range(200)], ["Note", "sees", "then"])
    words = [[*["also"] * (row % 4), name, others[row % 3], "once"] for row, name in enumerate(names)]
    truth = [["B-LOC" if word in ("Rome", "rome") else "O" for word in each] for each in words]
    capitals = [["B-LOC" if word[0].isupper() else "O" for word in each] for each in words]
    told = tags_by_shape(words, capitals, truth)
    assert told is not None
    assert "how a word is written" in told
    assert tags_by_shape(words, truth, truth) is None, "it finds names in small letters, and in capitals only those"


def test_of_no_words_nothing_is_said() -> None:
    assert tags_by_shape([], [], []) is None
