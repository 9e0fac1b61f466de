from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portside.errors import JobError
from portside.jobs.kinds import job_address
from portside.jobs.logs import read_tail
from portside.jobs.rules import Outcome, Timing, ending, is_abandoned, logs_to_remove, stop_step

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("alive", "silent_for", "abandoned"),
    [
        (True, 10_000, False),
        (False, 0, True),
        (None, 59, False),
        (None, 61, True),
    ],
)
def test_a_job_is_abandoned_when_its_worker_is_gone(alive: bool | None, silent_for: int, abandoned: bool) -> None:
    assert is_abandoned(alive, NOON - timedelta(seconds=silent_for), NOON) is abandoned


@pytest.mark.parametrize(
    ("seconds", "worker_stops", "step"),
    [
        (0, False, "ask"),
        (9.9, False, "ask"),
        (10, False, "terminate"),
        (12, False, "kill"),
        (2.9, True, "ask"),
        (3, True, "terminate"),
        (5, True, "kill"),
    ],
)
def test_stopping_gets_harder(seconds: float, worker_stops: bool, step: str) -> None:
    assert stop_step(seconds, Timing(grace=10, leave=3, kill=2), worker_stops=worker_stops) == step


@pytest.mark.parametrize(
    ("running", "kept", "removed"),
    [
        (set(), 4, []),
        (set(), 2, ["b", "a"]),
        ({"a"}, 2, ["b"]),
        ({"c", "d"}, 2, ["b", "a"]),
        ({"a", "b"}, 0, ["d", "c"]),
        ({"gone"}, 3, ["a"]),
    ],
)
def test_the_newest_logs_stay_and_those_of_running_jobs(running: set[str], kept: int, removed: list[str]) -> None:
    written = {"a": 1.0, "c": 3.0, "b": 2.0, "d": 4.0}
    assert logs_to_remove(written, running, kept) == removed


@given(st.dictionaries(st.text(), st.floats(0, 9)), st.sets(st.text()), st.integers(0, 5))
def test_as_many_logs_stay_as_should(written: dict[str, float], running: set[str], kept: int) -> None:
    removed = logs_to_remove(written, running, kept)
    left = written.keys() - set(removed)
    assert len(removed) == len(set(removed))
    assert not running & set(removed)
    assert len(left - running) <= kept <= max(len(left), kept)
    assert len(left) >= min(kept, len(written))
    assert all(written[gone] <= min((written[job] for job in left - running), default=9) for gone in removed)


SUCCEEDED = Outcome("succeeded", {"n": 1})


@pytest.mark.parametrize(
    ("status", "outcome", "cancel_asked", "worker_stops", "state", "says"),
    [
        (0, SUCCEEDED, False, False, "succeeded", None),
        (0, SUCCEEDED, True, True, "succeeded", None),
        (-9, SUCCEEDED, True, False, "succeeded", None),
        (0, Outcome("failed", error="no"), True, False, "failed", "no"),
        (0, Outcome("cancelled"), True, False, "cancelled", None),
        (0, Outcome("cancelled"), False, False, "cancelled", None),
        (0, Outcome("cancelled"), False, True, "failed", "worker was stopped"),
        (-15, None, True, False, "cancelled", None),
        (-15, None, False, True, "failed", "worker was stopped"),
        (-9, None, False, False, "failed", "memory"),
        (-11, None, False, False, "failed", "SIGSEGV"),
        (0, None, False, False, "failed", "exit status 0"),
    ],
)
def test_how_a_job_ended(
    status: int, outcome: Outcome | None, *, cancel_asked: bool, worker_stops: bool, state: str, says: str | None
) -> None:
    end = ending(status, outcome, cancel_asked=cancel_asked, worker_stops=worker_stops)
    assert end.state == state
    assert end.result == ({"n": 1} if state == "succeeded" else None)
    assert (end.error is None) if says is None else says in (end.error or "")


def test_an_unknown_kind_is_refused_with_those_there_are(yard: Any) -> None:
    assert job_address("yard.add", [yard]) == "jobs_for_tests:add"
    assert job_address("core.train", []) == "portside.jobs.train:run_training"
    with pytest.raises(JobError, match=r"core\.train, yard\.add"):
        job_address("yard.fly", [yard])


def test_the_tail_of_a_log_is_its_last_lines_without_redrawn_bars(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert read_tail(log) == []
    log.write_bytes(b"one\n\n10 %\r50 %\r100 %\ntwo\r\nbad \xff\x00 byte\nunfinished")
    assert read_tail(log) == [
        "one",
        "100 %",
        "two",
        "bad \N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER} byte",
        "unfinished",
    ]
    log.write_text("".join(f"line {number} {'x' * 500}\n" for number in range(1000)))
    tail = read_tail(log)
    assert len(tail) == 40
    assert tail[-1].startswith("line 999 x")
    assert max(map(len, tail)) == 400
