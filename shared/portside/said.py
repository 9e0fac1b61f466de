"""A sentence with what it was made of, so that who draws it can say it in another language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["Said", "in_words", "said"]


class Said(str):
    """An English sentence that remembers its template and the values in it; everywhere else a string like any other."""

    __slots__ = ("template", "values")
    template: str
    values: Mapping[str, str]

    def __new__(cls, template: str, values: Mapping[str, str]) -> Said:
        made = super().__new__(cls, template.format(**values))
        made.template, made.values = template, dict(values)
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return Said, (self.template, dict(self.values))


def said(template: str, /, **values: object) -> Said:
    """``template`` with ``{name}`` replaced by the values given, which are already formatted.

    A value that is a ``Said`` itself is translated with it.
    """
    return Said(template, {name: value if isinstance(value, str) else str(value) for name, value in values.items()})


def in_words(text: str, translate: Callable[[str], str]) -> str:
    """``text`` by ``translate``, which knows templates; any other string as ``translate`` gives it."""
    if not isinstance(text, Said):
        return translate(text) if text else text
    # A user's own word may stand in the catalogue by chance: of the values only sentences are translated.
    values = {
        name: in_words(value, translate) if isinstance(value, Said) else value for name, value in text.values.items()
    }
    return translate(text.template).format(**values)
