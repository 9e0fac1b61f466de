"""Work that pages wait for: each piece has a thread of its own, goes on while a page is drawn anew, and is kept."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, wait
from threading import Lock, Thread
from typing import Any, NamedTuple

from portside.errors import Cancelled
from portside.progress import Progress

__all__ = ["ALONE_SECONDS", "State", "Work", "Works"]

ALONE_SECONDS = 60.0
"""Work that no page has looked at for so long stops: whoever left for another page comes back within that time, and a
closed tab must not keep the processor busy for the rest of a large file."""
KEPT = 24
"""Results kept, those that were asked for last."""


class State(NamedTuple):
    """Where a piece of work is."""

    done: float = 0.0
    total: float = 0.0
    message: str = ""

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return min(max(self.done / self.total, 0.0), 1.0) if self.total > 0 else 0.0


class Work:
    """One piece of work; what is done in its thread tells it where it is, as any ``Progress``."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._looked = clock()
        self._state = State()
        self._given_up = False
        self._found: Future[Any] = Future()

    @property
    def state(self) -> State:
        """Where it is."""
        return self._state

    def start(self, run: Callable[[Progress], Any]) -> None:
        """Begin; once. ``run`` and the rows that it holds are not kept with what it finds."""
        # A daemon: a server that is stopped meanwhile does not wait for it.
        Thread(target=self._work, args=(run,), name="awaited", daemon=True).start()

    def update(self, done: float, total: float, message: str = "") -> None:
        """Tell where it is.

        Raises:
            Cancelled: nobody has looked for ``ALONE_SECONDS``.
        """
        with self._lock:
            self._given_up = self._given_up or self._clock() - self._looked > ALONE_SECONDS
            if self._given_up:
                raise Cancelled
            self._state = State(done, total, message)

    def log(self, line: str) -> None:
        """Pages show no log."""

    def look(self) -> bool:
        """Somebody waits for it; False where there is nothing to wait for, as it failed or was given up."""
        with self._lock:
            self._looked = self._clock()
            return not self._given_up and not (self._found.done() and self._found.exception())

    def ended(self, seconds: float) -> bool:
        """Whether it ends within so many seconds, which are waited for."""
        self.look()
        return bool(wait([self._found], timeout=seconds).done)

    def result(self) -> Any:
        """What was found, once it has ended; what was raised in the thread is raised here."""
        return self._found.result()

    def _work(self, run: Callable[[Progress], Any]) -> None:
        try:
            self._found.set_result(run(self))
        except BaseException as error:  # told to whoever waits, whatever it is: the thread itself has nobody to tell
            self._found.set_exception(error)


class Works:
    """The work of a process by its key, which names everything that it is made of."""

    def __init__(self, *, kept: int = KEPT, clock: Callable[[], float] = time.monotonic) -> None:
        self._kept = kept
        self._clock = clock
        self._lock = Lock()
        self._works: OrderedDict[Hashable, Work] = OrderedDict()

    def join(self, key: Hashable, run: Callable[[Progress], Any]) -> Work:
        """The work of that key, done or going on; ``run`` is begun where there is none, or where it came to nothing."""
        with self._lock:
            known = self._works.get(key)
            if known is not None and known.look():
                self._works.move_to_end(key)
                return known
            made = self._works[key] = Work(self._clock)
            self._works.move_to_end(key)
            while len(self._works) > self._kept:
                self._works.popitem(last=False)
        made.start(run)
        return made
