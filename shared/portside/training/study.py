"""A search's memory: one file that several processes share and that a kill at any moment leaves in order.

It is optuna's study in SQLite: a line that a kill cuts short would spoil optuna's journal file for good, a transaction
is either there or not. A lock beside the file lets one process at a time read, decide and write, so that no two take
the same trial, and N trials are N trials; the system frees it when its holder dies. A trial says which process works on
it: one whose process is gone is tried again with the same values. Importing this loads no optuna.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from portside.clock import Clock, utc_now
from portside.errors import StorageError, UsageError
from portside.processes import ProcessMark, this_process
from portside.training.space import Choice, Space, Value
from portside.training.trials import Trial, finished, is_lost, ordinal, tenths

if TYPE_CHECKING:
    import optuna

__all__ = ["Claimed", "SearchStudy", "open_study"]

STUDY = "portside"
LOCK_SECONDS = 120.0
"""Longest wait for the lock; it is held for fractions of a second."""
MOST_KILLS = 2
"""A trial in which the process died more often than this is a failed one: it may well be what kills it."""
RANDOM_TRIALS = 5
"""Scored trials before the sampler draws conclusions from them."""
COMPARED_TRIALS = 4
"""Completed trials before one can be pruned for falling behind them."""
UNPRUNED_TENTHS = 1
"""Tenths of a training in which the learning rate still rises: nothing is pruned."""


@dataclass(frozen=True)
class Claimed:
    """A trial that this process is to do."""

    number: int
    values: Mapping[str, Value]


@dataclass
class SearchStudy:
    """One study. Every method may be called while other processes use the same file."""

    path: Path
    storage: optuna.storages.RDBStorage
    space: Space
    seed: int
    id: str
    """Of the study itself: cards name it, so that its winner is registered once."""
    clock: Clock = utc_now
    owner: str = field(default_factory=lambda: str(this_process()))

    def trials(self) -> list[Trial]:
        """All trials, in the order in which they were begun."""
        with self._locked() as study:
            return _trials(study)

    def claim(self, wanted: int) -> Claimed | None:
        """A trial to do, or None where ``wanted`` are finished or being done by live processes."""
        with self._locked() as study:
            self._retry_lost(study)
            known = _trials(study)
            running = [one for one in known if one.state == "running"]
            if len(finished(known)) + len(running) >= wanted:
                return None
            study.sampler = _sampler(self.seed, ordinal(known))
            trial = study.ask(_distributions(self.space))
            trial.set_user_attr("held", self._held())
            return Claimed(trial.number, dict(trial.params))

    def beat(self, number: int) -> None:
        """Say that the process of trial ``number`` is alive: for processes on other machines."""
        with self._locked() as study:
            trial = self._running(study, number)
            if trial is not None:
                trial.set_user_attr("held", self._held())

    def falls_behind(self, number: int, share: float, score: float) -> bool:
        """Note ``score`` after ``share`` of the training; True where the trial is worse than most were by then.

        Trials validate at different moments. So each tenth of a training has the score that was known by then, and the
        best so far is compared with the median of the completed trials in the same tenth.
        """
        with self._locked() as study:
            trial = self._running(study, number)
            if trial is None:
                return True
            for tenth, value in tenths(_intermediate(study, number), share, score).items():
                trial.report(value, tenth)
            return trial.should_prune()

    def complete(self, number: int, score: float, facts: Mapping[str, Any]) -> None:
        """Trial ``number`` reached ``score``; ``facts`` are kept with it."""
        self._end(number, facts, score=score)

    def prune(self, number: int, facts: Mapping[str, Any]) -> None:
        """Trial ``number`` was given up: it fell behind the others."""
        self._end(number, facts, state="PRUNED")

    def fail(self, number: int, reason: str) -> None:
        """Trial ``number`` cannot be trained."""
        self._end(number, {"reason": reason}, state="FAIL")

    def interrupt(self, number: int, reason: str = "stopped on request") -> None:
        """Trial ``number`` was stopped through no fault of its own: it will be tried again."""
        with self._locked() as study:
            if self._running(study, number) is not None:
                self._again(study, _trials(study)[number], reason, killed=False)

    def importance(self) -> dict[str, float]:
        """How much of the scores' variance each searched field explains, the largest first; they sum to 1.

        Functional analysis of variance over a random forest (Hutter, Hoos and Leyton-Brown 2014). Empty where there
        are too few completed trials, or all are equally good.
        """
        import optuna

        with self._locked() as study:
            scores = [one.score for one in _trials(study) if one.state == "complete"]
            if len(scores) < COMPARED_TRIALS or len(set(scores)) == 1:
                return {}
            evaluator = optuna.importance.FanovaImportanceEvaluator(seed=self.seed)
            found = optuna.importance.get_param_importances(study, evaluator=evaluator)
            return {name: float(value) for name, value in found.items()}

    # --- inside ------------------------------------------------------------------------------------------------

    @contextmanager
    def _locked(self) -> Iterator[optuna.Study]:
        with _alone(self.path):
            import optuna

            pruner = optuna.pruners.MedianPruner(n_startup_trials=COMPARED_TRIALS, n_warmup_steps=UNPRUNED_TENTHS)
            # Only claim() needs a sampler; this one does nothing until it is asked.
            idle = optuna.samplers.RandomSampler(self.seed)
            yield optuna.load_study(study_name=STUDY, storage=self.storage, sampler=idle, pruner=pruner)

    def _running(self, study: optuna.Study, number: int) -> optuna.Trial | None:
        """The trial while this process may still write to it; None when another took it for dead."""
        import optuna

        found = study.get_trials(deepcopy=False)[number]
        running = found.state == optuna.trial.TrialState.RUNNING and _plain(found).owner == self.owner
        return optuna.Trial(study, found._trial_id) if running else None

    def _held(self) -> dict[str, Any]:
        return {"owner": self.owner, "beat": self.clock().timestamp()}

    def _end(
        self, number: int, facts: Mapping[str, Any], *, score: float | None = None, state: str = "COMPLETE"
    ) -> None:
        import optuna

        with self._locked() as study:
            trial = self._running(study, number)
            if trial is None:
                return
            trial.set_user_attr("facts", dict(facts))
            study.tell(number, score, state=optuna.trial.TrialState[state])

    def _retry_lost(self, study: optuna.Study) -> None:
        now = self.clock().timestamp()
        for trial in _trials(study):
            if trial.state != "running":
                continue
            mark = ProcessMark.parse(trial.owner)
            # One without an owner was cut short while it was begun, by the holder of the lock that is ours now. One
            # of this process was broken off: it asks for another.
            alive = mark.is_alive() if mark and trial.owner != self.owner else False
            if is_lost(alive, now - trial.beat):
                self._again(study, trial, "its process was killed", killed=trial.owner != self.owner)

    def _again(self, study: optuna.Study, trial: Trial, reason: str, *, killed: bool) -> None:
        import optuna

        kills = trial.kills + killed
        held = optuna.Trial(study, study.get_trials(deepcopy=False)[trial.number]._trial_id)
        # The new trial first: a kill between the two is noticed by its number and does no harm.
        if kills > MOST_KILLS:
            held.set_user_attr("reason", f"its process died in it {kills} times")
        else:
            known = {one.retry_of for one in _trials(study)}
            if trial.number not in known:
                whole = trial.values if trial.values.keys() == self.space.keys() else trial.wanted
                _enqueue(study, whole, retry_of=trial.number, kills=kills)
            held.set_user_attr("interrupted", reason)
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)


def open_study(
    path: Path, identity: Mapping[str, Any], space: Space, first: Mapping[str, Value], *, seed: int
) -> SearchStudy:
    """The study in ``path``: a new one whose first trial takes the values ``first``, or the one that is there.

    ``identity`` says what is searched on what. A study that has no scored trial yet, and no process, is begun anew
    where it differs.

    Raises:
        UsageError: the file holds a study of something else, or no study.
        StorageError: the file cannot be used.
    """
    import optuna

    wanted = {name: str(value) for name, value in identity.items()}
    with _alone(path):
        storage = _opened(path)
        if STUDY in optuna.get_all_study_names(storage):
            study = optuna.load_study(study_name=STUDY, storage=storage)
            before = study.user_attrs.get("identity", {})
            if before != wanted and (before and _in_use(_trials(study))):
                raise _another(path, before, wanted)
            if before != wanted:
                optuna.delete_study(study_name=STUDY, storage=storage)
        study = optuna.create_study(study_name=STUDY, storage=storage, direction="maximize", load_if_exists=True)
        if not study.get_trials(deepcopy=False):
            _enqueue(study, first)
        if "identity" not in study.user_attrs:
            study.set_user_attr("id", uuid.uuid4().hex)
            study.set_user_attr("identity", wanted)
        return SearchStudy(path, storage, space, seed, str(study.user_attrs["id"]))


def _in_use(trials: list[Trial]) -> bool:
    scored = any(one.state in ("complete", "pruned") for one in trials)
    marks = [ProcessMark.parse(one.owner) for one in trials if one.state == "running"]
    return scored or any(mark is not None and mark.is_alive() is not False for mark in marks)


def _another(path: Path, before: Mapping[str, str], now: Mapping[str, str]) -> UsageError:
    differing = [name for name in now if before.get(name) != now[name]]
    shown = "; ".join(f"{name}: {_short(before.get(name, ''))} there, {_short(now[name])} now" for name in differing)
    return UsageError(
        f"A study compares trials of one search only: {path} holds another one",
        seen=shown,
        remedy="Name another file with --study FILE, or search with what the study was begun with",
    )


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}…"


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """While no other process uses the study file."""
    import logging
    import warnings

    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    optuna.logging.set_verbosity(logging.CRITICAL)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.lock", timeout=LOCK_SECONDS), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # optuna's on what it calls experimental
            yield
    except Timeout as error:
        raise StorageError(
            "Only one process at a time may use a study",
            seen=f"{error.lock_file} is held since {LOCK_SECONDS:.0f} seconds",
            remedy="Look for a process that hangs, then try again",
        ) from error
    except (OSError, SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        raise StorageError(
            "The study file must be readable and writable",
            seen=f"{path}: {str(error).splitlines()[0]}",
            remedy="Free some space, or name another file with --study FILE",
        ) from error


def _opened(path: Path) -> optuna.storages.RDBStorage:
    import sqlite3
    from contextlib import closing

    import optuna
    from sqlalchemy.pool import NullPool

    try:
        with closing(sqlite3.connect(path)) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if tables and "studies" not in tables:
            raise sqlite3.DatabaseError("a database of something else")
        return optuna.storages.RDBStorage(f"sqlite:///{path.resolve()}", engine_kwargs={"poolclass": NullPool})
    except sqlite3.OperationalError as error:
        raise OSError(str(error)) from error
    except (sqlite3.DatabaseError, RuntimeError) as error:
        raise UsageError(
            "A study file is one that portside search made, with this version of optuna",
            seen=f"{path}: {str(error).splitlines()[0]}",
            remedy="Name another file with --study FILE",
        ) from error


def _sampler(seed: int, place: int) -> optuna.samplers.BaseSampler:
    # A fresh one for each trial, seeded by the trial's place: a search that was interrupted draws what it would have.
    import optuna

    return optuna.samplers.TPESampler(
        n_startup_trials=RANDOM_TRIALS, multivariate=True, constant_liar=True, seed=(seed * 1_000_003 + place) % 2**32
    )


def _distributions(space: Space) -> dict[str, Any]:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    out: dict[str, Any] = {}
    for name, dimension in space.items():
        if isinstance(dimension, Choice):
            out[name] = CategoricalDistribution(dimension.values)
        elif dimension.whole:
            out[name] = IntDistribution(int(dimension.low), int(dimension.high), log=dimension.log)
        else:
            out[name] = FloatDistribution(dimension.low, dimension.high, log=dimension.log)
    return out


def _enqueue(study: optuna.Study, values: Mapping[str, Value], *, retry_of: int | None = None, kills: int = 0) -> None:
    study.enqueue_trial(dict(values), user_attrs={"wanted": dict(values), "retry_of": retry_of, "kills": kills})


def _intermediate(study: optuna.Study, number: int) -> dict[int, float]:
    return dict(study.get_trials(deepcopy=False)[number].intermediate_values)


STATES = {"COMPLETE": "complete", "PRUNED": "pruned", "RUNNING": "running", "WAITING": "waiting"}


def _trials(study: optuna.Study) -> list[Trial]:
    return [_plain(one) for one in study.get_trials(deepcopy=False)]


def _plain(found: optuna.trial.FrozenTrial) -> Trial:
    # Each attribute is a transaction of some milliseconds: what belongs together is one of them.
    attributes = found.user_attrs
    facts = {**attributes, **attributes.get("held", {}), **attributes.get("facts", {})}
    lost = "interrupted" if "interrupted" in facts else "failed"
    state = STATES.get(found.state.name, lost)
    last = found.intermediate_values[max(found.intermediate_values)] if found.intermediate_values else None
    return Trial(
        number=found.number,
        state=state,
        score=found.value if state == "complete" else last,
        values=dict(found.params),
        reason=str(facts.get("reason") or facts.get("interrupted") or ""),
        facts=facts,
    )
