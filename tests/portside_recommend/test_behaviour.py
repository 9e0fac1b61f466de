from __future__ import annotations

import numpy as np
import pytest

from portside_recommend.behaviour import cosine, ease, fit_behaviour, following, keep_strongest, popularity
from portside_recommend.choices import Choices
from portside_recommend.config import BehaviourConfig

DAY = 86_400_000


def choices(*lists: list[int], items: int = 4, days: list[int] | None = None) -> Choices:
    user = np.array([u for u, own in enumerate(lists) for _ in own], dtype=np.int64)
    item = np.array([i for own in lists for i in own], dtype=np.int64)
    at = np.array(days or range(len(item)), dtype=np.int64) * DAY
    ones = np.ones(len(item), dtype=np.float32)
    return Choices(len(lists), items, user, item, ones, np.zeros(len(item), dtype=np.int64), at, timed=True)


def test_cosine_by_hand() -> None:
    # item 0: users 0, 1, 2; item 1: users 0, 1; item 2: user 2
    made = cosine(choices([0, 1], [0, 1], [0, 2]), neighbours=4).toarray()
    assert made[0, 1] == pytest.approx(2 / np.sqrt(3 * 2))
    assert made[0, 2] == pytest.approx(1 / np.sqrt(3))
    assert made[1, 2] == 0
    assert np.all(np.diag(made) == 0)
    assert np.allclose(made, made.T)


def test_ease_solves_its_own_equation() -> None:
    made = choices([0, 1, 2], [0, 1], [1, 2], [0, 3], [2, 3])
    config = BehaviourConfig(neighbours=4)
    weights = ease(made, config).toarray()
    chosen = np.zeros((5, 4))
    chosen[made.user, made.item] = 1
    ridge = config.ease_ridge * len(made.item) / 5
    # At the optimum the gradient vanishes everywhere but on the diagonal, which is held at zero.
    gradient = chosen.T @ (chosen @ weights - chosen) + ridge * weights
    assert np.allclose(gradient - np.diag(np.diag(gradient)), 0, atol=1e-4)
    assert np.all(np.diag(weights) == 0)


def test_following_counts_near_steps_more() -> None:
    made = following(choices([0, 1, 2]), BehaviourConfig(steps_back=2)).toarray()
    # after 0 came 1 at once (1) and 2 a step later (1/2); one is added to the sum of 1.5
    assert made[0, 1] == pytest.approx(1 / 2.5)
    assert made[0, 2] == pytest.approx(0.5 / 2.5)
    assert made[2].sum() == 0


def test_nothing_follows_across_users() -> None:
    assert following(choices([0], [1], [2]), BehaviourConfig()).nnz == 0


@pytest.mark.parametrize(("days", "counted"), [(0, [1, 1, 1, 0]), (5, [0, 0, 1, 0]), (15, [0, 1, 1, 0])])
def test_popularity_has_a_window(days: int, counted: list[int]) -> None:
    made = choices([0], [1], [2], days=[0, 10, 20])
    assert popularity(made, days=days).tolist() == counted


def test_keep_strongest_keeps_negative_weights_too() -> None:
    made = keep_strongest(np.array([[0.1, -0.9, 0.5], [0.0, 0.2, 0.0]], dtype=np.float32), 2).toarray()
    assert made.tolist() == [[0.0, pytest.approx(-0.9), 0.5], [0.0, pytest.approx(0.2), 0.0]]


@pytest.mark.parametrize(("limit", "method"), [(4, "ease"), (3, "cosine")])
def test_large_catalogues_use_cosine(limit: int, method: str) -> None:
    config = BehaviourConfig(ease_max_items=limit)
    assert fit_behaviour(choices([0, 1], [1, 2]), config, popular_days=0).method == method
