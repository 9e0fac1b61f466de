"""The agents' queue: take a conversation, see why the bot handed it over, reply, close."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from portside.errors import PortsideError
from portside_support.records import Ticket, TicketStatus
from portside_support.service import SupportService
from portside_support.ui.chat_page import draw_messages
from portside_support.ui.overview_page import explain, reason_words
from portside_ui.frame import empty_state, error_state, filter_bar, page_header, section
from portside_ui.why import Evidence, plain, why_card
from portside_ui.words import _, moment, n_, percent

REFRESH_SECONDS = 3.0
MOST_TICKETS = 20
"""Tickets listed at once: the longest waiting come first, so the rest can wait for them."""


def render(service: SupportService) -> None:
    """Draw the page."""
    page_header(_("Queue"), _("Which customers wait for a person, and why?"))
    views: dict[str, tuple[str, tuple[TicketStatus, ...]]] = {
        "open": (_("Waiting"), ("open",)),
        "taken": (_("In conversation"), ("taken",)),
        "closed": (_("Closed"), ("closed",)),
    }
    with filter_bar():
        view = st.segmented_control(
            _("Show"),
            list(views),
            default="open",
            required=True,
            format_func=lambda name: views[name][0],
            key="support-queue-show",
            bind="query-params",
        )
        agent = st.text_input(_("Your name"), key="support-queue-agent", max_chars=80)
    # What an agent has just taken moves to another view but stays on the screen.
    kept = st.session_state.get("support-queue-kept")
    tickets = service.tickets(views[view or "open"][1])
    if kept is not None and kept not in [ticket.id for ticket in tickets]:
        tickets = [one for one in service.tickets(("open", "taken")) if one.id == kept] + tickets
    if not tickets:
        body = _("When the bot hands a conversation over, it appears here with the reason.")
        empty_state(_("Nobody is in this list"), body, key="support-queue-empty")
        return
    listed, opened = st.columns([2, 3], gap="large")
    with listed:
        ticket = _choose(tickets)
    with opened:
        _ticket(service, ticket, (agent or "").strip())


def _choose(tickets: list[Ticket]) -> Ticket:
    shown = tickets[:MOST_TICKETS]
    by_id = {ticket.id: ticket for ticket in shown}
    if len(tickets) > len(shown):
        st.caption(n_("The longest waiting of {n} ticket", "The longest waiting of {n} tickets", len(tickets)))
    chosen = st.radio(
        _("Ticket"),
        list(by_id),
        format_func=lambda number: plain(_line(by_id[number])),
        captions=[plain(reason_words(ticket.code, ticket.facts)) for ticket in shown],
        key="support-queue-ticket",
    )
    return by_id.get(chosen or 0, shown[0])


def _line(ticket: Ticket) -> str:
    question = ticket.question if len(ticket.question) <= 70 else f"{ticket.question[:69]}…"
    return f"{ticket.id} · {question} · {moment(ticket.opened_at)}"


def _ticket(service: SupportService, ticket: Ticket, agent: str) -> None:
    section(_("Ticket {number}", number=ticket.id), _actions_note(ticket, agent))
    mine = ticket.status == "taken" and ticket.agent == agent
    with st.container(horizontal=True):
        if ticket.status == "open" and st.button(_("Take"), key="support-queue-take", type="primary"):
            _do(lambda: service.take(ticket.id, agent), ticket.id)
        if mine and st.button(_("Close"), key="support-queue-close"):
            _do(lambda: service.close(ticket.id, agent), None)

    @st.fragment(run_every=REFRESH_SECONDS if ticket.status != "closed" else None)
    def transcript() -> None:
        draw_messages(service.conversation(ticket.conversation_id))

    with st.container(border=True):
        transcript()
    if mine:
        text = st.chat_input(_("Write to the customer"), key="support-queue-reply")
        if text:
            _do(lambda: service.reply_as_agent(ticket.id, agent, text), ticket.id)
    _help(service, ticket)


def _actions_note(ticket: Ticket, agent: str) -> str:
    if ticket.status == "taken":
        return _("You have this conversation.") if ticket.agent == agent else _("{name} has it.", name=ticket.agent)
    if ticket.status == "closed":
        return _("{name} closed it.", name=ticket.agent)
    return _("Take it to answer; the bot stays silent.") if agent else _("Write your name above to take it.")


def _do(action: Callable[[], object], keep: int | None) -> None:
    try:
        action()
    except PortsideError as error:
        error_state(error)
        return
    st.session_state["support-queue-kept"] = keep
    st.rerun()


def _help(service: SupportService, ticket: Ticket) -> None:
    messages = service.conversation(ticket.conversation_id).messages
    handed = next((one for one in reversed(messages) if one.kind == "hand_over"), None)
    if handed is not None:
        explain(service, handed, key=f"support-queue-{ticket.id}", with_evidence=False)
    hits = service.suggestions(ticket)
    if hits:
        why_card(
            decision=_("Passages that may help you"),
            reason=_("The articles most like the question, best first."),
            evidence=[
                Evidence(
                    f"{hit.passage.title} › {hit.passage.heading}".rstrip(" ›"),
                    hit.passage.text,
                    hit.passage.url or None,
                    _("{share} alike", share=percent(hit.similarity, 0)),
                )
                for hit in hits
            ],
            key=f"support-queue-passages-{ticket.id}",
        )
