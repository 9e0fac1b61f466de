"""What counts as liking: from raw events to the distinct items each user chose, oldest first.

Arrays only: users and items are numbers here (rows of the tables of ids that came with the events).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from portside_recommend.config import RecommendConfig

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Choices", "EventLog", "History", "event_weights", "history_of", "log_of", "settle"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class EventLog:
    """Events in order of time; all arrays have shape (events,).

    ``weight`` is above 0 where an event speaks for its item, below where against; ``kind`` indexes
    ``RecommendConfig.events``; ``at`` is in milliseconds where ``timed``, else a place in the user's own order.
    """

    user_ids: Sequence[str]
    items: int
    user: Ints
    item: Ints
    weight: Floats
    kind: Ints
    at: Ints
    timed: bool

    def __len__(self) -> int:
        return len(self.user)

    def where(self, mask: NDArray[np.bool_]) -> EventLog:
        """The events of ``mask``, in the same order, with the same numbering."""
        return EventLog(
            self.user_ids,
            self.items,
            self.user[mask],
            self.item[mask],
            self.weight[mask],
            self.kind[mask],
            self.at[mask],
            self.timed,
        )


@dataclass(frozen=True, eq=False)
class History:
    """One user's liked items, newest first, and everything they ever touched; arrays of shape (liked,)."""

    items: Ints
    weight: Floats
    kind: Ints
    seen: Ints

    def newest(self, length: int) -> History:
        """The same with at most ``length`` liked items."""
        return History(self.items[:length], self.weight[:length], self.kind[:length], self.seen)


@dataclass(frozen=True, eq=False)
class Choices:
    """Every (user, liked item) pair once, ordered by user and then by time; arrays of shape (pairs,)."""

    users: int
    items: int
    user: Ints
    item: Ints
    weight: Floats
    kind: Ints
    at: Ints
    timed: bool

    @cached_property
    def starts(self) -> Ints:
        """Where each user's pairs begin, shape (users + 1,)."""
        return np.searchsorted(self.user, np.arange(self.users + 1))

    @cached_property
    def counts(self) -> Ints:
        """How many users chose each item, shape (items,)."""
        return np.bincount(self.item, minlength=self.items)

    def of(self, user: int) -> slice:
        """Where the pairs of ``user`` stand."""
        return slice(int(self.starts[user]), int(self.starts[user + 1]))


def event_weights(kinds: Sequence[str], values: Floats, config: RecommendConfig) -> Floats:
    """How loudly each event speaks for (above 0) or against (below) its item, shape (events,)."""
    speaks = np.array([config.positive_events.get(kind, -1.0) for kind in config.events], dtype=np.float32)
    codes = {kind: code for code, kind in enumerate(config.events)}
    kind = np.array([codes[each] for each in kinds], dtype=np.int64)
    weight = speaks[kind] if len(kind) else np.zeros(0, dtype=np.float32)
    if "rating" in codes:
        weight = np.where((kind == codes["rating"]) & (values < config.liked_from), np.float32(-1.0), weight)
    return weight.astype(np.float32)


def log_of(events: pd.DataFrame, rows: Mapping[str, int], items: int, config: RecommendConfig) -> EventLog:
    """Stored events (oldest first, columns ``user_id, item_id, event, value, at, timed``) as arrays.

    ``rows`` numbers the items; events of others, or of kinds not known, are left out.
    """
    import pandas as pd

    codes = {kind: code for code, kind in enumerate(config.events)}
    events = events[events["item_id"].isin(list(rows)) & events["event"].isin(list(codes))]
    user, user_ids = pd.factorize(events["user_id"])
    values = events["value"].to_numpy(dtype=np.float32)
    return EventLog(
        user_ids=[str(each) for each in user_ids],
        items=items,
        user=user.astype(np.int64),
        item=np.asarray(events["item_id"].map(rows), dtype=np.int64),
        weight=event_weights(list(events["event"]), values, config),
        kind=np.asarray(events["event"].map(codes), dtype=np.int64),
        at=events["at"].to_numpy(dtype=np.int64),
        timed=bool(events["timed"].all()) and len(events) > 0,
    )


def settle(log: EventLog) -> Choices:
    """The distinct items each user likes: an item counts unless the user's newest event on it speaks against it.

    Its weight is that of its loudest event, its time that of its newest.
    """
    if len(log) == 0:
        none = np.zeros(0, dtype=np.int64)
        return Choices(len(log.user_ids), log.items, none, none, none.astype(np.float32), none, none, log.timed)
    pair = log.user * log.items + log.item
    order = np.lexsort((np.arange(len(pair)), pair))  # within a pair the log's own order of time stays
    ordered = pair[order]
    first = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    last = np.r_[first[1:], len(ordered)] - 1
    loudest = np.maximum.reduceat(log.weight[order], first)
    # The kind shown as the reason is that of the loudest event: "bought" beats "looked at".
    by_loudness = np.lexsort((log.weight, pair))
    kind = log.kind[by_loudness[last]]
    newest = order[last]
    liked = log.weight[newest] > 0
    newest, loudest, kind = newest[liked], loudest[liked], kind[liked]
    # Order of users first, then the place in the log, which is the order of time.
    final = np.lexsort((newest, log.user[newest]))
    newest = newest[final]
    return Choices(
        users=len(log.user_ids),
        items=log.items,
        user=log.user[newest],
        item=log.item[newest],
        weight=loudest[final].astype(np.float32),
        kind=kind[final],
        at=log.at[newest],
        timed=log.timed,
    )


def history_of(log: EventLog, choices: Choices, user: int) -> History:
    """One user's history out of everybody's; ``choices`` is ``settle(log)``."""
    own = choices.of(user)
    return History(
        items=choices.item[own][::-1],
        weight=choices.weight[own][::-1],
        kind=choices.kind[own][::-1],
        seen=np.unique(log.item[log.user == user]),
    )
