"""What a run asks of any task's data sets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from portside.data.findings import excerpt
from portside.errors import DataError
from portside.said import said, settled

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


def check_known(
    what: str, known: Iterable[str], found: Sequence[tuple[str, Iterable[str]]], source: str, rows: Sequence[int] | None
) -> None:
    """Refuse validation rows with a label, or an entity type, that training does not have.

    ``found`` has for each row its text and what it is marked with, ``rows`` its number in the file, where it has one.

    Raises:
        DataError: names them, and the first row with one.
    """
    names = set(known)
    first = next((place for place, (_, marks) in enumerate(found) if not names.issuperset(marks)), None)
    if first is None:
        return
    unknown = sorted({mark for _, marks in found for mark in marks} - names)
    raise DataError(
        said("Every validation {what} must occur in the training data", what=settled(what)),
        seen=said(
            "{unknown} (first beside '{text}')", unknown=excerpt(", ".join(unknown)), text=excerpt(found[first][0])
        ),
        remedy=said("Correct the {what}s, or add training rows with them", what=settled(what)),
        file=source,
        row=None if rows is None else rows[first],
    )
