from __future__ import annotations

from pathlib import Path

from portside.inference.interfaces import FakeEncoder
from portside.storage.engine import Database
from portside_recommend.config import RecommendConfig
from portside_recommend.library import Library
from portside_recommend.records import Item
from portside_recommend.shelving import ShelfKeeper
from portside_recommend.store import RecommendStore


def test_a_version_that_was_compiled_meanwhile_serves_with_the_vectors_that_are_there(
    sqlite_database: Database, items: list[Item], tmp_path: Path
) -> None:
    store = RecommendStore(sqlite_database)
    store.put_items(items)
    serving = [FakeEncoder(model="recommend-encoder:1")]
    keeper = ShelfKeeper(store, Library(tmp_path), lambda: serving[-1], RecommendConfig())
    shelf, encoder = keeper.shelf_and_encoder()
    assert encoder is serving[0]
    serving.append(FakeEncoder(model="recommend-encoder:1"))
    again, compiled = keeper.shelf_and_encoder()
    assert (again is shelf, compiled is serving[1], serving[1].calls) == (True, True, 0)
    serving.append(FakeEncoder(model="recommend-encoder:2"))
    other, promoted = keeper.shelf_and_encoder()
    assert (other is shelf, promoted is serving[2], other.model) == (False, True, "recommend-encoder:2")
