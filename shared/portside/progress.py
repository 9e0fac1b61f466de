"""How long work reports where it is and learns that it should stop."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self

from portside.errors import Cancelled
from portside.said import joined, settled

__all__ = ["NullProgress", "Progress", "ProgressPart", "RecordingProgress", "TerminalProgress"]


class Progress(Protocol):
    """Receives the state of one piece of long work. Implementations are cheap to call often."""

    def update(self, done: float, total: float, message: str = "") -> None:
        """``done`` of ``total`` units are finished; ``message`` says what is being done now.

        Raises:
            Cancelled: the user asked the work to stop. Callers let it pass after they left a consistent state.
        """
        ...

    def log(self, line: str) -> None:
        """Keep one line for the person who reads the log."""
        ...


class NullProgress:
    """Progress that nobody looks at."""

    def update(self, done: float, total: float, message: str = "") -> None: ...

    def log(self, line: str) -> None: ...


@dataclass
class RecordingProgress:
    """The fake: remembers what it was told; ``cancel_at`` (a fraction) makes it ask the work to stop."""

    cancel_at: float | None = None
    updates: list[tuple[float, float, str]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def update(self, done: float, total: float, message: str = "") -> None:
        self.updates.append((done, total, message))
        if self.cancel_at is not None and total > 0 and done / total >= self.cancel_at:
            raise Cancelled

    def log(self, line: str) -> None:
        self.lines.append(line)


@dataclass(frozen=True)
class ProgressPart:
    """Progress of one part of longer work: what is done of it moves ``whole`` from ``start`` to ``end`` of 1."""

    whole: Progress
    start: float
    end: float
    title: str = ""
    """Said before each message."""

    def update(self, done: float, total: float, message: str = "") -> None:
        share = min(max(done / total, 0.0), 1.0) if total > 0 else 0.0
        text = joined([part for part in (settled(self.title), message) if part], " · ")
        self.whole.update(self.start + (self.end - self.start) * share, 1.0, text)

    def log(self, line: str) -> None:
        self.whole.log(line)


class TerminalProgress:
    """A progress bar with what is left, on standard error. Use as a context manager."""

    def __init__(self, title: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        self._console = Console(stderr=True)
        self._title = title
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=28),
            TaskProgressColumn(),
            TimeRemainingColumn(compact=True),
            console=self._console,
        )
        self._task = self._bar.add_task(title, total=1.0)
        self._plain = not self._console.is_terminal
        self._last_plain = 0.0

    def __enter__(self) -> Self:
        if not self._plain:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._plain:
            self._bar.stop()

    def update(self, done: float, total: float, message: str = "") -> None:
        text = f"{self._title} · {message}" if message else self._title
        self._bar.update(self._task, completed=done, total=max(total, 1e-9), description=text)
        # A log file gets a line every few seconds rather than a redrawn bar.
        if self._plain and (time.monotonic() - self._last_plain > 5.0):
            self._last_plain = time.monotonic()
            self._print(f"{text}: {100 * done / max(total, 1e-9):.0f} %")

    def log(self, line: str) -> None:
        self._print(line)

    def _print(self, line: str) -> None:
        # Lines may quote data: square brackets and emoji codes in it are taken literally, and nothing is folded.
        self._console.print(f"  {line}", markup=False, emoji=False, highlight=False, soft_wrap=True)
