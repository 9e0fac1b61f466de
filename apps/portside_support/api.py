"""The support desk over HTTP: ask a question, read a conversation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from portside.errors import UsageError
from portside_support.records import Conversation, Hit, Kind, Message, Outcome, Reply, Role, Status
from portside_support.service import SupportService
from portside_support.wording import reason_sentence

__all__ = ["build_router"]


class AskRequest(BaseModel):
    """A customer's message."""

    text: str = Field(description="What the customer writes", min_length=1, examples=["Where is my parcel?"])
    conversation_id: str | None = Field(
        default=None, description="The conversation it belongs to; leave it out to begin one", max_length=64
    )
    channel: str = Field(default="api", description="Where it came from, for the overview", max_length=32, min_length=1)


class Source(BaseModel):
    """A passage of a help article."""

    slug: str
    title: str
    heading: str
    text: str
    url: str = Field(description="Address of the article; may be empty")
    similarity: float = Field(description="Cosine of question and passage, at most 1")


class AskResponse(BaseModel):
    """What the bot did, and why."""

    conversation_id: str
    kind: Kind = Field(description="answer, ask_slot (the answer needs something), retrieve, hand_over or silent")
    text: str = Field(description="What the customer reads; empty while a person has the conversation")
    code: str = Field(description="Which rule decided")
    reason: str = Field(description="Why, in one sentence, for the agent")
    intent: str | None = Field(description="The intent answered, if any")
    confidence: float | None = Field(description="Probability of the most likely intent, 0 to 1")
    model: str = Field(description="The model version that was asked, as name:version")
    sources: list[Source]
    status: Status = Field(description="Who speaks next: bot, waiting (for a person), agent or closed")


class MessageOut(BaseModel):
    """One thing said."""

    id: int
    role: Role
    text: str
    at: datetime
    author: str
    kind: Kind | None
    reason: str
    intent: str | None
    confidence: float | None
    model: str
    sources: list[Source]


class ConversationOut(BaseModel):
    """A conversation with its messages in order."""

    id: str
    channel: str
    language: str
    status: Status
    outcome: Outcome
    started_at: datetime
    updated_at: datetime
    messages: list[MessageOut]


def build_router(service: Callable[[], SupportService]) -> APIRouter:
    """The routes, mounted at ``/api/support``; ``service`` builds the service when a route first needs it."""
    router = APIRouter()

    @router.post("/ask", summary="Answer a customer's message")
    def ask(request: AskRequest) -> AskResponse:
        return _reply(service().ask(request.text, conversation_id=request.conversation_id, channel=request.channel))

    @router.get("/conversations/{conversation_id}", summary="A conversation with its messages and reasons")
    def conversation(conversation_id: str) -> ConversationOut:
        try:
            found = service().conversation(conversation_id)
        except UsageError as error:
            raise HTTPException(404, str(error)) from error
        return _conversation(found)

    return router


def _reply(reply: Reply) -> AskResponse:
    return AskResponse(
        conversation_id=reply.conversation_id,
        kind=reply.kind,
        text=reply.text,
        code=reply.code,
        reason=reply.reason,
        intent=reply.intent,
        confidence=reply.confidence,
        model=reply.model,
        sources=[_source(hit) for hit in reply.hits],
        status=reply.status,
    )


def _conversation(found: Conversation) -> ConversationOut:
    return ConversationOut(
        id=found.id,
        channel=found.channel,
        language=found.language,
        status=found.status,
        outcome=found.outcome,
        started_at=found.started_at,
        updated_at=found.updated_at,
        messages=[_message(one) for one in found.messages],
    )


def _message(one: Message) -> MessageOut:
    return MessageOut(
        id=one.id,
        role=one.role,
        text=one.text,
        at=one.at,
        author=one.author,
        kind=one.kind,
        reason=reason_sentence(one.code, one.facts) if one.code else "",
        intent=one.intent,
        confidence=one.confidence,
        model=one.model,
        sources=[_source(hit) for hit in one.hits],
    )


def _source(hit: Hit) -> Source:
    passage = hit.passage
    return Source(
        slug=passage.slug,
        title=passage.title,
        heading=passage.heading,
        text=passage.text,
        url=passage.url,
        similarity=hit.similarity,
    )
