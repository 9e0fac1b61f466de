"""A model card that people can read, written from the card that programs read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from portside.said import RECORDS

__all__ = ["render_card"]

ORDER = ("summary", "task", "created_at", "parent", "encoder", "labels", "metrics", "data", "recipe")
"""What a reader looks for first; the rest follows in the card's own order."""

MANY = 40
"""A list longer than this shows its first entries and how many there are."""


def render_card(card: Mapping[str, Any], ref: str) -> str:
    """Markdown with a title, the plain facts as a list, and one section for each group of facts."""
    name, _, version = ref.partition(":")
    keys = [key for key in ORDER if key in card] + [key for key in card if key not in ORDER]
    keys = [key for key in keys if key not in ("name", "version", RECORDS) and card[key] not in (None, "", {}, [])]
    lines = [f"# {name}, version {version}", ""]
    lines += [f"- **{_title(key)}**: {_inline(card[key])}" for key in keys if not _is_group(card[key])]
    for key in keys:
        if _is_group(card[key]):
            lines += ["", f"## {_title(key)}", "", *_group(card[key])]
    return "\n".join(lines).rstrip() + "\n"


def _is_group(value: Any) -> bool:
    return isinstance(value, Mapping) or (_is_list(value) and any(isinstance(item, Mapping) for item in value))


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _group(value: Any) -> list[str]:
    if not isinstance(value, Mapping) or _is_table(value):
        return _table(value)
    lines: list[str] = []
    for key, item in value.items():
        if _is_table(item):
            lines += ["", f"### {_title(key)}", "", *_table(item), ""]
        else:
            lines.append(f"- **{_title(key)}**: {_inline(item)}")
    return lines


def _is_table(value: Any) -> bool:
    """Whether every entry is a row of named values."""
    rows = value.values() if isinstance(value, Mapping) else value if _is_list(value) else ()
    return len(rows) > 1 and all(isinstance(row, Mapping) and row for row in rows)


def _table(entries: Any) -> list[str]:
    named = entries if isinstance(entries, Mapping) else dict(enumerate(entries, start=1))
    rows = {str(name): row if isinstance(row, Mapping) else {"value": row} for name, row in named.items()}
    columns = list(dict.fromkeys(str(key) for row in rows.values() for key in row))
    head = ["| | " + " | ".join(_cell(_title(column)) for column in columns) + " |", "|---" * (len(columns) + 1) + "|"]
    body = [
        f"| {_cell(name)} | " + " | ".join(_cell(_inline(row.get(column, ""))) for column in columns) + " |"
        for name, row in rows.items()
    ]
    return head + body


def _inline(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1e6 else f"{value:,.0f}"
    if value is None:
        return "–"
    if isinstance(value, Mapping):
        # Keys are printed as they are: they may be labels.
        return _shortened([f"{key} {_inline(item)}" for key, item in value.items()]) or "–"
    if _is_list(value):
        return _inline_list(value)
    return re.sub(r"\s+", " ", str(value)).strip()


def _inline_list(value: Sequence[Any]) -> str:
    if len(value) == 2 and all(isinstance(item, float) for item in value):
        return f"{_inline(value[0])} to {_inline(value[1])}"
    return _shortened([_inline(item) for item in value])


def _shortened(parts: Sequence[str]) -> str:
    shown = ", ".join(parts[:MANY])
    return shown if len(parts) <= MANY else f"{shown}, … ({len(parts)} in all)"


def _title(key: str) -> str:
    words = str(key).replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|").strip()
