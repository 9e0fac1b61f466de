"""Taggers: which words of a text are names of what; one version from its folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from portside.data.words import Word, split_sentences, split_words
from portside.inference.engines.store import CompiledPlace, place_of
from portside.inference.folder import read_model_file
from portside.inference.loaded import FolderForward
from portside.inference.name_reading import read_name_reading
from portside.inference.spans import found_spans, named
from portside.inference.tagging import tag_probabilities
from portside.records import Entity

if TYPE_CHECKING:
    from portside.inference.cuts import Cuts
    from portside.registry import ModelVersion

__all__ = ["FolderTagger", "answers", "load_tagger"]


class FolderTagger:
    """The tagger in one folder; its weights are read on first use. Safe to share between threads."""

    def __init__(
        self,
        folder: Path,
        *,
        model: str,
        threads: int = 0,
        cuts: Cuts | None = None,
        compiled: CompiledPlace | None = None,
    ) -> None:
        """``cuts`` counts the words that were longer than the model reads; ``compiled``: where a compiled engine may
        lie.
        """
        self.model = model
        self._cuts = cuts
        file = read_model_file(folder, task="tagging")
        self.tags = file.labels
        self.reading = read_name_reading(file.options)
        """How sure it is of a name that it finds; also where a compiled engine gives the probabilities."""
        self._context = int(file.options.get("context", 0))
        loader = "portside.tasks.tagging_network:load_network"
        self._ready = FolderForward(
            folder, loader, ("logits",), max_tokens=file.max_tokens, threads=threads, inputs=3, compiled=compiled
        )

    def tag(
        self,
        sentences: Sequence[Sequence[str]],
        *,
        documents: Sequence[int] | None = None,
        report: Callable[[int], None] | None = None,
    ) -> list[list[str]]:
        """A tag in IOB2 for each word. Sentences with the same number in ``documents`` are read in one context.

        ``report`` is told after each batch how many words are done.
        """
        found = self.probabilities(sentences, documents=documents, report=report)
        return [named(rows, self.tags) for rows in found]

    def probabilities(
        self,
        sentences: Sequence[Sequence[str]],
        *,
        documents: Sequence[int] | None = None,
        report: Callable[[int], None] | None = None,
    ) -> list[NDArray[np.float64]]:
        """Probabilities in the order of ``tags`` for each word; for each sentence an array (words, tags)."""
        forward, tokens = self._ready()
        numbers = range(len(sentences)) if documents is None else documents
        return tag_probabilities(
            forward,
            tokens,
            sentences,
            documents=numbers,
            context=self._context,
            report=report,
            cuts=self._cuts,
        )

    def entities(self, texts: Sequence[str]) -> list[list[Entity]]:
        """The names in running texts, in their order."""
        cut = [split_sentences(split_words(text), text) for text in texts]
        flat = [sentence for sentences in cut for sentence in sentences]
        documents = [place for place, sentences in enumerate(cut) for _ in sentences]
        found = self.probabilities([[word.text for word in sentence] for sentence in flat], documents=documents)
        out: list[list[Entity]] = [[] for _ in texts]
        for document, words, rows in zip(documents, flat, found, strict=True):
            out[document] += self._entities(texts[document], words, rows)
        if self._cuts is not None:
            self._cuts.passed(len(texts))
        return out

    def _entities(self, text: str, words: Sequence[Word], rows: NDArray[np.float64]) -> list[Entity]:
        made = []
        for span in found_spans(rows, self.tags):
            start, end = words[span.start].start, words[span.end - 1].end
            sure = self.reading.confidence(rows, span, self.tags)
            made.append(Entity(span.type, start, end, text[start:end], sure))
        return made


def load_tagger(version: ModelVersion, *, threads: int = 0, cuts: Cuts | None = None) -> FolderTagger:
    """The tagger of one version; ``cuts`` counts the words that were longer than it reads.

    Raises:
        ModelDamaged: the folder lacks a file or holds an unreadable one.
        ModelError: the version is a model for another task.
    """
    return FolderTagger(
        version.folder, model=version.ref, threads=threads, cuts=cuts, compiled=place_of(version.folder)
    )


def answers(folder: Path, inputs: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Tags and probabilities (words, tags) of the model in ``folder``: what a reload must repeat."""
    tagger = FolderTagger(folder, model="check")
    return tagger.tags, np.concatenate(tagger.probabilities(inputs))
