"""How good lists are: cases held back, full-catalogue metrics, bootstrap intervals, simple rivals.

Every list is drawn from the whole catalogue, never from sampled negatives. Items a user touched before are never
recommended, so a repeat in the test counts as a miss.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from portside.errors import DataError
from portside_recommend.behaviour import choice_matrix, cosine
from portside_recommend.choices import Choices, EventLog, History, settle

__all__ = ["Case", "Interval", "Judgement", "Split", "Verdict", "judge", "paired_gain", "rival_lists", "split"]

PROTOCOLS = ("time", "last")
BLOCK = 512
"""Users whose rivals' scores are dense at a time."""


@dataclass(frozen=True, eq=False)
class Case:
    """One user at the cut: what was known and what came after (rows of items)."""

    user: int
    history: History
    wanted: frozenset[int]


@dataclass(frozen=True, eq=False)
class Split:
    """Events before the cut, and the cases after it. ``cut`` is in the log's own unit; 0 for ``last``."""

    protocol: str
    train: EventLog
    cases: tuple[Case, ...]
    cut: int


@dataclass(frozen=True)
class Interval:
    """A figure with its 95 % bootstrap interval over users."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Judgement:
    """How good the lists of one method are."""

    recall: Interval
    ndcg: Interval
    hit_rate: Interval
    coverage: Interval
    """Share of the catalogue that stands in at least one list."""


@dataclass(frozen=True)
class Verdict:
    """Paired difference of NDCG between two methods, with its 95 % interval."""

    gain: Interval
    better: bool
    """The whole interval lies above 0."""


def split(log: EventLog, protocol: str, fraction: float) -> Split:
    """Hold back the newest ``fraction`` of the positive events (``time``), or every user's last one (``last``).

    Raises:
        DataError: the events cannot be split so; says what to do.
    """
    if protocol not in PROTOCOLS:
        raise DataError("The protocol is one of 'time' and 'last'", seen=repr(protocol), remedy="Use --protocol time")
    made = _split_time(log, fraction) if protocol == "time" else _split_last(log)
    if not made.cases:
        raise DataError(
            "No user has events both before and after the cut",
            seen=f"{len(log)} events of {len(log.user_ids)} users, protocol '{protocol}'",
            remedy="Ingest more events, or use --protocol last",
        )
    return made


def _split_time(log: EventLog, fraction: float) -> Split:
    if not log.timed:
        raise DataError(
            "The time protocol needs events with times",
            seen="events that have only an order",
            remedy="Use --protocol last, or ingest the events with a timestamp column",
        )
    positive = log.weight > 0
    if not positive.any():
        raise DataError("Quality is measured on positive events", seen="none", remedy="Ingest purchases or views")
    cut = int(np.quantile(log.at[positive], 1.0 - fraction))
    train = log.where(log.at <= cut)
    return Split("time", train, _cases(train, log.where((log.at > cut) & positive)), cut)


def _split_last(log: EventLog) -> Split:
    positive = np.flatnonzero(log.weight > 0)
    # The log is in order of time: a user's last positive event is the last place at which the user stands.
    users, reverse = np.unique(log.user[positive][::-1], return_index=True)
    last = positive[::-1][reverse]
    ends = np.full(len(log.user_ids), np.iinfo(np.int64).max, dtype=np.int64)
    ends[users] = last
    places = np.arange(len(log))
    train = log.where(places < ends[log.user])
    test = log.where(np.isin(places, last))
    return Split("last", train, _cases(train, test, repeats=True), 0)


def _cases(train: EventLog, test: EventLog, *, repeats: bool = False) -> tuple[Case, ...]:
    choices = settle(train)
    seen_by = _grouped(train.user, train.item, len(train.user_ids))
    wanted_by = _grouped(test.user, test.item, len(test.user_ids))
    made = []
    for user in np.unique(test.user):
        own = choices.of(int(user))
        if own.start == own.stop:
            continue
        seen = np.unique(seen_by[user])
        wanted = frozenset(wanted_by[user].tolist()) - (frozenset() if repeats else frozenset(seen.tolist()))
        if wanted:
            history = History(choices.item[own][::-1], choices.weight[own][::-1], choices.kind[own][::-1], seen)
            made.append(Case(int(user), history, wanted))
    return tuple(made)


def _grouped(keys: NDArray[np.int64], values: NDArray[np.int64], groups: int) -> list[NDArray[np.int64]]:
    order = np.argsort(keys, kind="stable")
    ends = np.searchsorted(keys[order], np.arange(groups + 1))
    ordered = values[order]
    return [ordered[ends[group] : ends[group + 1]] for group in range(groups)]


@dataclass(frozen=True, eq=False)
class Outcome:
    """Figures of each case, shape (cases,), and the lists they come from."""

    recall: NDArray[np.float64]
    ndcg: NDArray[np.float64]
    hit: NDArray[np.float64]
    lists: Sequence[NDArray[np.int64]]


def outcome(lists: Sequence[NDArray[np.int64]], cases: Sequence[Case], k: int) -> Outcome:
    """Recall@k is hits / wanted; NDCG@k counts each hit 1 / log2(place + 1) against the best order possible."""
    discounts = 1.0 / np.log2(np.arange(2, k + 2))
    recall, ndcg = np.zeros(len(cases)), np.zeros(len(cases))
    for place, (rows, case) in enumerate(zip(lists, cases, strict=True)):
        hits = np.array([int(row) in case.wanted for row in rows[:k]], dtype=np.float64)
        recall[place] = hits.sum() / len(case.wanted)
        ndcg[place] = (hits * discounts[: len(hits)]).sum() / discounts[: min(k, len(case.wanted))].sum()
    return Outcome(recall, ndcg, (recall > 0).astype(np.float64), lists)


def judge(result: Outcome, items: int, *, resamples: int, seed: int) -> Judgement:
    """Means with intervals; the same seed draws the same users for every method."""
    draws = np.random.default_rng(seed).integers(0, len(result.recall), size=(resamples, len(result.recall)))
    return Judgement(
        recall=_interval(result.recall, draws),
        ndcg=_interval(result.ndcg, draws),
        hit_rate=_interval(result.hit, draws),
        coverage=_coverage(result.lists, draws[: min(resamples, 200)], items),
    )


def paired_gain(method: Outcome, rival: Outcome, *, resamples: int, seed: int) -> Verdict:
    """How much more NDCG than a rival, case by case."""
    draws = np.random.default_rng(seed).integers(0, len(method.ndcg), size=(resamples, len(method.ndcg)))
    gain = _interval(method.ndcg - rival.ndcg, draws)
    return Verdict(gain, better=gain.low > 0)


def _interval(values: NDArray[np.float64], draws: NDArray[np.int64]) -> Interval:
    means = np.array([values[draw].mean() for draw in draws])
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(float(values.mean()), float(low), float(high))


def _coverage(lists: Sequence[NDArray[np.int64]], draws: NDArray[np.int64], items: int) -> Interval:
    def share(chosen: Sequence[NDArray[np.int64]]) -> float:
        return len(np.unique(np.concatenate(chosen))) / max(items, 1) if chosen else 0.0

    value = share(lists)
    drawn = np.array([share([lists[place] for place in draw]) for draw in draws])
    # A draw holds about 63 % of the users and so covers less: the interval is moved by that bias.
    moved = np.clip(drawn - drawn.mean() + value, 0.0, 1.0)
    low, high = np.quantile(moved, [0.025, 0.975])
    return Interval(value, float(low), float(high))


def rival_lists(choices: Choices, cases: Sequence[Case], k: int) -> Iterator[tuple[str, list[NDArray[np.int64]]]]:
    """The lists of the simple rivals: all-time popularity, and item-kNN (cosine over all neighbours)."""
    popular = choices.counts.astype(np.float32)
    yield "popularity", _dense_lists([np.tile(popular, (1, 1))] * len(cases), cases, k)
    likeness = cosine(choices, neighbours=choices.items)
    chosen = choice_matrix(choices)
    lists: list[NDArray[np.int64]] = []
    for start in range(0, len(cases), BLOCK):
        block = cases[start : start + BLOCK]
        product: sp.csr_matrix = chosen[[case.user for case in block]] @ likeness
        scores = np.asarray(product.todense(), dtype=np.float32)
        lists += _dense_lists([scores[place : place + 1] for place in range(len(block))], block, k)
    yield "item-kNN", lists


def _dense_lists(scores: Sequence[NDArray[np.float32]], cases: Sequence[Case], k: int) -> list[NDArray[np.int64]]:
    lists = []
    for line, case in zip(scores, cases, strict=True):
        values = line[0].copy()
        values[case.history.seen] = -np.inf
        top = min(k, len(values))
        best = np.argpartition(-values, top - 1)[:top]
        lists.append(best[np.argsort(-values[best], kind="stable")])
    return lists
