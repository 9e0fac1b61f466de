from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portside_recommend.choices import history_of, log_of, settle
from portside_recommend.config import RecommendConfig

CONFIG = RecommendConfig()
ROWS = {"a": 0, "b": 1, "c": 2}


def log(*events: tuple[str, str, str, float]):  # type: ignore[no-untyped-def]
    frame = pd.DataFrame(events, columns=["user_id", "item_id", "event", "value"])
    frame["at"] = range(len(frame))
    frame["timed"] = True
    return log_of(frame, ROWS, len(ROWS), CONFIG)


@pytest.mark.parametrize(
    ("events", "liked"),
    [
        ([("u", "a", "view", 1), ("u", "b", "purchase", 1)], ["b", "a"]),
        ([("u", "a", "purchase", 1), ("u", "a", "return", 1)], []),
        ([("u", "a", "return", 1), ("u", "a", "purchase", 1)], ["a"]),
        ([("u", "a", "rating", 5), ("u", "b", "rating", 2)], ["a"]),
        ([("u", "a", "rating", 3)], ["a"]),
        ([("u", "a", "view", 1), ("u", "b", "view", 1), ("u", "a", "view", 1)], ["a", "b"]),
        ([("u", "unknown", "purchase", 1), ("u", "c", "click", 1)], ["c"]),
    ],
)
def test_liked_items_newest_first(events: list[tuple[str, str, str, float]], liked: list[str]) -> None:
    made = log(*events)
    history = history_of(made, settle(made), 0)
    assert [list(ROWS)[row] for row in history.items] == liked
    touched = {item for _, item, _, _ in events if item in ROWS}
    assert {list(ROWS)[row] for row in history.seen} == touched, "what was touched is never recommended again"


def test_the_loudest_event_gives_weight_and_kind() -> None:
    made = log(("u", "a", "purchase", 1), ("u", "a", "view", 1))
    history = history_of(made, settle(made), 0)
    assert history.weight.tolist() == [1.0]
    assert CONFIG.events[int(history.kind[0])] == "purchase"


def test_no_events_are_no_choices() -> None:
    empty = pd.DataFrame({name: [] for name in ("user_id", "item_id", "event", "value", "at", "timed")})
    made = settle(log_of(empty, ROWS, 3, CONFIG))
    assert len(made.item) == 0
    assert not made.timed


@given(
    st.lists(
        st.tuples(st.sampled_from("uvw"), st.sampled_from("abc"), st.sampled_from(CONFIG.events), st.floats(0, 5)),
        max_size=40,
    )
)
def test_settling_agrees_with_a_plain_loop(events: list[tuple[str, str, str, float]]) -> None:
    made = log(*events) if events else log(("u", "a", "view", 1))
    events = events or [("u", "a", "view", 1)]
    choices = settle(made)
    for code, user in enumerate(made.user_ids):
        newest: dict[str, tuple[int, bool]] = {}
        for place, (who, item, kind, value) in enumerate(events):
            good = kind in CONFIG.positive_events and not (kind == "rating" and value < CONFIG.liked_from)
            if who == user:
                newest[item] = (place, good)
        wanted = [item for item, (_, good) in sorted(newest.items(), key=lambda pair: pair[1]) if good]
        own = choices.of(code)
        assert [list(ROWS)[row] for row in choices.item[own]] == wanted
        assert np.all(choices.weight[own] > 0)
