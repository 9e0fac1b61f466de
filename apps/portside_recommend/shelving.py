"""Keeps the shelf in step with the database, the files and the encoder: new items are encoded as they appear."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from portside.inference.interfaces import TextEncoder
from portside.progress import NullProgress, Progress
from portside.retrieval.vectors import VectorIndex
from portside.said import said
from portside_recommend.config import RecommendConfig
from portside_recommend.library import KeptBehaviour, KeptVectors, Library
from portside_recommend.records import Item, item_text
from portside_recommend.shelf import Shelf, align, empty_shelf
from portside_recommend.store import RecommendStore

__all__ = ["ShelfKeeper", "encode_items"]

TEXTS_AT_ONCE = 512
"""Encoded between two reports of progress."""
MANY = 1_000
"""Items read at once from which on it may be worth preparing the search: fewer come with a request that waits."""
Stamp = tuple[int, tuple[int, int] | None, str]


@dataclass
class _Kept:
    """What the present shelf was made of."""

    stamp: Stamp
    shelf: Shelf
    items: dict[str, Item] = field(default_factory=dict)
    index: VectorIndex | None = None
    behaviour: KeptBehaviour | None = None


class ShelfKeeper:
    """Gives the shelf as it should be now. Safe to share between threads; one of them renews it for all."""

    def __init__(
        self,
        store: RecommendStore,
        library: Library,
        encoder: Callable[[], TextEncoder],
        config: RecommendConfig,
    ) -> None:
        self._store, self._library, self._encoder, self._config = store, library, encoder, config
        self._lock = Lock()
        self._kept: _Kept | None = None

    def encoder(self) -> TextEncoder:
        """The encoder that is served now."""
        return self._encoder()

    def shelf(self, progress: Progress | None = None) -> Shelf:
        """The catalogue with vectors and behaviour; renewed when items, behaviour or the encoder changed.

        Raises:
            ModelDamaged: a file cannot be read.
        """
        return self.shelf_and_encoder(progress)[0]

    def shelf_and_encoder(self, progress: Progress | None = None) -> tuple[Shelf, TextEncoder]:
        """The shelf with the encoder of the version that made its vectors: no search mixes two versions.

        A version that was compiled meanwhile is the same to the shelf; the encoder is the one that is served now.
        """
        encoder = self._encoder()
        stamp = (self._store.version(), self._library.stamp(), encoder.model)
        kept = self._kept
        if kept is not None and kept.stamp == stamp:
            return kept.shelf, encoder
        with self._lock:
            if self._kept is None or self._kept.stamp != stamp:
                self._kept = self._renewed(self._kept, stamp, encoder, progress or NullProgress())
            return self._kept.shelf, encoder

    def _renewed(self, old: _Kept | None, stamp: Stamp, encoder: TextEncoder, progress: Progress) -> _Kept:
        version, behaviour_stamp, model = stamp
        changed = self._store.items_since(old.stamp[0] if old else 0)
        items = dict(old.items) if old else {}
        items.update((item.item_id, item) for item in changed)
        if not items:
            return _Kept(stamp, empty_shelf(1, model, self._config.weights))
        same_encoder = old is not None and old.stamp[2] == model and old.index is not None
        index, stale = (old.index, changed) if old and same_encoder else self._read_vectors(model, items)
        if stale or index is None:
            fresh = encode_items(encoder, stale, progress)
            index = index or VectorIndex(fresh.shape[1])
            index.update([item.item_id for item in stale], fresh)
            if len(stale) >= MANY:
                progress.update(1, 1, said("making the search fast"))
                index.speed_up()
            self._library.save_vectors(model, KeptVectors(index, version))
        same_behaviour = old is not None and old.stamp[1] == behaviour_stamp
        behaviour = old.behaviour if old is not None and same_behaviour else self._library.load_behaviour()
        return _Kept(stamp, self._made(items, index, behaviour, model), items, index, behaviour)

    def _read_vectors(self, model: str, items: dict[str, Item]) -> tuple[VectorIndex | None, list[Item]]:
        """The vectors on disk, and the items that they do not know or know in an older wording."""
        found = self._library.load_vectors(model)
        if found is None:
            return None, list(items.values())
        newer = {item.item_id for item in self._store.items_since(found.version)}
        known = set(found.index.ids()) - newer
        return found.index, [item for item in items.values() if item.item_id not in known]

    def _made(self, items: dict[str, Item], index: VectorIndex, kept: KeptBehaviour | None, model: str) -> Shelf:
        ids = list(items)
        size = len(ids)
        empty = empty_shelf(1, model, self._config.weights)
        rows = {item_id: row for row, item_id in enumerate(ids)}
        popular = np.zeros(size, dtype=np.float32)
        together = following = align(empty.together, np.zeros(0, dtype=np.int64), size)
        if kept is not None:
            places = np.array([rows.get(each, -1) for each in kept.item_ids], dtype=np.int64)
            there = places >= 0
            popular[places[there]] = kept.behaviour.popular[there]
            together = align(kept.behaviour.together, places, size)
            following = align(kept.behaviour.following, places, size)
        return Shelf(
            items=tuple(items.values()),
            vectors=index.vectors_of(ids),
            index=index,
            together=together,
            following=following,
            popular=popular,
            weights=kept.weights if kept is not None else self._config.weights,
            model=model,
            users=int(kept.facts.get("users", 0)) if kept is not None else 0,
        )


def encode_items(encoder: TextEncoder, items: Sequence[Item], progress: Progress) -> NDArray[np.float32]:
    """Vectors of the items' words, shape (items, dim), with progress."""
    parts = []
    for start in range(0, len(items), TEXTS_AT_ONCE):
        block = items[start : start + TEXTS_AT_ONCE]
        parts.append(encoder.encode([item_text(item) for item in block]))
        progress.update(
            start + len(block), len(items), said("reading the catalogue, item {item}", item=f"{start + len(block):,}")
        )
    made = np.concatenate(parts) if parts else np.zeros((0, encoder.dim), dtype=np.float32)
    return np.asarray(made, dtype=np.float32).reshape(len(items), -1)
