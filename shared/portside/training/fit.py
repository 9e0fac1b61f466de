"""One training run, from encoded rows to a trained network. Imports torch and the Trainer: import it lazily."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn
from transformers import set_seed

from portside.encoders import EncoderSource, hidden_size, load_backbone
from portside.errors import ModelError, UsageError
from portside.inference import network as engine
from portside.said import said
from portside.tasks.lora_network import adapt, describe
from portside.tasks.recipe import TrainingRecipe
from portside.training.adapter import TaskAdapter
from portside.training.head_start import SHORT_RUN_STEPS, gentler
from portside.training.parts import PartsTrainer
from portside.training.plan import BudgetTooShort, Plan, plan_run
from portside.training.probe import choose_precision, measure
from portside.training.surroundings import Surroundings
from portside.training.trainer import Best, CoreTrainer, restore, training_arguments
from portside.training.watch import Watch

__all__ = ["Fitted", "finished", "fit", "train"]

FORWARD_SHARE = 0.3
"""Time of a forward pass over a batch, as a share of a whole training step on it."""
FINISH_SECONDS = 5.0
"""Saving, the reload in a fresh process and registering, on a slow disk; the budget keeps it free."""
OUT_OF_MEMORY = ("not enough memory", "can't allocate memory", "cannot allocate memory", "out of memory")


@dataclass(frozen=True)
class Fitted:
    """A trained network and how it came about."""

    network: nn.Module
    """Best weights, 32-bit, on the processor, in evaluation mode."""
    config: dict[str, Any]
    """The encoder's."""
    plan: Plan
    precision: str
    best: Best
    steps: int
    stopped: str
    seconds: float
    """Of this training."""
    validation: dict[str, float] | None = None
    """What ``validate`` says of these weights in 32-bit floats; None without validation rows."""
    adapter: dict[str, Any] | None = None
    """What was trained beside frozen weights; None where the weights themselves were."""
    earlier_seconds: float = 0.0
    """Of the trainings that went before it, to measure the model by."""


def fit(
    recipe: TrainingRecipe,
    source: EncoderSource,
    prepare: Callable[[], TaskAdapter],
    around: Surroundings,
) -> tuple[Fitted, TaskAdapter]:
    """Train what ``prepare`` makes, measure it and let the task finish it; with a checkpoint in the run folder, go on
    from there.

    Raises:
        Cancelled: the user asked to stop; a checkpoint to resume from was left.
        ModelError: memory ran out, or the loss is no number any more.
        UsageError: the budget leaves no room for training.
    """
    fitted, task = train(recipe, source, prepare, around)
    return (fitted if recipe.computes else finished(fitted, task)), task


def finished(fitted: Fitted, task: TaskAdapter) -> Fitted:
    """``fitted`` as the validation rows measure it, with the changes that the task makes last."""
    measured = task.validate(fitted.network) if task.valid_count else None
    task.finish(fitted.network)
    return replace(fitted, validation=measured)


def train(
    recipe: TrainingRecipe,
    source: EncoderSource,
    prepare: Callable[[], TaskAdapter],
    around: Surroundings,
) -> tuple[Fitted, TaskAdapter]:
    """As ``fit``, neither measured nor finished."""
    with _advice_on_memory(recipe):
        parts, config = _read(recipe, source, prepare, around)
        task, network = parts.task, parts.network
        if recipe.computes:
            return _computed(parts, config), task
        plan, precision = _plan(parts)
        around.planned()
        starts = recipe.probes or plan.expected_steps < SHORT_RUN_STEPS
        if task.head_start_rows and starts and around.run.checkpoint is None:
            task.head_start(network, precision)
            parts = replace(parts, recipe=gentler(recipe, looks_twice=_looks_twice(network)))
        trainer, watch = _trainer(parts, plan, precision)
        checkpoint = around.run.checkpoint
        if checkpoint is not None and int(checkpoint.name.rpartition("-")[2]) >= plan.steps:
            trainer._load_from_checkpoint(str(checkpoint))
            trainer.state.global_step = plan.steps
        else:
            trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    if watch.cancelled is not None:
        raise watch.cancelled
    best = _finished(trainer, watch)
    fitted = Fitted(
        network=best,
        config=config,
        plan=plan,
        precision=precision,
        best=watch.best,
        steps=trainer.state.global_step,
        stopped=watch.stopped,
        seconds=watch.elapsed(),
        adapter=describe(best) if recipe.adapts else None,
    )
    return fitted, task


def _read(
    recipe: TrainingRecipe, source: EncoderSource, prepare: Callable[[], TaskAdapter], around: Surroundings
) -> tuple[_Parts, dict[str, Any]]:
    around.progress.update(0, 1, said("reading the encoder"))
    set_seed(recipe.seed)
    encoder = load_backbone(source.folder, dropout=recipe.dropout)
    config = json.loads(encoder.config.to_json_string(use_diff=False))
    task = prepare()
    if recipe.adapts:
        adapt(encoder, recipe, source)
    if task.cut:
        around.progress.log(task.cut_note)
    return _Parts(recipe, task, around, task.network(encoder, hidden_size(config))), config


def _computed(parts: _Parts, config: dict[str, Any]) -> Fitted:
    """The encoder as it is with a head in closed form: no step is taken."""
    task, began = parts.task, time.monotonic()
    parts.around.planned()
    parts.around.progress.update(0, 1, said("reading the texts"))
    network = parts.network.to(engine.best_device()).eval()
    task.closed_form(network, parts.recipe.method)
    network = network.to("cpu")
    return Fitted(
        network=network,
        config=config,
        plan=Plan(0, 0, 1, 1, 0.0, 0.0, limited=False),
        precision="fp32",
        best=Best(),
        steps=0,
        stopped="computed, not trained",
        seconds=time.monotonic() - began,
        validation=task.validate(network) if task.valid_count else None,
    )


