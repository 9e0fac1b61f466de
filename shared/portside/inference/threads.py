"""How models use the processor's threads. Call ``prepare_threads`` before torch is imported."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, MutableMapping
from math import ceil
from pathlib import Path

__all__ = ["prepare_threads", "quota_cores", "threads_of_each", "usable_cores"]

SPIN_COUNT = "1000"
"""Turns of an empty loop, some microseconds, in which the next operation usually comes."""

GROUPS = Path("/proc/self/cgroup")
"""Names the control groups that this process is in."""
MOUNT = Path("/sys/fs/cgroup")
"""Their folders."""


def usable_cores(groups: Path = GROUPS, mount: Path = MOUNT) -> int:
    """Cores that this process may run on: a container with two cores' time on a host of 64 has two."""
    quota, cores = quota_cores(groups, mount), _cores()
    return cores if quota is None else min(cores, quota)


def quota_cores(groups: Path = GROUPS, mount: Path = MOUNT) -> int | None:
    """Cores whose time the control groups of this process allow, rounded up; None: they set no limit."""
    found = [quota for folder in _folders(groups, mount) if (quota := _quota(folder)) is not None]
    return max(1, ceil(min(found))) if found else None


def threads_of_each(processes: int, threads: int = 0) -> int:
    """Threads for each of several processes that share ``threads`` (0: all cores); for one alone 0, its own choice."""
    return max(1, (threads or usable_cores()) // processes) if processes > 1 else 0


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _folders(groups: Path, mount: Path) -> Iterator[Path]:
    """The folder of each group the process is in and of all above it, whose limits hold as well. A container may see
    its own folder as the mount, whatever its group is called outside."""
    try:
        lines = groups.read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        for root in {mount / controllers, mount / "cpu"} if controllers else {mount}:
            own = root / path.lstrip("/")
            yield from (one for one in (own, *own.parents) if one.is_relative_to(root))


def _quota(folder: Path) -> float | None:
    """Cores' time that one group allows: as version 2 of control groups writes it, or version 1."""
    try:
        if (limit := folder / "cpu.max").exists():
            allowed, period = limit.read_text(encoding="ascii").split()
        else:
            allowed, period = (
                (folder / f"cpu.cfs_{name}_us").read_text(encoding="ascii") for name in ("quota", "period")
            )
        cores = int(allowed) / int(period)
    except (OSError, ValueError, ZeroDivisionError):  # no such file, or "max"
        return None
    return cores if cores > 0 else None


def prepare_threads(
    environment: MutableMapping[str, str] | None = None, *, quota: int | None = None, cores: int | None = None
) -> None:
    """Let torch take no more cores than a container's quota gives, and let its idle workers sleep after a moment rather
    than spin; what is set already stays.

    Spinning threads fight over the cores with everything else that runs: on a busy 2-core machine a training step
    took 5 s with spinning and 0.45 s with sleeping threads. But to wake a thread for each small operation takes time
    too. Texts a second in training, with nobody, one and two others wanting a core: 121, 87, 66 without spinning; 144,
    75, 76 with the short spin chosen here; 150, 42, 54 with ten times that. The OpenMP library reads the variables
    once, when torch loads it: afterwards this has no effect.
    """
    if environment is None:
        environment = os.environ
        if "torch" in sys.modules:
            return
    if "OMP_WAIT_POLICY" not in environment:
        environment["OMP_WAIT_POLICY"] = "PASSIVE"
        environment.setdefault("GOMP_SPINCOUNT", SPIN_COUNT)
    quota = quota_cores() if quota is None else quota
    if quota is not None and quota < (cores or _cores()):
        environment.setdefault("OMP_NUM_THREADS", str(quota))
