"""What every recipe of the core can say: which encoder, how long, how fast, how exactly. Pure decisions."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from portside.errors import UsageError
from portside.said import said, settled

__all__ = ["ADAPTING", "FINE_TUNING", "ROWS_MANY", "TrainingRecipe", "default_epochs", "require", "wrong_value"]

ADAPTING = ("lora", "dora")
"""Methods that leave the encoder's weights as they are and train small matrices beside them."""
FINE_TUNING = ("full", *ADAPTING)
"""Methods that every task knows."""
LORA_LAYERS = ("attention", "all")

MIN_STEPS = 500
"""Updates that a small data set needs before a new head has settled."""
EPOCHS_FEW, EPOCHS_USUAL, EPOCHS_MANY, EPOCHS_HUGE = 20, 5, 3, 1
ROWS_MANY, ROWS_HUGE = 50_000, 300_000


@dataclass(frozen=True)
class TrainingRecipe:
    """How to fine-tune, whatever the task.

    The defaults of ``full`` were chosen on validation rows of BANKING77. Those of ``lora_*`` are customary values that
    have not been compared yet; ``python -m tests.benchmarks adapters`` does that.
    """

    method: str = "full"
    """``full``: all weights are fine-tuned. ``lora``, ``dora``: the encoder stays, small matrices beside its linear
    layers and the head are trained; the saved version holds only those. A task may know others."""
    encoder: str = ""
    """Pretrained weights: a folder, an adapted encoder's name or a hub id; empty: the bundled encoder."""
    epochs: int | None = None
    """Passes over the data; None: by its size (``default_epochs``)."""
    batch_size: int = 32
    """Texts of one update."""
    micro_batch_size: int | None = None
    """Texts held in memory at once; smaller saves memory and changes nothing else. None: the whole batch."""
    encoder_lr: float = 2e-4
    """Peak learning rate of the pretrained weights; higher than for larger models: this one has 22.7 M."""
    head_lr: float = 2e-3
    """Peak learning rate of the new linear head, which starts from nothing."""
    lora_rank: int = 8
    """Width of the matrices that ``lora`` and ``dora`` train."""
    lora_alpha: int = 16
    """What the matrices add is multiplied by lora_alpha / lora_rank."""
    lora_dropout: float = 0.0
    """Of what goes into the matrices."""
    lora_layers: str = "all"
    """Linear layers that get matrices: those of the ``attention``, or ``all`` of the encoder."""
    lora_lr: float = 2e-3
    """Peak learning rate of the matrices, in place of encoder_lr and ten times as high: they start from nothing."""
    weight_decay: float = 0.01
    warmup: float = 0.1
    """Share of the updates in which the learning rate rises."""
    dropout: float = 0.1
    """Of the hidden states and before the head."""
    max_grad_norm: float = 1.0
    max_tokens: int = 128
    """Longer texts are cut, and counted in the card."""
    precision: str = "auto"
    """``fp32``, ``bf16`` or ``auto``: bf16 where a short measurement on this machine says it is faster."""
    patience: int | None = None
    """Validations in a row without a gain after which training stops. None: it goes on to its planned end, as the gain
    often comes last, when the learning rate has fallen: on WNUT-17's validation file entity F1 was .499 after one pass
    of eight, below that up to the fourth, and .534 after the seventh. The best weights are kept in any case."""
    trainings: int = 1
    """Trainings of this recipe, a seed each, whose weights are averaged: the model takes so many times as long to make,
    and answers as fast. Of 3,001 rows kept aside from BANKING77 .927 came out right after one, .930 after three."""
    seed: int = 0
    """Reaches the validation split, the head's first weights, dropout and the order of rows."""
    keep_held_out: bool = True
    """Keep the validation rows beside the model, so that it can be reported on, compared and compiled at any time."""
    budget_seconds: float | None = None
    """Wall-clock time for the whole training, from reading the encoder to the registered version. How many updates fit
    into it the clock decides: only without it do the same seed and data give the same weights on a machine."""

    def __post_init__(self) -> None:
        for name in ("batch_size", "max_tokens", "lora_rank", "lora_alpha", "trainings"):
            require(getattr(self, name) >= 1, name, getattr(self, name), "at least 1")
        for name in ("epochs", "micro_batch_size", "patience"):
            value = getattr(self, name)
            require(value is None or value >= 1, name, value, "at least 1, or left out")
        for name in ("encoder_lr", "head_lr", "lora_lr", "max_grad_norm"):
            value = getattr(self, name)
            require(math.isfinite(value) and value > 0, name, value, "a number above 0")
        for name in ("weight_decay", "dropout", "warmup", "lora_dropout"):
            require(0.0 <= getattr(self, name) < 1.0, name, getattr(self, name), "from 0 to below 1")
        require(self.precision in ("auto", "fp32", "bf16"), "precision", self.precision, "auto, fp32 or bf16")
        budget = self.budget_seconds
        require(budget is None or 0 < budget < math.inf, "budget_seconds", budget, "above 0, or left out")
        require(self.max_tokens >= 3, "max_tokens", self.max_tokens, "at least 3: two are special")
        if self.micro_batch_size is not None:
            whole = self.batch_size % self.micro_batch_size == 0
            require(whole, "micro_batch_size", self.micro_batch_size, f"a divisor of batch_size {self.batch_size}")
        require(self.lora_layers in LORA_LAYERS, "lora_layers", self.lora_layers, "attention or all")
        once = self.trainings == 1 or not (self.adapts or self.computes)
        require(once, "trainings", self.trainings, f"left out with method {self.method}")
        self._refuse_what_is_not_used()

    @property
    def adapts(self) -> bool:
        """Whether matrices beside the encoder's weights are trained in their place."""
        return self.method in ADAPTING

    @property
    def computes(self) -> bool:
        """Whether the head is computed and nothing is trained."""
        return False

    @property
    def probes(self) -> bool:
        """Whether training always begins with a head that was fitted to the frozen encoder's vectors."""
        return False

    @property
    def refits(self) -> bool:
        """Whether a second training, on all rows, follows the one that kept some aside to be measured by."""
        return False

    @property
    def inner_lr(self) -> float:
        """Peak learning rate of what is trained inside the encoder."""
        return self.lora_lr if self.adapts else self.encoder_lr

    def _refuse_what_is_not_used(self) -> None:
        for field in fields(self):
            unused = field.name == "encoder_lr" if self.adapts else field.name.startswith("lora_")
            value = getattr(self, field.name)
            instead = ": its learning rate is lora_lr" if self.adapts else ""
            allowed = f"left out with method {self.method}{instead}"
            require(not unused or value == field.default, field.name, value, allowed)

    def passes(self, rows: int) -> int:
        """Passes over ``rows`` examples: as asked for, or by their number."""
        return self.epochs or default_epochs(rows, self.batch_size)


def default_epochs(rows: int, batch_size: int) -> int:
    """Passes over ``rows`` examples when the recipe leaves them out: many over few rows, one over very many."""
    if rows >= ROWS_HUGE:
        return EPOCHS_HUGE
    if rows >= ROWS_MANY:
        return EPOCHS_MANY
    steps_per_epoch = math.ceil(max(rows, 1) / batch_size)
    return min(EPOCHS_FEW, max(EPOCHS_USUAL, math.ceil(MIN_STEPS / steps_per_epoch)))


def require(holds: bool, name: str, value: object, rule: str) -> None:
    """Refuse a recipe's value.

    Raises:
        UsageError: ``holds`` is false; names the field, the value and the rule.
    """
    if not holds:
        raise wrong_value(name, f"{name} = {value!r}", rule)


def wrong_value(name: str, seen: str, rule: str) -> UsageError:
    """The error for a field of a recipe that breaks its rule."""
    return UsageError(
        said("The recipe's {name} must be {rule}", name=name, rule=settled(rule)),
        seen=seen,
        remedy="Correct it, or leave it out: the usual value is then taken",
    )
