"""From events to a shelf: fine-tune the encoder, choose the weights on a validation period, learn the behaviour.

The same steps serve ``train`` (on all events) and ``evaluate`` (on the events before the test cut), so that what is
measured is what is served.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from portside.errors import DataError
from portside.inference.interfaces import TextEncoder
from portside.progress import Progress
from portside.retrieval.vectors import VectorIndex
from portside.said import said
from portside_recommend.behaviour import Behaviour, fit_behaviour
from portside_recommend.choices import Choices, EventLog, settle
from portside_recommend.config import RankingWeights, RecommendConfig
from portside_recommend.contrastive import TrainedEncoder
from portside_recommend.judging import Split, split
from portside_recommend.records import Item, item_text
from portside_recommend.shelf import Shelf
from portside_recommend.tuning import Tuned, choose_weights

__all__ = ["Learned", "Source", "Teacher", "learn", "make_shelf"]

Teacher = Callable[[Sequence[str], Choices, Progress], "tuple[TextEncoder, TrainedEncoder] | None"]
"""Fine-tunes an encoder on texts and choices; None when there is too little to learn from."""


@dataclass(frozen=True, eq=False)
class Learned:
    """All that was learned from events, and how it was chosen."""

    weights: RankingWeights
    behaviour: Behaviour
    encoder: TextEncoder
    """The one whose lists were better on the validation period: the fine-tuned or the one before."""
    vectors: NDArray[np.float32]
    trained: TrainedEncoder | None
    fine_tuned_wins: bool
    """Whether ``encoder`` is the fine-tuned one."""
    tuned: Tuned | None
    """None when there was no validation period."""
    rival_ndcg: float | None
    """Validation NDCG with the encoder that was not taken."""
    users: int
    next_items: tuple[tuple[int, int], ...] = ()
    """Rows of what users of the validation period chose last before it and then in it: no encoder learned from them."""


@dataclass(frozen=True, eq=False)
class Source:
    """What to learn from: the catalogue, its events, and the vectors of the encoder served so far."""

    items: Sequence[Item]
    log: EventLog
    encoder: TextEncoder
    vectors: NDArray[np.float32]


def make_shelf(
    source: Source, behaviour: Behaviour, vectors: NDArray[np.float32], weights: RankingWeights, model: str
) -> Shelf:
    """A shelf whose rows are the items of ``source``."""
    index = VectorIndex(vectors.shape[1])
    index.add([item.item_id for item in source.items], vectors)
    return Shelf(
        items=tuple(source.items),
        vectors=vectors,
        index=index,
        together=behaviour.together,
        following=behaviour.following,
        popular=behaviour.popular,
        weights=weights,
        model=model,
        users=len(np.unique(source.log.user)),
    )


def learn(
    source: Source,
    teach: Teacher | None,
    config: RecommendConfig,
    progress: Progress,
    *,
    weights: RankingWeights | None = None,
) -> Learned:
    """Learn everything. Without ``teach`` the encoder stays as it is; ``weights`` given are kept, not chosen.

    The encoder sees only events before the validation period, so that the weights are chosen on events that nothing
    was trained on; co-occurrence and popularity are then learned again from all events.
    """
    inner = _validation(source.log, config) if weights is None else None
    before = settle(inner.train if inner else source.log)
    texts = [item_text(item) for item in source.items]
    taught = teach(texts, before, progress) if teach else None
    tuned, rival, wins = None, None, taught is not None
    vectors = source.vectors
    fresh = None
    if taught is not None:
        progress.update(1.0, 1.0, said("reading the catalogue with the new encoder"))
        fresh = taught[0].encode(texts)
    if inner is not None:
        progress.update(1.0, 1.0, said("choosing the weights on the validation period"))
        tuned, rival, wins = _choose(source, inner, before, fresh, config)
    if taught is not None and wins and fresh is not None:
        vectors = fresh
    weights = weights or (tuned.weights if tuned else config.weights)
    progress.update(1.0, 1.0, said("learning what is chosen together"))
    choices = settle(source.log)
    return Learned(
        weights=weights,
        behaviour=fit_behaviour(choices, config.behaviour, popular_days=weights.popular_days),
        encoder=taught[0] if taught is not None and wins else source.encoder,
        vectors=vectors,
        trained=taught[1] if taught else None,
        fine_tuned_wins=taught is not None and wins,
        tuned=tuned,
        rival_ndcg=rival,
        users=len(np.unique(choices.user)),
        next_items=() if inner is None else _next_items(inner),
    )


def _next_items(inner: Split) -> tuple[tuple[int, int], ...]:
    return tuple(
        (int(case.history.items[0]), item)
        for case in inner.cases
        if len(case.history.items)
        for item in sorted(case.wanted)
    )


def _choose(
    source: Source, inner: Split, before: Choices, fresh: NDArray[np.float32] | None, config: RecommendConfig
) -> tuple[Tuned, float | None, bool]:
    """Weights for the encoder whose lists are better: (chosen, NDCG of the other, whether the fresh one won)."""
    behaviour = fit_behaviour(before, config.behaviour, popular_days=config.weights.popular_days)

    def tune(vectors: NDArray[np.float32], start: RankingWeights, *, near: bool) -> Tuned:
        shelf = make_shelf(replace(source, log=inner.train), behaviour, vectors, start, "validation")
        length = config.history_length
        return choose_weights(shelf, before, inner.cases, config.evaluation, history_length=length, near=near)

    old = tune(source.vectors, config.weights, near=False)
    if fresh is None:
        return old, None, False
    new = tune(fresh, old.weights, near=True)
    # "before" stays the figure of the weights that the search began with.
    new = replace(new, before=old.before)
    return (new, old.ndcg, True) if new.ndcg >= old.ndcg else (old, new.ndcg, False)


def _validation(log: EventLog, config: RecommendConfig) -> Split | None:
    try:
        return split(log, "time" if log.timed else "last", config.evaluation.validation_fraction)
    except DataError:
        return None  # too few events to hold any back: the weights of the configuration are used
