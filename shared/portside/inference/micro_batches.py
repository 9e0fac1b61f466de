"""Many callers share a model: what they ask at the same time is answered in common batches.

No thread waits for work: of the callers that wait, as many as there are workers run batches, each for all who wait, and
the others sleep until they are answered. Under light load a call runs at once; under heavy load batches are full.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Condition
from time import monotonic
from typing import Generic, TypeVar

from portside.errors import Busy
from portside.inference.callers import Abandoned, Presence

__all__ = ["MicroBatches", "Waits"]

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Waits:
    """How long a queue may get, and how full a batch."""

    callers: int = 1024
    """Callers who may wait; whoever comes then is told to try again."""
    batch_weight: int = 1024
    """Of one batch, in what ``weigh`` counts (tokens); a heavier single item is a batch of its own."""
    gather_seconds: float = 0.0
    """How long the first caller waits for others. 0: none, for while one batch runs the next gathers by itself; waiting
    makes a single caller slower and few callers no faster."""
    workers: int = 1
    """Batches that run at the same time."""


@dataclass(eq=False)
class _Ticket(Generic[Asked, Answer]):
    """What one caller asked, and how far it is answered."""

    tenant: str
    items: Sequence[Asked]
    answers: list[Answer | None]
    moved: float
    """When it was asked, or last got an answer."""
    begun: int = 0
    """Items that were put into batches."""
    left: int = 0
    """Items that are not answered yet."""
    error: BaseException | None = None
    gone: bool = False
    """Whether nobody waits for the answers any more."""

    @property
    def done(self) -> bool:
        return self.left == 0 or self.error is not None

    @property
    def over(self) -> bool:
        return self.done or self.gone


class MicroBatches(Generic[Asked, Answer]):
    """Calling it answers items, together with those of other callers; safe to share between threads."""

    def __init__(
        self,
        run: Callable[[Sequence[Asked]], Sequence[Answer]],
        *,
        waits: Waits | None = None,
        weigh: Callable[[Asked], int] = lambda _: 1,
        seconds: Callable[[], float] = monotonic,
    ) -> None:
        """``run`` answers a batch, one answer an item, in their order; an error of it is raised to all in the batch.
        ``seconds`` is the clock.
        """
        self._run, self._weigh, self._waits = run, weigh, waits or Waits()
        self._seconds = seconds
        self._changed = Condition()
        self._queues: OrderedDict[str, deque[_Ticket[Asked, Answer]]] = OrderedDict()
        self._callers = self._running = 0

    @property
    def waiting(self) -> int:
        """Callers who wait or are being answered."""
        return self._callers

    def __call__(
        self,
        items: Sequence[Asked],
        *,
        tenant: str = "",
        timeout: float | None = None,
        presence: Presence | None = None,
    ) -> list[Answer]:
        """One answer an item, in their order. Tenants take turns, so that who asks much delays the others little.

        Raises:
            Busy: too many wait, or no answer came for ``timeout`` seconds; what was not begun is taken back. Who asks
                for many items waits longer in all: while some are answered, the others will be.
            Abandoned: the ``presence`` of who asked ended; what was not begun left the queue at that moment.
        """
        if not items:
            return []
        ticket: _Ticket[Asked, Answer] = _Ticket(
            tenant, items, [None] * len(items), moved=self._seconds(), left=len(items)
        )
        with (presence or Presence()).telling(lambda: self._abandon(ticket)):
            self._wait_in_line(ticket, timeout)
        if ticket.error is not None:
            raise ticket.error
        return ticket.answers  # type: ignore[return-value]

    def _wait_in_line(self, ticket: _Ticket[Asked, Answer], timeout: float | None) -> None:
        with self._changed:
            if self._callers >= self._waits.callers:
                raise _busy(f"{self._callers:,} requests wait already")
            self._callers += 1
            # Who left between saying that they would be told and standing in line must not stand there.
            if not ticket.gone:
                self._queues.setdefault(ticket.tenant, deque()).append(ticket)
        try:
            self._until_answered(ticket, timeout)
        finally:
            with self._changed:
                self._callers -= 1
                self._withdraw(ticket)
                self._changed.notify_all()

    def _abandon(self, ticket: _Ticket[Asked, Answer]) -> None:
        # By the thread that knows of it: the one that asked may be running a batch of others meanwhile.
        with self._changed:
            ticket.gone = True
            self._withdraw(ticket)
            self._changed.notify_all()

    def _until_answered(self, ticket: _Ticket[Asked, Answer], timeout: float | None) -> None:
        while True:
            with self._changed:
                self._gather(timeout)
                while not ticket.over and (self._running >= self._waits.workers or not self._queues):
                    left = None if timeout is None else ticket.moved + timeout - self._seconds()
                    if left is not None and left <= 0:
                        raise _busy("no answer in the time that was given")
                    self._changed.wait(left)
                if ticket.done:
                    return
                if ticket.gone:
                    raise Abandoned
                batch = self._take()
                self._running += 1
            self._answer(batch)

    def _gather(self, timeout: float | None) -> None:
        if self._waits.gather_seconds and self._running == 0 and self._callers == 1:
            most = self._waits.gather_seconds if timeout is None else min(self._waits.gather_seconds, timeout)
            self._changed.wait_for(lambda: self._callers > 1, timeout=most)

    def _take(self) -> list[tuple[_Ticket[Asked, Answer], int]]:
        """The next batch: an item of each tenant in turn, in the order in which they asked."""
        batch: list[tuple[_Ticket[Asked, Answer], int]] = []
        weight = 0
        while self._queues:
            tenant, queue = next(iter(self._queues.items()))
            ticket = queue[0]
            weight += self._weigh(ticket.items[ticket.begun])
            if batch and weight > self._waits.batch_weight:
                break
            batch.append((ticket, ticket.begun))
            ticket.begun += 1
            if ticket.begun == len(ticket.items):
                queue.popleft()
            if queue:
                self._queues.move_to_end(tenant)
            else:
                del self._queues[tenant]
        return batch

    def _answer(self, batch: list[tuple[_Ticket[Asked, Answer], int]]) -> None:
        answers: Sequence[Answer] = ()
        error: BaseException | None = None
        try:
            answers = self._run([ticket.items[place] for ticket, place in batch])
            if len(answers) != len(batch):
                raise RuntimeError(f"{len(answers)} answers to {len(batch)} questions")
        # Also an interrupt of the thread that happens to run the batch: the others must not wait for ever.
        except BaseException as raised:
            error = raised
        with self._changed:
            self._running -= 1
            for number, (ticket, place) in enumerate(batch):
                if error is not None:
                    ticket.error = error
                else:
                    ticket.answers[place] = answers[number]
                    ticket.left -= 1
                    ticket.moved = self._seconds()
            self._changed.notify_all()
        if error is not None and not isinstance(error, Exception):
            raise error

    def _withdraw(self, ticket: _Ticket[Asked, Answer]) -> None:
        queue = self._queues.get(ticket.tenant)
        if queue is not None and ticket in queue:
            queue.remove(ticket)
            if not queue:
                del self._queues[ticket.tenant]


def _busy(seen: str) -> Busy:
    return Busy("More is asked at this moment than can be answered", seen=seen, remedy="Try again in a moment")
