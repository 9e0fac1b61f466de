"""A disk that gives out while something is trained or written, as advice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from portside.errors import PortsideError, StorageError

__all__ = ["advice_on_disk", "disk_gave_out"]

FULL = ("no space left", "file too large", "quota exceeded", "iostream error", "unexpected pos", "streamwriter failed")
"""What the libraries that write files say when the disk is full."""


def disk_gave_out(error: Exception) -> bool:
    """Whether a library says with this error that it could not write or read a file."""
    words = str(error).lower()
    return not isinstance(error, PortsideError) and (isinstance(error, OSError) or any(each in words for each in FULL))


@contextmanager
def advice_on_disk(rule: str, remedy: str) -> Iterator[None]:
    """Whatever a library says of a disk that is full becomes advice.

    Whoever writes has an error of its own for it: OSError, safetensors', torch's, tokenizers'.

    Raises:
        StorageError: the disk gave out; of ``rule`` and ``remedy``.
    """
    try:
        yield
    except Exception as error:
        if not disk_gave_out(error):
            raise
        raise StorageError(rule, seen=str(error).splitlines()[0], remedy=remedy) from error
