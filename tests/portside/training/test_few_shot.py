"""The linear probe of few-shot training: right where the answer is known by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from portside.training.few_shot import held_out_logits, logistic_head


def clouds(labels: int, rows: int, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Vectors around one axis for each label."""
    ids = np.repeat(np.arange(labels), rows)
    vectors = np.eye(labels, 8)[ids] + np.random.default_rng(seed).normal(0, 0.1, (len(ids), 8))
    return vectors.astype(np.float32), ids


@pytest.mark.parametrize("labels", [2, 3, 5])
def test_the_probe_tells_clouds_apart(labels: int) -> None:
    vectors, ids = clouds(labels, 6)
    weights, bias = logistic_head(vectors, ids, labels)
    assert (weights.shape, bias.shape) == ((labels, 8), (labels,))
    assert (vectors @ weights.T + bias).argmax(axis=1).tolist() == ids.tolist()


def test_a_label_without_rows_is_never_the_likeliest() -> None:
    vectors, ids = clouds(3, 4)
    weights, bias = logistic_head(vectors, np.where(ids == 2, 3, ids), 4)
    assert 2 not in (vectors @ weights.T + bias).argmax(axis=1)


def test_a_row_is_not_judged_by_a_head_that_has_seen_it() -> None:
    # The last row stands where label 0 is but says 1: a head that had learned from it would know.
    vectors, ids = clouds(2, 5)
    vectors, ids = np.concatenate([vectors, vectors[:1]]), np.append(ids, 1)
    logits = held_out_logits(vectors, ids, 2, np.array([10]))
    assert logits.shape == (1, 2)
    assert logits[0].argmax() == 0
