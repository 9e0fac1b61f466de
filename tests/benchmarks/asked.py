"""What a benchmark is asked for beside its data: which of its lines, with which encoder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from inspect import signature
from typing import Any, TypeVar

from portside.errors import UsageError

__all__ = ["named", "options_of"]

T = TypeVar("T")


def options_of(table: str, run: Callable[..., object], given: Mapping[str, str]) -> dict[str, Any]:
    """The options that were ``given`` a value, for ``run(data, seeds, **options)``.

    Raises:
        UsageError: the table does not know one of them.
    """
    known = signature(run).parameters
    wanted = {option: value for option, value in given.items() if value}
    for option in wanted:
        if option not in known:
            raise UsageError(
                f"--{option} is for tables that know it", seen=f"table {table}", remedy=f"Leave --{option} out"
            )
    return wanted


def named(lines: Iterable[T], only: str, name: Callable[[T], str] = str) -> list[T]:
    """Those of a table's ``lines`` with ``only`` in their name, in any case; all where it is empty.

    Raises:
        UsageError: there are none.
    """
    every = list(lines)
    found = [line for line in every if only.casefold() in name(line).casefold()]
    if not found:
        names = "; ".join(name(line) for line in every)
        raise UsageError("--only must be part of a line's name", seen=only, remedy=f"The lines are: {names}")
    return found
