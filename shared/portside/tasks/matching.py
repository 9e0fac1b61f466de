"""Matching: which documents answer a query. The recipe, and the decisions that need no network."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

from portside.errors import DataError, UsageError
from portside.records import Judged
from portside.said import said
from portside.tasks.recipe import FINE_TUNING, TrainingRecipe, require
from portside.tasks.spec import TaskSpec

__all__ = [
    "RELEVANT_FROM",
    "SYSTEMS",
    "TASK",
    "JudgedTexts",
    "MatchingRecipe",
    "System",
    "check_trainable",
    "none_relevant",
    "relevance_by_query",
    "relevant_documents",
    "with_further",
]

RELEVANT_FROM = 0.5
"""Relevance from which a document is one that should be found: 1 of 0/1 and of grades, the upper half of 0 to 1."""
System = Literal["keywords", "vectors", "hybrid"]
SYSTEMS: tuple[System, ...] = get_args(System)
"""How documents can be ranked: by BM25, by the fine-tuned vectors, by both fused."""
STEPS = 60
"""Updates that a fine-tuning gets by default, at least one pass: the encoder was pretrained on such pairs already."""
MOST_EPOCHS = 20
LONGEST_PREFIX = 200
"""Characters of a prefix: it is read again with each text."""


class JudgedTexts(Protocol):
    """What training and evaluation need of a data set; ``portside.data.matching`` has the one that reads files."""

    @property
    def documents(self) -> Mapping[str, str]:
        """Every document's text, by id."""
        ...

    @property
    def queries(self) -> Mapping[str, str]:
        """Every query's text, by id."""
        ...

    @property
    def judged(self) -> Sequence[Judged]:
        """What is known of queries and documents; what is not judged counts as not relevant."""
        ...

    @property
    def source(self) -> str:
        """Where they come from, for people."""
        ...

    @property
    def content_hash(self) -> str:
        """Changes when a text or a judgement changes."""
        ...


@dataclass(frozen=True)
class MatchingRecipe(TrainingRecipe):
    """How to fine-tune a bi-encoder. A row is a query with one document that is relevant to it."""

    batch_size: int = 64
    """Rows of one update: the other rows' documents are what a query's own is told from."""
    encoder_lr: float = 1e-4
    dropout: float = 0.0
    """The other rows of a batch are noise enough."""
    max_tokens: int = 128
    """Tokens read of each query and document."""
    temperature: float = 0.05
    """Cosines are divided by it before the softmax."""
    hard_negatives: int = 0
    """Further documents for each row that are not relevant to its query: those that the data judges so, then those
    that share most words with it. Each costs as much time as the row's own document."""
    query_prefix: str | None = None
    """Read before each query, in training and ever after; empty: nothing. None: what the encoder was published with,
    for instance ``query: `` before queries and ``passage: `` before documents with E5."""
    document_prefix: str | None = None
    """The same before each document."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.method in FINE_TUNING, "method", self.method, said("one of {known}", known=", ".join(FINE_TUNING)))
        require(self.batch_size >= 2, "batch_size", self.batch_size, "at least 2: a row learns from the others")
        require(math.isfinite(self.temperature) and self.temperature > 0, "temperature", self.temperature, "above 0")
        require(0 <= self.hard_negatives <= 8, "hard_negatives", self.hard_negatives, "from 0 to 8")
        for name in ("query_prefix", "document_prefix"):
            short = len(getattr(self, name) or "") <= LONGEST_PREFIX
            allowed = said("of at most {n} characters, or left out", n=LONGEST_PREFIX)
            require(short, name, getattr(self, name), allowed)
        if self.micro_batch_size is not None:
            name = "micro_batch_size"
            raise UsageError(
                "A matching batch cannot be cut: each row learns from all the others of its batch",
                seen=f"{name} = {self.micro_batch_size}",
                remedy="Leave micro_batch_size out; to save memory lower batch_size or max_tokens",
            )

    def passes(self, rows: int) -> int:
        """Enough for ``STEPS`` updates: contrastive learning adapts a pretrained encoder in few of them."""
        steps_per_epoch = math.ceil(max(rows, 1) / self.batch_size)
        return self.epochs or min(MOST_EPOCHS, math.ceil(STEPS / steps_per_epoch))


def relevance_by_query(judged: Sequence[Judged]) -> dict[str, dict[str, float]]:
    """Query -> document -> relevance, above 0 only. Of two judgements of one pair the higher counts."""
    out: dict[str, dict[str, float]] = {}
    for one in judged:
        of_query = out.setdefault(one.query, {})
        if one.relevance > 0:
            of_query[one.document] = max(of_query.get(one.document, 0.0), one.relevance)
    return out


def relevant_documents(judged: Sequence[Judged]) -> dict[str, set[str]]:
    """Query -> the documents that it should find; queries without one are left out."""
    found = {
        query: {document for document, relevance in known.items() if relevance >= RELEVANT_FROM}
        for query, known in relevance_by_query(judged).items()
    }
    return {query: documents for query, documents in found.items() if documents}


def with_further(documents: Mapping[str, str], further: Iterable[str]) -> dict[str, str]:
    """``documents``, id -> text, and those of the ``further`` texts that are not among them, under new ids."""
    out, known = dict(documents), set(documents.values())
    new = [text for text in dict.fromkeys(further) if text not in known]
    for place, text in enumerate(new, start=1):
        key = f"further {place}"
        while key in out:
            key += "'"
        out[key] = text
    return out


def none_relevant(judged: Sequence[Judged]) -> str:
    """What was seen where no document is relevant to any query."""
    return said("{n} judgements, none with relevance {least} or more", n=len(judged), least=RELEVANT_FROM)


def check_trainable(dataset: JudgedTexts) -> None:
    """Refuse data that holds nothing to learn.

    Raises:
        DataError: no document is relevant to any query, or there are not two queries and two documents.
    """
    positives = relevant_documents(dataset.judged)
    if not positives:
        raise DataError(
            "Matching needs queries with a document that is relevant to them",
            seen=none_relevant(dataset.judged),
            remedy="Check the column of the relevance, or leave it out if every row is a match",
            file=dataset.source,
        )
    texts = {dataset.documents[document] for documents in positives.values() for document in documents}
    asked = {dataset.queries[query] for query in positives}
    if len(texts) < 2 or len(asked) < 2:
        raise DataError(
            "Matching needs at least two queries and two documents to tell apart",
            seen=said(
                "{queries} different queries, {documents} different relevant documents",
                queries=len(asked),
                documents=len(texts),
            ),
            remedy="Add rows: a query with its document in each",
            file=dataset.source,
        )


TASK = TaskSpec(
    name="matching",
    summary="Fine-tune a bi-encoder: each query finds the documents that answer it.",
    reads="pairs, triplets or judged pairs (query, document, relevance) in CSV, TSV, JSON lines or Parquet, gzipped or "
    "not, or a folder with corpus.jsonl, queries.jsonl and qrels/train.tsv; --text names the column of the queries, "
    "--label that of the documents",
    read="portside.data.matching:read",
    recipe=MatchingRecipe,
    make="portside.training.matching:make_task",
    answers="portside.inference.matcher:answers",
    cli="portside.commands.matching",
    report="portside.evaluation.report.matching:report_file",
    compile="portside.inference.engines.subjects.matching:subject",
)
