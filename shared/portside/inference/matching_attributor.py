"""Why a matcher puts a document first: which words of the query bring the two near each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from portside.data.findings import excerpt
from portside.errors import UsageError
from portside.inference.attributor import Answer, Measure, TokenValues, Variant, check_label, refined, without
from portside.inference.loaded import LazyNetwork
from portside.inference.matcher import FolderMatcher

__all__ = ["MatchingAttributor"]


class MatchingAttributor:
    """The matcher in one folder: the answer to a query is the document whose vector is nearest.

    The score is the cosine of query and document, which is what the matcher itself ranks by. Only the query's words are
    left out: the document stays as it is.
    """

    measure: Measure = "cosine"

    def __init__(self, folder: Path, *, model: str, threads: int = 0) -> None:
        """Open a folder.

        Raises:
            ModelError: the model is no matcher.
        """
        self.model, self._folder = model, folder
        self._matcher = FolderMatcher(folder, model=model)
        self._given: Mapping[str, str] | None = None
        self._ready = LazyNetwork(folder, "portside.tasks.matching_network:load_network", threads=threads)

    def among(self, documents: Mapping[str, str]) -> MatchingAttributor:
        """The same network with other texts to choose from, by id, than those that it was trained with."""
        made = MatchingAttributor(self._folder, model=self.model)
        made._given, made._ready = documents, self._ready
        return made

    @cached_property
    def documents(self) -> Mapping[str, str]:
        """Texts by id."""
        return self._matcher.documents if self._given is None else self._given

    @cached_property
    def _vectors(self) -> NDArray[np.float64]:
        """Of the documents, in their order, shape (documents, dim)."""
        if self._given is None:
            return self._matcher.document_vectors.astype(np.float64)
        return self._encode(list(self._given.values()), self._matcher.prefixes.document)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {key: place for place, key in enumerate(self.documents)}

    def answers(self, texts: Sequence[str], label: str | None = None) -> list[list[Answer]]:
        keys = list(self.documents)
        if label is not None:
            check_label(label, keys)
        if not keys:
            raise UsageError("There must be documents to choose from", seen=f"{self.model} has none")
        if not texts:
            return []
        queries = self._encode(texts, self._matcher.prefixes.query)
        first = [keys[place] for place in (queries @ self._vectors.T).argmax(axis=1)]
        shown = {key: f"“{excerpt(self.documents[key])}”" for key in {*first, *([] if label is None else [label])}}
        return [[Answer(label or key, shown[label or key], shown[key])] for key in first]

    def scores(self, variants: Sequence[Variant]) -> NDArray[np.float64]:
        if not variants:
            return np.zeros(0)
        left = [without(one.text, one.gone) for one in variants]
        queries = self._encode(left, self._matcher.prefixes.query)
        return np.asarray((queries * self._of([one.answer for one in variants])).sum(axis=1))

    def integrated_gradients(self, texts: Sequence[str], answers: Sequence[Answer]) -> list[TokenValues]:
        def integrate(places: Sequence[int], steps: int) -> list[TokenValues]:
            return self._integrate([texts[one] for one in places], [answers[one] for one in places], steps)

        return refined(len(texts), integrate)

    def _of(self, answers: Sequence[Answer]) -> NDArray[np.float64]:
        return self._vectors[[self._places[one.key] for one in answers]]

    def _encode(self, texts: Sequence[str], prefix: str) -> NDArray[np.float64]:
        network, tokens, device = self._ready()
        from portside.inference import network as engine

        read = tokens.after(prefix)
        found = engine.run(lambda ids, mask: network(ids, mask)["vectors"], read, texts, device=device)
        return found.astype(np.float64)

    def _integrate(self, texts: Sequence[str], answers: Sequence[Answer], steps: int) -> list[TokenValues]:
        network, tokens, device = self._ready()
        from portside.inference import gradients

        # What stands before each query stays in every reading, like the special tokens: it is no word of the user's.
        encoded, spans = tokens.after(self._matcher.prefixes.query).located(texts)
        framed = [[start == end for start, end in each] for each in spans]
        score = gradients.cosine_score(self._of(answers), network.pooling)
        results = gradients.integrate(network, tokens, encoded.ids, framed, score=score, device=device, steps=steps)
        cut = set(encoded.cut)
        return [
            TokenValues(tuple(each), values, with_them, without_them, place in cut)
            for place, (each, (values, with_them, without_them)) in enumerate(zip(spans, results, strict=True))
        ]
