from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest

from portside.errors import Cancelled
from portside.storage.engine import Database
from portside_recommend import store as store_module
from portside_recommend.records import Item
from portside_recommend.store import RecommendStore


@pytest.fixture
def store(database: Database) -> RecommendStore:
    return RecommendStore(database)


def frame(*rows: tuple[Any, ...]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["user_id", "item_id", "event", "value", "at", "timed", "line"])


def test_items_are_replaced_and_versions_grow(store: RecommendStore) -> None:
    added = datetime(2026, 1, 1, tzinfo=UTC)
    store.put_items([Item("1", "bowl", price=2.5, added_at=added), Item("2", "jar")])
    first = store.version()
    store.put_items([Item("1", "red bowl")])
    assert store.version() > first
    assert [item.title for item in store.items_since(first)] == ["red bowl"]
    assert {item.item_id: item.title for item in store.items_since(0)} == {"1": "red bowl", "2": "jar"}
    assert store.item_ids() == {"1", "2"}


def test_an_item_comes_back_as_it_went_in(store: RecommendStore) -> None:
    item = Item("1", "碗", "红色的碗", "厨房", "某牌", 12.5, datetime(2026, 1, 1, tzinfo=UTC))
    store.put_items([item])
    assert store.items_since(0) == [item]


def test_the_same_file_twice_counts_once(store: RecommendStore) -> None:
    rows = frame(
        ("u", "1", "view", 1.0, 5, True, 0), ("u", "1", "view", 1.0, 5, True, 1), ("v", "1", "view", 1.0, 5, True, 2)
    )
    assert store.put_events(rows) == 3, "identical lines of one file are kept apart"
    assert store.put_events(rows) == 0
    assert store.put_events(frame(("u", "1", "view", 1.0, 6, True, 0))) == 1


def test_a_stopped_import_goes_on_where_it_stopped(store: RecommendStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "ROWS_AT_ONCE", 2)
    rows = frame(*((f"u{n}", "1", "view", 1.0, n, True, n) for n in range(5)))

    def stop(done: int) -> None:
        if done >= 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        store.put_events(rows, report=stop)
    assert store.counts().events == 2
    assert store.put_events(rows) == 3
    assert store.counts().events == 5


def test_history_is_newest_first_and_the_users_own(store: RecommendStore) -> None:
    store.put_events(
        frame(
            ("u", "1", "view", 1.0, 1, True, 0),
            ("u", "2", "rating", 4.0, 3, True, 1),
            ("u", "3", "view", 1.0, 3, True, 2),
            ("v", "1", "view", 1.0, 9, True, 3),
        )
    )
    assert [row.item_id for row in store.history("u")] == ["3", "2", "1"]
    assert store.history("u")[1].value == 4.0
    assert store.history("stranger") == []


def test_all_events_are_oldest_first(store: RecommendStore) -> None:
    store.put_events(frame(("u", "2", "view", 1.0, 9, True, 0), ("u", "1", "view", 1.0, 3, True, 1)))
    assert store.all_events()["item_id"].tolist() == ["1", "2"]


def test_no_events_are_an_empty_table(store: RecommendStore) -> None:
    assert list(store.all_events().columns) == ["user_id", "item_id", "event", "value", "at", "timed"]
    assert store.put_events(frame()) == 0


def test_users_and_counts(store: RecommendStore) -> None:
    store.put_items([Item("1", "bowl")])
    store.put_events(
        frame(
            ("ann", "1", "view", 1.0, 1, True, 0),
            ("bob_1", "1", "view", 1.0, 2, True, 1),
            ("bob_1", "1", "click", 1.0, 3, True, 2),
        )
    )
    assert store.busiest_users(5) == [("bob_1", 2), ("ann", 1)]
    assert store.busiest_users(5, containing="b_") == [("bob_1", 2)], "an underscore is a letter, not a wildcard"
    counts = store.counts()
    assert (counts.items, counts.events, counts.users, counts.last) == (1, 3, 2, 3)


def test_evaluations_newest_first(store: RecommendStore) -> None:
    for hour in (1, 2):
        store.put_evaluation(datetime(2026, 1, 1, hour, tzinfo=UTC), "time", f"m:{hour}", {"k": 10})
    assert [one.model for one in store.evaluations()] == ["m:2", "m:1"]
    assert store.evaluations(1)[0].report == {"k": 10}
