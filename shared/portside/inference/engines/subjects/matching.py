"""A matcher: NDCG@10 by its vectors, and their cosine to the original's. Imports torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from portside.evaluation.matching import score_rankings
from portside.inference.engines.subject import Answers, Subject, ask_texts, least_cosine
from portside.inference.prefixes import Prefixes, prefixes_of
from portside.tasks.matching_network import load_network

if TYPE_CHECKING:
    from torch import nn

    from portside.data.matching import MatchingDataset
    from portside.inference.tokens import Tokens
    from portside.registry import ModelVersion

__all__ = ["judged", "subject"]

RANKED = 100
"""Documents of a ranking that are looked at."""


def subject(version: ModelVersion, dataset: MatchingDataset) -> Subject:
    """The matcher in ``version``, judged on the queries and documents of ``dataset``."""
    network, tokens, file = load_network(version.folder)
    return judged(network, tokens, dataset, prefixes_of(file))


def judged(network: nn.Module, tokens: Tokens, dataset: MatchingDataset, prefixes: Prefixes) -> Subject:
    """A network of ``vectors``, judged on the queries and documents of ``dataset``, read after their ``prefixes``."""
    queries, documents = dataset.queries, dataset.documents

    def ndcg(answers: Answers) -> float:
        vectors = np.asarray(answers)
        scores = vectors[: len(queries)] @ vectors[len(queries) :].T
        ids = np.array(list(documents))
        order = np.argsort(-scores, axis=1, kind="stable")[:, :RANKED]
        rankings = {query: ids[places].tolist() for query, places in zip(queries, order, strict=True)}
        return score_rankings(rankings, dataset).ndcg_at_10

    return Subject(
        network,
        ("vectors",),
        rows=len(queries) + len(documents),
        ask=ask_texts(
            tokens,
            [
                *(prefixes.query + text for text in queries.values()),
                *(prefixes.document + text for text in documents.values()),
            ],
        ),
        agreement=least_cosine,
        quality=ndcg,
        measure="NDCG@10",
    )
