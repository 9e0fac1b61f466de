"""What the app decides: which list a user, an item or typed words get. Pure: a shelf and a history in, a list out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from portside_recommend.choices import EventLog, History, event_weights, history_of, settle
from portside_recommend.config import RecommendConfig
from portside_recommend.ranking import Scores, candidates, diversify, rank, score
from portside_recommend.reasons import popular_reason, reasons_for, similar_reasons, text_reason
from portside_recommend.records import Reason, Recommendation, Recommendations
from portside_recommend.shelf import Shelf
from portside_recommend.store import EventRow

__all__ = ["BASES", "best_rows", "history_from", "list_for", "list_like", "list_similar"]

BASES = {
    "history": "From the {n} items this user chose, the newest counting most.",
    "cold": "Nothing is known of this user yet: this is what is popular now.",
    "new": "Nobody has chosen anything yet: these are the newest items.",
    "words": "The items whose words come closest to yours.",
    "similar": "Items like “{title}”.",
}


def history_from(rows: Sequence[EventRow], shelf: Shelf, config: RecommendConfig) -> History:
    """One user's history from stored events, newest first as they come; items not in the catalogue are left out."""
    kinds = {kind: code for code, kind in enumerate(config.events)}
    known = [row for row in reversed(rows) if row.item_id in shelf.rows and row.event in kinds]
    values = np.array([row.value for row in known], dtype=np.float32)
    log = EventLog(
        user_ids=["the user"],
        items=len(shelf),
        user=np.zeros(len(known), dtype=np.int64),
        item=np.array([shelf.rows[row.item_id] for row in known], dtype=np.int64),
        weight=event_weights([row.event for row in known], values, config),
        kind=np.array([kinds[row.event] for row in known], dtype=np.int64),
        at=np.array([row.at for row in known], dtype=np.int64),
        timed=True,
    )
    return history_of(log, settle(log), 0).newest(config.history_length)


def best_rows(shelf: Shelf, history: History, config: RecommendConfig, *, top: int, diversity: float) -> Scores:
    """The rows a user with this history would be shown: what pages show and what evaluation judges."""
    return _best(shelf, score(shelf, history, candidates(shelf, history, config)), config, top, diversity)


def list_for(
    shelf: Shelf, history: History, config: RecommendConfig, *, top: int, category: str = "", diversity: float
) -> Recommendations:
    """A list for a user. Of a user without history: what is popular now, and said so."""
    allowed = _allowed(shelf, category)
    if len(history.items) == 0:
        return _popular_list(shelf, history, allowed, top)
    # Within a category everything is scored: the candidates of all categories might hold too few of it.
    rows = candidates(shelf, history, config) if allowed is None else np.setdiff1d(allowed, history.seen)
    chosen = _best(shelf, score(shelf, history, rows), config, top, diversity)
    reasons = reasons_for(shelf, history, chosen, config)
    values = {"n": f"{len(history.items):,}"}
    return Recommendations(_listed(shelf, chosen, reasons), shelf.model, BASES["history"], values)


def list_similar(
    shelf: Shelf, row: int, config: RecommendConfig, *, top: int, category: str = "", diversity: float
) -> Recommendations:
    """Items like one item, by its words and by who chose it."""
    one = np.array([row], dtype=np.int64)
    history = History(one, np.ones(1, dtype=np.float32), np.zeros(1, dtype=np.int64), one)
    allowed = _allowed(shelf, category)
    rows = candidates(shelf, history, config) if allowed is None else np.setdiff1d(allowed, one)
    # What everybody likes is not for that reason like this item; and a single item's choosers are few and noisy:
    # they must not speak louder than what the two items say of themselves.
    loudest = max(shelf.weights.text, shelf.weights.together, shelf.weights.following)
    weights = replace(shelf.weights, text=loudest, popular=0.0)
    chosen = _best(shelf, score(shelf, history, rows, weights), config, top, diversity)
    reasons = [similar_reasons(shelf, row, chosen, place) for place in range(len(chosen.rows))]
    values = {"title": shelf.items[row].title}
    return Recommendations(_listed(shelf, chosen, reasons), shelf.model, BASES["similar"], values)


def list_like(
    shelf: Shelf,
    words: str,
    vector: NDArray[np.float32],
    config: RecommendConfig,
    *,
    top: int,
    category: str = "",
    diversity: float,
) -> Recommendations:
    """Items whose words come closest to typed ``words``; ``vector``, shape (dim,), is theirs."""
    allowed = _allowed(shelf, category)
    if allowed is None:
        hits = shelf.index.search(vector[None, :], config.diversity_pool)[0]
        rows = shelf.rows_of([hit.id for hit in hits])
    else:
        rows = allowed
    likeness = (shelf.vectors[rows] @ vector).astype(np.float32)
    chosen = _best(shelf, Scores(rows, likeness, {"words": likeness}), config, top, diversity)
    reasons = [
        (text_reason(shelf.items[int(row)], words, float(value), of_item=False),)
        for row, value in zip(chosen.rows, chosen.total, strict=True)
    ]
    return Recommendations(_listed(shelf, chosen, reasons), shelf.model, BASES["words"])


def _best(shelf: Shelf, scores: Scores, config: RecommendConfig, top: int, diversity: float) -> Scores:
    pool = rank(scores, max(config.diversity_pool, top))
    return diversify(pool, shelf.vectors[pool.rows], top, diversity)


def _allowed(shelf: Shelf, category: str) -> NDArray[np.int64] | None:
    return np.flatnonzero(shelf.categories == category) if category else None


def _popular_list(shelf: Shelf, history: History, allowed: NDArray[np.int64] | None, top: int) -> Recommendations:
    order = shelf.popular_order
    if allowed is not None:
        order = order[np.isin(order, allowed)]
    rows = order[~np.isin(order, history.seen)][:top]
    chosen = Scores(rows, shelf.popular[rows], {"popular": shelf.popular[rows]})
    reasons = [(popular_reason(shelf, int(row), 1.0),) for row in rows]
    basis = BASES["cold"] if len(shelf) and shelf.popular.max() > 0 else BASES["new"]
    return Recommendations(_listed(shelf, chosen, reasons), shelf.model, basis, known=False)


def _listed(shelf: Shelf, scores: Scores, reasons: Sequence[tuple[Reason, ...]]) -> tuple[Recommendation, ...]:
    return tuple(
        Recommendation(shelf.items[int(row)], float(total), why)
        for row, total, why in zip(scores.rows, scores.total, reasons, strict=True)
    )
