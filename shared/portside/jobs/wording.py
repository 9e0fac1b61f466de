"""Sentences of a job's record: stored in English, with what they were made of beside them, for other languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portside import said

__all__ = ["with_records", "with_sentences"]


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
