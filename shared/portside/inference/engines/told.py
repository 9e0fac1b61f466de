"""What ``portside compile`` found out about a model, in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from portside.inference.engines.choice import MOST_LOSS, Measured, speed_up
from portside.inference.engines.store import Compiled, made_elsewhere, place_of, read_compiled

__all__ = ["told", "told_of"]


def told_of(version_folder: Path, name: str) -> tuple[str, Mapping[str, Any] | None]:
    """What serves the version in this folder, in words, and what was measured; None where nothing was, here.

    ``name`` is what ``portside compile`` knows it by.
    """
    place = place_of(version_folder)
    record = read_compiled(place)
    if record is not None:
        return told(record), record.measured
    elsewhere = made_elsewhere(place)
    if elsewhere:
        return f"Speed: the original serves; it was {elsewhere}", None
    return f"Speed: not measured on this machine; portside compile {name} looks for a faster engine", None


def told(record: Compiled) -> str:
    """Which engine serves, how fast and how well; or that the original does, and why each engine may not."""
    found = record.measured
    try:
        original = Measured(**found["original"])
        engines = {one["engine"]: Measured(**one) for one in found["engines"]}
        rows, measure = int(found["rows"]), str(found["measure"])
        reasons = {**found["refused"], **found["failed"]}
    except (KeyError, TypeError, ValueError):  # of another Portside: the figures are missed, the model still serves
        return f"Speed: served by {record.engine}"
    chosen = engines.get(record.engine)
    if chosen is None:
        why = "".join(f"; {engine}: {reason}" for engine, reason in reasons.items())
        return f"Speed: the original serves, {_figures(original, measure)}, n = {rows:,}{why}"
    engine, before = _figures(chosen, measure, chosen.engine), _figures(original, measure, "the original")
    return (
        f"Speed: served by {engine}, {100 * chosen.agreement:.1f} % the same answers; "
        f"{speed_up(chosen, original):.1f} times as fast as {before}, n = {rows:,}{_lost(chosen, original)}"
    )


def _lost(chosen: Measured, original: Measured) -> str:
    if chosen.quality is None or original.quality is None or original.quality - chosen.quality < MOST_LOSS + 1e-9:
        return ""
    return f"; more than {100 * MOST_LOSS:g} points are lost, but no more than one of so few rows"


def _figures(one: Measured, measure: str, name: str = "") -> str:
    quality = "" if one.figure is None else f", {measure} {100 * one.figure:.2f} %"
    speed = f"{one.texts_per_second:,.0f} texts/s, one text in {one.single_ms:.1f} ms{quality}"
    return f"{name} ({speed})" if name else speed
