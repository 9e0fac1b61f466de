"""Fine-tune the text encoder: items chosen together get closer than the other items of the batch.

Multiple-negatives ranking in both directions, with false negatives of the batch left out. Both sides of a batch go
through the network together, sorted by length, in a plain loop: 1.4 times the steps of a trainer on the same
processor, and more where texts differ in length.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from portside.inference.threads import prepare_threads
from portside.progress import Progress
from portside.said import said
from portside_recommend.behaviour import cosine
from portside_recommend.choices import Choices
from portside_recommend.config import EncoderConfig
from portside_recommend.pairs import PairPool, false_negatives, pool_pairs

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["TrainedEncoder", "fine_tune"]

WARM_UP = 0.1
"""Share of the run in which the learning rate rises."""
LARGEST_GRADIENT = 1.0
LENGTH_BLOCKS = 4
"""Parts of a batch, by length, that are padded by themselves."""
MASK_NEIGHBOURS = 200
"""Likest items of each item that may be its partners, or be left out of its negatives."""
PROBES = 8


@dataclass(frozen=True)
class TrainedEncoder:
    """What the fine-tuning did."""

    steps: int
    pairs: int
    seconds: float
    first_loss: float
    last_loss: float
    """Mean of the last tenth of the steps; the first likewise."""
    probe: tuple[tuple[float, ...], ...] = ()
    """Vectors of the first ``PROBES`` texts from the network as it was trained: the saved one must give the same."""


def fine_tune(
    source: Path,
    folder: Path,
    texts: Sequence[str],
    choices: Choices,
    config: EncoderConfig,
    *,
    progress: Progress,
    seconds: Callable[[], float] = time.monotonic,
) -> TrainedEncoder | None:
    """Train the encoder in ``source`` and write it to ``folder`` as a sentence-encoder folder.

    ``texts`` has one text for each item of ``choices``. Returns None, and writes nothing, when there are too few
    pairs to learn from. The same seed draws the same pairs; the number of steps depends on the machine's speed only
    where the time budget ends the run.

    Raises:
        Cancelled: the user stopped it.
    """
    prepare_threads()
    _, numbered = np.unique(np.asarray(texts, dtype=np.str_), return_inverse=True)
    likeness = cosine(choices, neighbours=MASK_NEIGHBOURS)
    pool = pool_pairs(choices, numbered, likeness, config) if len(choices.item) > config.window else None
    if pool is None or len(pool) < config.min_pairs:
        return None
    loop = _Loop(source, texts, numbered, likeness, config, steps=_planned_steps(choices, config))
    trained = loop.run(pool, progress, seconds)
    loop.save(folder)
    return replace(trained, probe=loop.probe())


class _Loop:
    """Network, tokens and optimizer of one run."""

    def __init__(
        self,
        source: Path,
        texts: Sequence[str],
        numbered: NDArray[np.int64],
        likeness: sp.csr_matrix[Any],
        config: EncoderConfig,
        *,
        steps: int,
    ) -> None:
        import torch

        from portside.encoders import load_backbone
        from portside.inference.network import best_device
        from portside.inference.pooling import pooling_of
        from portside.inference.tokens import Tokens

        torch.manual_seed(config.seed)
        self._config, self._numbered = config, numbered
        self._device = best_device()
        # Without dropout: a tenth of the time, and the other items of the batch are noise enough.
        self._network = load_backbone(source, dropout=0.0).to(self._device).train()
        self._tokens = Tokens(source, max_tokens=config.max_tokens)
        self._pooling = pooling_of(source)
        self._ids = self._tokens(texts).ids
        self._likeness = likeness
        self._steps = steps
        self._learning = _thawed(self._network, config.frozen_layers)
        self._pretrained = [weights.detach().clone() for weights in self._learning]
        self._optimizer = torch.optim.AdamW(
            self._learning, lr=config.learning_rate, fused=self._device.type in ("cpu", "cuda")
        )

    def run(self, pool: PairPool, progress: Progress, seconds: Callable[[], float]) -> TrainedEncoder:
        config = self._config
        rng = np.random.default_rng(config.seed)
        began = seconds()
        losses: list[float] = []
        while len(losses) < self._steps and (not losses or seconds() - began < config.budget_seconds):
            done = max(len(losses) / self._steps, (seconds() - began) / config.budget_seconds)
            first, second = pool.draw(config.batch_size, rng)
            losses.append(self._step(first, second, rate=_rate(done)))
            progress.update(
                min(done, 1.0),
                1.0,
                said(
                    "teaching the encoder, step {step}, loss {loss}", step=f"{len(losses):,}", loss=f"{losses[-1]:.2f}"
                ),
            )
        self._step_back()
        tenth = max(len(losses) // 10, 1)
        return TrainedEncoder(
            steps=len(losses),
            pairs=len(losses) * config.batch_size,
            seconds=seconds() - began,
            first_loss=float(np.mean(losses[:tenth])),
            last_loss=float(np.mean(losses[-tenth:])),
        )

    def save(self, folder: Path) -> None:
        from portside.inference.encoder import save_encoder

        limit = self._config.max_tokens
        save_encoder(folder, self._network.eval(), self._tokens, max_tokens=limit, pooling=self._pooling)

    def _step_back(self) -> None:
        """Go the share that is not ``kept`` of the way back to the pretrained weights (Wortsman et al. 2022)."""
        import torch

        with torch.no_grad():
            for weights, before in zip(self._learning, self._pretrained, strict=True):
                weights.lerp_(before, 1.0 - self._config.kept)

    def probe(self) -> tuple[tuple[float, ...], ...]:
        """Vectors of the first texts, computed in 32-bit floats."""
        import torch

        with torch.inference_mode():
            vectors = self._network_vectors(range(min(PROBES, len(self._ids))))
        return tuple(tuple(row) for row in vectors.tolist())

    def _network_vectors(self, rows: Iterable[int], *, precision: str = "fp32") -> Tensor:
        """Vectors of length 1 of the texts in ``rows``, shape (rows, dim)."""
        import torch
        from torch.nn.functional import normalize

        from portside.inference.network import autocast, pool

        # Like lengths side by side: else one long text makes padding of three quarters of a batch of short ones.
        ids = [self._ids[row] for row in rows]
        order = np.argsort([len(each) for each in ids], kind="stable")
        parts = []
        for block in np.array_split(order, min(LENGTH_BLOCKS, len(order))):
            padded = self._tokens.pad([ids[place] for place in block])
            tokens, mask = (torch.from_numpy(part).to(self._device) for part in padded)
            with autocast(self._device, precision):
                hidden = self._network(input_ids=tokens, attention_mask=mask)[0]
            parts.append(pool(hidden, mask, self._pooling))
        back = torch.from_numpy(np.argsort(order))
        return normalize(torch.cat(parts)[back.to(self._device)], dim=1)

    def _step(self, first: NDArray[np.int64], second: NDArray[np.int64], *, rate: float) -> float:
        import torch

        from portside.training.contrastive_loss import masked_ranking_loss

        config = self._config
        marked = false_negatives(self._likeness, self._numbered, first, second, above=config.mask_above)
        vectors = self._network_vectors((*first.tolist(), *second.tolist()), precision="bf16")
        anchors, partners = vectors[: len(first)], vectors[len(first) :]
        masked = torch.from_numpy(marked).to(self._device)
        loss = masked_ranking_loss(anchors, partners, masked, temperature=config.temperature)
        for group in self._optimizer.param_groups:
            group["lr"] = config.learning_rate * rate
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._learning, LARGEST_GRADIENT)
        self._optimizer.step()
        return float(loss.detach())


def _thawed(network: Any, frozen_layers: int) -> list[Any]:
    """The parameters that learn: those above the word vectors and the lowest ``frozen_layers`` layers."""
    layers = getattr(getattr(network, "encoder", None), "layer", None)
    if frozen_layers > 0 and layers is not None:
        for part in (network.embeddings, *list(layers)[: min(frozen_layers, len(layers) - 1)]):
            for weights in part.parameters():
                weights.requires_grad_(False)
    return [weights for weights in network.parameters() if weights.requires_grad]


def _planned_steps(choices: Choices, config: EncoderConfig) -> int:
    items = int((choices.counts > 0).sum())
    return max(1, min(config.max_steps, round(config.passes * items / config.batch_size)))


def _rate(done: float) -> float:
    """Share of the peak learning rate when ``done`` (0 to 1) of the run is over."""
    return min((done + 0.01) / WARM_UP, 1.0) if done < WARM_UP else max((1.0 - done) / (1.0 - WARM_UP), 0.02)
