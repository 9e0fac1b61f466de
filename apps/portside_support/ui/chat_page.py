"""The customer's view: write, read the reply, see why it was given."""

from __future__ import annotations

import streamlit as st

from portside.errors import PortsideError, UsageError
from portside_support.markup import linked
from portside_support.records import Conversation, Message
from portside_support.service import SupportService
from portside_support.ui.overview_page import JOBS, SAMPLES_JOB, explain, reason_words
from portside_ui.frame import empty_state, error_state, page_header
from portside_ui.jobs_panel import job_panel, start_job
from portside_ui.why import plain
from portside_ui.words import _

PARAMETER = "conversation"
REFRESH_SECONDS = 3.0


def render(service: SupportService) -> None:
    """Draw the page."""
    page_header(_("Chat"), _("What does a customer get who writes to us?"))
    if not service.readiness().can_reply:
        body = _("Import articles and answers and train the intents, or begin with the samples.")
        empty_state(_("The desk has nothing to answer with yet"), body, key="support-chat-empty")
        start_job(SAMPLES_JOB, {}, label=_("Import the samples"), key="support-chat-samples")
        job_panel(JOBS, key="support-chat-jobs")
        return
    conversation = _current(service)
    with st.container(horizontal=True):
        called = st.button(_("Talk to a person"), key="support-chat-person", icon=":material/support_agent:")
        if st.button(_("New conversation"), key="support-chat-new", icon=":material/add:"):
            st.query_params.pop(PARAMETER, None)
            conversation = None
    text = st.chat_input(_("Write your question"), key="support-chat-input", max_chars=service.config.message_limit)
    text = _starters(service) if conversation is None and not text else text
    if called or text:
        conversation = _ask(service, conversation, text or _("I would like to talk to a person"), called and not text)
    if conversation is not None:
        _talk(service, conversation)


def _current(service: SupportService) -> Conversation | None:
    name = st.query_params.get(PARAMETER)
    try:
        return service.conversation(name) if name else None
    except UsageError as error:
        error_state(error)
        return None


def _starters(service: SupportService) -> str | None:
    st.caption(_("For example:"))
    chosen = None
    with st.container(horizontal=True):
        for place, question in enumerate(service.starters()):
            if st.button(plain(question), key=f"support-chat-starter-{place}"):
                chosen = question
    return chosen


def _ask(service: SupportService, conversation: Conversation | None, text: str, person: bool) -> Conversation | None:
    name = conversation.id if conversation is not None else None
    try:
        with st.spinner(_("Reading your message")):
            reply = service.ask(text, conversation_id=name, wants_human=person)
    except PortsideError as error:
        error_state(error)
        return conversation
    st.query_params[PARAMETER] = reply.conversation_id
    return service.conversation(reply.conversation_id)


def _talk(service: SupportService, conversation: Conversation) -> None:
    said, why = st.columns([3, 2], gap="large")
    with why:
        last = next((one for one in reversed(conversation.messages) if one.kind is not None), None)
        if last is not None:
            explain(service, last, key="support-chat")
    with said:
        with_person = conversation.status in ("waiting", "agent")

        @st.fragment(run_every=REFRESH_SECONDS if with_person else None)
        def transcript() -> None:
            # A person may have answered since the page was drawn.
            draw_messages(service.conversation(conversation.id) if with_person else conversation)

        transcript()


def draw_messages(conversation: Conversation) -> None:
    """Draw what was said, as text: nothing that a customer writes comes alive."""
    for message in conversation.messages:
        with st.chat_message("user" if message.role == "customer" else "assistant", avatar=_avatar(message)):
            if message.role == "agent" and message.author:
                st.caption(plain(message.author))
            if message.role == "customer":
                st.text(message.text)
            else:
                st.markdown(linked(message.text, plain))
            if message.kind == "retrieve":
                for hit in message.hits:
                    heading = f"{hit.passage.title} › {hit.passage.heading}".rstrip(" ›")
                    st.caption(f"[{plain(heading)}]({hit.passage.url})" if hit.passage.url else plain(heading))
    if conversation.status in ("waiting", "closed"):
        st.caption(reason_words(f"silent_{conversation.status}", {}))


def _avatar(message: Message) -> str:
    icons = {"customer": ":material/person:", "bot": ":material/smart_toy:", "agent": ":material/support_agent:"}
    return icons[message.role]
