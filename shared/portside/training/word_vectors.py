"""A vector for each word of tagged sentences, by an encoder that has not been trained on them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from portside.records import Tagged
from portside.tasks.tagging import CASES, case_of

__all__ = ["EncodedWords", "FakeWords", "WordEncoder"]

MAX_TOKENS, CONTEXT = 192, 32
"""As taggers read: tokens of a window, and of the sentences before and after in it."""
LAYERS = 2 / 3
"""Share of the encoder's layers that words are read from. Of the bundled one's six: where names of WNUT-17 were given
another type on purpose, 26 of the first 50 words that a discriminant named were such after four, 19 after all six."""


class WordEncoder(Protocol):
    """Turns the words of sentences into vectors that know what stands around a word."""

    def __call__(
        self, sentences: Sequence[Tagged], report: Callable[[int], None] | None = None, /
    ) -> NDArray[np.float32]:
        """One for each word of all sentences, in their order: shape (words, width).

        ``report`` is told after each batch how many words are done.
        """
        ...


class FakeWords:
    """A word's vector is a hash of it: the same word, the same vector. No weights, same result everywhere."""

    width = 16

    def __call__(
        self, sentences: Sequence[Tagged], report: Callable[[int], None] | None = None, /
    ) -> NDArray[np.float32]:
        words = [word for one in sentences for word in one.tokens]
        seeds = [int(hashlib.md5(word.encode()).hexdigest()[:8], 16) for word in words]
        return np.array([np.random.default_rng(seed).normal(size=self.width) for seed in seeds], dtype=np.float32)


class EncodedWords:
    """The encoder in ``folder`` at each word's first token, and the word's case, which many encoders do not read.

    Of its layers the first two thirds are asked, where they are named as BERT's: the last ones know more of the whole
    sentence and less of the word.
    """

    def __init__(self, folder: Path, *, threads: int = 0) -> None:
        self._folder = folder
        self._threads = threads

    def __call__(
        self, sentences: Sequence[Tagged], report: Callable[[int], None] | None = None, /
    ) -> NDArray[np.float32]:
        from portside.inference.batched import each_batch
        from portside.inference.tagging import pad_windows
        from portside.inference.threads import prepare_threads
        from portside.inference.tokens import Tokens
        from portside.inference.words import cut_windows

        prepare_threads()
        tokens = Tokens(self._folder, max_tokens=MAX_TOKENS)
        documents = [one.document for one in sentences]
        windows, _cut = cut_windows(sentences, tokens, documents=documents, context=CONTEXT)
        words = [word for one in sentences for word in one.tokens]
        rows: NDArray[np.float32] | None = None
        done = 0
        for places, found in each_batch(
            self._forward(),
            [len(window.ids) for window in windows],
            lambda places: pad_windows(tokens, [windows[place] for place in places])[:2],
        ):
            if rows is None:
                rows = np.zeros((len(words), found.shape[2] + len(CASES)), dtype=np.float32)
            for place, window in enumerate(windows[at] for at in places):
                rows[window.words, : found.shape[2]] = found[place, window.places]
                done += len(window.words)
            if report is not None:
                report(done)
        if rows is None:
            return np.zeros((0, len(CASES)), dtype=np.float32)
        rows[np.arange(len(words)), [rows.shape[1] - len(CASES) + case_of(word) for word in words]] = 1.0
        return rows

    def _forward(self) -> Callable[..., NDArray[np.float32]]:
        import torch

        from portside.inference.network import best_device, pretrained_encoder, use_threads

        use_threads(self._threads)
        device = best_device()
        network = pretrained_encoder(self._folder)
        layers = getattr(getattr(network, "encoder", None), "layer", None)
        if isinstance(layers, torch.nn.ModuleList) and len(layers) > 1:
            network.encoder.layer = layers[: round(LAYERS * len(layers))]  # type: ignore[union-attr]
        network = network.to(device).eval()

        def forward(ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
            with torch.inference_mode():
                hidden = network(
                    input_ids=torch.from_numpy(ids).to(device), attention_mask=torch.from_numpy(mask).to(device)
                )[0]
            found: NDArray[np.float32] = hidden.to("cpu", torch.float32).numpy()
            return found

        return forward
