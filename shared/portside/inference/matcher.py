"""Matchers: which of its documents answer a query; one version from its folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from portside.errors import ModelDamaged
from portside.inference.batched import run_batches
from portside.inference.cuts import Cuts
from portside.inference.engines.store import CompiledPlace, place_of
from portside.inference.folder import read_model_file
from portside.inference.loaded import FolderForward
from portside.inference.prefixes import prefixes_of
from portside.inference.ranking import Ranked, Ranker
from portside.records import Match
from portside.tasks.matching import SYSTEMS, JudgedTexts, System, with_further

if TYPE_CHECKING:
    from portside.registry import ModelVersion

__all__ = ["FolderMatcher", "answers", "load_matcher", "rank_all", "save_documents"]

TEXTS_FILE, VECTORS_FILE = "documents.json", "document_vectors.safetensors"


class FolderMatcher:
    """The matcher in one folder; its weights are read on first use. Safe to share between threads."""

    def __init__(
        self,
        folder: Path,
        *,
        model: str,
        threads: int = 0,
        cuts: Cuts | None = None,
        compiled: CompiledPlace | None = None,
    ) -> None:
        """``cuts`` counts the texts that were longer than the model reads; ``compiled``: where a compiled engine may
        lie.
        """
        self.model, self._cuts = model, cuts
        file = read_model_file(folder, task="matching")
        self.system = cast(System, file.options.get("system", "hybrid"))
        """How it ranks: what was best on validation queries."""
        self.prefixes = prefixes_of(file)
        """What it reads before each query and each document."""
        self._folder = folder
        loader = "portside.tasks.matching_network:load_network"
        self._ready = FolderForward(
            folder, loader, ("vectors",), max_tokens=file.max_tokens, threads=threads, compiled=compiled
        )

    @cached_property
    def documents(self) -> dict[str, str]:
        """Texts of the documents it was trained with, by id.

        Raises:
            ModelDamaged: they are missing or unreadable.
        """
        path = self._folder / TEXTS_FILE
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            return dict(zip(found["ids"], found["texts"], strict=True))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise _unreadable(path, error) from error

    @cached_property
    def document_vectors(self) -> NDArray[np.float32]:
        """Of its documents, in their order, shape (documents, dim).

        Raises:
            ModelDamaged: they are missing or unreadable.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        path = self._folder / VECTORS_FILE
        try:
            found: NDArray[np.float32] = load_file(path)["vectors"]
        except (OSError, KeyError, SafetensorError) as error:
            raise _unreadable(path, error) from error
        if len(found) != len(self.documents):
            raise _unreadable(path, ValueError(f"{len(found)} vectors for {len(self.documents)} documents"))
        return found

    @cached_property
    def _ranker(self) -> Ranker:
        return Ranker(tuple(self.documents), tuple(self.documents.values()))

    def encode(self, texts: Sequence[str], *, report: Callable[[int], None] | None = None) -> NDArray[np.float32]:
        """Vectors of documents, of length 1, shape (texts, dim), in the order given; ``report`` is told how many are
        done.
        """
        return self._read(texts, self.prefixes.document, report)

    def encode_queries(
        self, texts: Sequence[str], *, report: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """The same for queries: other vectors where something else is read before them than before documents."""
        return self._read(texts, self.prefixes.query, report)

    def _read(
        self, texts: Sequence[str], prefix: str, report: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        if not texts:
            return np.zeros((0, self.document_vectors.shape[1]), dtype=np.float32)
        forward, tokens = self._ready()
        return run_batches(forward, tokens.after(prefix), texts, report=report, cuts=self._cuts)

    def match(self, queries: Sequence[str], k: int = 3, *, system: System | None = None) -> list[list[Match]]:
        """The ``k`` best of its documents for each query, by ``system`` or the one that was best in validation.

        A document's score is the cosine (vectors), the fused score (hybrid) or BM25's (keywords).
        """
        used = system or self.system
        scores = self.encode_queries(queries) @ self.document_vectors.T
        return [
            [
                Match(hit.id, self.documents[hit.id], hit.score, self.model)
                for hit in self._ranker.rank(used, query, row, k)
            ]
            for query, row in zip(queries, scores, strict=True)
        ]

    def rankings(self, dataset: JudgedTexts, *, report: Callable[[int, int], None] | None = None) -> Ranked:
        """Rank documents for every query by each system.

        Ranked are the documents of ``dataset`` together with the model's own: a few documents beside a few queries
        would be found too easily. ``report`` is told how many steps are done of how many: a text to be read is one (the
        model's own documents need not be), a query to be ranked for is another.
        """
        corpus = with_further(dataset.documents, self.documents.values())
        known = dict(zip(self.documents.values(), self.document_vectors, strict=True))
        new = list(dict.fromkeys(text for text in corpus.values() if text not in known))
        texts = list(dataset.queries.values())
        read = len(texts) + len(new)

        def after(before: int) -> Callable[[int], None] | None:
            return None if report is None else lambda done: report(before + done, read + len(texts))

        queries = self.encode_queries(texts, report=after(0))
        known.update(zip(new, self.encode(new, report=after(len(texts))), strict=True))
        ranker = Ranker(tuple(corpus), tuple(corpus.values()))
        documents = np.stack([known[text] for text in corpus.values()])
        return rank_all(ranker, dataset, queries, documents, report=after(read))


def rank_all(
    ranker: Ranker,
    dataset: JudgedTexts,
    queries: NDArray[np.float32],
    documents: NDArray[np.float32],
    *,
    report: Callable[[int], None] | None = None,
) -> Ranked:
    """Rankings of every query of ``dataset`` by every system; vectors have shape (texts, dim), documents the ranker's.

    ``report`` is told how many queries are done.
    """
    orders: dict[System, dict[str, list[str]]] = {system: {} for system in SYSTEMS}
    cosines: dict[System, dict[str, float]] = {system: {} for system in SYSTEMS}
    place_of = {document: place for place, document in enumerate(ranker.ids)}
    for place, (key, text) in enumerate(dataset.queries.items()):
        scores = documents @ queries[place]
        for system in SYSTEMS:
            orders[system][key] = [hit.id for hit in ranker.rank(system, text, scores)]
            for first in orders[system][key][:1]:
                cosines[system][key] = float(scores[place_of[first]])
        if report is not None:
            report(place + 1)
    return Ranked(orders, len(documents), cosines)


def _unreadable(path: Path, error: Exception) -> ModelDamaged:
    return ModelDamaged(
        "A matcher's folder needs its documents",
        seen=f"{path}: {type(error).__name__} {error}",
        remedy="Restore the folder from a backup or train the model again",
    )


def save_documents(folder: Path, documents: Mapping[str, str], vectors: NDArray[np.float32]) -> None:
    """Write what a matcher finds: texts by id, and their vectors, shape (documents, dim)."""
    from safetensors.numpy import save_file

    plain = {"ids": list(documents), "texts": list(documents.values())}
    (folder / TEXTS_FILE).write_text(json.dumps(plain, ensure_ascii=False) + "\n", encoding="utf-8")
    save_file({"vectors": np.ascontiguousarray(vectors, dtype=np.float32)}, folder / VECTORS_FILE)


def load_matcher(version: ModelVersion, *, threads: int = 0, cuts: Cuts | None = None) -> FolderMatcher:
    """The matcher of one version; ``cuts`` counts the texts that were longer than it reads.

    Raises:
        ModelDamaged: the folder lacks a file or holds an unreadable one.
        ModelError: the version is a model for another task.
    """
    return FolderMatcher(
        version.folder, model=version.ref, threads=threads, cuts=cuts, compiled=place_of(version.folder)
    )


def answers(folder: Path, inputs: Sequence[str]) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """No labels, and vectors of the model in ``folder``: what a reload must repeat. Each text is read as a query and as
    a document, its two vectors side by side (texts, 2 · dim).
    """
    matcher = FolderMatcher(folder, model="check")
    return (), np.hstack([matcher.encode_queries(inputs), matcher.encode(inputs)]).astype(np.float64)
