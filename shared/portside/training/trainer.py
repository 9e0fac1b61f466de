"""transformers' ``Trainer``, set up for Portside. Imports torch and the Trainer: import it lazily."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import PrinterCallback, ProgressCallback, Trainer, TrainingArguments
from transformers.utils import logging as transformers_logging

from portside.tasks.recipe import TrainingRecipe
from portside.training.order import LengthGrouped
from portside.training.plan import Clockwork, Plan, rate_multiplier

__all__ = ["Best", "CoreTrainer", "build_optimizer", "restore", "trained_weights", "training_arguments"]

WEIGHTS_FILE, BEST_FILE, STATE_FILE = "model.safetensors", "best.safetensors", "portside.json"


@dataclass
class Best:
    """The best weights so far, kept in memory and in every checkpoint."""

    score: float = float("-inf")
    step: int = 0
    without_gain: int = 0
    """Validations in a row that were no better."""
    weights: dict[str, Tensor] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0
    """Time of earlier sittings of this run."""

    def see(self, score: float, step: int, network: nn.Module) -> None:
        """Judge the weights after ``step``. On a tie the later ones win: they have seen more."""
        self.without_gain = 0 if score > self.score else self.without_gain + 1
        if score >= self.score:
            self.score, self.step = score, step
            self.weights = {name: value.detach().clone() for name, value in trained_weights(network).items()}

    def save(self, folder: Path, seconds: float) -> None:
        """Write into a checkpoint."""
        if self.weights:
            save_file({name: value.contiguous() for name, value in self.weights.items()}, folder / BEST_FILE)
        state = {
            "score": self.score if self.weights else None,
            "step": self.step,
            "without_gain": self.without_gain,
            "history": self.history,
            "seconds": seconds,
        }
        (folder / STATE_FILE).write_text(json.dumps(state), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Best:
        """Read from a checkpoint."""
        state = json.loads((folder / STATE_FILE).read_text(encoding="utf-8"))
        if state["score"] is None:
            return cls(history=state["history"], seconds=state["seconds"])
        weights = load_file(folder / BEST_FILE)
        return cls(state["score"], state["step"], state["without_gain"], weights, state["history"], state["seconds"])


class CoreTrainer(Trainer):
    """The Trainer with two learning rates, Portside's order of rows, schedule and validation, and no pickles."""

    def __init__(
        self,
        *,
        recipe: TrainingRecipe,
        plan: Plan,
        elapsed: Callable[[], float],
        best: Best,
        validate: Callable[[nn.Module], dict[str, float]],
        **options: Any,
    ) -> None:
        self._recipe = recipe
        self._clockwork = Clockwork(plan.steps, plan.seconds)
        self._elapsed = elapsed
        self._best = best
        self._validate = validate
        super().__init__(**options)
        self.network: nn.Module = options["model"]
        # The network's mean loss does not know of accumulation: left to itself, Trainer 5 then adds up the
        # parts' losses without dividing, and gradients come out multiplied.
        self.model_accepts_loss_kwargs = False
        self.remove_callback(PrinterCallback)
        self.remove_callback(ProgressCallback)
        self.order = LengthGrouped(options["train_dataset"].lengths, recipe.batch_size, seed=recipe.seed)
        self._steps_per_epoch = plan.steps_per_epoch

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        return self.order

    def start_epoch(self) -> None:
        """Called as an epoch begins, resumed or not: its order depends on its number only."""
        self.order.epoch = self.state.global_step // self._steps_per_epoch

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """AdamW with a learning rate for the encoder and one for the head; no decay of norms and biases."""
        if self.optimizer is None:
            self.optimizer = build_optimizer(self.network if model is None else model, self._recipe)
        return self.optimizer

    def create_scheduler(self, num_training_steps: int, optimizer: torch.optim.Optimizer | None = None) -> Any:
        """A linear rise and fall of both learning rates, by steps or by the clock, whichever is further."""
        if self.lr_scheduler is None:
            clockwork, warmup = self._clockwork, self._recipe.warmup

            def multiplier(step: int) -> float:
                return rate_multiplier(clockwork.done(step, self._elapsed()), warmup)

            self.lr_scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer or self.create_optimizer(), multiplier)
            self._created_lr_scheduler = True
        return self.lr_scheduler

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """Validate by Portside's own loop: the Trainer's returns rows in another order than they were given."""
        found = self._validate(self.network)
        self._best.see(found["score"], self.state.global_step, self.network)
        loss = self._tr_loss.item() / max(self.state.global_step - self._globalstep_last_logged, 1)
        entry = {"step": float(self.state.global_step), "training_loss": loss, **found}
        self._best.history.append(entry)
        metrics = {f"eval_{name}": value for name, value in found.items()}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        # In place of Trainer's own, which would add a pickle of its arguments.
        folder = Path(str(output_dir))
        folder.mkdir(parents=True, exist_ok=True)
        weights = {name: value.contiguous() for name, value in trained_weights(self.network).items()}
        save_file(weights, folder / WEIGHTS_FILE)
        self._best.save(folder, self._elapsed())

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        # In place of Trainer's own, which warns of frozen weights: they are not in a checkpoint.
        restore(self.network, load_file(Path(resume_from_checkpoint) / WEIGHTS_FILE))


def trained_weights(network: nn.Module) -> dict[str, Tensor]:
    """The state of ``network`` without frozen weights, which stay as they were pretrained."""
    frozen = {name for name, value in network.named_parameters() if not value.requires_grad}
    return {name: value for name, value in network.state_dict().items() if name not in frozen}


def restore(network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Give ``network`` back what ``trained_weights`` took."""
    network.load_state_dict({**network.state_dict(), **weights})


def build_optimizer(network: Any, recipe: TrainingRecipe) -> torch.optim.Optimizer:
    """Fused AdamW over four groups: encoder and head, with and without weight decay."""
    groups: dict[tuple[bool, bool], list[Tensor]] = {}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            groups.setdefault((not name.startswith("encoder."), parameter.ndim > 1), []).append(parameter)
    return torch.optim.AdamW(
        [
            {
                "params": parameters,
                "lr": recipe.head_lr if is_head else recipe.inner_lr,
                "weight_decay": recipe.weight_decay if decays else 0.0,
            }
            for (is_head, decays), parameters in groups.items()
        ],
        fused=True,
    )


def training_arguments(recipe: TrainingRecipe, plan: Plan, folder: Path, *, precision: str) -> Any:
    """The Trainer's arguments: nothing is reported anywhere, nothing evaluated or saved but when we say so."""
    quieten: Any = transformers_logging.set_verbosity_error
    quieten()
    micro = recipe.micro_batch_size or recipe.batch_size
    return TrainingArguments(
        output_dir=str(folder),
        max_steps=plan.steps,
        per_device_train_batch_size=micro,
        gradient_accumulation_steps=recipe.batch_size // micro,
        max_grad_norm=recipe.max_grad_norm,
        seed=recipe.seed,
        bf16=precision == "bf16",
        use_cpu=not torch.cuda.is_available(),
        eval_strategy="no",
        save_strategy="no",
        logging_strategy="no",
        save_total_limit=1,
        remove_unused_columns=False,
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=torch.cuda.is_available(),
        logging_nan_inf_filter=False,
    )
