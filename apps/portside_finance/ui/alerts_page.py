"""What is wrong, since when, and which headlines say so; and whether the feeds can be trusted to say more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from portside_finance.feeds import Feed
from portside_finance.service import FinanceService
from portside_finance.store_alerts import AlertRow
from portside_finance.ui.overview_page import no_headlines, topic_word
from portside_ui.frame import KeyFigure, empty_state, filter_bar, key_figures, page_header, section
from portside_ui.why import Evidence, plain, why_card
from portside_ui.words import _, day, moment, n_, number

__all__ = ["draw_feeds", "render"]

_MOST = 20
_SHOWN_HEADLINES = 6


def render(service: FinanceService) -> None:
    """Draw the page."""
    page_header(_("Alerts"), _("Where is bad news piling up beyond what is usual, and has someone looked into it?"))
    if service.store.span() is None:
        no_headlines("finance-alerts")
        return
    counts = service.alert_counts()
    rows = service.alerts(_states(), limit=_MOST)
    _figures(service, counts)
    if not rows:
        empty_state(
            _("No alerts here"),
            _("An alert appears when a company or topic has far more negative stories than usual."),
            key="finance-alerts-none",
        )
    names = service.choices().companies
    for row in rows:
        _alert(service, row, names)
    total = sum(counts.values())
    if len(rows) == _MOST and total > _MOST:
        st.caption(_("The {n} latest of {total}.", n=_MOST, total=number(total)))
    section(_("Feed health"), _("A quiet feed may be a broken one."))
    draw_feeds(service.feeds(), "finance-alerts")


def _states() -> Sequence[str]:
    words = {
        "open": _("Under way"),
        "firing": _("Firing"),
        "pending": _("Pending"),
        "resolved": _("Resolved"),
        "all": _("All"),
    }
    with filter_bar():
        chosen = st.pills(
            _("State"),
            list(words),
            default="all",
            required=True,
            format_func=words.__getitem__,
            key="finance-alerts-state",
            wrap=True,
            bind="query-params",
        )
    return {"open": ["firing", "pending"], "all": []}.get(chosen or "all", [chosen or "all"])


def _figures(service: FinanceService, counts: Mapping[str, int]) -> None:
    sick = sum(state in ("broken", "failing", "stale") for _feed, state in service.feeds())
    budget = service.config.alerts.budget_per_30_days
    about = _(
        "The threshold is set for at most {budget} false alarms in 30 days over all companies and topics.",
        budget=number(budget, 1),
    )
    key_figures(
        [
            KeyFigure(_("Firing"), number(counts.get("firing", 0)), help=about),
            KeyFigure(
                _("Pending"), number(counts.get("pending", 0)), help=_("Unusual, but not yet over the threshold.")
            ),
            KeyFigure(_("Resolved"), number(counts.get("resolved", 0))),
            KeyFigure(_("Feeds that are unwell"), number(sick)),
        ]
    )


def _alert(service: FinanceService, row: AlertRow, names: Mapping[str, str]) -> None:
    episode = row.episode
    key = episode.series
    name = topic_word(key.name) if key.kind == "topic" else names.get(key.name, key.name)
    words = {"pending": _("Pending"), "firing": _("Firing"), "resolved": _("Resolved")}
    headlines = service.alert_headlines(row.id)
    evidence = [
        Evidence(found.text, link=found.url or None, note=f"{found.source} · {moment(found.published_at)}")
        for found in headlines[:_SHOWN_HEADLINES]
    ]
    since = _("since {day}", day=day(episode.opened))
    if episode.resolved:
        since = _("from {first} to {last}", first=day(episode.opened), last=day(episode.last_day))
    why_card(
        decision=f"{words[episode.state]} · {name} · {since}",
        reason=_reason(row),
        evidence=evidence,
        key=f"finance-alerts-{row.id}",
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _acknowledge(service, row)
    if len(headlines) > _SHOWN_HEADLINES:
        title = n_("All {n} headline behind it", "All {n} headlines behind it", len(headlines))
        with st.expander(title, icon=":material/newspaper:"):
            table = {
                _("Time"): [found.published_at for found in headlines],
                _("Headline"): [found.text for found in headlines],
                _("Source"): [found.source for found in headlines],
                _("Link"): [found.url or None for found in headlines],
            }
            st.dataframe(
                pd.DataFrame(table),
                hide_index=True,
                key=f"finance-alerts-table-{row.id}",
                column_config={_("Link"): st.column_config.LinkColumn(display_text=_("Open"))},
            )


def _reason(row: AlertRow) -> str:
    episode = row.episode
    rare = 1.0 / max(episode.peak_tail, 1e-12)
    often = _("less than once in {n} usual days", n=number(min(rare, 1e6)))
    told = _(
        "{count} negative stories on {day} where {expected} were expected: so many come {often}. {total} in all.",
        count=number(episode.peak_count),
        day=day(episode.peak_day),
        expected=number(episode.peak_expected, 1),
        often=often,
        total=number(episode.total_negative),
    )
    if not row.outside:
        return told
    marked = n_(
        "{n} headline behind it is unlike anything the sentiment model learned from.",
        "{n} headlines behind it are unlike anything the sentiment model learned from.",
        row.outside,
    )
    return f"{told} {marked}"


def _acknowledge(service: FinanceService, row: AlertRow) -> None:
    if row.acknowledged_at is not None:
        seen = _("Seen by {who}, {when}", who=row.acknowledged_by, when=moment(row.acknowledged_at))
        st.caption(f":material/check: {plain(seen)}" + (f": {plain(row.comment)}" if row.comment else ""))
        return
    comment = st.text_input(_("What did you find?"), max_chars=2000, key=f"finance-alerts-comment-{row.id}")
    if st.button(_("Acknowledge"), key=f"finance-alerts-ack-{row.id}"):
        service.acknowledge(row.id, comment or "")
        st.rerun()


def draw_feeds(feeds: Sequence[tuple[Feed, str]], page: str) -> None:
    """The feeds with their state in words."""
    if not feeds:
        st.caption(_("No feed is watched yet. Add one on the Sources page."))
        return
    words = {
        "new": _("Not read yet"),
        "ok": _("Well"),
        "failing": _("Failing"),
        "broken": _("Broken"),
        "stale": _("Stale: nothing new for days"),
    }
    table = {
        _("State"): [words[state] for _feed, state in feeds],
        _("Feed"): [feed.title or feed.url for feed, _state in feeds],
        _("Last new headline"): [feed.last_item_at for feed, _state in feeds],
        _("Headlines"): [feed.items_total for feed, _state in feeds],
        _("Errors"): [feed.errors_total for feed, _state in feeds],
        _("Last error"): [feed.last_error for feed, _state in feeds],
    }
    st.dataframe(pd.DataFrame(table), hide_index=True, key=f"{page}-feeds", alt=_("State of every feed"))
