"""Find headlines, and see why each got its labels."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import streamlit as st

from portside.said import in_words
from portside_finance.records import Filters, HeadlineDetail, HeadlineRow, Readings
from portside_finance.service import Choices, FinanceService, HeadlinePage
from portside_finance.sureness import Sureness
from portside_finance.ui.overview_page import accept_code, choose, no_headlines, sentiment_word, topic_word
from portside_ui.frame import empty_state, filter_bar, page_header, section
from portside_ui.why import Evidence, plain, why_card
from portside_ui.words import _, moment, n_, percent, time_zone

__all__ = ["draw_detail", "render"]


def render(service: FinanceService) -> None:
    """Draw the page."""
    page_header(_("Headlines"), _("Which headlines stand behind the figures, and why were they read that way?"))
    choices = service.choices()
    if choices.span is None:
        no_headlines("finance-headlines")
        return
    filters = _filters(choices)
    page = service.headlines(filters, int(st.session_state.get("finance-headlines-page", 1)))
    if not page.total:
        empty_state(_("No headlines match"), _("Try fewer words or fewer filters."), key="finance-headlines-none")
        return
    st.caption(n_("{n} headline, newest first", "{n} headlines, newest first", page.total))
    chosen = _table(page, choices)
    _sureness(service.sureness(filters))
    if page.pages > 1:
        st.pagination(page.pages, key="finance-headlines-page", bind="query-params")
    if chosen is not None:
        section(_("Why"))
        draw_detail(service, choices, chosen.id)


def _filters(choices: Choices) -> Filters:
    with filter_bar():
        filters = choose(choices, "finance-headlines")
        accept_code("finance-headlines-sentiment", choices.sentiments)
        sentiment = st.selectbox(
            _("Sentiment"),
            ["", *choices.sentiments],
            format_func=lambda label: sentiment_word(label) if label else _("All sentiments"),
            key="finance-headlines-sentiment",
            bind="query-params",
        )
        search = st.text_input(_("Search"), max_chars=200, key="finance-headlines-search", bind="query-params")
    return replace(filters, sentiment=sentiment or "", search=search or "")


def _sureness(found: tuple[Sureness, Readings] | None) -> None:
    """From where on the model may be relied upon, and how many of these headlines that covers."""
    if found is None:
        return
    promise, readings, model = found[0].promise, found[1], found[0].model
    if promise is None:
        st.caption(
            _(
                "{model} keeps no labelled rows that it did not learn from, so no share of mistakes can be promised.",
                model=model,
            )
        )
        return
    if promise.threshold is None:
        st.caption(f"{plain(model)}: {plain(in_words(promise.sentence, _))}")
        return
    told = _(
        "Where {model} is at least {sure} sure of a familiar headline, it is wrong at most {risk} of the time "
        "(certain to {certainty}).",
        model=plain(model),
        sure=percent(promise.threshold),
        risk=percent(promise.risk, 0),
        certainty=percent(promise.certainty, 0),
    )
    if readings.by_version:
        told += " " + _(
            "{share} of the headlines here are such.", share=percent(readings.sure / readings.by_version, 0)
        )
    st.caption(told)


def _table(page: HeadlinePage, choices: Choices) -> HeadlineRow | None:
    names = choices.companies
    columns = {
        _("Time"): [row.published_at for row in page.rows],
        _("Headline"): [row.text for row in page.rows],
        _("Sentiment"): [sentiment_word(row.sentiment) for row in page.rows],
        _("Topic"): [topic_word(row.topic) for row in page.rows],
        _("Companies"): [", ".join(names.get(ticker, ticker) for ticker in row.tickers) for row in page.rows],
        _("Source"): [row.source for row in page.rows],
        _("Copies"): [row.copies for row in page.rows],
        _("Link"): [row.url or None for row in page.rows],
    }
    if any(row.outside for row in page.rows):
        columns[_("Note")] = [_("Unfamiliar") if row.outside else "" for row in page.rows]
    event = st.dataframe(
        pd.DataFrame(columns),
        hide_index=True,
        key="finance-headlines-table",
        on_select="rerun",
        selection_mode="single-row",
        selection_default={"selection": {"rows": [0]}},
        column_config={
            _("Time"): st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm", timezone=time_zone()),
            _("Headline"): st.column_config.TextColumn(width="large"),
            _("Link"): st.column_config.LinkColumn(display_text=_("Open")),
        },
        alt=_("Headlines that match the filters"),
    )
    rows = list(event["selection"]["rows"])
    return page.rows[rows[0]] if rows and rows[0] < len(page.rows) else None


def draw_detail(service: FinanceService, choices: Choices, headline: int) -> None:
    """The why card of one headline, and the form that corrects it."""
    detail = service.headline(headline)
    if detail is None:
        return
    row, scored = detail.row, detail.scored
    models = ", ".join(model for model in (scored.sentiment_model, scored.topic_model) if model)
    opened = f"finance-headlines-correct-{headline}"
    why_card(
        decision=f"{sentiment_word(row.sentiment)} · {topic_word(row.topic)}",
        reason=_reason(detail),
        evidence=[_printed(row), *_probabilities(detail), *_companies(detail, choices)],
        model=models or None,
        key=f"finance-headlines-{headline}",
        correct=lambda: st.session_state.update({opened: True}),
        correct_label=_("These labels are wrong"),
    )
    if st.session_state.get(opened):
        _correction(service, choices, detail)


def _printed(row: HeadlineRow) -> Evidence:
    copies = n_("{n} copy of this story", "{n} copies of this story", row.copies)
    return Evidence(row.text, link=row.url or None, note=f"{row.source} · {moment(row.published_at)} · {copies}")


def _reason(detail: HeadlineDetail) -> str:
    if detail.corrected_sentiment or detail.corrected_topic:
        return _("A person corrected what the models said; the correction counts and will be learned.")
    if not detail.scored.sentiment_model:
        return _("No model has read this headline yet.")
    sure = max(detail.scored.sentiment_probabilities.values(), default=0.0)
    words = _("quite sure") if sure >= 0.9 else _("fairly sure") if sure >= 0.7 else _("unsure")
    told = _("The model is {sure} of the sentiment ({percent}).", sure=words, percent=percent(sure))
    return f"{told} {_('The headline is unlike anything it learned from.')}" if detail.scored.outside else told


def _probabilities(detail: HeadlineDetail) -> list[Evidence]:
    found = []
    parts = (
        (_("Sentiment"), detail.scored.sentiment_probabilities, sentiment_word),
        (_("Topic"), detail.scored.topic_probabilities, topic_word),
    )
    for title, probabilities, word in parts:
        best = sorted(probabilities.items(), key=lambda item: -item[1])[:3]
        if best:
            found.append(Evidence(title, " · ".join(f"{word(label)} {percent(share)}" for label, share in best)))
    return found


def _companies(detail: HeadlineDetail, choices: Choices) -> list[Evidence]:
    how = {
        "name": _("its full name"),
        "short name": _("its short name"),
        "alias": _("another name of it"),
        "ticker": _("its ticker"),
    }
    text = detail.row.text
    return [
        Evidence(
            choices.companies.get(link.ticker, link.ticker),
            f"{text[: link.start]}【{text[link.start : link.end]}】{text[link.end :]}",
            note=_("found by {how}", how=how.get(link.how, link.how)),
        )
        for link in detail.links
    ]


def _correction(service: FinanceService, choices: Choices, detail: HeadlineDetail) -> None:
    row, key = detail.row, f"finance-headlines-right-{detail.row.id}"
    with st.form(key, border=True):
        st.caption(_("What would be right? Corrections count at once and are learned at the next training."))
        moods = sorted({*choices.sentiments, row.sentiment, *detail.scored.sentiment_probabilities} - {""})
        topics = sorted({*choices.topics, row.topic, *detail.scored.topic_probabilities} - {""})
        mood = st.selectbox(
            _("Sentiment"),
            moods,
            index=moods.index(row.sentiment) if row.sentiment in moods else 0,
            format_func=sentiment_word,
            key=f"{key}-sentiment",
        )
        topic = st.selectbox(
            _("Topic"),
            topics,
            index=topics.index(row.topic) if row.topic in topics else 0,
            format_func=topic_word,
            key=f"{key}-topic",
        )
        if not st.form_submit_button(_("Save the correction"), type="primary"):
            return
    for kind, label, old in (("sentiment", mood, row.sentiment), ("topic", topic, row.topic)):
        if label and label != old:
            service.correct(row.id, kind, label)
    st.session_state[f"finance-headlines-correct-{row.id}"] = False
    st.toast(_("Corrected: {text}", text=plain(row.text[:60])))
    st.rerun()
