"""One training run, from texts to a trained network. Imports torch and the Trainer: import it lazily."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from transformers import set_seed

from portside.encoders import EncoderSource, hidden_size, load_backbone
from portside.errors import ModelError
from portside.evaluation.classification import score_labels
from portside.inference import network as engine
from portside.inference.tokens import Tokens
from portside.progress import Progress
from portside.tasks.classification import ClassificationRecipe, class_weights, default_epochs
from portside.tasks.classification_network import ClassificationNetwork
from portside.training.head_start import MOST_ROWS, SHORT_RUN_STEPS, gentler, start_head
from portside.training.material import Material
from portside.training.plan import Plan, plan_run
from portside.training.probe import choose_precision, measure
from portside.training.run_folder import RunFolder
from portside.training.trainer import Best, Collator, CoreTrainer, Rows, training_arguments
from portside.training.watch import Watch

__all__ = ["Fitted", "Surroundings", "fit"]

FORWARD_SHARE = 0.3
"""Time of a forward pass over a batch, as a share of a whole training step on it."""
FINISH_SECONDS = 5.0
"""Saving, the reload in a fresh process and registering, on a slow disk; the budget keeps it free."""
OUT_OF_MEMORY = ("not enough memory", "can't allocate memory", "cannot allocate memory", "out of memory")


@dataclass(frozen=True)
class Surroundings:
    """What a run is given besides data and recipe."""

    run: RunFolder
    progress: Progress
    remaining: Callable[[], float | None]
    """Seconds left of the budget, from now; None: no budget."""
    checkpoint_seconds: float
    planned: Callable[[], None] = lambda: None
    """Called once this machine's speed is measured: until then nothing else should keep it busy."""


@dataclass(frozen=True)
class Fitted:
    """A trained network and how it came about."""

    network: ClassificationNetwork
    """Best weights, 32-bit, on the processor, in evaluation mode."""
    tokens: Tokens
    config: dict[str, Any]
    plan: Plan
    precision: str
    best: Best
    steps: int
    stopped: str
    seconds: float
    cut: int
    """Training texts longer than the token limit."""
    validation: dict[str, float] | None
    """Loss, accuracy and macro-F1 of these weights in 32-bit floats; None without validation rows."""


def fit(recipe: ClassificationRecipe, source: EncoderSource, material: Material, around: Surroundings) -> Fitted:
    """Train; with a checkpoint in the run folder, go on from there.

    Raises:
        Cancelled: the user asked to stop; a checkpoint to resume from was left.
        ModelError: memory ran out, or the loss is no number any more.
        UsageError: the budget leaves no room for training.
    """
    with _advice_on_memory(recipe):
        around.progress.update(0, 1, "reading the encoder")
        set_seed(recipe.seed)
        encoder = load_backbone(source.folder, dropout=recipe.dropout)
        config = json.loads(encoder.config.to_json_string(use_diff=False))
        weights = class_weights(material.label_ids, len(material.labels)) if recipe.class_weights else None
        network = ClassificationNetwork(
            encoder, hidden_size(config), len(material.labels), dropout=recipe.dropout, weights=weights
        )
        tokens = Tokens(source.folder, max_tokens=recipe.max_tokens)
        encoded = tokens(material.texts)
        rows = Rows(encoded.ids, material.label_ids)
        parts = _Parts(recipe, material, around, network, tokens, rows)
        plan, precision = _plan(parts)
        around.planned()
        if plan.expected_steps < SHORT_RUN_STEPS and around.run.checkpoint is None:
            start_head(network, tokens, material, seed=recipe.seed, precision=precision)
            parts = replace(parts, recipe=gentler(recipe))
        trainer, watch = _trainer(parts, plan, precision)
        checkpoint = around.run.checkpoint
        if checkpoint is not None and int(checkpoint.name.rpartition("-")[2]) >= plan.steps:
            trainer._load_from_checkpoint(str(checkpoint))
            trainer.state.global_step = plan.steps
        else:
            trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    if watch.cancelled is not None:
        raise watch.cancelled
    finished = _finished(trainer, watch)
    return Fitted(
        network=finished,
        tokens=tokens,
        config=config,
        plan=plan,
        precision=precision,
        best=watch.best,
        steps=trainer.state.global_step,
        stopped=watch.stopped,
        seconds=watch.elapsed(),
        cut=len(encoded.cut),
        validation=_final_validation(finished, tokens, material, recipe),
    )


@dataclass(frozen=True)
class _Parts:
    """What planning and training both need."""

    recipe: ClassificationRecipe
    material: Material
    around: Surroundings
    network: ClassificationNetwork
    tokens: Tokens
    rows: Rows


