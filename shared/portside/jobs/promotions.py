"""Whatever is promoted is made faster: a worker sees that another version serves, and queues its compilation, once.

It looks rather than being told: a version is promoted by pages, commands, programs and trainings, on any machine, and
none of them has to know of jobs. Where no worker runs, a version serves as it was trained.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

from portside.jobs.records import Job

if TYPE_CHECKING:
    from portside.registry import ModelRegistry, ModelVersion

__all__ = ["COMPILE", "QUIET_SECONDS", "Promotions"]

COMPILE = "core.compile"
QUIET_SECONDS = 20.0
"""After the worker's start: the pages that start with it come up first."""


class Queue(Protocol):
    """What is needed of the job queue."""

    def recent(self, kinds: Sequence[str] | None = None, limit: int = 20) -> list[Job]:
        """The newest jobs of some kinds."""
        ...

    def submit_once(self, kind: str, params: Mapping[str, Any], *, actor: str, key: str) -> str | None:
        """The new job's id; None where one was submitted with this ``key`` before."""
        ...


class Promotions:
    """Calling it queues the compilation of one champion that was never measured on this kind of machine.

    One at a time: measurements that run side by side disturb each other, and imports must not wait behind them. What
    failed once, or what the user took back, is not tried again by itself.
    """

    def __init__(
        self,
        registry: ModelRegistry,
        queue: Queue,
        *,
        quiet_seconds: float = QUIET_SECONDS,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registry, self._queue = registry, queue
        self._seconds, self._from = seconds, seconds() + quiet_seconds
        self._done: dict[str, object] = {}
        """The stamp of each name whose champion needs nothing more."""
        self._lock = Lock()

    def __call__(self) -> None:
        if self._seconds() < self._from or not self._lock.acquire(blocking=False):
            return
        try:
            self._look()
        finally:
            self._lock.release()

    def _look(self) -> None:
        changed = {name: stamp for name, stamp in self._stamps() if self._done.get(name) != stamp}
        if not changed or any(not job.is_over for job in self._queue.recent([COMPILE])):
            return
        for name, stamp in changed.items():
            champion = self._champion(name)
            if champion is not None and self._queued(champion):
                return  # the next one when this is done
            self._done[name] = stamp

    def _stamps(self) -> Iterator[tuple[str, object]]:
        for name in self._registry.names():
            yield name, self._registry.alias_stamp(name)

    def _champion(self, name: str) -> ModelVersion | None:
        serving = self._registry.aliases(name).get("champion")
        return next((one for one in self._registry.versions(name) if one.version == serving), None)

    def _queued(self, version: ModelVersion) -> bool:
        from portside.inference.engines.machine import this_machine
        from portside.inference.engines.registered import waits_for_engine
        from portside.inference.engines.store import place_of

        if not waits_for_engine(version):
            return False
        key = f"{place_of(version.folder).made_from} {this_machine()}"
        params = {"model": version.ref}
        return self._queue.submit_once(COMPILE, params, actor=self._promoter(version), key=key) is not None

    def _promoter(self, version: ModelVersion) -> str:
        events = reversed(self._registry.history(version.name))
        return next((one.actor for one in events if (one.version, one.alias) == (version.version, "champion")), "")
