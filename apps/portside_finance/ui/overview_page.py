"""How the mood of the news moves, overall and for each topic and company."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from portside.inference.outside_gate import FALSE_ALARMS
from portside_finance.records import Filters, Readings, TrendPoint
from portside_finance.service import Choices, FinanceService, Overview
from portside_finance.trends import GroupMood, Mood, wilson
from portside_ui.charts import COLOURS, figure, show_chart
from portside_ui.frame import KeyFigure, empty_state, filter_bar, key_figures, page_header, section
from portside_ui.jobs_panel import job_panel, start_job
from portside_ui.words import _, day, n_, number, percent

__all__ = ["accept_code", "choose", "company_label", "no_headlines", "render", "sentiment_word", "topic_word"]

_PERIODS = {"30": 30, "90": 90, "365": 365, "all": None}
_MOST_ROWS = 200
"""Companies in the table: more are found through the filter."""


def render(service: FinanceService) -> None:
    """Draw the page."""
    page_header(_("News mood"), _("Is the news about what you watch turning bad, since when, and how sure is that?"))
    choices = service.choices()
    if choices.span is None:
        no_headlines("finance-overview")
        return
    with filter_bar():
        filters = choose(choices, "finance-overview")
    overview = service.overview(filters)
    if overview is None or overview.now is None:
        if not _unread(overview):
            empty_state(
                _("No stories match"), _("Choose a longer period or fewer filters."), key="finance-overview-none"
            )
        return
    _unread(overview)
    _figures(service, overview, overview.now)
    _unfamiliar(overview.readings)
    _picture(overview)
    topics = [topic_word(row.name) for row in overview.topics]
    names = [choices.companies.get(row.name, row.name) for row in overview.companies]
    section(_("By topic"), _("The most surely negative first. Each story counts once, however many copies it has."))
    _groups(overview.topics, topics, "topic")
    section(_("By company"))
    _groups(overview.companies[:_MOST_ROWS], names[:_MOST_ROWS], "company")
    job_panel(["finance.score"], key="finance-overview-jobs")


def no_headlines(page: str) -> None:
    """The state of every page before the first import."""
    empty_state(
        _("No headlines yet"),
        _("Import the samples, or bring your own files and feeds on the Sources page."),
        key=f"{page}-empty",
    )
    start_job(kind="finance.samples", params={}, label=_("Import the samples"), key=f"{page}-samples")
    job_panel(["finance.samples", "finance.ingest"], key=f"{page}-jobs")


def choose(choices: Choices, page: str) -> Filters:
    """The filters that both reading pages share; they live in the URL."""
    words = {"30": _("30 days"), "90": _("90 days"), "365": _("1 year"), "all": _("All time")}
    accept_code(f"{page}-period", list(words))
    period = st.selectbox(
        _("Period"), list(words), index=1, format_func=words.__getitem__, key=f"{page}-period", bind="query-params"
    )
    topic = _one_of(_("Topic"), choices.topics, _("All topics"), f"{page}-topic", topic_word)
    tickers = list(choices.companies)
    ticker = _one_of(_("Company"), tickers, _("All companies"), f"{page}-company", lambda t: company_label(t, choices))
    source = _one_of(_("Source"), choices.sources, _("All sources"), f"{page}-source", str)
    days = _PERIODS[period or "90"]
    since = choices.span[1] - timedelta(days=days - 1) if days and choices.span else None
    return Filters(since=since, topic=topic, ticker=ticker, source=source)


def _one_of(label: str, options: Sequence[str], everything: str, key: str, word: Any) -> str:
    accept_code(key, options)
    chosen = st.selectbox(
        label,
        ["", *options],
        format_func=lambda value: word(value) if value else everything,
        key=key,
        bind="query-params",
    )
    return chosen or ""


def accept_code(key: str, codes: Sequence[str]) -> None:
    """Let a link name a choice by its code ("all", a ticker), which is the same in every language.

    The URL itself shows the words of the session's language, as bound widgets do.
    """
    asked = st.query_params.get(key)
    if asked in codes and key not in st.session_state:
        st.session_state[key] = asked


def company_label(ticker: str, choices: Choices) -> str:
    """A company as the filter shows it, and as it stands in the URL."""
    name = choices.companies.get(ticker, ticker)
    return f"{name} · {ticker}" if name != ticker else ticker


def topic_word(topic: str) -> str:
    """A topic for people: translated where the catalogue knows it."""
    return _(topic.replace("_", " ").strip().capitalize()) if topic else _("No topic yet")


def sentiment_word(sentiment: str) -> str:
    """A sentiment for people."""
    words = {"negative": _("Negative"), "neutral": _("Neutral"), "positive": _("Positive"), "": _("Not read yet")}
    return words.get(sentiment, sentiment)


def _unread(overview: Overview | None) -> bool:
    if overview is None or not overview.unscored:
        return False
    message = n_(
        "{n} text is not read by the models yet and is missing here.",
        "{n} texts are not read by the models yet and are missing here.",
        overview.unscored,
    )
    st.info(message, icon=":material/hourglass_empty:")
    start_job(kind="finance.score", params={}, label=_("Read them now"), key="finance-overview-score")
    return True


def _figures(service: FinanceService, overview: Overview, now: TrendPoint) -> None:
    share = now.negative / now.stories
    low, high = wilson(now.negative, now.stories)
    before = overview.before
    change = change_n = None
    if before:
        change = _("{change} points", change=f"{100 * (share - before.negative / before.stories):+.1f}")
        change_n = f"{now.stories - before.stories:+,d}"
    firing = service.alert_counts().get("firing", 0)
    interval = _(
        "95 % sure between {low} and {high}; n = {n}", low=percent(low), high=percent(high), n=number(now.stories)
    )
    key_figures(
        [
            KeyFigure(
                _("Negative stories"),
                f"{number(100 * share, 1)} ± {percent((high - low) / 2)}",
                change,
                "down",
                [mood.negative_share for mood in overview.moods],
                interval,
            ),
            KeyFigure(_("Stories"), number(now.stories), change_n, trend=[mood.stories for mood in overview.moods]),
            KeyFigure(
                _("Positive stories"),
                percent(now.positive / now.stories),
                trend=[mood.positive / mood.stories for mood in overview.moods],
            ),
            KeyFigure(_("Alerts firing"), number(firing), help=_("See the Alerts page.")),
        ]
    )


def _unfamiliar(readings: Readings) -> None:
    if not readings.outside:
        return
    message = _(
        "{share} of these stories are unlike anything the sentiment model learned from ({n} of {total}); about {usual} "
        "is usual.",
        share=percent(readings.outside / readings.known),
        n=number(readings.outside),
        total=number(readings.known),
        usual=percent(FALSE_ALARMS, 0),
    )
    st.caption(message)


def _picture(overview: Overview) -> None:
    moods = overview.moods
    days = [mood.start for mood in moods]
    fig = figure(yaxis={"title": _("Mood: positive minus negative"), "range": [-1, 1], "tickformat": "+.0%"})
    band = COLOURS.selection
    fig.add_scatter(
        x=days, y=[m.high for m in moods], mode="lines", line={"width": 0}, showlegend=False, hoverinfo="skip"
    )
    fig.add_scatter(
        x=days,
        y=[m.low for m in moods],
        mode="lines",
        line={"width": 0},
        fill="tonexty",
        fillcolor="rgba(0,114,178,0.18)",
        name=_("95 % interval"),
        hoverinfo="skip",
    )
    fig.add_scatter(x=days, y=[m.net for m in moods], mode="lines+markers", line={"color": band}, name=_("Mood"))
    fig.add_hline(y=0, line={"color": COLOURS.neutral, "width": 1, "dash": "dot"})
    worst = min(moods, key=lambda mood: mood.high)
    summary = _(
        "From {since} to {until}, one point for each {size}. Lowest around {day}: {negative} of {n} stories negative.",
        since=day(overview.since),
        until=day(overview.until),
        size=n_("{n} day", "{n} days", overview.bucket_days),
        day=day(worst.start),
        negative=number(worst.negative),
        n=number(worst.stories),
    )
    show_chart(fig, summary=summary, table=_numbers(moods), key="finance-overview-mood")


def _numbers(moods: Sequence[Mood]) -> pd.DataFrame:
    rows = [
        [m.start, m.stories, m.negative, m.positive, round(m.net, 3), round(m.low, 3), round(m.high, 3)] for m in moods
    ]
    names = [_("From"), _("Stories"), _("Negative"), _("Positive"), _("Mood"), _("Low (95 %)"), _("High (95 %)")]
    return pd.DataFrame(rows, columns=names)


def _groups(rows: Sequence[GroupMood], names: Sequence[str], kind: str) -> None:
    if not rows:
        st.caption(_("Too few stories in this period to compare."))
        return
    links = [
        "/finance-headlines?"
        + urlencode({f"finance-headlines-{kind}": code, "finance-headlines-sentiment": "negative"})
        for code in (row.name for row in rows)
    ]
    name = _("Topic") if kind == "topic" else _("Company")
    columns = {
        name: list(names),
        _("Stories"): [row.mood.stories for row in rows],
        _("Negative"): [100 * row.mood.negative_share for row in rows],
        _("95 % interval"): [f"{percent(row.share_low, 0)} – {percent(row.share_high, 0)}" for row in rows],
        _("Over time"): [list(row.trend) for row in rows],
        _("Headlines"): links,
    }
    st.dataframe(
        pd.DataFrame(columns),
        hide_index=True,
        key=f"finance-overview-{kind}s",
        column_config={
            _("Negative"): st.column_config.NumberColumn(format="%.1f %%"),
            _("Over time"): st.column_config.LineChartColumn(y_min=0.0, y_max=1.0),
            _("Headlines"): st.column_config.LinkColumn(display_text=_("Read")),
        },
        alt=_("Share of negative stories by {what}", what=name),
    )
