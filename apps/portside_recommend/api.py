"""The recommender over HTTP, mounted at ``/api/recommend``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from portside_recommend.records import Event, Item, Recommendations
from portside_recommend.service import RecommendService

__all__ = ["build_router"]

Top = Annotated[int, Query(ge=1, le=200, description="length of the list")]
Category = Annotated[str, Query(description="only items of this category; empty: all")]
Diversity = Annotated[float | None, Query(ge=0, le=1, description="0: best scores; 1: as unlike each other as can be")]


class ItemBody(BaseModel):
    """One item."""

    item_id: str = Field(min_length=1, max_length=200)
    title: str = Field(min_length=1, max_length=2_000)
    description: str = Field(default="", max_length=50_000)
    category: str = Field(default="", max_length=300)
    brand: str = Field(default="", max_length=300)
    price: float | None = None
    added_at: datetime | None = Field(default=None, description="ISO 8601; now when left out")


class EventBody(BaseModel):
    """What one user did with one item."""

    user_id: str = Field(min_length=1, max_length=200)
    item_id: str = Field(min_length=1, max_length=200)
    event: str = Field(description="view, click, purchase, rating or return")
    value: float = Field(default=1.0, description="the rating, or how many")
    at: datetime | None = Field(default=None, description="ISO 8601; now when left out")


class ReasonBody(BaseModel):
    """Why an item stands in the list."""

    signal: str = Field(description="text, together, following, popular, new or words")
    share: float = Field(description="part of the score that it made, 0 to 1")
    sentence: str
    because_of: str = Field(description="id of the past item that the reason names; may be empty")


class RecommendedBody(BaseModel):
    """One item of a list."""

    item: ItemBody
    score: float = Field(description="comparable within this list only")
    reasons: list[ReasonBody]


class ListBody(BaseModel):
    """A list, what it rests on, and the version of the encoder."""

    items: list[RecommendedBody]
    known: bool = Field(description="false: nothing is known of the user, the list is what is popular")
    basis: str
    model: str


class AddedBody(BaseModel):
    """How many rows were new."""

    added: int


def build_router(service: Callable[[], RecommendService]) -> APIRouter:
    """The routes. ``service`` is asked for at each call, so that nothing is built before it is needed."""
    router = APIRouter()

    @router.get("/for/{user:path}", summary="Recommendations for a user")
    def recommend_for(
        user: Annotated[str, Path(max_length=200)],
        k: Top = 10,
        category: Category = "",
        diversity: Diversity = None,
    ) -> ListBody:
        """What the user has not touched yet, best first. A stranger gets what is popular now, with ``known`` false."""
        return _body(service().recommend_for(user, top=k, category=category, diversity=diversity))

    @router.get("/similar/{item:path}", summary="Items like one item")
    def similar(
        item: Annotated[str, Path(max_length=200)],
        k: Top = 10,
        category: Category = "",
        diversity: Diversity = None,
    ) -> ListBody:
        """By its words and by who chose it. Items added a moment ago take part by their words."""
        return _body(service().similar(item, top=k, category=category, diversity=diversity))

    @router.get("/search", summary="Items like typed words")
    def search(
        text: Annotated[str, Query(min_length=1, max_length=2_000, description="what is looked for, in any words")],
        k: Top = 10,
        category: Category = "",
        diversity: Diversity = None,
    ) -> ListBody:
        """By meaning, not by spelling."""
        return _body(service().search(text, top=k, category=category, diversity=diversity))

    @router.post("/items", summary="Add or replace items", status_code=201)
    def add_items(items: Annotated[list[ItemBody], Field(min_length=1, max_length=1_000)]) -> AddedBody:
        """They can be found and recommended when this answers."""
        asked = service()
        now = asked.clock()
        asked.add_items([Item(**{**one.model_dump(), "added_at": one.added_at or now}) for one in items])
        return AddedBody(added=len(items))

    @router.post("/events", summary="Add events", status_code=201)
    def add_events(events: Annotated[list[EventBody], Field(min_length=1, max_length=10_000)]) -> AddedBody:
        """They count for their users' next lists at once; what is chosen together is learned by the next training."""
        made = [Event(one.user_id, one.item_id, one.event, one.value, one.at) for one in events]
        return AddedBody(added=service().add_events(made))

    return router


def _body(found: Recommendations) -> ListBody:
    return ListBody(
        items=[
            RecommendedBody(
                item=ItemBody.model_validate(one.item, from_attributes=True),
                score=one.score,
                reasons=[
                    ReasonBody(signal=why.signal, share=why.share, sentence=str(why), because_of=why.because_of)
                    for why in one.reasons
                ],
            )
            for one in found.items
        ],
        known=found.known,
        basis=found.explain(),
        model=found.model,
    )
