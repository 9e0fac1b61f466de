from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event

from portside.errors import JobError
from portside.jobs import JobQueue
from portside.jobs.claims import Claims, Report
from portside.jobs.rules import Ending
from portside.storage.engine import Database


class TickingClock:
    """A clock that goes on by a second whenever it is read."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def lives(_worker: str) -> bool | None:
    return True


def elsewhere(_worker: str) -> bool | None:
    return None


def died(_worker: str) -> bool | None:
    return False


@pytest.fixture
def clock() -> TickingClock:
    return TickingClock()


@pytest.fixture
def queue(database: Database, clock: TickingClock) -> JobQueue:
    return JobQueue(database, clock, alive=lives)


def claims_of(database: Database, worker: str, clock: TickingClock, logs: Path = Path("none")) -> Claims:
    return Claims(database, worker, clock, logs=logs, alive=lives)


def test_a_job_from_submission_to_result(database: Database, queue: JobQueue, clock: TickingClock) -> None:
    job_id = queue.submit("yard.add", {"a": 1, "b": [None, "ü"]}, actor="ann")
    job = queue.get(job_id)
    assert (job.state, job.kind, job.params, job.actor, job.attempt) == (
        "queued",
        "yard.add",
        {"a": 1, "b": [None, "ü"]},
        "ann",
        1,
    )
    assert (job.result, job.error, job.started_at, job.fraction, job.log_tail) == (None, None, None, 0.0, [])
    claims = claims_of(database, "w1", clock)
    claimed = claims.claim()
    assert claimed is not None
    assert (claimed.id, claimed.state) == (job_id, "running")
    claims.report(job_id, Report(3, 12, "reading", ("one", "two")))
    job = queue.get(job_id)
    assert (job.state, job.fraction, job.message, job.log_tail) == ("running", 0.25, "reading", ["one", "two"])
    claims.finish(job_id, Ending("succeeded", {"n": 3}, None), Report(3, 12, "read", ("three",)))
    job = queue.get(job_id)
    assert (job.state, job.result, job.fraction, job.message, job.log_tail) == (
        "succeeded",
        {"n": 3},
        1.0,
        "read",
        ["three"],
    )
    assert job.created_at < job.started_at < job.finished_at  # type: ignore[operator]


def test_recent_gives_the_newest_first_and_only_wanted_kinds(queue: JobQueue) -> None:
    first, second, third = (queue.submit(kind, {}, actor="a") for kind in ("x.a", "y.a", "x.b"))
    assert [job.id for job in queue.recent()] == [third, second, first]
    assert [job.id for job in queue.recent(limit=2)] == [third, second]
    assert [job.id for job in queue.recent(["x.a", "x.b"])] == [third, first]
    assert queue.recent([]) == []


def test_parameters_that_json_cannot_hold_are_refused(queue: JobQueue) -> None:
    for value in (object(), float("nan"), Path("x")):
        with pytest.raises(JobError, match="JSON"):
            queue.submit("yard.add", {"a": value}, actor="a")


def test_an_unknown_id_is_refused(queue: JobQueue) -> None:
    for ask in (queue.get, queue.cancel, queue.retry):
        with pytest.raises(JobError, match="no job of that id"):
            ask("nothing")


def test_jobs_are_claimed_oldest_first_and_once(database: Database, queue: JobQueue, clock: TickingClock) -> None:
    ids = [queue.submit("yard.add", {}, actor="a") for _ in range(3)]
    one, two = claims_of(database, "w1", clock), claims_of(database, "w2", clock)
    claimed = [worker.claim() for worker in (one, two, one, two)]
    assert [job.id if job else None for job in claimed] == [*ids, None]


def test_workers_that_claim_at_once_get_each_job_once(database: Database, queue: JobQueue, clock: TickingClock) -> None:
    ids = [queue.submit("yard.add", {}, actor="a") for _ in range(40)]

    def drain(number: int) -> list[str]:
        claims = claims_of(database, f"w{number}", clock)
        mine = []
        # None can mean that every waiting row was being claimed just then; ask until the queue is empty.
        while any(job.state == "queued" for job in queue.recent(limit=50)):
            job = claims.claim()
            if job is not None:
                mine.append(job.id)
        return mine

    with ThreadPoolExecutor(4) as pool:
        taken = [job_id for mine in pool.map(drain, range(4)) for job_id in mine]
    assert Counter(taken) == Counter(ids)


def test_a_queued_job_is_cancelled_at_once(database: Database, queue: JobQueue, clock: TickingClock) -> None:
    job_id = queue.submit("yard.add", {}, actor="a")
    queue.cancel(job_id)
    assert queue.get(job_id).state == "cancelled"
    assert claims_of(database, "w", clock).claim() is None
    with pytest.raises(JobError, match="it is cancelled"):
        queue.cancel(job_id)


def test_a_running_job_is_asked_to_stop(database: Database, queue: JobQueue, clock: TickingClock) -> None:
    job_id = queue.submit("yard.add", {}, actor="a")
    claims = claims_of(database, "w", clock)
    claims.claim()
    assert claims.wish(job_id) == (True, False)
    queue.cancel(job_id)
    queue.cancel(job_id)
    assert claims.wish(job_id) == (True, True)
    assert queue.get(job_id).state == "running"
    assert queue.get(job_id).cancel_asked


def finish(database: Database, clock: TickingClock, state: str) -> None:
    claims = claims_of(database, "w", clock)
    job = claims.claim()
    assert job is not None
    claims.finish(job.id, Ending(state, {"kept": True} if state == "succeeded" else None, None), Report())  # type: ignore[arg-type]


def test_a_failed_job_is_tried_again_under_a_new_id(database: Database, queue: JobQueue, clock: TickingClock) -> None:
    job_id = queue.submit("yard.add", {"a": 1}, actor="ann")
    with pytest.raises(JobError, match="it is queued"):
        queue.retry(job_id)
    finish(database, clock, "failed")
    again = queue.retry(job_id)
    job = queue.get(again)
    assert (job.state, job.params, job.actor, job.attempt, job.retry_of) == ("queued", {"a": 1}, "ann", 2, job_id)
    assert queue.get(job_id).state == "failed"
    assert queue.retry(job_id) == again  # a second click
    finish(database, clock, "failed")
    assert queue.get(queue.retry(again)).attempt == 3


def test_a_result_is_kept_and_not_made_again(database: Database, queue: JobQueue, clock: TickingClock) -> None:
    job_id = queue.submit("yard.add", {}, actor="a")
    finish(database, clock, "succeeded")
    with pytest.raises(JobError, match="it is succeeded"):
        queue.retry(job_id)
    with pytest.raises(JobError, match="it is succeeded"):
        queue.cancel(job_id)
    assert queue.get(job_id).result == {"kept": True}


def test_whoever_looks_next_fails_the_job_of_a_dead_worker(
    database: Database, queue: JobQueue, clock: TickingClock, tmp_path: Path
) -> None:
    job_id = queue.submit("yard.add", {}, actor="a")
    claims = claims_of(database, "w", clock)
    claims.claim()
    claims.report(job_id, Report(1, 2, "half", ("stored line",)))
    assert queue.get(job_id).state == "running"
    job = JobQueue(database, clock, alive=died).recent()[0]
    assert (job.state, job.log_tail, job.fraction) == ("failed", ["stored line"], 0.5)
    assert "Start it again" in (job.error or "")
    claims.finish(job_id, Ending("succeeded", {}, None), Report())  # it was only slow: too late
    assert queue.get(job_id).state == "failed"
    assert claims.wish(job_id) == (False, False)


def test_the_last_lines_of_a_dead_workers_job_come_from_its_log(
    database: Database, queue: JobQueue, clock: TickingClock, tmp_path: Path
) -> None:
    job_id = queue.submit("yard.add", {}, actor="a")
    claims_of(database, "w", clock).claim()
    (tmp_path / f"{job_id}.log").write_text("last words\n")
    assert JobQueue(database, clock, logs=tmp_path, alive=died).get(job_id).log_tail == ["last words"]


def test_a_worker_on_another_machine_is_dead_after_a_minute_of_silence(
    database: Database, queue: JobQueue, clock: TickingClock
) -> None:
    job_id = queue.submit("yard.add", {}, actor="a")
    claims = claims_of(database, "far", clock)
    claims.claim()
    far = JobQueue(database, clock, alive=elsewhere)
    assert far.get(job_id).state == "running"
    clock.now += timedelta(seconds=50)
    claims.report(job_id, Report())
    clock.now += timedelta(seconds=50)
    assert far.get(job_id).state == "running"
    clock.now += timedelta(seconds=20)
    assert far.get(job_id).state == "failed"


def test_a_dead_workers_job_that_should_stop_is_cancelled(
    database: Database, queue: JobQueue, clock: TickingClock
) -> None:
    job_id = queue.submit("yard.add", {}, actor="a")
    claims_of(database, "w", clock).claim()
    queue.cancel(job_id)
    Claims(database, "other", clock, logs=Path("none"), alive=died).sweep()
    assert queue.get(job_id).state == "cancelled"


def test_looking_reads_only(database: Database, queue: JobQueue, clock: TickingClock) -> None:
    queue.submit("yard.add", {}, actor="a")
    claims_of(database, "w", clock).claim()
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    queue.recent(["yard.add"])
    assert [text.split()[0] for text in statements if not text.startswith(("BEGIN", "ROLLBACK"))] == ["SELECT"]


def test_what_is_submitted_once_is_never_submitted_again(database: Database, queue: JobQueue) -> None:
    with ThreadPoolExecutor(4) as pool:
        keys = ["one", "one", "one", "two"]
        found = list(pool.map(lambda key: queue.submit_once("x.a", {}, actor="a", key=key), keys))
    assert len([job_id for job_id in found if job_id is not None]) == 2
    (first, *_) = (job.id for job in queue.recent())
    queue.cancel(first)
    assert queue.submit_once("x.a", {}, actor="a", key="one") is None
    assert queue.submit_once("x.b", {}, actor="a", key="one") is not None
