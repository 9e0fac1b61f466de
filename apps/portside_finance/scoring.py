"""Let the two models read what they have not read yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from portside.errors import ModelNotFound
from portside.inference.interfaces import TextClassifier
from portside.progress import Progress
from portside.records import Prediction
from portside.said import said
from portside_finance.config import ScoreConfig
from portside_finance.records import Scored
from portside_finance.store import FinanceStore

__all__ = ["ScoreReport", "model_of", "score_pending", "scored_of"]

STORED_DIGITS = 5
"""Of a probability: what a page shows, at a third of the stored size."""


@dataclass(frozen=True, slots=True)
class ScoreReport:
    """What a scoring run did; a model's name is empty where there is none yet."""

    texts: int
    sentiment_model: str
    topic_model: str


def model_of(classifier: TextClassifier) -> str:
    """The version now served, empty when none was trained yet."""
    try:
        return classifier.model
    except ModelNotFound:
        return ""


def score_pending(
    store: FinanceStore,
    sentiment: TextClassifier,
    topic: TextClassifier,
    config: ScoreConfig,
    progress: Progress,
    *,
    rescore: bool = False,
) -> ScoreReport:
    """Read every distinct text once with each model, a batch a transaction; stopped, it goes on where it was.

    With ``rescore`` texts that another version has read are read again. A model promoted meanwhile takes over
    between batches.

    Raises:
        ModelNotFound: neither model exists.
        Cancelled: asked to stop; finished batches are kept.
    """
    done, total = 0, 0
    models = (model_of(sentiment), model_of(topic))
    if not any(models):
        sentiment.model  # noqa: B018 - raises ModelNotFound with the advice how to train it
    total = store.headlines.count_unscored(*models, rescore=rescore)
    progress.update(0, max(total, 1), said("scoring headlines"))
    while True:
        models = (model_of(sentiment), model_of(topic))
        rows = store.headlines.unscored(*models, rescore=rescore, limit=config.batch_texts)
        if not rows:
            return ScoreReport(done, *models)
        read = _predict(sentiment, [text for _, text, wanted, _ in rows if wanted])
        filed = _predict(topic, [text for _, text, _, wanted in rows if wanted])
        store.headlines.save_scores(
            {
                number: scored_of(
                    read.get(text) if first else None, filed.get(text) if second else None, digits=STORED_DIGITS
                )
                for number, text, first, second in rows
            }
        )
        done += len(rows)
        progress.update(min(done, total), max(total, 1), said("scoring headlines"))


def _predict(classifier: TextClassifier, texts: Sequence[str]) -> dict[str, Prediction]:
    return dict(zip(texts, classifier.predict(texts), strict=True)) if texts else {}


def scored_of(sentiment: Prediction | None, topic: Prediction | None, *, digits: int | None = None) -> Scored:
    """What the two models say of one text, None of a model that was not asked; ``digits``: of each probability."""
    return Scored(
        sentiment.label if sentiment else "",
        _probabilities(sentiment, digits),
        sentiment.model if sentiment else "",
        topic.label if topic else "",
        _probabilities(topic, digits),
        topic.model if topic else "",
        sentiment.confidence if sentiment else None,
        sentiment.outside if sentiment else None,
    )


def _probabilities(prediction: Prediction | None, digits: int | None) -> dict[str, float]:
    found = prediction.probabilities if prediction else {}
    return {label: share if digits is None else round(share, digits) for label, share in found.items()}
