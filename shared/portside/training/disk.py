"""A disk that gives out while a version is written, as advice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from portside.errors import StorageError
from portside.training.run import disk_gave_out

__all__ = ["advice_on_disk"]


@contextmanager
def advice_on_disk(rule: str, remedy: str) -> Iterator[None]:
    """Whatever a library says of a disk that is full, weights' writers have an error of their own, becomes advice.

    Raises:
        StorageError: the disk gave out; of ``rule`` and ``remedy``.
    """
    try:
        yield
    except Exception as error:
        if not disk_gave_out(error):
            raise
        raise StorageError(rule, seen=str(error).splitlines()[0], remedy=remedy) from error
