"""Running a tagging network over sentences. No torch: compiled engines go this way too."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from portside.inference.batched import Forward, each_batch
from portside.inference.classifier import softmax
from portside.inference.cuts import Cuts
from portside.inference.tokens import Tokens
from portside.inference.words import WordWindow, cut_windows, pieces_read

__all__ = ["pad_windows", "tag_probabilities"]


def tag_probabilities(
    forward: Forward,
    tokens: Tokens,
    sentences: Sequence[Sequence[str]],
    *,
    documents: Sequence[int],
    context: int,
    report: Callable[[int], None] | None = None,
    cuts: Cuts | None = None,
) -> list[NDArray[np.float64]]:
    """Probabilities of the tags for each word: for each sentence an array (words, tags).

    ``forward`` gives logits (windows, tokens, tags) for ids, mask and cases, all (windows, tokens).
    ``report`` is told after each batch how many words are done, ``cuts`` which words were longer than is read.
    """
    windows, cut = cut_windows(sentences, tokens, documents=documents, context=context)
    if cuts is not None:
        cuts.add(cut, limit=pieces_read(tokens))
    counts = [len(sentence) for sentence in sentences]
    rows: NDArray[np.float64] | None = None
    done = 0
    lengths = [len(window.ids) for window in windows]
    for places, found in each_batch(
        forward, lengths, lambda places: pad_windows(tokens, [windows[place] for place in places])
    ):
        if rows is None:
            rows = np.empty((sum(counts), found.shape[2]), dtype=np.float64)
        for place, window in enumerate(windows[at] for at in places):
            rows[window.words] = softmax(found[place, window.places])
            done += len(window.words)
        if report is not None:
            report(done)
    if rows is None:
        return [np.zeros((0, 0)) for _ in sentences]
    return np.split(rows, np.cumsum(counts)[:-1])


def pad_windows(
    tokens: Tokens, windows: Sequence[WordWindow], *, multiple: int = 1
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Ids, mask and cases of some windows, all (windows, longest window)."""
    ids, mask = tokens.pad([window.ids for window in windows], multiple=multiple)
    cases = np.zeros_like(ids)
    for place, window in enumerate(windows):
        cases[place, : len(window.cases)] = window.cases
    return ids, mask, cases
