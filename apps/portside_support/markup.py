"""Texts of customers and articles as Markdown that shows them letter by letter, with only safe links alive."""

from __future__ import annotations

import re
from collections.abc import Callable

__all__ = ["linked"]

_ADDRESS = re.compile(r"https?://[^\s<>()\"'\\`|*\[\]{}]+")


def linked(text: str, escape: Callable[[str], str]) -> str:
    """``text`` with every part escaped, its lines kept, and its web addresses as links.

    For what the company says. What a customer says goes through ``escape`` alone, and gets no links.
    """
    return "  \n".join(_line(line, escape) for line in text.split("\n"))


def _line(line: str, escape: Callable[[str], str]) -> str:
    parts: list[str] = []
    end = 0
    for found in _ADDRESS.finditer(line):
        # The full stop that ends a sentence is not part of its address.
        address = found.group().rstrip(".,;:!?")
        parts += [escape(line[end : found.start()]), f"[{escape(address)}]({address})"]
        end = found.start() + len(address)
    return "".join([*parts, escape(line[end:])])
