"""The file that remembers a search: real SQLite, real processes, no training."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from portside.errors import UsageError
from portside.training.space import Choice, Range, Space
from portside.training.study import MOST_KILLS, SearchStudy, open_study
from portside.training.trials import STALE_SECONDS, Trial, finished

pytestmark = pytest.mark.slow

SPACE: Space = {"lr": Range(1e-4, 1e-1, log=True), "size": Choice((8, 16)), "epochs": Range(2, 6)}
FIRST = {"lr": 1e-2, "size": 8, "epochs": 3}
IDENTITY = {"data": "abc", "space": "lr"}
FACTS = {"metric": "accuracy", "seconds": 1.0}


def opened(path: Path, identity: Mapping[str, str] = IDENTITY) -> SearchStudy:
    return open_study(path, identity, SPACE, FIRST, seed=3)


@pytest.fixture
def study(tmp_path: Path) -> SearchStudy:
    return opened(tmp_path / "study.db")


def score(values: Mapping[str, Any]) -> float:
    return 1.0 - abs(float(values["lr"]) - 0.02)


def do(study: SearchStudy, wanted: int, *, pause: float = 0.0) -> list[Trial]:
    while (claimed := study.claim(wanted)) is not None:
        time.sleep(pause)
        study.complete(claimed.number, score(claimed.values), FACTS)
    return study.trials()


def test_the_recipe_itself_comes_first_and_as_many_are_done_as_wanted(study: SearchStudy) -> None:
    trials = do(study, 5)
    assert len(trials) == 5
    assert trials[0].values == FIRST
    for one in trials[1:]:
        assert 1e-4 <= float(one.values["lr"]) <= 1e-1
        assert one.values["size"] in (8, 16)
        assert one.values["epochs"] in range(2, 7)
    assert len({one.values["lr"] for one in trials}) == 5
    assert study.claim(5) is None
    importance = study.importance()
    assert max(importance, key=lambda name: importance[name]) == "lr"
    assert sum(importance.values()) == pytest.approx(1.0)
    # What went wrong counts too, with its reason.
    bad = study.claim(6)
    assert bad is not None
    study.fail(bad.number, "the loss is no number")
    assert study.claim(6) is None
    assert (study.trials()[5].state, study.trials()[5].reason) == ("failed", "the loss is no number")


def test_a_trial_that_falls_behind_is_given_up(study: SearchStudy) -> None:
    for level in (0.8, 0.8, 0.9, 0.9):
        one = study.claim(5)
        assert one is not None
        assert not study.falls_behind(one.number, 0.2, level - 0.2)
        assert not study.falls_behind(one.number, 1.0, level)
        study.complete(one.number, level, FACTS)
    slow = study.claim(5)
    assert slow is not None
    assert not study.falls_behind(slow.number, 0.1, 0.1)  # too early to say
    assert not study.falls_behind(slow.number, 0.2, 0.66)  # the median by then is 0.65
    assert study.falls_behind(slow.number, 1.0, 0.7)  # its best is 0.7, and now the median is 0.85
    study.prune(slow.number, FACTS)
    assert study.trials()[4].state == "pruned"
    assert study.claim(5) is None


def test_an_interrupted_search_goes_on_as_if_nothing_had_happened(study: SearchStudy, tmp_path: Path) -> None:
    whole = [(one.values, one.score) for one in do(study, 7)]
    other = opened(tmp_path / "other.db")
    do(other, 3)
    for _ in range(2):  # stopped on request, twice in the same trial
        claimed = other.claim(7)
        assert claimed is not None
        other.interrupt(claimed.number)
    do(other, 5)
    trials = do(opened(tmp_path / "other.db"), 7)
    assert [(one.values, one.score) for one in finished(trials)] == whole
    assert [one.state for one in trials].count("interrupted") == 2


CLAIMS_AND_WAITS = """
import sys, time
sys.path[:0] = {path!r}
from pathlib import Path
from tests.portside.training.test_study import opened
claimed = opened(Path({file!r})).claim(9)
print(claimed.number, flush=True)
time.sleep(600)
"""
DOES_ALL = """
import sys
sys.path[:0] = {path!r}
from pathlib import Path
from tests.portside.training.test_study import do, opened
do(opened(Path({file!r})), 8, pause=0.2)
"""


def start(code: str, file: Path) -> subprocess.Popen[str]:
    filled = code.format(path=sys.path, file=str(file))
    return subprocess.Popen([sys.executable, "-c", filled], stdout=subprocess.PIPE, text=True)


def test_the_trial_of_a_killed_process_is_tried_again_but_not_for_ever(study: SearchStudy) -> None:
    do(study, 1)
    for _ in range(MOST_KILLS + 1):
        process = start(CLAIMS_AND_WAITS, study.path)
        assert process.stdout is not None
        process.stdout.readline()
        assert study.trials()[-1].state == "running"  # alive: nobody takes it away
        process.send_signal(signal.SIGKILL)
        process.wait()
    trials = do(study, 3)
    lost = trials[1 : 2 + MOST_KILLS]
    assert [one.state for one in lost] == ["interrupted"] * MOST_KILLS + ["failed"]
    assert len({json.dumps(dict(one.values)) for one in lost}) == 1
    assert lost[-1].reason == f"its process died in it {MOST_KILLS + 1} times"
    assert len(finished(trials)) == 3


def test_two_processes_share_the_trials(study: SearchStudy) -> None:
    processes = [start(DOES_ALL, study.path) for _ in range(2)]
    assert [process.wait(60) for process in processes] == [0, 0]
    trials = study.trials()
    assert [one.state for one in trials] == ["complete"] * 8
    assert len({one.owner for one in trials}) == 2
    assert len({one.values["lr"] for one in trials}) == 8


def test_a_silent_process_of_another_machine_is_taken_for_dead(tmp_path: Path) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    far = opened(tmp_path / "study.db")
    far.owner, far.clock = "elsewhere/boot/1/1.00", lambda: now
    claimed = far.claim(3)
    assert claimed is not None
    near = opened(tmp_path / "study.db")
    near.clock = lambda: now + timedelta(seconds=STALE_SECONDS - 1)
    assert len(finished(do(near, 3))) == 2
    near.clock = lambda: now + timedelta(seconds=STALE_SECONDS + 1)
    assert len(finished(do(near, 3))) == 3
    assert near.trials()[0].state == "interrupted"
    # It was alive after all: what it says comes too late and changes nothing.
    far.complete(claimed.number, 1.0, FACTS)
    assert near.trials()[0].state == "interrupted"


def test_a_study_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    begun = opened(path)
    # Nothing was scored: nothing is lost by beginning anew.
    other = opened(path, {**IDENTITY, "data": "xyz"})
    assert other.id != begun.id
    do(other, 1)
    with pytest.raises(UsageError, match=r"data: xyz there, abc now.*--study"):
        opened(path)
    assert len(finished(opened(path, {**IDENTITY, "data": "xyz"}).trials())) == 1


def test_files_that_are_no_study_are_refused_and_left_as_they_are(tmp_path: Path) -> None:
    text, database = tmp_path / "notes.txt", tmp_path / "portside.db"
    text.write_text("not a database at all, " * 100)
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE models (name TEXT)")
    connection.close()
    for path in (text, database):
        before = path.read_bytes()
        with pytest.raises(UsageError, match="--study FILE"):
            opened(path)
        assert path.read_bytes() == before
