"""One cell of a table as text, whatever kind of file it was read from."""

from __future__ import annotations

import math

from portside.data.findings import excerpt
from portside.errors import DataError

__all__ = ["cell_text"]


def cell_text(value: object, file: str, row: int, column: str, *, remedy: str = "Write it as text") -> str:
    """The text of a cell; empty where it has no value. ``remedy``: what to do where it holds several.

    Raises:
        DataError: it holds several values; names file, row and column.
    """
    if isinstance(value, str):
        return value
    if value is None or (isinstance(value, float) and math.isnan(value)) or str(value) in {"<NA>", "NaT"}:
        return ""
    if isinstance(value, list | dict | tuple | set | bytes) or hasattr(value, "__len__"):
        rule = "A cell must hold one value"
        raise DataError(rule, seen=excerpt(value), remedy=remedy, file=file, row=row, column=column)
    # A label that is a whole number became a float where another row had none.
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
