"""Recommendations for a user, or for words that were typed, each item with its reasons."""

from __future__ import annotations

from textwrap import shorten

import streamlit as st

from portside.errors import PortsideError
from portside_recommend.records import PastChoice, Recommendation, Recommendations
from portside_recommend.service import RecommendService
from portside_ui.frame import empty_state, error_state, filter_bar, page_header, section, working
from portside_ui.jobs_panel import job_panel, start_job
from portside_ui.why import Evidence, plain, why_card
from portside_ui.words import _, day, n_, number, percent

__all__ = ["reasons_of", "render"]

KEY = "recommend-lists"
MOST_USERS = 200
DESCRIPTION_SHOWN = 160
"""Letters of a description beside an item: enough to know what it is."""


def render(service: RecommendService) -> None:
    """Ask for a user or for words, show the list."""
    page_header(_("Recommendations"), _("What should this person see next, and why?"))
    job_panel(["recommend.ingest", "recommend.train"], f"{KEY}-jobs")
    if not service.items(limit=1):
        empty_state(
            _("No items yet"),
            _("Items and events appear here once they are imported: here, or with `portside recommend ingest`."),
            key=f"{KEY}-empty",
        )
        start_job("recommend.ingest", {"samples": True}, label=_("Import the samples"), key=f"{KEY}-samples")
        return
    user, words, category, dial = _filters(service)
    if not user and not words:
        st.info(_("Choose a person or type what is looked for."), icon=":material/search:")
        return
    try:
        with working(_("Choosing items")):
            if user:
                found = service.recommend_for(user, category=category, diversity=dial)
            else:
                found = service.search(words, category=category, diversity=dial)
    except PortsideError as error:
        error_state(error)
        return
    _draw_list(found)
    if user:
        _draw_past(service.past(user))


def _filters(service: RecommendService) -> tuple[str, str, str, float]:
    """The user or the words, the category, and the dial."""
    with filter_bar():
        basis = st.radio(
            _("Recommend from"),
            ["user", "words"],
            format_func=lambda each: _("A person's choices") if each == "user" else _("Words"),
            horizontal=True,
            key=f"{KEY}-basis",
            bind="query-params",
        )
        user = _choose_user(service) if basis == "user" else ""
        words = _type_words() if basis == "words" else ""
        category = st.selectbox(
            _("Category"),
            ["", *service.categories()],
            format_func=lambda each: each or _("All"),
            key=f"{KEY}-category",
            bind="query-params",
        )
        dial = st.slider(
            _("Variety"),
            0.0,
            1.0,
            service.config.diversity,
            0.05,
            key=f"{KEY}-dial",
            bind="query-params",
            help=_("0 shows the best matches; higher values avoid items that are much alike."),
        )
    return user, words, category or "", dial


def _choose_user(service: RecommendService) -> str:
    known = dict(service.users(limit=MOST_USERS))
    chosen = st.selectbox(
        _("Person"),
        list(known),
        format_func=lambda each: f"{each} · {n_('{n} event', '{n} events', known.get(each, 0))}",
        index=0 if known else None,
        accept_new_options=True,
        key=f"{KEY}-user",
        bind="query-params",
        help=_("Type an id that is not in the list; a new person gets what is popular."),
    )
    return chosen or ""


def _type_words() -> str:
    return st.text_input(
        _("Words"), key=f"{KEY}-words", placeholder=_("for example: a warm light for the garden"), bind="query-params"
    )


def _draw_list(found: Recommendations) -> None:
    section(_("Suggested items"), _(found.basis, **found.basis_values))
    if not found.items:
        empty_state(_("Nothing fits"), _("Choose another category, or all of them."), key=f"{KEY}-nothing")
    for place, one in enumerate(found.items, start=1):
        _draw_item(place, one, found.model)


def _draw_item(place: int, one: Recommendation, model: str) -> None:
    facts = [one.item.category, number(one.item.price, 2) if one.item.price is not None else ""]
    known = " · ".join(fact for fact in facts if fact) or one.item.item_id
    reason, others = reasons_of(one)
    why_card(
        decision=f"{place}. {one.item.title}",
        reason=reason,
        evidence=[
            Evidence(known, text=shorten(one.item.description, DESCRIPTION_SHOWN, placeholder=" …")),
            *others,
        ],
        model=model,
        key=f"{KEY}-{place}",
    )


def reasons_of(one: Recommendation) -> tuple[str, list[Evidence]]:
    """The main reason as a sentence with its share of the score, and the others as evidence."""
    said = [(_(why.sentence, **{name: _(value) for name, value in why.values.items()}), why) for why in one.reasons]
    shares = [_("{share} of the score", share=percent(why.share, 0)) for _sentence, why in said]
    main = f"{said[0][0]} ({shares[0]})" if said else ""
    return main, [Evidence(sentence, note=share) for (sentence, _why), share in zip(said[1:], shares[1:], strict=True)]


def _draw_past(past: list[PastChoice]) -> None:
    if not past:
        return
    with st.expander(n_("{n} thing this person did last", "{n} things this person did last", len(past))):
        for choice in past:
            when = f" · {day(choice.at)}" if choice.at else ""
            st.markdown(f"- {plain(choice.item.title)} · {_(choice.event)}{when}")
