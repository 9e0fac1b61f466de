"""The worker's hold on the process that does a job."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from portside.jobs.claims import Report
from portside.jobs.logs import read_tail
from portside.jobs.records import Job
from portside.jobs.rules import Outcome
from portside.settings import Settings

__all__ = ["JobProcess"]


class JobProcess:
    """One child process in a process group of its own, its output in a log file. Made by ``start``."""

    def __init__(self, process: subprocess.Popen[bytes], listen: int, log: Path) -> None:
        self._process = process
        self._log = log
        self._progress: tuple[float, float, str] = (0.0, 0.0, "")
        self._outcome: Outcome | None = None
        # Reads all the time, so that the child never waits for a worker that waits for the database.
        self._reader = threading.Thread(target=self._read, args=(listen,), daemon=True)
        self._reader.start()

    @classmethod
    @contextlib.contextmanager
    def start(cls, job: Job, address: str, settings: Settings, log: Path) -> Iterator[JobProcess]:
        """Start the job; at the end of the block nothing of it runs any more."""
        log.parent.mkdir(parents=True, exist_ok=True)
        listen, speak = os.pipe()
        with log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-X", "utf8", "-m", "portside.jobs.child"],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                pass_fds=[speak],
                start_new_session=True,
            )
        os.close(speak)
        held = cls(process, listen, log)
        try:
            held._tell(json.dumps(_order(job, address, settings, speak)))
            yield held
        finally:
            held._end()

    def wait(self, seconds: float) -> int | None:
        """The exit status once the process is over, waiting at most so long; None while it runs."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    @property
    def report(self) -> Report:
        """Where the work says it is, with the last lines of its log."""
        done, total, message = self._progress
        return Report(done, total, message, tuple(read_tail(self._log)))

    @property
    def outcome(self) -> Outcome | None:
        """What the process said of its end. Ask when the process is over."""
        self._reader.join(timeout=5.0)
        return self._outcome

    def stop(self, how: str) -> None:
        """Push the work to its end: "ask" it, "terminate" or "kill" its whole process group."""
        if how == "ask":
            self._tell("cancel")
        else:
            self._signal(signal.SIGTERM if how == "terminate" else signal.SIGKILL)

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it is over; its end is noticed where we wait for it
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _end(self) -> None:
        self._signal(signal.SIGKILL)  # also what the job started and left running
        self._process.wait()
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()

    def _read(self, listen: int) -> None:
        with os.fdopen(listen, "rb") as lines:
            for line in lines:
                self._note(line)

    def _note(self, line: bytes) -> None:
        try:
            said: dict[str, Any] = json.loads(line)
        except ValueError:
            return  # cut off by a kill
        if "progress" in said:
            done, total, message = said["progress"]
            self._progress = (done, total, message.replace("\0", ""))
        elif "outcome" in said:
            self._outcome = Outcome(said["outcome"], said.get("result"), said.get("error"))


def _order(job: Job, address: str, settings: Settings, speak: int) -> dict[str, Any]:
    return {
        "job_id": job.id,
        "actor": job.actor,
        "attempt": job.attempt,
        "params": dict(job.params),
        "address": address,
        "settings": settings.model_dump(mode="json"),
        "speak": speak,
        "search_path": sys.path,
    }
