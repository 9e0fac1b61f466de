"""Work in a process of its own, and the most memory that this process ever held."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

__all__ = ["apart", "peak_megabytes"]

T = TypeVar("T")


def apart(work: Callable[..., T], *arguments: Any) -> T:
    """What ``work`` returns in a new process: a module's function, with arguments that can be pickled."""
    import multiprocessing  # here: processes that only ask for their memory are timed from their start
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def peak_megabytes() -> float:
    """Of this process since its program began.

    On Linux ``ru_maxrss`` of a child begins at what its parent held, which a table printed before may have made large;
    the kernel's own high-water mark does not.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)
