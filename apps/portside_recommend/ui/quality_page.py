"""How good the lists are: the latest measurement against simple rivals, and those before it."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from portside_recommend.service import RecommendService
from portside_recommend.store import StoredEvaluation
from portside_ui.charts import COLOURS, figure, show_chart
from portside_ui.frame import KeyFigure, empty_state, filter_bar, key_figures, page_header, section
from portside_ui.jobs_panel import job_panel, start_job
from portside_ui.words import _, moment, n_, number, percent

__all__ = ["render"]

KEY = "recommend-quality"
OURS = "Portside"
RIVAL = "item-kNN"
JOBS = ["recommend.evaluate", "recommend.train"]


def render(service: RecommendService) -> None:
    """Start a measurement or a training, show the latest result."""
    page_header(_("List quality"), _("Do people choose what we would have suggested, more than simple rules would?"))
    counts = service.store.counts()
    nothing = counts.events == 0
    with filter_bar():
        protocol = st.radio(
            _("Hold back"),
            ["time", "last"],
            format_func=lambda each: _("The newest events") if each == "time" else _("Each person's last choice"),
            horizontal=True,
            key=f"{KEY}-protocol",
            bind="query-params",
        )
        params = {"protocol": protocol}
        start_job("recommend.evaluate", params, label=_("Measure now"), key=f"{KEY}-start", disabled=nothing)
        start_job("recommend.train", {}, label=_("Train on all events"), key=f"{KEY}-train", disabled=nothing)
    job_panel(JOBS, f"{KEY}-jobs")
    kept = service.evaluations()
    if not kept:
        body = _("A measurement hides the newest events, learns from the rest, and looks what people then chose.")
        empty_state(_("Nothing measured yet"), body, key=f"{KEY}-empty")
        return
    _draw_latest(kept[0])
    _draw_earlier(kept)


def _draw_latest(one: StoredEvaluation) -> None:
    report, k = one.report, one.report["k"]
    ours, rival = report["methods"][OURS], report["methods"][RIVAL]
    names = {
        "recall": _("Found again, first {k}", k=k),
        "ndcg": _("Ranked well, first {k}", k=k),
        "hit_rate": _("People with a hit"),
        "coverage": _("Catalogue shown"),
    }
    helps = {
        "recall": _("Recall@{k}: share of what people chose that stood in their lists.", k=k),
        "ndcg": _("NDCG@{k}: the same, counting more what stood higher.", k=k),
        "hit_rate": _("People who chose at least one thing of their list."),
        "coverage": _("Items that stood in at least one list."),
    }
    key_figures(
        [
            KeyFigure(
                names[metric],
                percent(ours[metric][0]),
                delta=_(
                    "{points} points against item-kNN", points=f"{100 * (ours[metric][0] - rival[metric][0]):+.1f}"
                ),
                good="up",
                help=helps[metric],
            )
            for metric in names
        ]
    )
    section(_("Against simple rules"), _facts(one))
    methods = report["methods"]
    made = figure(yaxis={"title": names["ndcg"], "tickformat": ".1%"}, showlegend=False)
    made.add_bar(
        x=list(methods),
        y=[methods[name]["ndcg"][0] for name in methods],
        marker_color=[COLOURS.selection if name == OURS else COLOURS.neutral for name in methods],
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [methods[name]["ndcg"][2] - methods[name]["ndcg"][0] for name in methods],
            "arrayminus": [methods[name]["ndcg"][0] - methods[name]["ndcg"][1] for name in methods],
        },
    )
    show_chart(made, summary=_verdict(report), table=_table(methods, names), key=f"{KEY}-chart")


def _facts(one: StoredEvaluation) -> str:
    held = _("the newest events") if one.protocol == "time" else _("each person's last choice")
    return _(
        "Measured {when} on {held}: {people}, all {items} items ranked. Encoder: {model}.",
        when=moment(one.at),
        held=held,
        people=n_("{n} person", "{n} people", one.report["cases"]),
        items=number(one.report["items"]),
        model=one.model,
    )


def _verdict(report: dict[str, Any]) -> str:
    gain = report["gains"][RIVAL]
    value, low, high = (f"{100 * each:+.2f}" for each in gain["ndcg"])
    if gain["better"]:
        return _(
            "Better than item-kNN by {value} points of NDCG (95 %: {low} to {high}).", value=value, low=low, high=high
        )
    return _(
        "Not clearly better than item-kNN: {value} points of NDCG (95 %: {low} to {high}).",
        value=value,
        low=low,
        high=high,
    )


def _table(methods: dict[str, Any], names: dict[str, str]) -> pd.DataFrame:
    rows = []
    for method, figures in methods.items():
        cells = {title: _interval(figures[metric]) for metric, title in names.items()}
        rows.append({_("Method"): _(method), **cells})
    return pd.DataFrame(rows)


def _points(share: float) -> str:
    return f"{100 * share:+.1f}"


def _interval(figures: list[float]) -> str:
    value, low, high = (percent(each, 2) for each in figures)
    return f"{value} [{low}, {high}]"


def _draw_earlier(kept: list[StoredEvaluation]) -> None:
    section(_("Earlier measurements"))
    rows = [
        {
            _("When"): moment(one.at),
            _("Protocol"): one.protocol,
            _("Encoder"): one.model,
            _("People"): one.report["cases"],
            "Recall": one.report["methods"][OURS]["recall"][0],
            "NDCG": one.report["methods"][OURS]["ndcg"][0],
        }
        for one in kept
    ]
    st.dataframe(pd.DataFrame(rows), width="stretch", hide_index=True, key=f"{KEY}-earlier")
