"""Whether answers fit their rows, against all orders of a few rows that can be counted."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from portside.evaluation.verdicts_chance import fit_by_chance, labels_by_chance, names_by_chance

RANDOM = np.random.default_rng(0)


def test_mean_over_all_orders_by_hand() -> None:
    truth = np.array([[1, 0, 1], [0, 1, 0], [1, 1, 0], [0, 0, 0]])
    found = np.array([[1, 0, 0], [0, 1, 1], [1, 0, 1], [0, 0, 1]])
    orders = [int((truth * found[list(order)]).sum()) for order in permutations(range(4))]
    fit = fit_by_chance(truth, found)
    assert (fit.right, fit.lucky) == (3, pytest.approx(np.mean(orders)))


def test_the_chance_of_so_many_is_that_of_orders_drawn_at_random() -> None:
    truth = RANDOM.random((200, 3)) < [0.7, 0.3, 0.2]
    # Answers to one text go together, and some are right.
    found = np.where(RANDOM.random((200, 1)) < 0.08, truth, RANDOM.random((200, 3)) < [0.6, 0.3, 0.2])
    fit = fit_by_chance(truth, found)
    drawn = [int((truth & found[RANDOM.permutation(200)]).sum()) for _ in range(4_000)]
    assert 0.001 < fit.p_lucky < 0.9
    assert fit.p_lucky == pytest.approx(float(np.mean(np.array(drawn) >= fit.right)), abs=0.02)


def test_a_single_lucky_answer_is_no_proof() -> None:
    truth, found = np.zeros((60, 1)), np.zeros((60, 1))
    truth[:8], found[7:9] = 1, 1
    assert fit_by_chance(truth, found).no_better
    found[:8] = 1
    assert not fit_by_chance(truth, found).no_better


def test_where_all_rows_are_alike_nothing_can_be_told() -> None:
    assert not fit_by_chance(np.ones((60, 1)), np.ones((60, 1))).no_better
    assert fit_by_chance(np.eye(60), np.ones((60, 60))).no_better, "the same answers for all rows are luck"


def test_rare_labels_that_were_shuffled_are_called_out() -> None:
    truth = RANDOM.random((400, 6)) < 0.15
    assert labels_by_chance(truth, truth) is None
    told = labels_by_chance(truth, truth[RANDOM.permutation(400)])
    assert told is not None
    assert "would be by chance" in told
    assert labels_by_chance(truth[:10], ~truth[:10]) is None, "of ten texts nothing is said"
    assert labels_by_chance(truth, np.zeros_like(truth)) is None, "where none is given, none is wrong"


def test_names_that_stand_where_others_do_are_called_out() -> None:
    truth = [["B-PER", "O"] if row % 2 else ["O", "B-LOC"] for row in range(60)]
    assert names_by_chance(truth, truth) is None
    assert names_by_chance(truth, [*truth[1:], truth[0]]) is not None
    assert names_by_chance(truth, [["O", "O"]] * 60) is None, "where none is found, none is wrong"
    mixed = [truth[row] for row in RANDOM.permutation(60)]
    assert names_by_chance(truth, mixed) is not None
