"""Slots: read the values an approved answer needs from a message, and put them into the answer."""

from __future__ import annotations

import re
from collections.abc import Mapping

from portside.characters import marks
from portside_support.records import Slot, Template

__all__ = ["fill", "find_value", "find_values", "missing", "slot_names"]

_PLACE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")

_ADDRESS = re.compile(r"://|\bwww\.", re.IGNORECASE)


def slot_names(answer: str) -> tuple[str, ...]:
    """The slots an answer names, each once, in the order they appear."""
    return tuple(dict.fromkeys(_PLACE.findall(answer)))


def find_value(slot: Slot, text: str, *, asked: bool = False) -> str | None:
    """The slot's value in the text, or None.

    Free text (kind ``text``) is only a value when the bot has just ``asked`` for it, and when it has no web address in
    it: an answer repeats the value, and the desk must not pass a stranger's links on as its own.
    A regular expression gives its first group where it has one, else all it matches.
    """
    if slot.kind == "text":
        return (text.strip() or None) if asked and not _ADDRESS.search(text) else None
    if slot.kind == "choices":
        return _choice(slot.pattern, text)
    match = re.search(slot.pattern, text, flags=re.IGNORECASE)
    if match is None:
        return None
    return (match.group(1) if match.re.groups and match.group(1) else match.group(0)).strip() or None


def _choice(pattern: str, text: str) -> str | None:
    # Longest first: "express delivery" must not be read as "express".
    for choice in sorted((part.strip() for part in pattern.split("|")), key=len, reverse=True):
        if choice and re.search(rf"(?<!\w){re.escape(choice)}(?![\w{marks()}])", text, flags=re.IGNORECASE):
            return choice
    return None


def find_values(slots: Mapping[str, Slot], text: str, *, asked: str | None = None) -> dict[str, str]:
    """Every slot's value that the text gives; ``asked`` is the slot the bot has just asked for."""
    found = {name: find_value(slot, text, asked=name == asked) for name, slot in slots.items()}
    return {name: value for name, value in found.items() if value is not None}


def missing(template: Template, values: Mapping[str, str]) -> str | None:
    """The first slot of the answer that has no value yet, or None."""
    return next((name for name in slot_names(template.answer) if name not in values), None)


def fill(template: Template, values: Mapping[str, str]) -> str:
    """The answer with its slots filled. Values are put in as they are: pages show messages as plain text.

    Raises:
        KeyError: a slot has no value (``missing`` says so beforehand).
    """
    return _PLACE.sub(lambda place: values[place.group(1)], template.answer)
