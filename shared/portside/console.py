"""What commands print: sentences, tables and JSON on standard output, advice on standard error."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Mapping, Sequence, Set
from datetime import date, datetime
from enum import Enum
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from portside.errors import PortsideError

__all__ = ["advise", "as_json", "note", "say", "table"]

PIPE_WIDTH = 4_000
"""Characters a line may have where no terminal sets a width: a table in a pipe must not be folded at 80."""


def say(text: str) -> None:
    """Print one sentence or paragraph. Square brackets and emoji codes in it are taken literally."""
    _console().print(_printable(text), markup=False, emoji=False, highlight=False, soft_wrap=True)


def advise(error: PortsideError) -> None:
    """Print an expected error on standard error: the rule, what was seen, what to do."""
    lines = [error.rule.rstrip(".") + "."]
    if error.seen:
        lines.append(f"  seen: {error.seen}")
    if error.remedy:
        lines.append(f"  next: {error.remedy}")
    sys.stderr.write(_printable("\n".join(lines)) + "\n")


def note(text: str) -> None:
    """Print a sentence on standard error, beside what a program may read from standard output; none if empty."""
    if text:
        sys.stderr.write(_printable(text) + "\n")


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], title: str | None = None) -> None:
    """Print rows under columns; columns in which every value is a number stand flush right.

    ``None`` shows as an empty cell, a float with four digits after the point.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    console = _console()
    drawn = Table(title=title, box=box.SIMPLE_HEAD if console.is_terminal else None, title_justify="left")
    for place, column in enumerate(columns):
        values = [row[place] for row in rows if row[place] is not None]
        numeric = bool(values) and all(isinstance(value, int | float) for value in values)
        drawn.add_column(Text(column), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(_printable(_cell(value))) for value in row))
    console.print(drawn)


def as_json(obj: object) -> None:
    """Print ``obj`` as indented JSON and nothing else.

    Dataclasses become objects, times ISO 8601, paths and enumerations their text, numpy values plain numbers and
    lists; a number that JSON cannot hold (NaN, infinity) becomes null.
    """
    # NaN and infinity are found while reading back what json wrote of them.
    plain = json.loads(json.dumps(obj, default=_plain), parse_constant=lambda _: None)
    text = json.dumps(plain, indent=2, ensure_ascii=not _prints_unicode())
    sys.stdout.write(_printable(text) + "\n")


def _console() -> Console:
    # Made at each call: whoever replaces sys.stdout (a test, a redirect) gets the output.
    from rich.console import Console

    return Console() if sys.stdout.isatty() else Console(width=PIPE_WIDTH)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _prints_unicode() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")


def _printable(text: str) -> str:
    # Half a surrogate pair, or a character the terminal's encoding lacks, shows as "?" and ends no command.
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, errors="replace").decode(encoding)


def _plain(value: Any) -> Any:
    """What ``json`` cannot write itself, as what it can."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: getattr(value, item.name) for item in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, PurePath | Enum):
        return str(value.value) if isinstance(value, Enum) else str(value)
    if isinstance(value, Set):
        return sorted(value, key=str)
    if hasattr(value, "tolist"):  # numpy scalars and arrays
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no form in JSON")
