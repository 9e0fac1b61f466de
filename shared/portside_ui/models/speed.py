"""How fast a model answers on this machine, and a button that makes it faster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from portside.inference.engines.choice import Measured, refusal, speed_up
from portside.inference.engines.store import place_of, read_compiled
from portside.registry import ModelVersion
from portside.said import in_words
from portside_ui.frame import section
from portside_ui.jobs_panel import job_panel, start_job
from portside_ui.runtime import Runtime
from portside_ui.why import plain
from portside_ui.words import _, number, percent

__all__ = ["speed_part"]


def speed_part(runtime: Runtime, versions: Sequence[ModelVersion], serving: int | None) -> None:
    """Draw the speed of the version that serves, or of the newest where none does."""
    version = next((one for one in versions if one.version == serving), max(versions, key=lambda one: one.version))
    section(_("Speed"))
    record = read_compiled(place_of(version.folder))
    if record is None:
        st.caption(
            _(
                "Version {version} answers as it was trained. Several engines can be measured on this machine; the "
                "fastest then serves whose answers stay the same.",
                version=number(version.version),
            )
        )
    else:
        _compiled(version, record.measured)
    job_panel(["core.compile"], "models-compile-jobs")
    label = _("Make it faster") if record is None else _("Measure again")
    start_job("core.compile", {"model": version.ref}, label=label, key="models-compile")


def _compiled(version: ModelVersion, found: Mapping[str, Any]) -> None:
    try:
        original = Measured(**found["original"])
        engines = [Measured(**one) for one in found["engines"]]
        rows, serves = int(found["rows"]), str(found["serves"])
    except (KeyError, TypeError, ValueError):  # of another Portside: the figures are missed, the model still serves
        return
    chosen = next((one for one in engines if one.engine == serves), None)
    if chosen is None:
        sentence = _(
            "No engine of this machine was faster with the same answers: version {version} answers as it was trained.",
            version=number(version.version),
        )
    else:
        sentence = _(
            "Version {version} is served by {engine}, {times} times as fast as it was trained; {share} of its answers "
            "to {rows} rows are the same.",
            version=number(version.version),
            engine=plain(serves),
            times=f"{speed_up(chosen, original):.1f}",
            share=percent(chosen.agreement),
            rows=number(rows),
        )
    st.markdown(sentence)
    table = pd.DataFrame([_row(one, original, rows, serves) for one in (original, *engines)])
    with st.expander(_("What was measured")):
        st.dataframe(table, width="stretch", hide_index=True, key="models-engines")


def _row(one: Measured, original: Measured, rows: int, serves: str) -> dict[str, str]:
    if one.engine == serves:
        verdict = _("serves")
    else:
        verdict = "" if one is original else in_words(refusal(one, original, rows), _)
    return {
        _("Engine"): one.engine,
        _("Texts a second"): number(round(one.texts_per_second)),
        _("One text, ms"): f"{one.single_ms:.1f}",
        _("Same answers"): percent(one.agreement),
        _("Right"): "–" if one.quality is None else percent(one.quality),
        _("Verdict"): verdict,
    }
