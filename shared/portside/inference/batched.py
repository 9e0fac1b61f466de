"""Running a function of token ids over texts in sorted batches. No torch: compiled engines go this way too."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from threading import BoundedSemaphore

import numpy as np
from numpy.typing import NDArray

from portside.inference.batching import TOKENS_PER_BATCH, plan_batches
from portside.inference.cuts import Cuts
from portside.inference.tokens import Tokens

__all__ = ["Batching", "Forward", "each_batch", "run_batches"]

TEXTS_AT_ONCE = 8192
"""Texts tokenised and sorted together: bounds the memory of a large table."""
Forward = Callable[..., NDArray[np.float32]]
"""Token ids and mask, both (texts, tokens) of 64-bit integers, and what else a network reads of each token, to rows
(texts, width) or to something for each token (texts, tokens, width). An attribute ``batching`` says how it likes to be
asked."""


@dataclass(frozen=True)
class Batching:
    """How a function is best asked."""

    tokens: int = TOKENS_PER_BATCH
    """Of one batch, padding included."""
    workers: int = 1
    """Batches that run at the same time, each on a core of its own; 1: each batch has all cores."""


def each_batch(
    forward: Forward, lengths: Sequence[int], inputs: Callable[[Sequence[int]], Sequence[NDArray[np.int64]]]
) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
    """Places of each batch and what ``forward`` says of its ``inputs``; every place comes once, longest rows first."""
    how: Batching = getattr(forward, "batching", Batching())
    plan = plan_batches(lengths, tokens=how.tokens)
    if how.workers < 2:
        yield from ((places, forward(*inputs(places))) for places in plan)
        return
    cores = _cores(how.workers)

    def ask(places: Sequence[int]) -> NDArray[np.float32]:
        asked = inputs(places)
        with cores:
            return forward(*asked)

    if len(plan) < 2:
        yield from ((places, ask(places)) for places in plan)
        return
    pool = ThreadPoolExecutor(min(how.workers, len(plan)), thread_name_prefix="batches")
    try:
        yield from zip(plan, pool.map(ask, plan), strict=True)
    finally:
        # Who is interrupted between two batches waits for those that run, not for those that have not begun.
        pool.shutdown(cancel_futures=True)


@cache
def _cores(workers: int) -> BoundedSemaphore:
    """One for the whole process: several models, and several callers of each, compute on no more cores than there are.

    More threads than cores would only take turns, each with a part of the caches.
    """
    return BoundedSemaphore(workers)


def run_batches(
    forward: Forward,
    tokens: Tokens,
    texts: Sequence[str],
    *,
    report: Callable[[int], None] | None = None,
    cuts: Cuts | None = None,
) -> NDArray[np.float32]:
    """Rows of ``forward``, shape (texts, width), in the order of ``texts``; at least one text.

    ``report`` is told how many texts are done after each batch, ``cuts`` which texts were longer than is read.
    """
    parts: list[NDArray[np.float32]] = []
    done = 0
    for start in range(0, len(texts), TEXTS_AT_ONCE):
        encoded = tokens(texts[start : start + TEXTS_AT_ONCE])
        ids = encoded.ids
        if cuts is not None:
            cuts.add(((place, texts[start + place]) for place in encoded.cut), limit=tokens.max_tokens)
            cuts.passed(len(ids))
        rows: NDArray[np.float32] | None = None
        lengths = [len(row) for row in ids]
        for places, found in each_batch(forward, lengths, partial(_padded, tokens, ids)):
            if rows is None:
                rows = np.empty((len(ids), found.shape[1]), dtype=np.float32)
            rows[places] = found
            done += len(places)
            if report is not None:
                report(done)
        if rows is not None:
            parts.append(rows)
    return np.concatenate(parts)


def _padded(tokens: Tokens, ids: Sequence[list[int]], places: Sequence[int]) -> Sequence[NDArray[np.int64]]:
    return tokens.pad([ids[place] for place in places])
