"""How well a tagger finds entities: strict spans, each type, and words one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from portside.evaluation.significance import bootstrap_ratio, by_group
from portside.inference.cuts import Cuts
from portside.tasks.tagging import TaggedSentences
from portside.tasks.tags import entity_types, spans

__all__ = [
    "EntityScore",
    "TaggingReport",
    "count_entities",
    "entity_scores",
    "evaluate_tagger",
    "f1_sums",
    "known_documents",
]


class Tagger(Protocol):
    """Tags sentences."""

    model: str
    tags: tuple[str, ...]

    def tag(
        self,
        sentences: Sequence[Sequence[str]],
        *,
        documents: Sequence[int] | None = None,
        report: Callable[[int], None] | None = None,
    ) -> list[list[str]]:
        """A tag in IOB2 for each word; ``report`` is told how many words are done."""
        ...


@dataclass(frozen=True)
class EntityScore:
    """Of one type, or of all."""

    precision: float
    recall: float
    f1: float
    support: int
    """Entities that should be found."""


@dataclass(frozen=True)
class TaggingReport:
    """What a tagger reaches on labelled sentences."""

    model: str
    data: str
    n: int
    """Sentences."""
    entity: EntityScore
    """Over all types, micro-averaged: type and both ends must be right (seqeval, strict, IOB2)."""
    entity_f1_ci95: tuple[float, float]
    """Bootstrap over documents; over sentences where no documents are known."""
    per_type: dict[str, EntityScore]
    token_report: dict[str, Any]
    """scikit-learn's classification report over the words' tags, O among them."""
    unknown: tuple[str, ...] = ()
    """Types of the data that the model does not know: missed in every sentence."""
    cut: Cuts | None = None
    """Words that were longer than the model reads; None where nobody counted."""

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON can hold it."""
        name, _, version = self.model.partition(":")
        return {
            "model": name,
            "version": int(version or 0),
            "data": self.data,
            "n": self.n,
            "entity_f1": self.entity.f1,
            "precision": self.entity.precision,
            "recall": self.entity.recall,
            "support": self.entity.support,
            "entity_f1_ci95": list(self.entity_f1_ci95),
            "per_type": {name: asdict(score) for name, score in self.per_type.items()},
            "token_report": self.token_report,
            "unknown_types": list(self.unknown),
            "longer_than_limit": None if self.cut is None else self.cut.to_dict(),
        }


def evaluate_tagger(
    tagger: Tagger, dataset: TaggedSentences, *, report: Callable[[int], None] | None = None
) -> TaggingReport:
    """Tag every sentence of ``dataset`` and compare; ``report`` is told how many words are done."""
    sentences = dataset.sentences
    documents = [one.document for one in sentences]
    found = tagger.tag([one.tokens for one in sentences], documents=documents, report=report)
    truth = [one.tags for one in sentences]
    counts = count_entities(truth, found)
    scores = entity_scores(counts)
    whole, f1 = scores.pop(""), bootstrap_ratio(by_group(f1_sums(counts), known_documents(documents)))
    return TaggingReport(
        model=tagger.model,
        data=dataset.source,
        n=len(sentences),
        entity=whole,
        entity_f1_ci95=(f1.low, f1.high),
        per_type=dict(sorted(scores.items())),
        token_report=_token_report(truth, found),
        unknown=tuple(kind for kind in dataset.types if kind not in entity_types([tagger.tags])),
    )


def known_documents(documents: Sequence[int]) -> NDArray[np.int64] | None:
    """Number of each sentence's document; None where none are known, and where each sentence is one by itself."""
    found = np.array(documents, dtype=np.int64)
    return found if 1 < len(np.unique(found)) < len(found) else None


Counts = list[dict[str, tuple[int, int, int]]]
"""For each sentence: type -> entities found rightly, found, and there."""


def count_entities(truth: Sequence[Sequence[str]], found: Sequence[Sequence[str]]) -> Counts:
    """Strict counts for each sentence and type."""
    out: Counts = []
    for wanted, got in zip(truth, found, strict=True):
        there, said = set(spans(wanted)), set(spans(got))
        types = {span.type for span in there | said}
        out.append(
            {
                kind: (
                    sum(span.type == kind for span in there & said),
                    sum(span.type == kind for span in said),
                    sum(span.type == kind for span in there),
                )
                for kind in types
            }
        )
    return out


def entity_scores(counts: Counts) -> dict[str, EntityScore]:
    """Scores by type; over all types under the empty name."""
    sums: dict[str, list[int]] = {"": [0, 0, 0]}
    for sentence in counts:
        for kind, three in sentence.items():
            for name in ("", kind):
                sums.setdefault(name, [0, 0, 0])
                sums[name] = [total + each for total, each in zip(sums[name], three, strict=True)]
    return {name: _score(*three) for name, three in sums.items()}


def _score(right: int, found: int, there: int) -> EntityScore:
    precision = right / found if found else 0.0
    recall = right / there if there else 0.0
    return EntityScore(precision, recall, 2 * right / (found + there) if found + there else 0.0, there)


def f1_sums(counts: Counts) -> NDArray[np.float64]:
    """Of each sentence: twice the names rightly found, and those found and there together; shape (sentences, 2)."""
    sums = np.array([np.sum([*each.values()], axis=0) if each else (0, 0, 0) for each in counts], dtype=np.float64)
    return np.stack([2 * sums[:, 0], sums[:, 1] + sums[:, 2]], axis=1)


def _token_report(truth: Sequence[Sequence[str]], found: Sequence[Sequence[str]]) -> dict[str, Any]:
    from sklearn.metrics import classification_report

    flat_truth = [tag for tags in truth for tag in tags]
    flat_found = [tag for tags in found for tag in tags]
    made: dict[str, Any] = classification_report(flat_truth, flat_found, output_dict=True, zero_division=0)
    return made
