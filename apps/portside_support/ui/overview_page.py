"""How the desk does: volume, what was answered, retrieved and handed over, and what nobody could answer."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from portside.errors import PortsideError
from portside_support.articles import plain_text
from portside_support.records import Message, Outcome
from portside_support.reporting import Series, share, totals, volume
from portside_support.service import Overview, SupportService
from portside_support.wording import reason_sentence
from portside_ui.charts import COLOURS, figure, show_chart
from portside_ui.frame import KeyFigure, empty_state, error_state, filter_bar, key_figures, page_header, section
from portside_ui.jobs_panel import job_panel, start_job
from portside_ui.why import Evidence, why_card
from portside_ui.words import _, day, moment, n_, number, percent

TRAIN_JOB, SAMPLES_JOB, ARTICLES_JOB = "support.train", "support.samples", "support.import_kb"
JOBS = (SAMPLES_JOB, TRAIN_JOB, ARTICLES_JOB)


def render(service: SupportService) -> None:
    """Draw the page."""
    page_header(_("Overview"), _("How many conversations does the bot settle, and what can it not answer?"))
    days, channel = _filters(service)
    overview = service.overview(days, channel)
    if not overview.days:
        body = _("Conversations appear here as customers write. Past ones can be imported.")
        empty_state(_("No conversations in this period"), body, key="support-overview-empty")
        start_job(SAMPLES_JOB, {}, label=_("Import the samples"), key="support-overview-samples")
        job_panel(JOBS, key="support-overview-jobs")
        return
    series = volume(overview.days)
    _figures(overview, series)
    _picture(series)
    _intents(overview)
    _unanswered(service, days, channel)
    _learn(service)


def _filters(service: SupportService) -> tuple[int | None, str | None]:
    periods = {"7": _("7 days"), "30": _("30 days"), "90": _("90 days"), "all": _("All")}
    every = {"all": _("All channels")}
    with filter_bar():
        period = st.segmented_control(
            _("Period"),
            list(periods),
            default="all",
            required=True,
            format_func=periods.__getitem__,
            key="support-overview-days",
            bind="query-params",
        )
        channel = st.selectbox(
            _("Channel"),
            ["all", *service.channels()],
            format_func=lambda name: every.get(name, name),
            key="support-overview-channel",
            bind="query-params",
        )
    return (None if period in (None, "all") else int(period)), (None if channel in (None, "all") else channel)


def outcome_words() -> dict[Outcome, str]:
    """How a conversation went, in the user's words."""
    return {
        "answered": _("Answered"),
        "retrieved": _("Retrieved"),
        "handed_over": _("Handed over"),
        "none": _("No reply yet"),
    }


def _figures(overview: Overview, series: Series) -> None:
    now, before = totals(overview.days), totals(overview.before)
    count, count_before = sum(now.values()), sum(before.values())
    change = f"{count - count_before:+,d}" if overview.before else None
    figures = [KeyFigure(_("Conversations"), number(count), change, trend=series.totals)]
    good: Mapping[Outcome, str | None] = {"answered": "up", "retrieved": None, "handed_over": "down"}
    for outcome, welcome in good.items():
        part, earlier = share(now, outcome), share(before, outcome)
        delta = None
        if part is not None and earlier is not None:
            delta = _("{points} points", points=f"{100 * (part - earlier):+.1f}")
        value = percent(part) if part is not None else "–"
        trend = series.by_outcome[outcome]
        figures.append(KeyFigure(outcome_words()[outcome], value, delta, welcome, trend))  # type: ignore[arg-type]
    key_figures(figures)


def _picture(series: Series) -> None:
    words = outcome_words()
    colours = dict(zip(words, (COLOURS.positive, COLOURS.selection, COLOURS.warning, COLOURS.neutral), strict=True))
    shapes = dict(zip(words, ("", "/", "x", "."), strict=True))
    fig = figure(barmode="stack")
    for outcome, numbers in series.by_outcome.items():
        pattern = {"shape": shapes[outcome], "fgcolor": "white", "size": 5}
        marker = {"color": colours[outcome], "pattern": pattern}
        fig.add_bar(x=list(series.starts), y=list(numbers), name=words[outcome], marker=marker)
    columns = {words[outcome]: list(numbers) for outcome, numbers in series.by_outcome.items()}
    table = pd.DataFrame({_("Week from") if series.weekly else _("Day"): list(series.starts), **columns})
    busiest = max(range(len(series.starts)), key=series.totals.__getitem__)
    summary = _(
        "Most conversations began on {day}: {count}. Days are UTC days.",
        day=day(series.starts[busiest]),
        count=number(series.totals[busiest]),
    )
    if series.weekly:
        summary = _(
            "Most conversations began in the week from {day}: {count}. Days are UTC days.",
            day=day(series.starts[busiest]),
            count=number(series.totals[busiest]),
        )
    section(_("Conversations over time"))
    show_chart(fig, summary=summary, table=table, key="support-overview-volume")


