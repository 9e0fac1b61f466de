"""Columns that say where a row comes from, as source or language do: what a report looks at part by part."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from portside.data.cells import cell_text
from portside.data.columns import PART_NAMES
from portside.data.identity import clean
from portside.errors import DataError

if TYPE_CHECKING:
    from portside.data.read import Table

__all__ = ["MOST_PARTS", "few_valued", "is_part", "origin_of", "origins_of", "parts_at", "parts_of", "parts_of_origins"]

MOST_PARTS = 30
"""Values of a column up to which the rows of each are compared with the rest."""
_NOWHERE: Mapping[str, str] = {}
"""Shared by all rows that do not say where they come from: there may be a million of them."""


def is_part(column: str) -> bool:
    """Whether a column of this name says where a row comes from."""
    return column.strip().casefold() in PART_NAMES


def parts_of(table: Table, rows: Sequence[int], *, without: Iterable[str | None] = ()) -> dict[str, tuple[str, ...]]:
    """What each of these rows, counted from 1, holds in columns of that kind, by column; not in those named."""
    found = {}
    for name in map(str, table.frame.columns):
        if is_part(name) and name not in without:
            values = table.frame[name].tolist()
            with suppress(DataError):  # a cell of several values: rows cannot be compared by it, nothing else is wrong
                cells = (clean(cell_text(values[row - 1], table.file, row, name)) for row in rows)
                found[name] = tuple(_shared(cells))
    return few_valued(found)


def _shared(cells: Iterable[str]) -> Iterator[str]:
    """The cells, equal ones as one object: of a million rows a few values are held. Ends at one value too many."""
    known: dict[str, str] = {}
    for cell in cells:
        yield known.setdefault(cell, cell)
        if len(known) > MOST_PARTS:
            return


def origin_of(row: Mapping[str, object]) -> Mapping[str, str]:
    """Where one row of JSON lines comes from, by name; values that are no text or number say nothing."""
    found = {name: clean(str(value)) for name, value in row.items() if is_part(name) and isinstance(value, str | int)}
    return found or _NOWHERE


def parts_of_origins(origins: Sequence[Mapping[str, str]]) -> dict[str, tuple[str, ...]]:
    """What ``origin_of`` found of each row, by column."""
    names = dict.fromkeys(name for one in origins for name in one)
    return few_valued({name: tuple(one.get(name, "") for one in origins) for name in names})


def origins_of(
    keys: Iterable[Hashable], parts: Mapping[str, Sequence[str]], wanted: Iterable[Hashable]
) -> dict[Hashable, dict[str, str]]:
    """Where those rows come from whose key is ``wanted``, by column; ``keys`` and the values of ``parts`` are of all.

    Of rows with one key as the first of them does. Empty where no column says it.
    """
    found: dict[Hashable, dict[str, str]] = {}
    asked = set(wanted) if parts else set()
    for place, key in enumerate(keys if parts else ()):
        if key in asked and key not in found:
            found[key] = {name: values[place] for name, values in parts.items()}
    return found


def few_valued(columns: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Those with several values, and few enough to compare them."""
    return {name: values for name, values in columns.items() if 2 <= len(set(values)) <= MOST_PARTS}


def parts_at(parts: Mapping[str, tuple[str, ...]], places: Sequence[int]) -> dict[str, tuple[str, ...]]:
    """Of some of the rows, in the order of ``places``."""
    return {name: tuple(values[place] for place in places) for name, values in parts.items()}
