"""Train one task and register the result: what all tasks have in common around the training loop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

from portside.encoders import EncoderSource, resolve_encoder
from portside.errors import ModelError, UsageError
from portside.inference.threads import prepare_threads
from portside.progress import Progress
from portside.registry import CHAMPION, ModelRegistry, ModelVersion
from portside.registry.names import check_name
from portside.said import said, settled
from portside.tasks.recipe import TrainingRecipe
from portside.training.card import training_card
from portside.training.disk import advice_on_disk
from portside.training.reload import ReloadCheck
from portside.training.run_folder import open_run
from portside.training.surroundings import Surroundings

if TYPE_CHECKING:
    from portside.training.adapter import TaskAdapter
    from portside.training.fit import Fitted
    from portside.training.rounds import Trained

__all__ = ["CHECKPOINT_SECONDS", "Declined", "OneRound", "Order", "Task", "train_task"]

CHECKPOINT_SECONDS = 30.0
"""Between two checkpoints: what a kill can cost at most. Writing one takes about half a second."""


class Task(Protocol):
    """One task with its checked data, as a run needs it. Light: torch is imported when a method asks for it."""

    @property
    def name(self) -> str:
        """``classification``."""
        ...

    def identity(self) -> Mapping[str, Any]:
        """Hashes of the data: a run is only resumed with the same."""
        ...

    def adapter(self, source: EncoderSource) -> TaskAdapter:
        """Rows, network and validation for the training loop."""
        ...

    def rounds(self) -> Sequence[Task]:
        """The trainings that measure it, on one part of the rows each; most tasks have one, themselves."""
        ...

    def everything(self, measured: Sequence[Trained]) -> Task | None:
        """The task with every row to train on, once some or all of its ``rounds`` are done; None: nothing follows."""
        ...

    def save(self, folder: Path, fitted: Fitted, adapter: TaskAdapter) -> Callable[[Path, ReloadCheck], None]:
        """Write the model's files; returns the test that they reload to the outputs of the trained network."""
        ...

    def card(self, fitted: Fitted, adapter: TaskAdapter) -> Mapping[str, Any]:
        """The task's part of the card: ``summary``, ``labels``, ``metrics``, ``data`` and ``limits``."""
        ...


class Declined(Exception):
    """Raised by a task's own judge: what was trained is not good enough to be registered."""


class OneRound:
    """What most tasks say of their trainings: there is one."""

    def rounds(self) -> Sequence[Self]:
        """This one."""
        return (self,)

    def everything(self, measured: Sequence[Trained]) -> None:
        """Nothing follows: rows that were kept aside stay aside."""


@dataclass(frozen=True)
class Order:
    """Who wants which model, where it is kept, and how."""

    registry: ModelRegistry
    name: str
    runs_dir: Path
    progress: Progress
    actor: str
    reason: str
    promote: bool | None = None
    """Serve it at once; None: only the first version of its name."""
    resume: bool = False
    threads: int = 0
    """0: all that this process may use."""
    checkpoint_seconds: float = CHECKPOINT_SECONDS
    measure: Callable[[ModelVersion], Mapping[str, Any]] | None = None
    """Gets the saved version before anybody else can see it; what it returns is added to the card."""


def train_task(recipe: TrainingRecipe, task: Task, order: Order) -> ModelVersion:
    """Fine-tune and register the next version of ``order.name``. Interrupted at any moment, nothing is registered.

    Raises:
        UsageError: another training of that name runs; a resumed one differs; the budget is too short; the name
            stands for models of another task.
        ModelError: memory or the loss gave out, or the saved model does not reload to the same outputs.
        Cancelled: ``order.progress`` asked to stop.
        Declined: the task's judge said so.
    """
    began = time.monotonic()
    check_name(order.name)
    _check_task(order.registry, order.name, task.name)
    source = resolve_encoder(recipe.encoder, order.registry)
    order.progress.log(source.note)
    # The budget may be changed when resuming: it decides when to stop, not what is trained.
    plain = asdict(replace(recipe, budget_seconds=None))
    identity = {"task": task.name, "recipe": plain, **task.identity(), "encoder_weights": source.sha256}
    opened = open_run(order.runs_dir, order.name, identity, resume=order.resume)
    with _advice_on_machine(), opened as run, ReloadCheck() as check:
        prepare_threads()
        from portside.inference.network import use_threads
        from portside.training.rounds import train_rounds

        use_threads(order.threads)

        def remaining() -> float | None:
            budget = recipe.budget_seconds
            return None if budget is None else budget - (time.monotonic() - began)

        # The fresh process imports while this one trains, and is ready at the end.
        around = Surroundings(run, order.progress, remaining, order.checkpoint_seconds, planned=check.start)
        try:
            trained = train_rounds(recipe, task, source, around)
        except Declined:
            run.remove()
            raise
        order.progress.update(1, 1, said("saving, and reloading in a fresh process"))
        version = _register(recipe, trained, order, source, check)
        run.remove()
    order.progress.log(f"Registered {version.ref}")
    return version


def _check_task(registry: ModelRegistry, name: str, task: str) -> None:
    for version in registry.versions(name)[-1:]:
        known = version.card.get("task", task)
        if known != task:
            raise UsageError(
                "All versions of a name are models for one task: who asks for the name gets one of them",
                seen=said(
                    "{model} is a model for {known}, this training is for {task}",
                    model=version.ref,
                    known=settled(known),
                    task=settled(task),
                ),
                remedy="Train under another --name",
            )


def _register(
    recipe: TrainingRecipe, trained: Trained, order: Order, source: EncoderSource, check: ReloadCheck
) -> ModelVersion:
    registry, name, task, fitted, adapter = order.registry, order.name, trained.task, trained.fitted, trained.adapter
    champion = registry.aliases(name).get(CHAMPION)
    parent = None if champion is None else f"{name}:{champion}"
    card = training_card(recipe, source, fitted, parent, task=task.name, own=task.card(fitted, adapter))
    with registry.staging(name) as folder:
        reloads = task.save(folder, fitted, adapter)
        if order.measure is not None:
            card = {**card, **order.measure(ModelVersion(name, 0, folder, card))}
        return registry.register(
            name,
            folder,
            card,
            actor=order.actor,
            reason=order.reason,
            promote=order.promote,
            check=lambda staged: reloads(staged, check),
        )


@contextmanager
def _advice_on_machine() -> Iterator[None]:
    """Memory or disk that gives out, as advice."""
    with advice_on_disk(
        "Checkpoints and the model version must fit on the disk; nothing was registered",
        "Free some space, or set PORTSIDE_HOME to a larger disk, then train with --resume",
    ):
        try:
            yield
        except MemoryError as error:
            raise ModelError(
                "Training, and checking the saved model, must fit into memory; nothing was registered",
                seen=said("memory ran out"),
                remedy="Close other programs, then train with --resume; or train anew with a smaller batch or "
                "max_tokens",
            ) from error
