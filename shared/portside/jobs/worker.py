"""The worker: takes jobs from the queue one after another and runs each in a process of its own."""

from __future__ import annotations

import contextlib
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import psutil
from sqlalchemy.exc import SQLAlchemyError

from portside.apps import AppSpec, find_apps
from portside.clock import Clock, utc_now
from portside.errors import JobError
from portside.jobs.claims import Claims, Report
from portside.jobs.kinds import job_address
from portside.jobs.logs import log_path, logs_in, remove_logs
from portside.jobs.process import JobProcess
from portside.jobs.records import Job
from portside.jobs.rules import Ending, Timing, ending, logs_to_remove, stop_step
from portside.processes import this_process
from portside.said import said
from portside.settings import Settings
from portside.storage.engine import Database, open_database
from portside.storage.migrate import upgrade

__all__ = ["SLOTS", "Worker", "run_worker"]

logger = logging.getLogger(__name__)

SLOTS = 2
"""Jobs a worker runs at once: a training of minutes, or a feed poller that never ends, must not hold up an import."""

PATIENCE = 30.0
"""Most seconds between two tries to reach a database that does not answer."""


class Worker:
    """Runs ``slots`` jobs at once until it is told to stop. Several workers may run, on one machine or many; no job
    runs twice."""

    def __init__(
        self,
        settings: Settings,
        apps: Sequence[AppSpec],
        *,
        slots: int = SLOTS,
        database: Database | None = None,
        clock: Clock = utc_now,
        timing: Timing | None = None,
        chores: Sequence[Callable[[], None]] = (),
    ) -> None:
        """``chores`` are done now and then, between two looks for work; each is quick."""
        self._settings = settings
        self._chores = chores
        self._apps = apps
        self._timing = timing or Timing()
        self._slots = slots
        self._claims = Claims(database or open_database(settings), str(this_process()), clock, logs=settings.jobs_dir)
        self._swept = float("-inf")
        self._undone = ""

    def run(self, stop: threading.Event) -> None:
        """Take jobs until ``stop`` is set; those that run then are stopped and marked as failed."""
        with ThreadPoolExecutor(self._slots, thread_name_prefix="slot") as pool:
            for slot in [pool.submit(self._fill_slot, stop) for _ in range(self._slots)]:
                slot.result()

    def _fill_slot(self, stop: threading.Event) -> None:
        pause = self._timing.idle
        try:
            while not stop.is_set():
                try:
                    busy = self.run_once(stop)
                    pause = self._timing.idle
                except SQLAlchemyError:
                    # A database that restarts is no reason to end: others would have to start the worker again.
                    logger.exception("the database does not answer; trying again in %.0f s", pause)
                    busy, pause = False, min(pause * 2, PATIENCE)
                if not busy:
                    stop.wait(pause)
        finally:
            stop.set()  # a defect in one slot ends the whole worker: then its jobs are seen to be abandoned

    def run_once(self, stop: threading.Event | None = None) -> bool:
        """Run the oldest waiting job to its end; False when none waits."""
        self._sweep()
        job = self._claims.claim()
        if job is None:
            return False
        logger.info("job %s (%s) starts", job.id, job.kind)
        try:
            end, report = self._supervise(job, job_address(job.kind, self._apps), stop or threading.Event())
        except JobError as error:
            end, report = Ending("failed", None, error.sentence()), Report()
        except OSError as error:
            logger.exception("job %s could not be started", job.id)
            says = said("The job could not be started: {error}. Next: Start it again.", error=error)
            end, report = Ending("failed", None, says), Report()
        self._finish(job, end, report)
        self._remove_old_logs()
        logger.info("job %s (%s) %s", job.id, job.kind, end.state)
        return True

    def _supervise(self, job: Job, address: str, stop: threading.Event) -> tuple[Ending, Report]:
        """Watch the job's process until it is over."""
        watch = _Watch(self._claims, job, self._timing)
        with JobProcess.start(job, address, self._settings, log_path(self._settings.jobs_dir, job.id)) as process:
            while (status := process.wait(min(self._timing.beat, 0.2))) is None:
                watch.look(process, worker_stops=stop.is_set())
                self._sweep()
            outcome = process.outcome
        end = ending(status, outcome, cancel_asked=watch.cancel_asked, worker_stops=watch.worker_stops)
        return end, process.report

    def _finish(self, job: Job, end: Ending, report: Report) -> None:
        # A result must not be lost to a database that restarts. Who kills the worker meanwhile has it marked as failed.
        pause = self._timing.idle
        while True:
            try:
                return self._claims.finish(job.id, end, report)
            except SQLAlchemyError:
                logger.exception("the end of job %s could not be stored; trying again in %.0f s", job.id, pause)
                time.sleep(pause)
                pause = min(pause * 2, PATIENCE)

    def _remove_old_logs(self) -> None:
        folder = self._settings.jobs_dir
        with _database_may_be_away("remove old logs"):
            try:
                # First the logs, then who runs: the log of a job that starts in between is not among them.
                written = logs_in(folder)
                remove_logs(folder, logs_to_remove(written, self._claims.running()))
            except OSError:
                logger.exception("old logs in %s could not be removed", folder)

    def _sweep(self) -> None:
        if time.monotonic() - self._swept < self._timing.sweep:
            return
        self._swept = time.monotonic()
        with _database_may_be_away("look for abandoned jobs"):
            self._claims.sweep()
        for chore in self._chores:
            self._do(chore)

    def _do(self, chore: Callable[[], None]) -> None:
        try:
            chore()
        # Whatever is wrong with what it looks at: jobs go on, and the log says it once.
        except Exception as error:
            if str(error) != self._undone:
                logger.exception("a chore was left undone; trying again in %.0f s", self._timing.sweep)
            self._undone = str(error)


