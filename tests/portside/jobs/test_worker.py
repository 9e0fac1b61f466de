"""Real child processes, real signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from sqlalchemy import text

from portside.apps import AppSpec
from portside.jobs import Job, JobQueue, Worker
from portside.jobs.claims import Claims
from portside.jobs.rules import KEPT_LOGS, Timing
from portside.processes import this_process
from portside.said import in_words
from portside.settings import Settings
from portside.storage.engine import Database, open_database
from portside.storage.migrate import upgrade

QUICK = Timing(idle=0.05, beat=0.05, heartbeat=0.5, sweep=0.2, grace=0.5, kill=0.3)
KINDS = Path(__file__).parent / "kinds"


@pytest.fixture
def home(settings: Settings) -> Iterator[Database]:
    """The database of ``settings``, upgraded."""
    database = open_database(settings)
    upgrade(database, [])
    yield database
    database.close()


def until(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def run_one(settings: Settings, database: Database, app: AppSpec, kind: str, **params: object) -> Job:
    queue = JobQueue(database)
    job_id = queue.submit(f"yard.{kind}", params, actor="ann")
    assert Worker(settings, [app], database=database, timing=QUICK).run_once()
    return queue.get(job_id)


@contextmanager
def running(worker: Worker) -> Iterator[threading.Event]:
    """The worker at work in a thread."""
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


def test_a_job_runs_in_a_process_of_its_own_and_its_result_is_kept(
    database: Database, database_settings: Settings, yard: AppSpec
) -> None:
    job = run_one(database_settings, database, yard, "add", a=1, b=2)
    assert job.state == "succeeded", job
    assert job.result == {"sum": 3, "actor": "ann", "attempt": 1, "home": str(database_settings.home)}
    assert (job.done, job.total, job.message, job.log_tail) == (2, 2, "added", ["adding 1 and 2"])
    assert (database_settings.jobs_dir / f"{job.id}.log").read_text() == "adding 1 and 2\n"


def test_old_logs_go_when_a_job_is_over_but_not_that_of_one_that_runs(
    settings: Settings, home: Database, yard: AppSpec
) -> None:
    queue = JobQueue(home)
    busy = queue.submit("yard.walk", {}, actor="ann")
    assert Claims(home, str(this_process()), logs=settings.jobs_dir).claim() is not None
    settings.jobs_dir.mkdir(parents=True)
    for age in range(KEPT_LOGS + 5):
        path = settings.jobs_dir / f"{age:032}.log"
        path.write_text("old\n")
        os.utime(path, (1e9 - age, 1e9 - age))
    log = settings.jobs_dir / f"{busy}.log"
    log.write_text("still walking\n")
    os.utime(log, (0, 0))
    (settings.jobs_dir / "notes.txt").write_text("not a log\n")
    job = run_one(settings, home, yard, "add", a=1, b=2)
    left = {path.name for path in settings.jobs_dir.iterdir()}
    assert left == {
        *("notes.txt", log.name, f"{job.id}.log"),
        *(f"{age:032}.log" for age in range(KEPT_LOGS - 1)),
    }
    assert queue.get(busy).state == "running"


@pytest.mark.parametrize(
    ("kind", "params", "says", "log"),
    [
        ("advise", {}, "train.csv, row 7: every row needs a label. Next: Give it one.", "row 7"),
        ("stumble", {}, "you did not cause (incident", "KeyError: 'nothing'"),
        ("vanish", {"number": 9}, "ran out of memory", "last words"),
        ("add", {"a": 1}, "missing a required argument: 'b'", "'b'"),
    ],
)
def test_a_job_that_fails_says_what_to_do(
    settings: Settings, home: Database, yard: AppSpec, *, kind: str, params: dict[str, object], says: str, log: str
) -> None:
    job = run_one(settings, home, yard, kind, **params)
    assert (job.state, job.result) == ("failed", None)
    assert says in (job.error or "")
    assert any(log in line for line in job.log_tail)
    incident = (job.error or "").partition("(incident ")[2][:8]
    assert f"Incident {incident}" in job.log_tail or not incident


def test_a_record_is_english_and_remembers_what_its_sentences_were_made_of(
    database: Database, database_settings: Settings, yard: AppSpec
) -> None:
    def translate(template: str) -> str:
        chinese = {
            "{n} names: {names}": "{n} 个名称：{names}",
            "every row needs a label": "每行须有标签",
            "row {row}": "第 {row} 行",
            "Next: {remedy}.": "办法：{remedy}。",
        }
        return chinese.get(template, template)

    told = run_one(database_settings, database, yard, "tell", names=["{a}", "every row needs a label"])
    failed = run_one(database_settings, database, yard, "advise")
    with database.read() as connection:
        stored = connection.execute(text("select error from core_jobs where error is not null")).scalar_one()
    assert told.result is not None
    assert told.result["summary"] == "2 names: {a}, every row needs a label"
    assert told.result.keys() == {"summary", "names"}
    assert in_words(told.result["summary"], translate) == "2 个名称：{a}, every row needs a label"
    assert stored == failed.error == "train.csv, row 7: every row needs a label. Next: Give it one."
    assert in_words(failed.error or "", translate) == "train.csv, 第 7 行: 每行须有标签. 办法：Give it one。"
    assert failed.result is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "says"), [("leave", "incident"), ("babble", "incident"), ("fly", "No app knows this kind of job")]
)
def test_other_ways_to_fail(settings: Settings, home: Database, yard: AppSpec, kind: str, says: str) -> None:
    job = run_one(settings, home, yard, kind)
    assert job.state == "failed"
    assert says in (job.error or "")


def test_what_a_job_leaves_running_is_ended(settings: Settings, home: Database, yard: AppSpec, tmp_path: Path) -> None:
    job = run_one(settings, home, yard, "orphan_maker", pids=str(tmp_path / "pids"))
    assert job.state == "succeeded"
    until(lambda: not is_running(int((tmp_path / "pids").read_text())))


def test_a_running_job_is_cancelled_and_may_tidy_up(
    settings: Settings, home: Database, yard: AppSpec, tmp_path: Path
) -> None:
    queue = JobQueue(home)
    job_id = queue.submit("yard.tidy", {"mark": str(tmp_path / "mark")}, actor="ann")
    patient = Timing(idle=0.05, beat=0.05, grace=30)
    with running(Worker(settings, [yard], database=home, timing=patient)):
        until(lambda: queue.get(job_id).done > 2)
        queue.cancel(job_id)
        until(lambda: queue.get(job_id).is_over)
    job = queue.get(job_id)
    assert (job.state, job.error, job.result) == ("cancelled", None, None)
    assert (tmp_path / "mark").read_text() == "tidied"
    assert job.log_tail[-1].startswith("step ")


@pytest.mark.slow
def test_a_job_that_does_not_listen_is_killed_with_its_children(
    settings: Settings, home: Database, yard: AppSpec, tmp_path: Path
) -> None:
    queue = JobQueue(home)
    job_id = queue.submit("yard.stubborn", {"pids": str(tmp_path / "pids")}, actor="ann")
    with running(Worker(settings, [yard], database=home, timing=QUICK)):
        until(lambda: queue.get(job_id).message == "deaf")
        queue.cancel(job_id)
        until(lambda: queue.get(job_id).is_over)
    assert queue.get(job_id).state == "cancelled"
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    until(lambda: not any(is_running(pid) for pid in pids))


def test_a_worker_that_stops_says_so_of_its_job(settings: Settings, home: Database, yard: AppSpec) -> None:
    queue = JobQueue(home)
    job_id = queue.submit("yard.walk", {"steps": 10_000}, actor="ann")
    with running(Worker(settings, [yard], database=home, timing=QUICK)):
        until(lambda: queue.get(job_id).done > 0)
    job = queue.get(job_id)
    assert job.state == "failed"
    assert "worker was stopped" in (job.error or "")


def test_a_job_without_end_does_not_hold_up_another(settings: Settings, home: Database, yard: AppSpec) -> None:
    queue = JobQueue(home)
    endless = queue.submit("yard.walk", {"steps": 10_000}, actor="ann")
    short = queue.submit("yard.add", {"a": 1, "b": 2}, actor="ann")
    with running(Worker(settings, [yard], slots=2, database=home, timing=QUICK)):
        until(lambda: queue.get(short).state == "succeeded")
        assert queue.get(endless).state == "running"
        queue.cancel(endless)
        until(lambda: queue.get(endless).state == "cancelled")


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_job_survives_a_database_that_drops_its_connections(
    database: Database, database_settings: Settings, yard: AppSpec
) -> None:
    queue = JobQueue(database)
    job_id = queue.submit("yard.walk", {"steps": 100}, actor="ann")
    drop = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = "
    with running(Worker(database_settings, [yard], slots=1, timing=QUICK)):
        until(lambda: queue.get(job_id).done > 0)
        while not queue.get(job_id).is_over:
            with database.begin() as connection:
                connection.execute(text(drop + "current_database()"))
            time.sleep(0.05)
    assert queue.get(job_id).result == {"steps": 100}


WORKER = """
import sys
sys.path.append({kinds!r})
from pathlib import Path
from portside.apps import AppSpec
from portside.jobs import run_worker
from portside.settings import Settings
jobs = {{"yard.walk": "jobs_for_tests:walk"}}
app = AppSpec("yard", "", "", "", (), "jobs_for_tests:none", "", "", "", "", "", jobs=jobs)
run_worker(Settings(home=Path({home!r}), database_url={url!r}), apps=[app], parent={parent!r})
"""


@contextmanager
def worker_process(settings: Settings, parent: int | None = None) -> Iterator[subprocess.Popen[bytes]]:
    program = WORKER.format(kinds=str(KINDS), home=str(settings.home), url=settings.database_url, parent=parent)
    process = subprocess.Popen([sys.executable, "-c", program])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.slow
def test_a_killed_workers_job_is_failed_with_its_last_lines_and_runs_again(
    database: Database, database_settings: Settings, yard: AppSpec
) -> None:
    queue = JobQueue(database)
    job_id = queue.submit("yard.walk", {"steps": 150}, actor="ann")
    with worker_process(database_settings) as worker:
        until(lambda: queue.get(job_id).done > 20)
        children = [child.pid for child in psutil.Process(worker.pid).children()]
        assert children
        worker.kill()
        worker.wait()
        job = queue.get(job_id)  # a fresh page: the true state, at once
    assert (job.state, job.result) == ("failed", None)
    assert job.log_tail[-1].startswith("step ")
    assert "killed" in (job.error or "")
    until(lambda: not any(is_running(pid) for pid in children), 5)
    again = queue.retry(job_id)
    with worker_process(database_settings):
        until(lambda: queue.get(again).is_over)
    assert queue.get(again).result == {"steps": 150}
    assert queue.get(job_id).state == "failed"


@pytest.mark.slow
def test_workers_side_by_side_run_each_job_once(
    database: Database, database_settings: Settings, tmp_path: Path, yard: AppSpec
) -> None:
    queue = JobQueue(database)
    mark = tmp_path / "mark"
    ids = [queue.submit("yard.walk", {"steps": 1, "mark": str(mark)}, actor="ann") for _ in range(6)]
    with worker_process(database_settings), worker_process(database_settings), worker_process(database_settings):
        until(lambda: all(queue.get(job_id).is_over for job_id in ids), 90)
    assert sorted(mark.read_text().split()) == sorted(ids)
    assert {queue.get(job_id).state for job_id in ids} == {"succeeded"}


@pytest.mark.slow
def test_a_worker_ends_with_its_parent_or_on_sigterm(settings: Settings, home: Database) -> None:
    parent = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    with worker_process(settings, parent.pid) as with_parent, worker_process(settings) as alone:
        time.sleep(3)
        assert with_parent.poll() is None
        parent.kill()
        parent.wait()
        assert with_parent.wait(20) == 0
        assert alone.poll() is None
        os.kill(alone.pid, signal.SIGTERM)
        assert alone.wait(20) == 0
