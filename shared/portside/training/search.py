"""Search for a recipe: train many, keep what was learned of each in a study, register the best.

Only validation rows are looked at. The study survives a kill at any moment: the same call goes on with it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from portside.apps import load
from portside.encoders import resolve_encoder
from portside.errors import Cancelled, DataError, ModelError, PortsideError, StorageError, UsageError
from portside.registry import ModelRegistry, ModelVersion
from portside.registry.names import check_name
from portside.tasks.recipe import TrainingRecipe
from portside.tasks.spec import TaskSpec
from portside.training.attempt import Subject, attempt
from portside.training.disk import disk_gave_out
from portside.training.run import Order, train_task
from portside.training.search_report import Found, card_of, write_pictures
from portside.training.space import Space, first_values, with_values
from portside.training.study import Claimed, SearchStudy, open_study
from portside.training.trials import Trial, best_of, finished

__all__ = ["SearchPlan", "help_search", "search"]

BEAT_SECONDS = 30.0
POLL_SECONDS = 0.5
RESERVE = 1.25
"""Time kept free for training the winner again, as a multiple of what its trial took; registering comes on top."""
REASONS_SHOWN = 3


@dataclass(frozen=True)
class SearchPlan:
    """What is searched, where it is remembered and for how long."""

    study: Path
    """The file that remembers the trials; made where it is not there."""
    space: Space
    trials: int
    """How many are to be finished in all, those of earlier calls included: completed, pruned or failed."""
    scratch: Path
    """Folder for what a trial writes while it runs."""
    budget_seconds: float | None = None
    """For all trials of this call and the training of the winner; None: no limit."""
    threads: int = 0
    """Of a trial, where several processes share the machine; 0: as the order says."""


def search(
    spec: TaskSpec, recipe: TrainingRecipe, dataset: Any, order: Order, plan: SearchPlan, *, valid: Any = None
) -> Found:
    """Try recipes around ``recipe``, train the best once more and register it as the next version of ``order.name``.

    The first trial is ``recipe`` itself, as far as the space holds it: the winner is no worse on the validation rows.
    A study that has its trials is not added to, and a winner that is registered is not trained again.

    Raises:
        UsageError: the study is of something else, or the time was too short for a single trial.
        DataError: the data cannot be trained on, or leaves no rows to validate on.
        ModelError: no trial could be trained to its end.
        Cancelled: ``order.progress`` asked to stop; the same call goes on.
    """
    check_name(order.name)
    sitting = _Sitting.begin(spec, recipe, dataset, order, plan, valid=valid)
    try:
        sitting.run(wait=True)
        return sitting.register()
    except Cancelled:
        done = len(finished(sitting.study.trials()))
        order.progress.log(
            f"Stopped with {done} of {plan.trials} trials finished; all are kept in {plan.study}. "
            "The same command goes on from there"
        )
        raise


def help_search(
    spec: TaskSpec, recipe: TrainingRecipe, dataset: Any, order: Order, plan: SearchPlan, *, valid: Any = None
) -> None:
    """Do trials of a search as long as there are any to begin; registers nothing.

    Raises:
        As ``search``.
    """
    _Sitting.begin(spec, recipe, dataset, order, plan, valid=valid).run(wait=False)


class _TimeUp(Cancelled):
    """The time budget is used up."""


def _is_in_the_way(error: Exception) -> bool:
    """Whether a trial ended for something that no other values would have helped against."""
    return isinstance(error, Cancelled | DataError | StorageError) or disk_gave_out(error)


@dataclass
class _Sitting:
    """One call of ``search``."""

    subject: Subject
    study: SearchStudy
    order: Order
    plan: SearchPlan
    began: float
    """Reading of the monotonic clock."""
    before: int
    """Trials that were finished when it began."""
    out_of_time: bool = False

    @classmethod
    def begin(
        cls, spec: TaskSpec, recipe: TrainingRecipe, dataset: Any, order: Order, plan: SearchPlan, *, valid: Any
    ) -> _Sitting:
        if plan.trials < 1 or not plan.space:
            raise UsageError(
                "A search needs at least one trial and one field to search",
                seen=f"{plan.trials} trials of {len(plan.space)} fields",
                remedy="Give --trials 20 and --space encoder_lr=1e-5..5e-4:log",
            )
        began = time.monotonic()
        source = resolve_encoder(recipe.encoder, order.registry)
        order.progress.log(source.note)
        subject = Subject(recipe, source, _maker(spec, dataset, valid), plan.threads or order.threads)
        identity = _identity(spec, subject, plan.space)
        first = first_values(plan.space, recipe)
        study = open_study(plan.study, identity, plan.space, first, seed=recipe.seed)
        before = len(finished(study.trials()))
        if before:
            order.progress.log(f"Going on with {plan.study}: {before} of {plan.trials} trials are finished")
        return cls(subject, study, order, plan, began, before)

    def run(self, *, wait: bool) -> None:
        """Do trials until there are as many as wanted; ``wait``: also until other processes have finished theirs."""
        try:
            while True:
                self.check_time()
                claimed = self.study.claim(self.plan.trials)
                if claimed is not None:
                    self._do(claimed)
                elif wait and any(one.state == "running" for one in self.study.trials()):
                    self._wait()
                else:
                    return
        except _TimeUp:
            self.out_of_time = True
            self.order.progress.log(f"The time is used up after {len(finished(self.study.trials()))} trials")

    def register(self) -> Found:
        """Train the winner once more and register it, unless that was done."""
        order, study = self.order, self.study
        with _one_at_a_time(Path(f"{study.path}.winner.lock"), order):
            trials = study.trials()
            best = best_of(trials)
            if best is None:
                raise self._no_winner(trials)
            importance = study.importance()
            known = _registered(order.registry, order.name, study.id, best)
            if known is not None:
                return Found(known, trials, best, importance, fresh=False)
            order.progress.log(f"Training the winner, trial {best.number}, once more to register it")
            recipe = with_values(self.subject.recipe, {**best.values, "precision": str(best.facts["precision"])})
            card = card_of(study, trials, best, importance)

            def measure(version: ModelVersion) -> Mapping[str, Any]:
                own = {} if order.measure is None else order.measure(version)
                pictures = write_pictures(version.folder, trials, importance, str(best.facts["metric"]))
                return {**own, "search": {**card, "pictures": pictures}}

            version = train_task(recipe, self.subject.make(recipe), replace(order, measure=measure))
            return Found(version, trials, best, importance, fresh=True)

    # --- inside ------------------------------------------------------------------------------------------------

    def _do(self, claimed: Claimed) -> None:
        study, number = self.study, claimed.number
        progress = _TrialProgress(self, claimed)
        try:
            facts = attempt(self.subject, claimed.values, progress, self.plan.scratch, progress.falls_behind)
            if facts["pruned"]:
                study.prune(number, facts)
            else:
                study.complete(number, facts["score"], facts)
        except Exception as error:
            if _is_in_the_way(error):  # of every trial: this one is done again when that is gone
                study.interrupt(number, type(error).__name__)
                raise
            ours = isinstance(error, PortsideError) and str(error)
            study.fail(number, str(error) if ours else f"{type(error).__name__}: {error}".rstrip(": "))
        self._tell(number)

    def _tell(self, number: int) -> None:
        trials = self.study.trials()
        one, best, done = trials[number], best_of(trials), len(finished(trials))
        score = "" if one.score is None else f" {one.score:.4f}"
        said = {"complete": f"reached{score}", "pruned": f"was given up at{score}", "failed": f"failed: {one.reason}"}
        values = ", ".join(f"{name} {_shown(value)}" for name, value in one.values.items())
        so_far = f"; best {best.score:.4f} in trial {best.number}" if best else ""
        left = (time.monotonic() - self.began) / max(done - self.before, 1) * max(self.plan.trials - done, 0)
        about = f"; about {_duration(left)} left" if left else ""
        what = said.get(one.state, one.state)
        self.order.progress.log(f"{done} of {self.plan.trials}: trial {number} ({values}) {what}{so_far}{about}")

    def _wait(self) -> None:
        done = len(finished(self.study.trials()))
        self.order.progress.update(done, self.plan.trials + 1, "waiting for the other processes' trials")
        time.sleep(POLL_SECONDS)

    def check_time(self) -> None:
        """Raise when what is left of the budget is needed to train the winner."""
        budget = self.plan.budget_seconds
        if budget is None:
            return
        best = best_of(self.study.trials())
        reserve = RESERVE * best.seconds if best else 0.0
        if time.monotonic() - self.began + reserve > budget:
            raise _TimeUp

    def _no_winner(self, trials: list[Trial]) -> UsageError | ModelError:
        failed = [one for one in trials if one.state == "failed"]
        if self.out_of_time and not failed:
            return UsageError(
                "The time budget must leave room for at least one whole trial",
                seen=f"{self.plan.budget_seconds:.0f} s",
                remedy="Give more time with --budget, or fewer --set epochs=N; what was begun is begun again",
            )
        reasons = list(dict.fromkeys(one.reason for one in failed))[:REASONS_SHOWN]
        return ModelError(
            "A search needs a trial that can be trained to its end; nothing was registered",
            seen=f"{len(failed)} failed: {' | '.join(reasons)}",
            remedy="Search gentler values with --space, such as lower learning rates or a smaller batch_size",
        )


class _TrialProgress:
    """Shows a trial as a part of the search, lets its process be seen alive, and keeps the time."""

    def __init__(self, sitting: _Sitting, claimed: Claimed) -> None:
        trials = sitting.study.trials()
        best = best_of(trials)
        self._sitting, self._number = sitting, claimed.number
        self._done = len(finished(trials))
        self._best = f", best {best.score:.4f}" if best else ""
        self._looked = time.monotonic()

    def update(self, done: float, total: float, message: str = "") -> None:
        sitting = self._sitting
        part = min(done / total, 1.0) if total else 0.0
        words = f"trial {self._done + 1} of {sitting.plan.trials}{self._best}: {message}"
        sitting.order.progress.update(self._done + part, sitting.plan.trials + 1, words)
        budget = sitting.plan.budget_seconds
        often = BEAT_SECONDS if budget is None else min(BEAT_SECONDS, budget / 50)
        if time.monotonic() - self._looked > often:
            self._looked = time.monotonic()
            sitting.study.beat(self._number)
            sitting.check_time()

    def log(self, line: str) -> None:
        """What a training says of itself would bury what the search says."""

    def falls_behind(self, share: float, score: float) -> bool:
        """Note a validation; True where the trial is not worth going on with."""
        return self._sitting.study.falls_behind(self._number, share, score)


def _maker(spec: TaskSpec, dataset: Any, valid: Any) -> Callable[[TrainingRecipe], Any]:
    make = load(spec.make)
    return lambda recipe: make(recipe, dataset, valid)


def _identity(spec: TaskSpec, subject: Subject, space: Space) -> dict[str, str]:
    data = dict(subject.make(subject.recipe).identity())
    fixed = {name: value for name, value in asdict(subject.recipe).items() if name not in space and name != "encoder"}
    return {
        "task": spec.name,
        "training data": str(data.pop("training_data", "")),
        "other data": str(data),
        "encoder": subject.source.sha256,
        "fixed fields": ", ".join(f"{name}={value}" for name, value in sorted(fixed.items())),
        "space": " ".join(f"{name}={dimension}" for name, dimension in sorted(space.items())),
    }


def _registered(registry: ModelRegistry, name: str, study_id: str, best: Trial) -> ModelVersion | None:
    for version in reversed(registry.versions(name)):
        found = version.card.get("search") or {}
        if (found.get("study_id"), found.get("best_trial")) == (study_id, best.number):
            return version
    return None


@contextmanager
def _one_at_a_time(path: Path, order: Order) -> Iterator[None]:
    """While no other process trains the winner; whoever waits can be stopped."""
    lock = FileLock(path)
    while True:
        try:
            lock.acquire(timeout=POLL_SECONDS)
            break
        except Timeout:
            order.progress.update(0, 1, "another process trains the winner")
    try:
        yield
    finally:
        lock.release()


def _shown(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
