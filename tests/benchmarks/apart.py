"""Work in a process of its own, and the most memory that this process ever held."""

from __future__ import annotations

import os
import pickle
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

__all__ = ["apart", "peak_megabytes"]

T = TypeVar("T")
CHILD = """
import pathlib, pickle, sys
work, arguments = pickle.loads(pathlib.Path(sys.argv[1]).read_bytes())
pathlib.Path(sys.argv[2]).write_bytes(pickle.dumps(work(*arguments)))
"""
"""What the new process runs."""


def apart(work: Callable[..., T], *arguments: Any) -> T:
    """What ``work`` returns in a new process: a module's function, with arguments that can be pickled."""
    # Not multiprocessing's spawn: it runs the program's main module anew, which a test runner's worker does not bear.
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = Path(folder, "asked"), Path(folder, "answered")
        asked.write_bytes(pickle.dumps((work, arguments)))
        paths = os.pathsep.join(path for path in sys.path if path)
        subprocess.run(
            [sys.executable, "-c", CHILD, asked, answered], check=True, env={**os.environ, "PYTHONPATH": paths}
        )
        found: T = pickle.loads(answered.read_bytes())
    return found


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
