"""For whom a model is being asked, so that callers take turns, and whether they still wait for the answer: said once
where a request comes in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock

from portside.errors import Busy

__all__ = ["Abandoned", "Presence", "asked_by", "current_caller", "current_presence"]


class Abandoned(Busy):
    """Whoever asked went away before the answer: what was not begun is not computed, and nobody reads this."""

    def __init__(self) -> None:
        super().__init__("Nobody waits for this answer any more", remedy="Ask again")


class Presence:
    """Whether the one who asked still waits. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._gone = False
        self._told: list[Callable[[], None]] = []

    @property
    def gone(self) -> bool:
        """True from ``leave`` on."""
        return self._gone

    def leave(self) -> None:
        """Say that nobody waits any more; what is being asked hears of it at once."""
        with self._lock:
            self._gone = True
            told = list(self._told)
        for tell in told:
            tell()

    @contextmanager
    def telling(self, tell: Callable[[], None]) -> Iterator[None]:
        """In this block ``tell`` is called when the one who asked leaves, in the thread that says so.

        Raises:
            Abandoned: they are gone already.
        """
        with self._lock:
            if self._gone:
                raise Abandoned
            self._told.append(tell)
        try:
            yield
        finally:
            with self._lock:
                self._told.remove(tell)


_caller: ContextVar[str] = ContextVar("caller", default="")
_presence: ContextVar[Presence | None] = ContextVar("presence", default=None)


@contextmanager
def asked_by(caller: str, presence: Presence | None = None) -> Iterator[None]:
    """What is asked in this block, also in threads that take over its context, is asked for ``caller``, who waits as
    long as ``presence`` says; None: to the end.
    """
    before, waited = _caller.set(caller), _presence.set(presence)
    try:
        yield
    finally:
        _caller.reset(before)
        _presence.reset(waited)


def current_caller() -> str:
    """Who asks; empty where nobody said."""
    return _caller.get()


def current_presence() -> Presence | None:
    """Whether who asks still waits; None where nobody said."""
    return _presence.get()
