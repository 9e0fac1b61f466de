"""Running a function of token ids over texts in sorted batches. No torch: compiled back ends go this way too."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from portside.inference.batching import TOKENS_PER_BATCH, plan_batches
from portside.inference.cuts import Cuts
from portside.inference.tokens import Tokens

__all__ = ["Forward", "run_batches"]

TEXTS_AT_ONCE = 8192
"""Texts tokenised and sorted together: bounds the memory of a large table."""
Forward = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float32]]
"""Token ids and mask, both (texts, tokens), to rows (texts, width)."""


def run_batches(
    forward: Forward,
    tokens: Tokens,
    texts: Sequence[str],
    *,
    tokens_per_batch: int = TOKENS_PER_BATCH,
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
        for places in plan_batches([len(row) for row in ids], tokens=tokens_per_batch):
            found = forward(*tokens.pad([ids[place] for place in places]))
            if rows is None:
                rows = np.empty((len(ids), found.shape[1]), dtype=np.float32)
            rows[places] = found
            done += len(places)
            if report is not None:
                report(done)
        if rows is not None:
            parts.append(rows)
    return np.concatenate(parts)
