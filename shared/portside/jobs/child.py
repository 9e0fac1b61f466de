"""The process that does one job: ``python -m portside.jobs.child``, started by the worker.

It reads its order as one line of JSON from standard input. A later line "cancel" asks it to stop; the end of the input
means that the worker died, and then it ends itself with all its children. What it says about itself goes as lines of
JSON to the file handle named in the order; what the work prints goes to the job's log.
"""

from __future__ import annotations

import contextlib
import faulthandler
import inspect
import json
import os
import signal
import sys
import threading
import time
import traceback
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

from portside.apps import load
from portside.errors import Cancelled, JobError, PortsideError
from portside.jobs.records import JobContext
from portside.jobs.rules import unexpected
from portside.jobs.wording import kept_message, with_records
from portside.settings import Settings

__all__ = ["CANCEL", "main"]

CANCEL = "cancel"

PROGRESS_SECONDS = 0.1
"""At most so often progress is passed on; work may report every row."""


class _Speaker:
    """Writes whole lines of JSON for the worker, from any thread."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._lock = threading.Lock()

    def say(self, **content: Any) -> None:
        line = (json.dumps(content, allow_nan=False) + "\n").encode()
        # A worker that is gone cannot listen; the watcher of standard input ends this process.
        with self._lock, contextlib.suppress(BrokenPipeError):
            while line:
                line = line[os.write(self._handle, line) :]


class ChildProgress:
    """Progress for the work: passes it on to the worker and raises when the user asked to stop."""

    def __init__(self, speaker: _Speaker, cancelled: threading.Event) -> None:
        self._speaker = speaker
        self._cancelled = cancelled
        self._last = 0.0

    def update(self, done: float, total: float, message: str = "") -> None:
        if self._cancelled.is_set():
            raise Cancelled
        now = time.monotonic()
        if now - self._last >= PROGRESS_SECONDS or done >= total:
            self._last = now
            self._speaker.say(progress=[float(done), float(total), kept_message(message)])

    def log(self, line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def main() -> None:
    """Do the job whose order stands on standard input."""
    faulthandler.enable()
    order = json.loads(sys.stdin.readline())
    sys.path += [entry for entry in order["search_path"] if entry not in sys.path]
    speaker = _Speaker(order["speak"])
    cancelled = threading.Event()
    threading.Thread(target=_listen, args=(cancelled,), daemon=True).start()
    context = JobContext(
        settings=Settings(**order["settings"]),
        progress=ChildProgress(speaker, cancelled),
        job_id=order["job_id"],
        actor=order["actor"],
        attempt=order["attempt"],
    )
    speaker.say(**_work(context, order["address"], order["params"]))
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads of native libraries can hang at the interpreter's end; the outcome is already told.
    os._exit(0)


def _work(context: JobContext, address: str, params: dict[str, Any]) -> dict[str, Any]:
    try:
        result = with_records(_bound(load(address), context, params)(), None)
        return {"outcome": "succeeded", "result": json.loads(json.dumps(result, allow_nan=False))}
    except Cancelled:
        return {"outcome": "cancelled"}
    except PortsideError as error:
        context.progress.log(f"{type(error).__name__}: {error}")
        return _failed(error.sentence())
    except BaseException:
        incident = uuid.uuid4().hex[:8]
        sys.stdout.flush()
        sys.stderr.write(f"Incident {incident}\n{traceback.format_exc()}")
        return _failed(unexpected(incident))


def _failed(error: str) -> dict[str, Any]:
    return {"outcome": "failed", "error": error, "result": with_records(None, error)}


def _bound(run: Callable[..., Any], context: JobContext, params: dict[str, Any]) -> Callable[[], Any]:
    """The call to make, once it is certain that the parameters fit.

    Raises:
        JobError: they do not.
    """
    try:
        inspect.signature(run).bind(context, **params)
    except TypeError as error:
        raise JobError("A job's parameters must be those of its kind", seen=str(error)) from error
    return partial(run, context, **params)


def _listen(cancelled: threading.Event) -> None:
    for line in sys.stdin:
        if line.strip() == CANCEL:
            cancelled.set()
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    main()
