"""Kinds of jobs for tests; the child process imports them by address."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from portside.errors import Cancelled, DataError
from portside.jobs import JobContext
from portside.said import said


def add(context: JobContext, *, a: int, b: int) -> dict[str, Any]:
    context.progress.log(f"adding {a} and {b}")
    context.progress.update(1, 2, "adding")
    context.progress.update(2, 2, "added")
    return {"sum": a + b, "actor": context.actor, "attempt": context.attempt, "home": str(context.settings.home)}


def walk(context: JobContext, *, steps: int, pause: float = 0.02, mark: str | None = None) -> dict[str, Any]:
    for step in range(steps):
        context.progress.log(f"step {step}")
        context.progress.update(step, steps, f"step {step}")
        time.sleep(pause)
    if mark:
        with Path(mark).open("a") as file:
            file.write(context.job_id + "\n")
    return {"steps": steps}


def tidy(context: JobContext, *, mark: str) -> dict[str, Any]:
    """Cleans up when it is asked to stop."""
    try:
        return walk(context, steps=10_000)
    except Cancelled:
        Path(mark).write_text("tidied")
        raise


def stubborn(context: JobContext, *, pids: str) -> dict[str, Any]:
    """Listens to nothing and has a child that does not either."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    helper = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(600)",
        ],
        stdout=subprocess.PIPE,
    )
    assert helper.stdout is not None
    helper.stdout.readline()
    Path(pids).write_text(f"{os.getpid()} {helper.pid}")
    context.progress.update(1, 10, "deaf")
    time.sleep(600)
    return {}


def orphan_maker(_context: JobContext, *, pids: str) -> dict[str, Any]:
    helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    Path(pids).write_text(str(helper.pid))
    return {}


def advise(_context: JobContext) -> dict[str, Any]:
    raise DataError("every row needs a label", file="train.csv", row=7, remedy="Give it one")


def tell(_context: JobContext, *, names: list[str]) -> dict[str, Any]:
    return {"summary": said("{n} names: {names}", n=len(names), names=", ".join(names)), "names": names}


def stumble(_context: JobContext) -> dict[str, Any]:
    secret = {}
    return secret["nothing"]  # type: ignore[no-any-return]


def leave(_context: JobContext) -> dict[str, Any]:
    sys.exit(3)


def vanish(context: JobContext, *, number: int) -> dict[str, Any]:
    context.progress.update(3, 10, "about to vanish")
    context.progress.log("last words")
    os.kill(os.getpid(), number)
    time.sleep(60)
    return {}


def babble(_context: JobContext) -> Any:
    return {"what": object()}