def _plan(parts: _Parts) -> tuple[Plan, str]:
    recipe, around = parts.recipe, parts.around
    saved, saved_precision = around.run.saved_plan(), around.run.saved_precision()
    if saved is not None and saved_precision is not None:
        return saved, saved_precision
    around.progress.update(0, 1, "measuring this machine's speed")
    network = parts.network.to(engine.best_device())
    memory = around.run.path.parent / "precision.json"
    speed = measure(network, parts.rows, Collator(parts.tokens), recipe)
    precision, step_seconds = choose_precision(recipe.precision, speed, memory)
    validate_seconds = FORWARD_SHARE * step_seconds * len(parts.material.valid_texts) / recipe.batch_size
    left = around.remaining()

    def planned(reserve: float) -> Plan:
        return plan_run(
            rows=len(parts.rows),
            batch_size=recipe.batch_size,
            epochs=recipe.epochs or default_epochs(len(parts.rows), recipe.batch_size),
            step_seconds=step_seconds,
            validate_seconds=validate_seconds,
            seconds=None if left is None else left - reserve,
        )

    # The final validation runs in 32-bit floats, at up to twice the time of the others.
    finish = FINISH_SECONDS + 2 * validate_seconds
    plan = planned(finish)
    if plan.limited and plan.expected_steps < SHORT_RUN_STEPS:
        head = FORWARD_SHARE * step_seconds * min(len(parts.rows), MOST_ROWS) / recipe.batch_size
        plan = planned(finish + head)
    around.run.save_plan(plan, precision)
    around.progress.log(f"{plan.sentence}, in {precision}")
    return plan, precision


def _trainer(parts: _Parts, plan: Plan, precision: str) -> tuple[CoreTrainer, Watch]:
    recipe, material, around, tokens = parts.recipe, parts.material, parts.around, parts.tokens
    checkpoint = around.run.checkpoint
    best = Best() if checkpoint is None else Best.load(checkpoint)
    if around.run.resumed:
        where = "the beginning: no checkpoint had been saved" if checkpoint is None else checkpoint.name
        around.progress.log(f"Resuming from {where}")
    if around.run.discarded:
        around.progress.log("An interrupted run was thrown away; next time --resume goes on with it")
    began, earlier = time.monotonic(), best.seconds

    def elapsed() -> float:
        return earlier + time.monotonic() - began

    watch = Watch(
        plan=plan,
        best=best,
        patience=recipe.patience,
        validates=bool(material.valid_texts),
        progress=around.progress,
        elapsed=elapsed,
        checkpoint_seconds=around.checkpoint_seconds,
    )
    trainer = CoreTrainer(
        recipe=recipe,
        plan=plan,
        elapsed=elapsed,
        best=best,
        validate=lambda network: validate(network, tokens, material, by_macro_f1=recipe.class_weights),
        model=parts.network,
        args=training_arguments(recipe, plan, around.run.path, precision=precision),
        train_dataset=parts.rows,
        data_collator=Collator(tokens),
        callbacks=[watch],
    )
    watch.start_epoch = trainer.start_epoch
    return trainer, watch


def validate(network: nn.Module, tokens: Tokens, material: Material, *, by_macro_f1: bool) -> dict[str, float]:
    """Loss, accuracy and macro-F1 on the validation rows, and the ``score`` that versions are compared by."""
    network.eval()
    logits = engine.run(
        lambda ids, mask: network(input_ids=ids, attention_mask=mask)["logits"],
        tokens,
        material.valid_texts,
        device=next(network.parameters()).device,
    )
    truth = np.asarray(material.valid_ids)
    loss = functional.cross_entropy(torch.from_numpy(logits), torch.from_numpy(truth)).item()
    found = logits.argmax(axis=1)
    names = material.labels
    scores = score_labels([names[place] for place in truth], [names[place] for place in found])
    accuracy = float((found == truth).mean())
    macro_f1 = sum(score.f1 for score in scores.values()) / len(scores)
    score = macro_f1 if by_macro_f1 else accuracy
    return {"loss": loss, "accuracy": accuracy, "macro_f1": macro_f1, "score": score}


def _final_validation(
    network: nn.Module, tokens: Tokens, material: Material, recipe: ClassificationRecipe
) -> dict[str, float] | None:
    return validate(network, tokens, material, by_macro_f1=recipe.class_weights) if material.valid_texts else None


def _finished(trainer: CoreTrainer, watch: Watch) -> ClassificationNetwork:
    # The wrapper that casts to bf16 comes off: the model is served, and checked, in 32-bit floats.
    network: ClassificationNetwork = trainer.accelerator.unwrap_model(trainer.model, keep_fp32_wrapper=False)
    if watch.best.weights:
        network.load_state_dict(watch.best.weights)
    network = network.to("cpu").eval()
    if watch.diverged or not all(bool(torch.isfinite(value).all()) for value in network.parameters()):
        raise ModelError(
            "Training must keep the loss a finite number",
            seen="the loss or the weights became infinite or no number",
            remedy="Train with lower learning rates (encoder_lr, head_lr) or in fp32",
        )
    return network


@contextmanager
def _advice_on_memory(recipe: ClassificationRecipe) -> Iterator[None]:
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        ran_out = isinstance(error, MemoryError) or any(words in str(error).lower() for words in OUT_OF_MEMORY)
        if not ran_out:
            raise
        raise ModelError(
            "Training must fit into memory; nothing was registered",
            seen=f"out of memory with {recipe.batch_size} texts of up to {recipe.max_tokens} tokens at once",
            remedy=f"Set micro_batch_size below {recipe.micro_batch_size or recipe.batch_size} or lower max_tokens",
        ) from error
