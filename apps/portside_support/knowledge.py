"""The knowledge base as it is searched: passages by meaning and by word, from the articles now stored."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Protocol

import numpy as np

from portside.errors import ModelDamaged, StorageError
from portside.inference.interfaces import TextEncoder
from portside.progress import Progress
from portside.said import said
from portside_support.articles import plain_text
from portside_support.records import Article, Hit, Passage
from portside_support.store_content import ContentStore, KnowledgeState

if TYPE_CHECKING:
    from portside.retrieval.hybrid import HybridIndex

__all__ = ["FakeKnowledge", "Knowledge", "KnowledgeBase", "searchable"]

BATCH = 64
"""Passages encoded between two looks at progress."""
LEFT_BEHIND_SECONDS = 3600.0
"""Age of an index that no import can still be about to name: it was killed before it did."""
LOADS = 3
"""Attempts to read the index: each import takes away the one before it, also while that is being read."""


class Knowledge(Protocol):
    """Finds passages for a question."""

    def search(self, text: str, k: int) -> tuple[Hit, ...]:
        """The ``k`` best passages; none where no article was imported.

        The one most like the question stands first, so that its similarity speaks for the whole result.
        """
        ...


@dataclass
class FakeKnowledge:
    """The fake: passages by a word of the question."""

    by_word: Mapping[str, Sequence[Hit]] = field(default_factory=dict)

    def search(self, text: str, k: int) -> tuple[Hit, ...]:
        found = [hit for word, hits in self.by_word.items() if word in text.lower() for hit in hits]
        return tuple(sorted(found, key=lambda hit: -hit.similarity)[:k])


@dataclass(frozen=True)
class _Loaded:
    state: KnowledgeState
    index: HybridIndex
    passages: Mapping[str, Passage]


class KnowledgeBase:
    """Articles in the database, their index in a folder of its own for each import.

    The row that names the index is replaced together with the articles, so every process finds the two that belong
    together, whenever an import was killed. Safe to share between threads.
    """

    def __init__(self, content: ContentStore, encoder: TextEncoder, folder: Path, *, candidates: int) -> None:
        self._content = content
        self._encoder = encoder
        self._folder = folder
        self._candidates = candidates
        self._loaded: _Loaded | None = None
        self._loading = Lock()

    def search(self, text: str, k: int) -> tuple[Hit, ...]:
        """See ``Knowledge.search``.

        Raises:
            StorageError: the index on disk is missing, or was made with another encoder.
            ModelDamaged: a file of the index was changed.
        """
        loaded = self._current()
        if loaded is None or not len(loaded.index):
            return ()
        vector = self._encoder.encode_queries([text])[0]
        found = loaded.index.search(text, vector, max(k, self._candidates), depth=self._candidates)
        ids = [hit.id for hit in found if hit.id in loaded.passages][: max(k, 1)]
        # A passage found by its words alone has no similarity yet; the decision needs one for each.
        likeness = loaded.index.vectors_of(ids) @ np.asarray(vector, dtype=np.float32)
        hits = [Hit(loaded.passages[key], round(float(cosine), 6)) for key, cosine in zip(ids, likeness, strict=True)]
        best = max(hits, key=lambda hit: hit.similarity)
        return (best, *(hit for hit in hits if hit is not best))

    def replace(self, articles: Sequence[Article], progress: Progress) -> None:
        """Index these articles and make them the knowledge base, in place of all there were.

        Raises:
            StorageError: the index cannot be written.
            Cancelled: ``progress`` says so; then nothing has changed.
        """
        from portside.retrieval.hybrid import HybridIndex

        passages = [passage for article in articles for passage in article.passages]
        texts = [searchable(passage) for passage in passages]
        vectors = []
        for start in range(0, len(texts), BATCH):
            progress.update(start, len(texts), said("reading the articles"))
            vectors.append(self._encoder.encode(texts[start : start + BATCH]))
        index = HybridIndex(self._encoder.dim)
        index.add([passage.id for passage in passages], texts, np.concatenate(vectors))
        index.speed_up()
        generation = uuid.uuid4().hex
        index.save(self._folder / generation)
        progress.update(len(texts), len(texts), said("storing the articles"))
        before = self._content.knowledge_state()
        self._content.replace_knowledge(articles, generation=generation, encoder=self._encoder.model)
        self._forget(generation, "" if before is None else before.generation)

    def _current(self) -> _Loaded | None:
        for attempt in range(1, LOADS + 1):
            state = self._content.knowledge_state()
            if state is None:
                return None
            try:
                return self._of(state)
            except (StorageError, ModelDamaged):
                now = self._content.knowledge_state()
                if attempt == LOADS or now is None or now.generation == state.generation:
                    raise
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _of(self, state: KnowledgeState) -> _Loaded:
        loaded = self._loaded
        if loaded is not None and loaded.state.generation == state.generation:
            return loaded
        with self._loading:
            if self._loaded is None or self._loaded.state.generation != state.generation:
                self._loaded = self._load(state)
                self._forget(state.generation)
            return self._loaded

    def _load(self, state: KnowledgeState) -> _Loaded:
        from portside.retrieval.hybrid import HybridIndex

        if state.encoder != self._encoder.model:
            raise StorageError(
                "The knowledge base must be indexed with the encoder in use",
                seen=f"indexed with {state.encoder}, in use is {self._encoder.model}",
                remedy="Import the articles again: portside support import-kb FOLDER",
            )
        index = HybridIndex.load(self._folder / state.generation)
        return _Loaded(state, index, self._content.passages())

    def _forget(self, now: str, before: str = "") -> None:
        # Articles that were taken out are to be gone from the disk too, also where an import was killed before it
        # came to that; what another import has just written stays.
        for path in self._folder.iterdir():
            left_behind = time.time() - path.stat().st_mtime > LEFT_BEHIND_SECONDS
            if path.name == before or (path.name != now and left_behind):
                shutil.rmtree(path, ignore_errors=True)


def searchable(passage: Passage) -> str:
    """What the encoder reads of a passage."""
    # Title and heading say what the text often leaves out: "It takes five days" is about refunds.
    return "\n".join(part for part in (passage.title, passage.heading, plain_text(passage.text)) if part)