@dataclass(frozen=True)
class _Parts:
    """What planning and training both need."""

    recipe: TrainingRecipe
    task: TaskAdapter
    around: Surroundings
    network: nn.Module


def _plan(parts: _Parts) -> tuple[Plan, str]:
    around = parts.around
    saved, saved_precision = around.run.saved_plan(), around.run.saved_precision()
    if saved is not None and saved_precision is not None:
        if saved.looks_once:
            _look_once(parts.network)
        return saved, saved_precision
    try:
        plan, precision = _fitted_plan(parts)
        enough = not plan.limited
    except BudgetTooShort:
        if not _looks_twice(parts.network):
            raise
        enough = False
    # Passes over the rows are worth more than a second look at each in the same pass.
    if not enough and _looks_twice(parts.network):
        _look_once(parts.network)
        plan, precision = _fitted_plan(parts)
        plan = replace(plan, looks_once=True)
        around.progress.log("Each row is looked at once a pass: the time budget leaves no room for a second look")
    around.run.save_plan(plan, precision)
    around.progress.log(f"{plan.sentence}, in {precision}")
    return plan, precision


def _looks_twice(network: nn.Module) -> bool:
    return bool(getattr(network, "consistency", 0.0) > 0)


def _look_once(network: nn.Module) -> None:
    network.consistency = 0.0  # type: ignore[assignment]


def _fitted_plan(parts: _Parts) -> tuple[Plan, str]:
    recipe, around, task = parts.recipe, parts.around, parts.task
    around.progress.update(0, 1, said("measuring this machine's speed"))
    speed = measure(parts.network.to(engine.best_device()), task, recipe)
    precision, step_seconds = choose_precision(recipe.precision, speed, around.run.memory)
    forward_seconds = FORWARD_SHARE * step_seconds / recipe.batch_size
    validate_seconds = forward_seconds * task.valid_count
    left = around.remaining()

    def planned(reserve: float) -> Plan:
        return plan_run(
            rows=len(task.rows),
            batch_size=recipe.batch_size,
            epochs=recipe.passes(len(task.rows)),
            step_seconds=step_seconds,
            validate_seconds=validate_seconds,
            seconds=None if left is None else left - reserve,
        )

    # The final validation runs in 32-bit floats, at up to twice the time of the others.
    finish = FINISH_SECONDS + 2 * validate_seconds + 2 * forward_seconds * task.saving_count
    plan = planned(finish)
    if plan.limited and (recipe.probes or plan.expected_steps < SHORT_RUN_STEPS):
        plan = planned(finish + forward_seconds * task.head_start_rows)
    return plan, precision


def _trainer(parts: _Parts, plan: Plan, precision: str) -> tuple[CoreTrainer, Watch]:
    recipe, task, around = parts.recipe, parts.task, parts.around
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
        validates=task.valid_count > 0,
        metric=task.metric,
        progress=around.progress,
        elapsed=elapsed,
        checkpoint_seconds=around.checkpoint_seconds,
        on_validation=around.on_validation,
    )
    trainer = PartsTrainer(
        recipe=recipe,
        plan=plan,
        elapsed=elapsed,
        best=best,
        validate=task.validate,
        model=parts.network,
        args=training_arguments(recipe, plan, around.run.path, precision=precision),
        train_dataset=task.rows,
        data_collator=task.collate,
        callbacks=[watch],
    )
    watch.start_epoch = trainer.start_epoch
    return trainer, watch


def _finished(trainer: CoreTrainer, watch: Watch) -> nn.Module:
    # The wrapper that casts to bf16 comes off: the model is served, and checked, in 32-bit floats.
    network: nn.Module = trainer.accelerator.unwrap_model(trainer.model, keep_fp32_wrapper=False)
    if watch.best.weights:
        restore(network, watch.best.weights)
    network = network.to("cpu").eval()
    if watch.diverged or not all(bool(torch.isfinite(value).all()) for value in network.parameters()):
        raise ModelError(
            "Training must keep the loss a finite number",
            seen=said("the loss or the weights became infinite or no number"),
            remedy="Train with lower learning rates (encoder_lr, head_lr) or in fp32",
        )
    return network


@contextmanager
def _advice_on_memory(recipe: TrainingRecipe) -> Iterator[None]:
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        ran_out = isinstance(error, MemoryError) or any(words in str(error).lower() for words in OUT_OF_MEMORY)
        if not ran_out:
            raise
        raise ModelError(
            "Training must fit into memory; nothing was registered",
            seen=said(
                "out of memory with {n} texts of up to {tokens} tokens at once",
                n=recipe.batch_size,
                tokens=recipe.max_tokens,
            ),
            remedy=_smaller(recipe),
        ) from error


def _smaller(recipe: TrainingRecipe) -> str:
    """What to set so that less is held in memory at once."""
    held = recipe.micro_batch_size or recipe.batch_size
    parts = [size for size in range(1, held) if recipe.batch_size % size == 0]
    if not parts:
        return "Lower max_tokens, or start from a smaller encoder"
    try:
        replace(recipe, micro_batch_size=parts[-1])
    except UsageError:
        # Where the rows of a batch are compared with one another it cannot be cut into parts.
        return said("Set batch_size below {n} or lower max_tokens", n=recipe.batch_size)
    return said("Set micro_batch_size to {n} or lower, or lower max_tokens", n=parts[-1])
