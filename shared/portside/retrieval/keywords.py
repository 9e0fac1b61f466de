"""Find by word: BM25 over texts with string ids, in English, Chinese and what is written like them.

Readers never wait: what they search is a ``KeywordState`` that never changes.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from portside.errors import UsageError
from portside.retrieval.hits import Hit
from portside.retrieval.snapshots import load_snapshot, pack, save_snapshot, unpack
from portside.retrieval.tokens import words_of

__all__ = ["Hit", "KeywordIndex", "KeywordState"]

KIND = "keyword"


@dataclass(frozen=True, eq=False)
class KeywordState:
    """The content of a keyword index at one moment. Immutable: changes return the next state."""

    documents: Mapping[str, NDArray[np.int32]] = field(default_factory=dict)
    """Numbers of the words of each document, in order, by id."""
    vocabulary: Mapping[str, int] = field(default_factory=dict)
    """The words of these documents and no others, in the order of their numbers, which have no gaps."""

    def __len__(self) -> int:
        return len(self.documents)

    @cached_property
    def _ids(self) -> tuple[str, ...]:
        return tuple(self.documents)

    @cached_property
    def _engine(self) -> Any:
        """The scores of every word in every document, or None where there is no word at all."""
        import bm25s

        # On import it asks for every line of its log; whoever starts Portside did not.
        logging.getLogger("bm25s").setLevel(logging.WARNING)
        words = [numbers.tolist() for numbers in self.documents.values()]
        if not any(words):
            return None
        engine = bm25s.BM25(method="lucene")
        engine.index(
            (words, {str(number): number for number in self.vocabulary.values()}),
            create_empty_token=False,
            show_progress=False,
        )
        return engine

    def search(self, text: str, k: int) -> list[Hit]:
        """See ``KeywordIndex.search``."""
        if k < 1:
            raise UsageError("The number of results must be at least 1", seen=str(k))
        if self._engine is None:
            return []
        asked = [self.vocabulary[word] for word in words_of(text) if word in self.vocabulary]
        if not asked:
            return []
        scores = self._engine.get_scores(asked)
        matching = np.flatnonzero(scores > 0)
        if len(matching) > k:
            matching = matching[np.argpartition(-scores[matching], k - 1)[:k]]
        best = matching[np.argsort(-scores[matching], kind="stable")]
        return [Hit(self._ids[row], float(scores[row])) for row in best]

    def with_texts(self, ids: Sequence[str], texts: Sequence[str]) -> KeywordState:
        """The state in which these ids have these texts, and every word knows how rare it now is."""
        if len(ids) != len(texts):
            raise UsageError("Each id needs one text", seen=f"{len(ids)} ids, {len(texts)} texts")
        if len(set(ids)) != len(ids):
            raise UsageError("An id may stand only once in a call", seen=repr(Counter(ids).most_common(1)[0][0]))
        vocabulary = dict(self.vocabulary)
        documents = dict(self.documents)
        for key, text in zip(ids, texts, strict=True):
            numbers = [vocabulary.setdefault(word, len(vocabulary)) for word in words_of(text)]
            documents[key] = np.array(numbers, dtype=np.int32)
        replaced = any(key in self.documents for key in ids)
        return (_renumbered if replaced else KeywordState)(documents, vocabulary)._built()

    def without(self, ids: Iterable[str]) -> KeywordState:
        """The state without these ids; those it does not have are passed over."""
        gone = set(ids)
        left = {key: numbers for key, numbers in self.documents.items() if key not in gone}
        return _renumbered(left, self.vocabulary)._built() if len(left) < len(self.documents) else self

    def _built(self) -> KeywordState:
        # The writer pays for the scores, never the first reader.
        _ = self._engine, self._ids
        return self

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """What ``from_arrays`` needs, as arrays that a snapshot can hold."""
        flat = np.concatenate([np.empty(0, dtype=np.int32), *self.documents.values()])
        lengths = np.array([len(numbers) for numbers in self.documents.values()], dtype=np.int64)
        names = {"ids": list(self.documents), "vocabulary": list(self.vocabulary)}
        return {"words.npy": flat, "word_counts.npy": lengths, "word_names.npy": pack(names)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> KeywordState:
        """The state that ``to_arrays`` wrote down."""
        names = unpack(arrays["word_names.npy"])
        ends = np.cumsum(arrays["word_counts.npy"])[:-1]
        parts = np.split(arrays["words.npy"], ends) if names["ids"] else []
        vocabulary = {word: number for number, word in enumerate(names["vocabulary"])}
        # Snapshots of earlier versions may hold words of deleted texts.
        return _renumbered(dict(zip(names["ids"], parts, strict=True)), vocabulary)._built()


def _renumbered(documents: Mapping[str, NDArray[np.int32]], vocabulary: Mapping[str, int]) -> KeywordState:
    """The state with those words alone that a document has: a deleted text must not live on in its rare words."""
    used = np.unique(np.concatenate([np.empty(0, dtype=np.int32), *documents.values()]))
    if len(used) == len(vocabulary):
        return KeywordState(documents, vocabulary)
    fresh = {int(number): place for place, number in enumerate(used)}
    words = {word: fresh[number] for word, number in vocabulary.items() if number in fresh}
    lines = {key: np.searchsorted(used, line).astype(np.int32) for key, line in documents.items()}
    return KeywordState(lines, words)


class KeywordIndex:
    """Texts by id, found by their words. One writer at a time and any number of readers may share it between threads.

    A write scores the whole index anew, because each new text changes how rare its words are (0.5 s for 50,000
    headlines): write in batches.
    """

    def __init__(self) -> None:
        self._state = KeywordState()
        self._writing = threading.Lock()

    @property
    def state(self) -> KeywordState:
        """The present content; does not change when the index does."""
        return self._state

    def __len__(self) -> int:
        return len(self._state)

    def __contains__(self, key: str) -> bool:
        return key in self._state.documents

    def ids(self) -> tuple[str, ...]:
        """Every id."""
        return tuple(self._state.documents)

    def add(self, ids: Sequence[str], texts: Sequence[str]) -> None:
        """Add new texts. All of them appear to readers at once, or none. A text without words is never found.

        Raises:
            UsageError: an id is there already or twice in the call, or there are not as many texts as ids.
        """
        with self._writing:
            known = next((key for key in ids if key in self._state.documents), None)
            if known is not None:
                seen = repr(known)
                raise UsageError("An id to add must be new", seen=seen, remedy="Use update for ids already there")
            self._state = self._state.with_texts(ids, texts)

    def update(self, ids: Sequence[str], texts: Sequence[str]) -> None:
        """Give these ids new texts; ids not there yet are added.

        Raises:
            UsageError: an id is twice in the call, or there are not as many texts as ids.
        """
        with self._writing:
            self._state = self._state.with_texts(ids, texts)

    def delete(self, ids: Iterable[str]) -> int:
        """Remove these ids and say how many were there."""
        with self._writing:
            before = len(self._state)
            self._state = self._state.without(ids)
            return before - len(self._state)

    def search(self, text: str, k: int) -> list[Hit]:
        """At most ``k`` texts that share a word with ``text``, best BM25 score first.

        Raises:
            UsageError: ``k`` is less than 1.
        """
        return self._state.search(text, k)

    def save(self, folder: Path) -> None:
        """Write the present content to ``folder``, whole or not at all; the folder may hold an older save.

        Raises:
            StorageError: the folder cannot be written.
        """
        save_snapshot(folder, KIND, {}, self._state.to_arrays())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what ``save`` wrote.

        Raises:
            StorageError: there is no keyword index in the folder.
            ModelDamaged: a file is missing or was changed; names it.
        """
        index = cls()
        index._state = KeywordState.from_arrays(load_snapshot(folder, KIND).arrays)
        return index
