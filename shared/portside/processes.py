"""Tell whether the process that holds something is still there."""

from __future__ import annotations

import os
import platform
import re
import socket
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import psutil

__all__ = ["ProcessMark", "this_process"]

ON_LINUX = platform.system() == "Linux"

START_TOLERANCE = 0.05 if ON_LINUX else 2.0
"""Seconds by which two readings of one process's start may differ. Linux counts from boot, in hundredths; elsewhere the
start is a time of day, which moves when the clock is set."""


@dataclass(frozen=True, slots=True)
class ProcessMark:
    """A process, told apart from every other on any machine and from later ones of the same number."""

    machine: str
    """Host name and, on Linux, the name space in which ``pid`` is a number."""
    boot: str
    """Changes when the machine is started again; empty where the system does not say."""
    pid: int
    started: float
    """Seconds, as ``START_TOLERANCE`` explains."""

    def __str__(self) -> str:
        return f"{self.machine}/{self.boot}/{self.pid}/{self.started:.2f}"

    @classmethod
    def parse(cls, text: str) -> ProcessMark | None:
        """Read what ``str`` wrote; None when it is something else."""
        parts = text.split("/")
        try:
            machine, boot, pid, started = parts
            return cls(machine, boot, int(pid), float(started))
        except ValueError:
            return None

    def is_alive(self) -> bool | None:
        """Whether the process still runs; None when it belongs to another machine and cannot be looked up."""
        if self.machine != _machine():
            return None
        if self.boot != _boot():
            return False
        try:
            found = _running_since(self.pid)
        except (psutil.AccessDenied, PermissionError):
            return None
        return found is not None and abs(found - self.started) <= START_TOLERANCE


def this_process() -> ProcessMark:
    """The process that asks."""
    started = _running_since(os.getpid())
    assert started is not None
    return ProcessMark(_machine(), _boot(), os.getpid(), round(started, 2))


def _running_since(pid: int) -> float | None:
    """When the process started; None when it ended, even if nobody collected its exit status yet."""
    if ON_LINUX:
        try:
            # proc(5): after the name in brackets come the state and, 19 fields on, the start in ticks since boot.
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if fields[0] in "ZX" else int(fields[19]) / os.sysconf("SC_CLK_TCK")
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else float(process.create_time())
    except psutil.NoSuchProcess:
        return None


@lru_cache(maxsize=1)
def _machine() -> str:
    host = re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname() or platform.node() or "unknown")
    # Two containers may share a host name, and then see different processes under one number.
    inside = _read_link("/proc/self/ns/pid").strip("pid:[]")
    return f"{host}.{inside}" if inside else host


@lru_cache(maxsize=1)
def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()[:13]
    except OSError:
        return ""


def _read_link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""
