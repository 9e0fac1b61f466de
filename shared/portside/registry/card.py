"""A model card that people can read, written from the card that programs read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["render_card"]

ORDER = ("summary", "task", "created_at", "parent", "encoder", "labels", "metrics", "data", "recipe")
"""What a reader looks for first; the rest follows in the card's own order."""

MANY = 40
"""A list longer than this shows its first entries and how many there are."""


def render_card(card: Mapping[str, Any], ref: str) -> str:
    """Markdown with a title, the plain facts as a list, and one section for each group of facts."""
    name, _, version = ref.partition(":")
    keys = [key for key in ORDER if key in card] + [key for key in card if key not in ORDER]
    keys = [key for key in keys if key not in ("name", "version") and card[key] not in (None, "", {}, [])]
    lines = [f"# {name}, version {version}", ""]
    lines += [f"- **{_title(key)}**: {_inline(card[key])}" for key in keys if not _is_group(card[key])]
    for key in keys:
        if _is_group(card[key]):
            lines += ["", f"## {_title(key)}", "", *_group(card[key], depth=0)]
    return "\n".join(lines).rstrip() + "\n"


def _is_group(value: Any) -> bool:
    return isinstance(value, Mapping) or (_is_list(value) and any(isinstance(item, Mapping) for item in value))


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _group(value: Any, depth: int) -> list[str]:
    if isinstance(value, Mapping):
        rows = list(value.values())
        if depth == 0 and len(rows) > 1 and all(isinstance(row, Mapping) and row for row in rows):
            return _table({str(key): row for key, row in value.items()})
        return [line for key, item in value.items() for line in _entry(_title(str(key)), item, depth)]
    return _table({str(place): row for place, row in enumerate(value, start=1) if isinstance(row, Mapping)})


def _entry(title: str, value: Any, depth: int) -> list[str]:
    indent = "  " * depth
    if isinstance(value, Mapping) and value:
        inner = value.values()
        if depth == 0 and len(inner) > 1 and all(isinstance(row, Mapping) and row for row in inner):
            return ["", f"### {title}", "", *_table({str(key): row for key, row in value.items()}), ""]
        return [
            f"{indent}- **{title}**:",
            *(line for k, v in value.items() for line in _entry(_title(k), v, depth + 1)),
        ]
    return [f"{indent}- **{title}**: {_inline(value)}"]


def _table(rows: Mapping[str, Mapping[str, Any]]) -> list[str]:
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
        return ", ".join(f"{_title(str(key))}: {_inline(item)}" for key, item in value.items())
    if _is_list(value):
        return _inline_list(value)
    return re.sub(r"\s+", " ", str(value)).strip()


def _inline_list(value: Sequence[Any]) -> str:
    if len(value) == 2 and all(isinstance(item, float) for item in value):
        return f"{_inline(value[0])} to {_inline(value[1])}"
    shown = ", ".join(_inline(item) for item in value[:MANY])
    return shown if len(value) <= MANY else f"{shown}, … ({len(value)} in all)"


def _title(key: str) -> str:
    words = str(key).replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|").strip()
