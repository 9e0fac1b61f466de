"""What identifies model and data at the head of a report."""

from __future__ import annotations

from pathlib import Path

from portside.registry import ModelVersion
from portside.said import Said, said

__all__ = ["KEPT_ASIDE", "facts_of", "kept_aside", "on_file", "title_of"]

KEPT_ASIDE = said("rows kept aside")
"""What stands for a file where the rows are those that a version keeps: nobody named that file."""


def facts_of(version: ModelVersion, source: str, rows: int) -> list[tuple[str, str]]:
    """Name and value, without those that the card does not tell."""
    card = version.card
    data = card.get("data") or {}
    learned = int(data.get("trained_on") or 0)
    facts = [
        ("Measured on", source if kept_aside(source) else _name(source)),
        ("Rows", f"{rows:,}"),
        ("Method", str(card.get("method", ""))),
        ("Encoder", str((card.get("encoder") or {}).get("name", ""))),
        ("Trained", str(card.get("created_at", ""))[:16].replace("T", " ")),
        # A card that does not tell how many must not say none.
        ("Trained on", said("{n} rows of {file}", n=f"{learned:,}", file=_name(data.get("source"))) if learned else ""),
    ]
    return [(name, value) for name, value in facts if value]


def _name(source: object) -> str:
    return Path(str(source or "")).name


def title_of(version: ModelVersion) -> str:
    """A report's title."""
    return said("{name}, version {version}", name=version.name, version=version.version)


def kept_aside(source: str) -> bool:
    """Whether ``source`` is no file but ``KEPT_ASIDE``; a file may be called so, too."""
    return isinstance(source, Said) and source == KEPT_ASIDE


def on_file(rows: int, source: str) -> str:
    """Which rows, as a sentence."""
    if kept_aside(source):
        return said("{n} rows that were kept aside from training.", n=f"{rows:,}")
    return said("{n} rows of {file}.", n=f"{rows:,}", file=_name(source))
