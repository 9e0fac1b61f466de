"""What identifies model and data at the head of a report."""

from __future__ import annotations

from pathlib import Path

from portside.registry import ModelVersion
from portside.said import said

__all__ = ["facts_of", "on_file", "title_of"]


def facts_of(version: ModelVersion, source: str, rows: int) -> list[tuple[str, str]]:
    """Name and value, without those that the card does not tell."""
    card = version.card
    data = card.get("data") or {}
    facts = [
        ("Measured on", Path(source).name),
        ("Rows", f"{rows:,}"),
        ("Method", str(card.get("method", ""))),
        ("Encoder", str((card.get("encoder") or {}).get("name", ""))),
        ("Trained", str(card.get("created_at", ""))[:16].replace("T", " ")),
        ("Trained on", said("{n} rows of {file}", n=f"{data.get('trained_on', 0):,}", file=_name(data.get("source")))),
    ]
    return [(name, value) for name, value in facts if value]


def _name(source: object) -> str:
    return Path(str(source or "")).name


def title_of(version: ModelVersion) -> str:
    """A report's title."""
    return said("{name}, version {version}", name=version.name, version=version.version)


def on_file(rows: int, source: str) -> str:
    """Which rows, as a sentence."""
    return said("{n} rows of {file}.", n=f"{rows:,}", file=source)
