"""Time as an argument: what asks for "now" takes a ``Clock``, so that a test can say when it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

__all__ = ["Clock", "utc_now"]

Clock = Callable[[], datetime]
"""Returns the present as a timezone-aware UTC time."""


def utc_now() -> datetime:
    """The machine's present time, in UTC."""
    return datetime.now(UTC)
