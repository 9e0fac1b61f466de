"""How models, aliases and versions are named, and how a reference to one is read."""

from __future__ import annotations

import re
from dataclasses import dataclass

from portside.errors import UsageError
from portside.said import said, settled

__all__ = ["DEVICES", "Reference", "check_name", "parse_reference"]

# Lower case only: "Intents" and "intents" are one folder on some file systems and two on others.
NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?")

# Files of these names cannot be made on Windows, whose disks are also mounted elsewhere.
DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))})


@dataclass(frozen=True, slots=True)
class Reference:
    """What a user asked for: a name with an alias or a version; neither means the default alias."""

    name: str
    alias: str | None = None
    version: int | None = None


def check_name(text: str, what: str = "model") -> str:
    """``text`` when it can name a model or an alias.

    Raises:
        UsageError: it cannot.
    """
    if not isinstance(text, str) or not NAME.fullmatch(text) or text in DEVICES:
        raise UsageError(
            said(
                "The name of a {what} is made of lower-case letters a to z, digits, '-' and '_', at most 64",
                what=settled(what),
            ),
            seen=repr(text),
            remedy="Choose a name like support-intents",
        )
    return text


def parse_reference(text: str) -> Reference:
    """Read ``name``, ``name@alias`` or ``name:version``.

    Raises:
        UsageError: it is none of these.
    """
    name, colon, version = text.partition(":")
    if colon:
        if not version.isascii() or not version.isdigit() or len(version) > 9:
            raise UsageError(
                "A version is a number",
                seen=repr(text),
                remedy=said("Write {name}:3 or {name}@champion", name=name or "NAME"),
            )
        return Reference(check_name(name), version=int(version))
    name, at, alias = text.partition("@")
    return Reference(check_name(name), alias=check_name(alias, "alias") if at else None)
