"""The closed-form head: right where the answer is known by hand."""

from __future__ import annotations

import numpy as np

from portside.training.discriminant import linear_discriminant


def test_two_round_clouds_are_told_apart_by_the_line_between_their_means() -> None:
    chance = np.random.default_rng(0)
    left = chance.normal((-2.0, 0.0), 1.0, (200, 2))
    right = chance.normal((2.0, 0.0), 1.0, (200, 2))
    vectors = np.concatenate([left, right]).astype(np.float32)
    labels = np.repeat([0, 1], 200)
    weights, bias = linear_discriminant(vectors, labels, 2)
    logits = vectors @ weights.T + bias
    assert (logits.argmax(axis=1) == labels).mean() > 0.95
    direction = weights[1] - weights[0]
    assert direction[0] > 5 * abs(direction[1]), "only the first coordinate tells them apart"


def test_fewer_rows_than_dimensions_and_a_label_without_rows_stay_finite() -> None:
    vectors = np.random.default_rng(1).normal(size=(5, 40)).astype(np.float32)
    labels = np.array([0, 0, 1, 1, 1])
    weights, bias = linear_discriminant(vectors, labels, 3)
    assert np.isfinite(weights).all()
    assert np.isfinite(bias).all()
    assert (vectors @ weights.T + bias).argmax(axis=1).tolist() == labels.tolist()


def test_rare_labels_are_less_likely_beforehand() -> None:
    vectors = np.zeros((10, 3), dtype=np.float32)
    labels = np.array([0] * 9 + [1])
    _weights, bias = linear_discriminant(vectors, labels, 2)
    assert bias[0] > bias[1]
