"""For whom a model is being asked, so that callers take turns: said once where a request comes in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["asked_by", "current_caller"]

_caller: ContextVar[str] = ContextVar("caller", default="")


@contextmanager
def asked_by(caller: str) -> Iterator[None]:
    """What is asked in this block, also in threads that take over its context, is asked for ``caller``."""
    before = _caller.set(caller)
    try:
        yield
    finally:
        _caller.reset(before)


def current_caller() -> str:
    """Who asks; empty where nobody said."""
    return _caller.get()
