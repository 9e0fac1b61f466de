"""A whole search on the tiny encoder: what is registered, what a kill costs, what goes wrong in good order."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest

from portside.data import Dataset
from portside.errors import Cancelled, DataError, ModelError, UsageError
from portside.progress import NullProgress, Progress, RecordingProgress
from portside.registry import ModelRegistry, ModelVersion
from portside.tasks.classification import ClassificationRecipe
from portside.tasks.spec import find_task
from portside.training.attempt import Subject, attempt
from portside.training.run import Order
from portside.training.search import SearchPlan, search
from portside.training.search_report import Found
from portside.training.space import Choice, Range
from portside.training.trials import finished

pytestmark = pytest.mark.slow

Sentences = Callable[..., Dataset]
TASK = find_task("classification")
GENTLE, RUINOUS = 0.03, 1e30


@pytest.fixture
def look(recipe: ClassificationRecipe, registry: ModelRegistry, sentences: Sentences, tmp_path: Path) -> Any:
    """``search`` with everything given but what the test is about."""

    def run(
        *, name: str = "intents", study: str = "study.db", progress: Progress | None = None, **changes: Any
    ) -> Found:
        given = replace(recipe, head_lr=GENTLE, epochs=1, seed=changes.pop("seed", 0))
        given = replace(given, encoder=changes.pop("encoder", recipe.encoder))
        data = changes.pop("dataset", None) or sentences(60)
        order = Order(registry, name, tmp_path / "runs", progress or NullProgress(), "ann", "a test")
        space = {"head_lr": Choice((GENTLE, RUINOUS)), "dropout": Range(0.0, 0.3)}
        plan = SearchPlan(tmp_path / study, space, 3, tmp_path / "scratch")
        return search(TASK, given, data, order, replace(plan, **changes))

    return run


def outcomes(found: Found) -> list[tuple[Any, ...]]:
    return [(one.state, one.score, one.values, one.reason) for one in finished(found.trials)]


def test_the_winner_is_registered_once_with_the_study_in_its_card(
    look: Any, registry: ModelRegistry, sentences: Sentences, tmp_path: Path
) -> None:
    progress = RecordingProgress()
    found: Found = look(progress=progress, trials=4)
    assert [one.state for one in found.trials].count("failed") >= 1
    assert any("lower learning rates" in one.reason for one in found.trials)
    card = found.version.card["search"]
    assert (card["trials"], card["completed"] + card["failed"] + card["pruned"]) == (4, 4)
    assert card["best_score"] >= card["default_score"] == found.trials[0].score
    assert found.version.card["recipe"]["dropout"] == card["best_parameters"]["dropout"]
    assert found.version.card["metrics"]["validation"]["accuracy"] == pytest.approx(card["best_score"])
    for picture in card["pictures"].values():
        ET.parse(found.version.folder / picture)
    registry.verify("intents")
    assert [path.name for path in (tmp_path / "scratch").iterdir()] == []
    assert any(line.startswith("1 of 4: trial 0") and "left" in line for line in progress.lines)

    # Asked again: nothing is trained.
    again = look(trials=4)
    assert (again.version.ref, again.fresh, len(again.trials)) == ("intents:1", False, 4)
    with pytest.raises(UsageError, match=r"training data.*--study"):
        look(dataset=sentences(61))

    # One that is stopped and goes on ends the same.
    stopping = RecordingProgress(cancel_at=0.3)
    with pytest.raises(Cancelled):
        look(progress=stopping, study="other.db", name="other", trials=4)
    assert "1 of 4 trials finished" in stopping.lines[-1]
    assert registry.names() == ["intents"]
    stopped = look(study="other.db", name="other", trials=4)
    assert outcomes(stopped) == outcomes(found)
    assert stopped.version.card["search"]["interrupted"] == 1


def test_a_search_in_which_nothing_can_be_trained_says_why(look: Any, registry: ModelRegistry) -> None:
    with pytest.raises(ModelError, match=r"2 failed: .*infinite.*gentler values"):
        look(space={"head_lr": Choice((RUINOUS,))}, trials=2)
    with pytest.raises(UsageError, match="at least one trial"):
        look(space={}, study="other.db")
    assert registry.names() == []


def test_a_trial_that_runs_out_of_memory_is_one_failed_trial(look: Any) -> None:
    class Exhausted(RecordingProgress):
        """Memory gives out once, in the middle of the second trial."""

        gave_out = False

        def update(self, done: float, total: float, message: str = "") -> None:
            super().update(done, total, message)
            if not self.gave_out and "2 of 3" in message and "step" in message:
                self.gave_out = True
                raise MemoryError

    progress = Exhausted()
    found: Found = look(space={"dropout": Range(0.0, 0.3)}, progress=progress)
    assert progress.gave_out
    assert [one.state for one in found.trials] == ["complete", "failed", "complete"]
    assert "out of memory" in found.trials[1].reason
    assert found.version.card["search"]["failed"] == 1


@pytest.mark.parametrize(
    ("error", "goes_on"), [(RuntimeError("mat1 and mat2"), True), (OSError(28, "No space left on device"), False)]
)
def test_a_trial_that_breaks_is_one_failed_trial_unless_the_disk_does(
    look: Any, error: Exception, goes_on: bool
) -> None:
    class Broken(RecordingProgress):
        """Each training of the second trial breaks."""

        def update(self, done: float, total: float, message: str = "") -> None:
            super().update(done, total, message)
            if "2 of 3" in message and "step" in message:
                raise error

    if not goes_on:
        with pytest.raises(OSError, match="No space"):
            look(space={"dropout": Range(0.0, 0.3)}, progress=Broken())
        assert [one.state for one in look(space={"dropout": Range(0.0, 0.3)}).trials].count("complete") == 3
        return
    found: Found = look(space={"dropout": Range(0.0, 0.3)}, progress=Broken())
    assert [one.state for one in found.trials] == ["complete", "failed", "complete"]
    assert found.trials[1].reason == "RuntimeError: mat1 and mat2"


def test_a_search_starts_from_a_registered_encoder(
    look: Any, registry: ModelRegistry, register_encoder: Callable[[ModelRegistry, str], ModelVersion]
) -> None:
    register_encoder(registry, "words")
    progress = RecordingProgress(cancel_at=0.0)
    with pytest.raises(Cancelled):
        look(encoder="words", progress=progress)
    assert "the adapted encoder words:1" in progress.lines[0]


def test_no_time_for_a_single_trial_is_advice(look: Any, registry: ModelRegistry) -> None:
    with pytest.raises(UsageError, match="--budget"):
        look(budget_seconds=1e-3)
    assert registry.names() == []


def test_an_attempt_ends_where_it_falls_behind_and_needs_rows_to_validate_on(
    recipe: ClassificationRecipe, sentences: Sentences, tmp_path: Path
) -> None:
    from portside.encoders import resolve_encoder
    from portside.training.classification import make_task

    seen: list[float] = []

    def behind(share: float, score: float) -> bool:
        seen.append(share)
        return True

    source = resolve_encoder(recipe.encoder)
    subject = Subject(recipe, source, lambda given: make_task(given, sentences(60)), 0)
    facts = attempt(subject, {"epochs": 4}, NullProgress(), tmp_path / "scratch", behind)
    assert (facts["pruned"], seen) == (True, [0.25])
    few = Subject(recipe, source, lambda given: make_task(given, sentences(6)), 0)
    with pytest.raises(DataError, match="--valid"):
        attempt(few, {}, NullProgress(), tmp_path / "scratch", behind)


def test_a_killed_search_with_two_workers_goes_on(tmp_path: Path, tiny_encoder: Path) -> None:
    file = tmp_path / "rows.csv"
    words = {"card": "card", "parcel": "parcel", "refund": "money"}
    rows = [f"where is my {word} {row},{label}" for row in range(30) for label, word in words.items()]
    file.write_text("text,label\n" + "\n".join(rows) + "\n")
    home = tmp_path / "home"
    command = [sys.executable, "-m", "portside.cli", "search", "classification", "--data", file, "--name", "intents"]
    options = ["--trials=3", "--set=epochs=30", "--set=precision=fp32"]
    surroundings = {
        **os.environ,
        "PORTSIDE_HOME": str(home),
        "PORTSIDE_ENCODER": str(tiny_encoder),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    process = subprocess.Popen([*command, *options, "--workers=2"], env=surroundings, stderr=subprocess.DEVNULL)
    study = home / "searches" / "intents.db"
    held = "SELECT value_json FROM trial_user_attributes WHERE key = 'held'"
    until(lambda: len(column(study, held)) == 2)
    process.send_signal(signal.SIGKILL)
    process.wait()
    # Its worker notices, puts its own trial back, and ends.
    until(lambda: column(study, "SELECT state FROM trials").count("RUNNING") == 1)
    ended = subprocess.run(
        [*command, *options, "--json"], env=surroundings, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    card = json.loads(ended.stdout)["card"]["search"]
    assert card["trials"] == 3
    assert card["interrupted"] >= 1
    trials = optuna.load_study(study_name="portside", storage=f"sqlite:///{study}").get_trials()
    lost = next(one for one in trials if one.user_attrs.get("interrupted") == "its process was killed")
    assert next(one for one in trials if one.user_attrs.get("retry_of") == lost.number).params == lost.params


def column(study: Path, query: str) -> list[str]:
    """What stands in the file, read beside the processes that write."""
    try:
        with closing(sqlite3.connect(f"file:{study}?mode=ro", uri=True)) as connection:
            return [value for (value,) in connection.execute(query)]
    except sqlite3.OperationalError:
        return []  # not made yet, or being written


def until(holds: Callable[[], bool], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)
