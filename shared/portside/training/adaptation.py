"""Continued pretraining of an encoder on unlabelled text, registered as an encoder that any training can start from."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from portside.data.texts import Texts
from portside.encoders import EncoderSource
from portside.evaluation.held_out import save_rows
from portside.said import said
from portside.tasks.recipe import TrainingRecipe, require
from portside.training.holdout import holdout_size
from portside.training.reload import ReloadCheck, check_inputs
from portside.training.run import OneRound, Order, train_task

if TYPE_CHECKING:
    from portside.registry import ModelVersion
    from portside.training.adapter import TaskAdapter
    from portside.training.fit import Fitted

__all__ = ["OBJECTIVES", "AdaptationRecipe", "AdaptationTask", "Objective", "adapt_encoder", "default_passes"]

Objective = Literal["mlm", "tsdae", "contrastive"]
OBJECTIVES: tuple[Objective, ...] = get_args(Objective)
MIN_STEPS, MOST_PASSES = 200, 10
"""Updates that few texts are read again for, and how often at most; many are read once."""


@dataclass(frozen=True)
class AdaptationRecipe(TrainingRecipe):
    """How to adapt an encoder to texts without labels."""

    objective: Objective = "mlm"
    """What there is to learn. ``mlm``: guess hidden tokens. ``tsdae``: say a text again from the vector of what
    deletion left of it. ``contrastive``: know a text among others though dropout differs; the bundled encoder, which
    was trained that way, does from the start (loss below 0.001). From headlines to PhraseBank none helps a model
    that is then fine-tuned by more than chance; a linear head on frozen vectors gains 1.7 points by ``mlm`` and .5 by
    ``contrastive``, and loses .3 by ``tsdae`` (five seeds): hence the default."""
    encoder_lr: float = 5e-5
    """Peak learning rate; gentle: the bundled encoder is a good sentence encoder already."""
    head_lr: float = 1e-3
    """Peak learning rate of what is added to the encoder and thrown away afterwards."""
    deleted: float = 0.6
    """``tsdae``: share of the tokens left out."""
    masked: float = 0.15
    """``mlm``: share of the tokens to be guessed."""
    temperature: float = 0.05
    """``contrastive``: what cosines are divided by."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.method == "full", "method", self.method, "full")
        require(self.objective in OBJECTIVES, "objective", self.objective, f"one of {', '.join(OBJECTIVES)}")
        for name in ("deleted", "masked"):
            require(0.0 < getattr(self, name) < 1.0, name, getattr(self, name), "above 0 and below 1")
        require(0.0 < self.temperature <= 1.0, "temperature", self.temperature, "above 0, at most 1")
        if self.objective == "contrastive":
            # The other texts of the batch are what a text is told from: parts of a batch ask less.
            whole = self.micro_batch_size in (None, self.batch_size)
            require(whole, "micro_batch_size", self.micro_batch_size, "left out for contrastive; lower batch_size")
            require(self.batch_size >= 2, "batch_size", self.batch_size, "at least 2 for contrastive")
            require(self.dropout > 0, "dropout", self.dropout, "above 0 for contrastive: it is what differs")


def default_passes(texts: int, batch_size: int) -> int:
    """Passes over ``texts`` when the recipe leaves them out: one, unless they are few."""
    return min(MOST_PASSES, math.ceil(MIN_STEPS / math.ceil(max(texts, 1) / batch_size)))


def adapt_encoder(recipe: AdaptationRecipe, texts: Texts, order: Order) -> ModelVersion:
    """Adapt an encoder to ``texts`` and register it as the next version of ``order.name``.

    Raises:
        UsageError, ModelError, Cancelled: as ``train_task``.
    """
    passes = recipe.epochs or default_passes(len(texts.texts), recipe.batch_size)
    recipe = replace(recipe, epochs=passes)
    return train_task(recipe, AdaptationTask(recipe, texts), order)


@dataclass(frozen=True)
class AdaptationTask(OneRound):
    """Texts without labels, for ``train_task``."""

    recipe: AdaptationRecipe
    data: Texts
    name: str = "encoder"

    def identity(self) -> dict[str, Any]:
        """The hash of the texts."""
        return {"training_data": self.data.content_hash}

    @cached_property
    def parts(self) -> tuple[list[str], list[str]]:
        """Texts to learn from, and those kept aside to measure the loss on."""
        texts = self.data.texts
        held = set(random.Random(self.recipe.seed).sample(range(len(texts)), holdout_size(len(texts))))
        train = [text for place, text in enumerate(texts) if place not in held]
        return train, [texts[place] for place in sorted(held)]

    def adapter(self, source: EncoderSource) -> TaskAdapter:
        """The task for the training loop."""
        from portside.training.adaptation_adapter import AdaptationAdapter

        return AdaptationAdapter(self.recipe, *self.parts, source)

    def save(self, folder: Path, fitted: Fitted, adapter: TaskAdapter) -> Callable[[Path, ReloadCheck], None]:
        """Write the encoder alone; returns the test that it reloads to the vectors of the trained network."""
        from portside.inference import network as engine
        from portside.inference.encoder import save_encoder
        from portside.inference.folder import read_model_file
        from portside.inference.tokens import Tokens
        from portside.training.adaptation_adapter import AdaptationAdapter

        encoder: Any = fitted.network.encoder
        start = adapter.tokens.folder
        # As much of a text as before is read when serving, whatever was read in training.
        limit = read_model_file(start, task="encoder").max_tokens
        assert isinstance(adapter, AdaptationAdapter)
        tokens = Tokens(start, max_tokens=limit)
        save_encoder(folder, encoder, tokens, max_tokens=limit, prefixes=adapter.prefixes, pooling=adapter.pooling)
        if self.recipe.keep_held_out:
            save_rows(folder, ({"text": text} for text in self.parts[1]))
        texts = check_inputs(self.data.texts)
        vectors = engine.run(
            lambda ids, mask: engine.pool(encoder(input_ids=ids, attention_mask=mask)[0], mask, adapter.pooling),
            tokens.after(adapter.prefixes.document),
            texts,
            device=next(encoder.parameters()).device,
        )
        expected = engine.unit_length(vectors).astype("float64")
        return lambda staged, check: check.compare(staged, texts, (), expected)

    def card(self, fitted: Fitted, adapter: TaskAdapter) -> dict[str, Any]:
        """The method, the texts, and the loss before and after on those kept aside."""
        from portside.training.adaptation_adapter import AdaptationAdapter

        assert isinstance(adapter, AdaptationAdapter)
        assert fitted.validation is not None
        train, held = self.parts
        losses = {"loss_before": adapter.loss_before, "loss": fitted.validation["loss"]}
        summary = said(
            "An encoder adapted to {n} unlabelled texts by {objective}; loss on held-out texts {before} before, "
            "{after} after",
            n=f"{len(train):,}",
            objective=self.recipe.objective,
            before=f"{losses['loss_before']:.3f}",
            after=f"{losses['loss']:.3f}",
        )
        return {
            "summary": summary,
            "method": self.recipe.objective,
            "metrics": {"validation": {**losses, "n": len(held)}},
            "data": {
                "source": self.data.source,
                "content_hash": self.data.content_hash,
                "rows": self.data.read,
                "duplicates": self.data.duplicates,
                "empty": self.data.empty,
                "trained_on": len(train),
                "validation": f"{len(held)} of {len(self.data.texts)} texts, kept aside with seed {self.recipe.seed}",
                "longer_than_limit": adapter.cut,
            },
            "limits": {"max_tokens": self.recipe.max_tokens},
        }
