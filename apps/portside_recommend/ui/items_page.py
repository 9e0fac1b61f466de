"""One item: what it is, who chose it, what is like it; and a form that adds a new one."""

from __future__ import annotations

import streamlit as st

from portside.errors import PortsideError
from portside_recommend.records import Item
from portside_recommend.service import RecommendService
from portside_recommend.ui.lists_page import reasons_of
from portside_ui.frame import empty_state, error_state, filter_bar, page_header, section
from portside_ui.jobs_panel import job_panel, start_job
from portside_ui.why import plain, why_card
from portside_ui.words import _, day, n_, number

__all__ = ["render"]

KEY = "recommend-items"
MOST_ITEMS = 200


def render(service: RecommendService) -> None:
    """Choose an item, show it and those like it."""
    page_header(_("Items"), _("What is this item, who chose it, and what is like it?"))
    job_panel(["recommend.ingest"], f"{KEY}-jobs")
    if not service.items(limit=1):
        empty_state(
            _("No items yet"),
            _("Items and events appear here once they are imported: here, or with `portside recommend ingest`."),
            key=f"{KEY}-empty",
        )
        start_job("recommend.ingest", {"samples": True}, label=_("Import the samples"), key=f"{KEY}-samples")
        _add_form(service)
        return
    with filter_bar():
        letters = st.text_input(_("Title contains"), key=f"{KEY}-letters", bind="query-params")
        found = {item.item_id: item for item in service.items(letters, limit=MOST_ITEMS)}
        chosen = st.selectbox(
            _("Item"),
            list(found),
            format_func=lambda each: found[each].title if each in found else each,
            key=f"{KEY}-item",
            bind="query-params",
        )
        dial = st.slider(_("Variety"), 0.0, 1.0, service.config.diversity, 0.05, key=f"{KEY}-dial", bind="query-params")
    if chosen:
        _draw_item(service.item(chosen), service.chosen_by(chosen))
        _draw_similar(service, chosen, dial)
    else:
        empty_state(_("Nothing fits"), _("No title contains these letters."), key=f"{KEY}-nothing")
    _add_form(service)


def _draw_item(item: Item, people: int) -> None:
    section(plain(item.title))
    facts = [item.item_id, item.category, item.brand]
    facts.append(number(item.price, 2) if item.price is not None else "")
    facts.append(_("since {day}", day=day(item.added_at)) if item.added_at else "")
    facts.append(n_("{n} person chose it lately", "{n} people chose it lately", people))
    st.caption(plain(" · ".join(fact for fact in facts if fact)))
    if item.description:
        st.markdown(plain(item.description))


def _draw_similar(service: RecommendService, item_id: str, dial: float) -> None:
    try:
        found = service.similar(item_id, diversity=dial)
    except PortsideError as error:
        error_state(error)
        return
    section(_("Similar items"))
    for place, one in enumerate(found.items, start=1):
        reason, others = reasons_of(one)
        why_card(
            decision=f"{place}. {one.item.title}",
            reason=reason,
            evidence=others,
            model=found.model,
            key=f"{KEY}-{place}",
        )


def _add_form(service: RecommendService) -> None:
    with st.expander(_("Add an item"), icon=":material/add:"), st.form(f"{KEY}-form", clear_on_submit=True):
        item_id = st.text_input(_("Id"), key=f"{KEY}-new-id")
        title = st.text_input(_("Title"), key=f"{KEY}-new-title")
        description = st.text_area(_("Description"), key=f"{KEY}-new-description")
        category = st.text_input(_("Category"), key=f"{KEY}-new-category")
        if not st.form_submit_button(_("Add")):
            return
    try:
        service.add_items(
            [Item(item_id.strip(), title.strip(), description, category.strip(), added_at=service.clock())]
        )
    except PortsideError as error:
        error_state(error)
        return
    st.success(_("{title} can be found and recommended now.", title=plain(title)), icon=":material/check_circle:")
