"""Fine-tune a bi-encoder that finds documents for queries, for ``train_task``."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from portside.data.identity import text_key
from portside.data.matching import MatchingDataset
from portside.encoders import EncoderSource
from portside.errors import DataError
from portside.evaluation.held_out import save_rows
from portside.said import said
from portside.tasks.matching import (
    JudgedTexts,
    MatchingRecipe,
    System,
    check_trainable,
    none_relevant,
    relevant_documents,
    with_further,
)
from portside.training.datasets import data_identity
from portside.training.holdout import holdout_size
from portside.training.reload import ReloadCheck, check_inputs
from portside.training.run import OneRound
from portside.training.seen import save_seen

if TYPE_CHECKING:
    from portside.training.adapter import TaskAdapter
    from portside.training.fit import Fitted
    from portside.training.matching_adapter import MatchingMaterial

__all__ = ["MatchingRecipe", "MatchingTask", "best_system", "held_aside", "make_task"]

MOST_VALIDATION_DOCUMENTS = 10_000
"""Documents that validation ranks at most: each of them is read anew at each validation."""
KEPT_FOR_TRAINING = 2
"""Different queries that training keeps whatever the share kept aside."""


def make_task(recipe: MatchingRecipe, dataset: MatchingDataset, valid: MatchingDataset | None = None) -> MatchingTask:
    """The task for ``train_task``. Without ``valid`` some queries are kept aside, all judgements of each together.

    Raises:
        DataError: there is nothing to learn, or nothing to validate on in ``valid``, or it is the same folder.
    """
    check_trainable(dataset)
    if valid is not None:
        if valid.judgements and valid.source == dataset.source:
            raise DataError(
                "The judgements of a folder's test queries must not choose the weights",
                seen=said("{file} as validation data", file=valid.judgements),
                remedy="Leave --valid out: some training queries are then kept aside; or name another folder",
            )
        if not relevant_documents(valid.judged):
            raise DataError(
                "Validation needs queries with a document that is relevant to them",
                seen=none_relevant(valid.judged),
                file=valid.source,
            )
    return MatchingTask(recipe, dataset, valid)


@dataclass(frozen=True)
class MatchingTask(OneRound):
    """Judged queries and documents, checked."""

    recipe: MatchingRecipe
    dataset: MatchingDataset
    valid: MatchingDataset | None
    name: str = "matching"

    def identity(self) -> dict[str, Any]:
        """Hashes of the data."""
        return data_identity(self.dataset, self.valid)

    @cached_property
    def material(self) -> MatchingMaterial:
        """Pairs to train on and queries to validate on."""
        from portside.training.matching_adapter import MatchingMaterial

        dataset, positives = self.dataset, relevant_documents(self.dataset.judged)
        held = [] if self.valid is not None else held_aside(dataset.queries, list(positives), seed=self.recipe.seed)
        aside = set(held)
        relevant: dict[str, set[str]] = {}
        rejected: dict[str, list[str]] = {}
        pairs = []
        for query, document in dict.fromkeys((one.query, one.document) for one in dataset.judged):
            key = text_key(dataset.queries[query])
            if document not in positives.get(query, ()):
                rejected.setdefault(key, []).append(document)
            elif query not in aside:
                relevant.setdefault(key, set()).add(text_key(dataset.documents[document]))
                pairs.append((dataset.queries[query], document))
        valid = dataset.subset(held) if held else self.valid
        return MatchingMaterial(
            documents=dataset.documents,
            pairs=pairs,
            relevant={key: frozenset(keys) for key, keys in relevant.items()},
            rejected=rejected,
            valid=None if valid is None else self._with_corpus(valid),
            validation=self._validation(len(held), len(positives)),
        )

    def _validation(self, held: int, queries: int) -> str:
        if self.valid is not None:
            return f"{self.valid.source}, given by the user"
        if not held:
            return "none: too few queries to keep any aside"
        return f"{held} of {queries} queries, kept aside with seed {self.recipe.seed}"

    def _with_corpus(self, valid: MatchingDataset) -> MatchingDataset:
        """The documents that validation ranks: its own and those of training, of a huge corpus a part."""
        corpus = with_further(valid.documents, self.dataset.documents.values())
        if len(corpus) > MOST_VALIDATION_DOCUMENTS:
            needed = set().union(*relevant_documents(valid.judged).values())
            others = [key for key in corpus if key not in needed]
            random.Random(self.recipe.seed).shuffle(others)
            kept = needed | set(others[: max(MOST_VALIDATION_DOCUMENTS - len(needed), 0)])
            corpus = {key: text for key, text in corpus.items() if key in kept}
        return MatchingDataset(corpus, valid.queries, valid.judged, valid.source, parts=valid.parts)

    def adapter(self, source: EncoderSource) -> TaskAdapter:
        """The task for the training loop."""
        from portside.training.matching_adapter import MatchingAdapter

        return MatchingAdapter(self.recipe, self.material, source)

    def save(self, folder: Path, fitted: Fitted, adapter: TaskAdapter) -> Callable[[Path, ReloadCheck], None]:
        """Write the model's files; returns the test that they reload to the vectors of the trained network.

        The folder is an ordinary encoder's, which ``load_encoder`` reads, with the documents beside it.
        """
        from portside.inference.folder import ModelFile
        from portside.inference.matcher import save_documents
        from portside.inference.pooling import pooling_options
        from portside.tasks.network_folder import save_network
        from portside.training.matching_adapter import MatchingAdapter

        assert isinstance(adapter, MatchingAdapter)
        network, documents = fitted.network, self.dataset.documents
        read = {**adapter.prefixes.to_options(), **pooling_options(adapter.pooling)}
        options = {"also": ["encoder"], "system": best_system(fitted.validation), **read}
        model = ModelFile(self.name, adapter.tokens.max_tokens, options=options)
        encoder: Any = network.encoder
        save_network(folder, encoder, adapter.tokens, fitted.config, model)
        save_documents(folder, documents, adapter.documents(network, list(documents.values())))
        save_seen(folder, [query for query, _ in self.material.pairs])
        if self.recipe.keep_held_out and self.material.valid is not None:
            save_rows(folder, self._judged_rows(self.material.valid))
        texts = check_inputs([*self.dataset.queries.values(), *documents.values()])
        sides = [adapter.queries(network, texts), adapter.documents(network, texts)]
        expected = np.hstack(sides).astype("float64")
        return lambda staged, check: check.compare(staged, texts, (), expected)

    def _judged_rows(self, valid: JudgedTexts) -> Iterator[dict[str, Any]]:
        """With the columns that say where each query comes from."""
        parts: Mapping[str, Sequence[str]] = getattr(valid, "parts", {})
        place_of = {query: place for place, query in enumerate(valid.queries)}
        for one in valid.judged:
            document, relevance = valid.documents[one.document], one.relevance
            origin = {name: values[place_of[one.query]] for name, values in parts.items()}
            yield {**origin, "query": valid.queries[one.query], "document": document, "relevance": relevance}

    def card(self, fitted: Fitted, adapter: TaskAdapter) -> dict[str, Any]:
        """How it ranks, what validation measured, what it was trained on."""
        found, material, dataset = fitted.validation, self.material, self.dataset
        summary = said(
            "Finds queries' documents among {n}; fine-tuned on {pairs} pairs",
            n=f"{len(dataset.documents):,}",
            pairs=f"{len(material.pairs):,}",
        )
        if found:
            ndcg = f"{found['ndcg_at_10']:.3f}"
            summary = said("{made}, NDCG@10 {ndcg} on validation queries", made=summary, ndcg=ndcg)
        metrics: dict[str, Any] = {}
        if found is not None and material.valid is not None:
            counts = {"n": len(relevant_documents(material.valid.judged)), "documents": len(material.valid.documents)}
            metrics = {"validation": {**found, **counts, "system": best_system(found)}}
        return {
            "summary": summary,
            "labels": [],
            "metrics": metrics,
            "data": {
                "source": dataset.source,
                "content_hash": dataset.content_hash,
                "rows": len(dataset.judged),
                "queries": len(dataset.queries),
                "documents": len(dataset.documents),
                "trained_on": len(material.pairs),
                "validation": material.validation,
                "longer_than_limit": adapter.cut,
            },
            "limits": {"max_tokens": adapter.tokens.max_tokens},
            **_told(adapter),
        }


def _told(adapter: TaskAdapter) -> dict[str, Any]:
    """What the card says of the prefixes, where there are any."""
    from portside.training.matching_adapter import MatchingAdapter

    assert isinstance(adapter, MatchingAdapter)
    prefixes = adapter.prefixes
    return {"read_before": {"query": prefixes.query, "document": prefixes.document}} if prefixes else {}


def held_aside(queries: Mapping[str, str], judged: Sequence[str], *, seed: int) -> list[str]:
    """Which of the ``judged`` queries to keep aside, in their order: those with the same text are all in or all out."""
    by_text: dict[str, list[str]] = {}
    for query in judged:
        by_text.setdefault(text_key(queries[query]), []).append(query)
    texts = list(by_text)
    random.Random(seed).shuffle(texts)
    count = min(holdout_size(len(texts)), max(len(texts) - KEPT_FOR_TRAINING, 0))
    held = {query for text in texts[:count] for query in by_text[text]}
    return [query for query in judged if query in held]


def best_system(found: Mapping[str, float] | None) -> System:
    """The way of ranking with the highest NDCG@10 on validation queries; without them, words and vectors together."""
    if not found:
        return "hybrid"
    reached: dict[System, float] = {
        "vectors": found["ndcg_at_10"],
        "hybrid": found["hybrid_ndcg_at_10"],
        "keywords": found["keywords_ndcg_at_10"],
    }
    return max(reached, key=lambda system: reached[system])
