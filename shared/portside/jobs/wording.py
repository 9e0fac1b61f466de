"""Sentences of a job's record: stored in English, with what they were made of beside them, for other languages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from portside import said

__all__ = ["kept_message", "told_message", "with_records", "with_sentences"]

BESIDE = "\x1e"
"""Between a message and what it was made of."""


def kept_message(message: str) -> str:
    """A message of progress as it is sent and stored: with what it was made of behind it."""
    if not isinstance(message, said.Said):
        return message
    return f"{message}{BESIDE}{json.dumps(message.to_record(), ensure_ascii=False)}"


def told_message(kept: str) -> str:
    """The message again, which remembers its template; one that never did, or is not whole, as it is."""
    message, beside, record = kept.rpartition(BESIDE)
    if not beside:
        return kept
    try:
        return said.from_record(message, json.loads(record))
    except ValueError:
        return kept


def with_records(result: Mapping[str, Any] | None, error: str | None) -> dict[str, Any] | None:
    """What is stored as the result: it tells what its summary and ``error`` were made of."""
    if error is None:
        return None if result is None else said.with_records(result, ("summary",))
    told = said.with_records({"error": error}, ("error",))
    del told["error"]  # it has a column of its own
    return {**(result or {}), **told} or None


def with_sentences(result: Mapping[str, Any] | None, error: str | None) -> tuple[dict[str, Any] | None, str | None]:
    """The result and the error again, which now remember their templates. Older records have none and stay English."""
    if error is None:
        return (None if result is None else said.with_sentences(result)), None
    found = said.with_sentences({**(result or {}), "error": error})
    error = found.pop("error")
    return found or None, error
