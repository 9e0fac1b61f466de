"""How texts are put together into batches: texts of like length side by side, so that little is padding."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["TOKENS_PER_BATCH", "plan_batches"]

TOKENS_PER_BATCH = 4096
"""Tokens, padding included, of one batch: large enough to keep two cores busy, small enough for their caches."""
ROWS_PER_BATCH = 128


def plan_batches(
    lengths: Sequence[int], *, tokens: int = TOKENS_PER_BATCH, rows: int = ROWS_PER_BATCH
) -> list[list[int]]:
    """Places of the texts, batch by batch, longest first; each place once.

    A batch holds at most ``rows`` texts and, padded to its longest, at most ``tokens`` tokens; a text longer than
    that is a batch of its own.
    """
    order = sorted(range(len(lengths)), key=lambda place: (-lengths[place], place))
    batches: list[list[int]] = []
    longest = 0
    for place in order:
        if not batches or len(batches[-1]) >= rows or (len(batches[-1]) + 1) * longest > tokens:
            batches.append([])
            longest = max(lengths[place], 1)
        batches[-1].append(place)
    return batches