def _intents(overview: Overview) -> None:
    section(_("What customers ask about"))
    if not overview.intents:
        st.caption(_("No conversation had a sure intent in this period."))
        return
    rows = [(one.intent, one.conversations, 100 * one.answered / one.conversations) for one in overview.intents]
    st.dataframe(
        pd.DataFrame(rows, columns=["intent", "conversations", "answered"]),
        hide_index=True,
        key="support-overview-intents",
        column_config={
            "intent": st.column_config.TextColumn(_("Intent")),
            "conversations": st.column_config.NumberColumn(_("Conversations")),
            "answered": st.column_config.ProgressColumn(
                _("Answered by the bot"), format="%.0f %%", min_value=0, max_value=100
            ),
        },
    )


def _unanswered(service: SupportService, days: int | None, channel: str | None) -> None:
    section(_("Latest unanswered questions"), _("Say what they were about; the next training learns from it."))
    turns = service.unanswered(days, channel)
    if not turns:
        st.caption(_("Every question had an approved answer, or somebody said what it was about."))
        return
    words = {"retrieve": _("Retrieved"), "hand_over": _("Handed over")}
    columns = [_("Question"), _("Reply"), _("Why"), _("Channel"), _("When")]
    rows = [
        (one.text, words[one.kind], reason_words(one.code, one.facts), one.channel, moment(one.at)) for one in turns
    ]
    st.dataframe(pd.DataFrame(rows, columns=columns), hide_index=True, key="support-overview-unanswered")
    by_id = {one.message_id: one for one in turns}
    with st.container(border=True):
        chosen = st.selectbox(
            _("Question"),
            list(by_id),
            format_func=lambda message: by_id[message].text[:120],
            key="support-overview-question",
        )
        if chosen is not None:
            correction_form(service, chosen, by_id[chosen].intent, key="support-overview")


def _learn(service: SupportService) -> None:
    known = len(service.corrections())
    if known:
        section(_("Learn"), n_("{n} correction will be learned from.", "{n} corrections will be learned from.", known))
        start_job(TRAIN_JOB, {}, label=_("Train with the corrections"), key="support-overview-train")
    job_panel(JOBS, key="support-overview-jobs")


def correction_form(service: SupportService, message_id: int, guess: str | None, *, key: str) -> None:
    """Let the reader say which intent a customer's message had."""
    intents = {intent.name: intent.example for intent in service.intents()}
    names = sorted(intents)
    intent = st.selectbox(
        _("What was it about?"),
        names,
        index=names.index(guess) if guess in intents else None,
        format_func=lambda name: f"{name} · {intents[name]}" if intents[name] else name,
        key=f"{key}-intent-{message_id}",
    )
    name = st.text_input(_("Your name"), key=f"{key}-corrector", max_chars=80)
    if st.button(_("Save"), key=f"{key}-correct-{message_id}", disabled=not intent or not (name or "").strip()):
        try:
            service.correct(message_id, intent or "", name or "")
        except PortsideError as error:
            error_state(error)
            return
        st.toast(_("Saved. The next training learns from it."))
        st.session_state.pop(f"{key}-wrong", None)
        st.rerun()


def reason_words(code: str, facts: Mapping[str, str | float]) -> str:
    """The reason of a decision in the reader's language."""
    return reason_sentence(code, facts, _)


def explain(service: SupportService, message: Message, *, key: str, with_evidence: bool = True) -> None:
    """The why card of one reply of the bot's."""
    decisions = {
        "answer": _("Answered"),
        "ask_slot": _("Asked back"),
        "retrieve": _("Retrieved"),
        "hand_over": _("Handed over"),
    }

    def mark_wrong() -> None:
        st.session_state[f"{key}-wrong"] = message.question_id

    why_card(
        decision=decisions.get(message.kind or "", ""),
        reason=reason_words(message.code, message.facts),
        evidence=[
            Evidence(
                f"{hit.passage.title} › {hit.passage.heading}".rstrip(" ›"),
                plain_text(hit.passage.text),
                hit.passage.url or None,
                _("{share} alike", share=percent(hit.similarity, 0)),
            )
            for hit in (message.hits if with_evidence else ())
        ],
        model=message.model or None,
        key=key,
        correct=mark_wrong if message.question_id is not None else None,
        correct_label=_("It was about something else"),
    )
    if message.question_id is not None and st.session_state.get(f"{key}-wrong") == message.question_id:
        correction_form(service, message.question_id, message.intent, key=key)
