"""Running a tagging network over sentences. Imports torch: import it lazily."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from portside.inference.batching import TOKENS_PER_BATCH, plan_batches
from portside.inference.classifier import softmax
from portside.inference.cuts import Cuts
from portside.inference.tokens import Tokens
from portside.inference.words import WordWindow, cut_windows, pieces_read

__all__ = ["batch_tensors", "tag_probabilities"]


def tag_probabilities(
    network: nn.Module,
    tokens: Tokens,
    sentences: Sequence[Sequence[str]],
    *,
    documents: Sequence[int],
    context: int,
    device: torch.device,
    report: Callable[[int], None] | None = None,
    cuts: Cuts | None = None,
) -> list[NDArray[np.float64]]:
    """Probabilities of the tags for each word: for each sentence an array (words, tags).

    ``report`` is told after each batch how many words are done, ``cuts`` which words were longer than is read.
    """
    windows, cut = cut_windows(sentences, tokens, documents=documents, context=context)
    if cuts is not None:
        cuts.add(cut, limit=pieces_read(tokens))
    counts = [len(sentence) for sentence in sentences]
    rows: NDArray[np.float64] | None = None
    done = 0
    for places in plan_batches([len(window.ids) for window in windows], tokens=TOKENS_PER_BATCH):
        batch = [windows[place] for place in places]
        with torch.inference_mode():
            logits = network(**{name: part.to(device) for name, part in batch_tensors(tokens, batch).items()})["logits"]
        found = logits.to("cpu", torch.float32).numpy()
        if rows is None:
            rows = np.empty((sum(counts), found.shape[2]), dtype=np.float64)
        for place, window in enumerate(batch):
            rows[window.words] = softmax(found[place, window.places])
            done += len(window.words)
        if report is not None:
            report(done)
    if rows is None:
        return [np.zeros((0, 0)) for _ in sentences]
    return np.split(rows, np.cumsum(counts)[:-1])


def batch_tensors(tokens: Tokens, windows: Sequence[WordWindow], *, multiple: int = 1) -> dict[str, torch.Tensor]:
    """Ids, mask and cases of some windows, all (windows, longest window)."""
    ids, mask = tokens.pad([window.ids for window in windows], multiple=multiple)
    cases = np.zeros_like(ids)
    for place, window in enumerate(windows):
        cases[place, : len(window.cases)] = window.cases
    return {
        "input_ids": torch.from_numpy(ids),
        "attention_mask": torch.from_numpy(mask),
        "cases": torch.from_numpy(cases),
    }
