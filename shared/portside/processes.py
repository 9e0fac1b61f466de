"""Tell whether the process that holds something is still there."""

from __future__ import annotations

import os
import platform
import re
import socket
from dataclasses import dataclass
from functools import lru_cache

import psutil

__all__ = ["ProcessMark", "this_process"]


@dataclass(frozen=True, slots=True)
class ProcessMark:
    """A process, told apart from every other on any machine and from later ones of the same number."""

    machine: str
    pid: int
    started: float
    """Seconds since 1970, as the system counts them."""

    def __str__(self) -> str:
        return f"{self.machine}/{self.pid}/{self.started:.2f}"

    @classmethod
    def parse(cls, text: str) -> ProcessMark | None:
        """Read what ``str`` wrote; None when it is something else."""
        machine, _, rest = text.partition("/")
        pid, _, started = rest.partition("/")
        try:
            return cls(machine, int(pid), float(started))
        except ValueError:
            return None

    def is_alive(self) -> bool | None:
        """Whether the process still runs; None when it belongs to another machine and cannot be looked up."""
        if self.machine != _machine():
            return None
        try:
            process = psutil.Process(self.pid)
            # The mark is written with two digits; boot time corrections move it by a little more.
            return abs(process.create_time() - self.started) < 2.0 and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False
        except psutil.AccessDenied:
            return None


def this_process() -> ProcessMark:
    """The process that asks."""
    return ProcessMark(_machine(), os.getpid(), round(psutil.Process().create_time(), 2))


@lru_cache(maxsize=1)
def _machine() -> str:
    # Two containers may share a host name, and then see different processes under one number.
    try:
        inside = os.readlink("/proc/self/ns/pid").strip("pid:[]")
    except OSError:
        inside = ""
    host = re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname() or platform.node() or "unknown")
    return f"{host}.{inside}" if inside else host