class _Watch:
    """What the worker knows of the job it runs: what was stored last, and since when it should stop."""

    def __init__(self, claims: Claims, job: Job, timing: Timing) -> None:
        self._claims = claims
        self._job = job
        self._timing = timing
        self._looked = self._stored = time.monotonic()
        self._report = Report()
        self._stop_since: float | None = None
        self._pushed = ""
        self.cancel_asked = False
        self.worker_stops = False

    def look(self, process: JobProcess, *, worker_stops: bool) -> None:
        """Store what is new, and push the job on when someone wants it to stop. Rate-limited by ``timing.beat``."""
        now = time.monotonic()
        self.worker_stops = self.worker_stops or worker_stops
        if now - self._looked >= self._timing.beat:
            self._looked = now
            self._exchange(process, now)
        if self.cancel_asked or self.worker_stops:
            self._push(process, now)

    def _exchange(self, process: JobProcess, now: float) -> None:
        with _database_may_be_away(f"report on job {self._job.id}"):
            mine, cancel = self._claims.wish(self._job.id)
            if not mine:
                # Taken for dead (this machine slept, say) and perhaps tried again elsewhere: doing it twice is worse.
                logger.warning("job %s was taken away from this worker; it is killed", self._job.id)
                process.stop("kill")
                return
            self.cancel_asked = self.cancel_asked or cancel
            report = process.report
            if report != self._report or now - self._stored >= self._timing.heartbeat:
                self._claims.report(self._job.id, report)
                self._report, self._stored = report, now

    def _push(self, process: JobProcess, now: float) -> None:
        if self._stop_since is None:
            self._stop_since = now
        step = stop_step(now - self._stop_since, self._timing, worker_stops=self.worker_stops)
        if step != self._pushed:
            self._pushed = step
            process.stop(step)


@contextlib.contextmanager
def _database_may_be_away(doing: str) -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError:
        logger.exception("could not %s; the work goes on", doing)


def run_worker(
    settings: Settings, *, slots: int = SLOTS, parent: int | None = None, apps: Sequence[AppSpec] | None = None
) -> None:
    """Run a worker in this process until SIGTERM or Ctrl-C; with ``parent``, also until that process ends.

    Raises:
        StorageError: the database cannot be opened or brought up to date.
    """
    found = find_apps() if apps is None else apps
    database = open_database(settings)
    upgrade(database, found)
    stop = threading.Event()
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
    if parent is not None:
        threading.Thread(target=_stop_with, args=(parent, stop.set), daemon=True).start()
    try:
        Worker(settings, found, slots=slots, database=database, chores=_chores(settings, database, found)).run(stop)
    finally:
        database.close()


def _chores(settings: Settings, database: Database, apps: Sequence[AppSpec]) -> list[Callable[[], None]]:
    if not settings.compile_on_promotion:
        return []
    from portside.jobs.encoders import Encoders
    from portside.jobs.promotions import Promotions
    from portside.jobs.queue import JobQueue
    from portside.registry import ModelRegistry

    queue = JobQueue(database, logs=settings.jobs_dir)
    return [Promotions(ModelRegistry(settings.models_dir), queue), Encoders(settings, apps, queue)]


def _stop_with(parent: int, stop: Callable[[], None]) -> None:
    try:
        process = psutil.Process(parent)
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            time.sleep(1.0)
    except psutil.NoSuchProcess:
        pass
    stop()
