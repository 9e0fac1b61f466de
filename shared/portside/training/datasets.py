"""What a run asks of any task's data sets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from portside.errors import DataError

__all__ = ["check_known", "data_identity"]


class Hashed(Protocol):
    """A data set that knows where it is from and what is in it."""

    @property
    def source(self) -> str:
        """Where the rows come from, for people."""
        ...

    @property
    def content_hash(self) -> str:
        """Changes when a row changes."""
        ...


def data_identity(dataset: Hashed, valid: Hashed | None) -> dict[str, str | None]:
    """Hashes of the data: a run is only resumed with the same."""
    return {"training_data": dataset.content_hash, "validation_data": None if valid is None else valid.content_hash}


def check_known(what: str, known: Iterable[str], found: Iterable[str], source: str) -> None:
    """Refuse validation rows with a label, or an entity type, that training does not have.

    Raises:
        DataError: names them.
    """
    unknown = sorted(set(found) - set(known))
    if unknown:
        raise DataError(
            f"Every validation {what} must occur in the training data",
            seen=", ".join(unknown),
            remedy=f"Correct the {what}s, or add training rows with them",
            file=source,
        )
