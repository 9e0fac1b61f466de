"""The finance monitor over HTTP, under ``/api/finance``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from portside_finance.records import Filters, HeadlineRow, Link, Scored
from portside_finance.service import MAX_TEXTS, FinanceService
from portside_finance.store_alerts import AlertRow

__all__ = ["build_router"]

_Text = Annotated[str, Field(max_length=5_000, description="One headline.")]


class ScoreRequest(BaseModel):
    """Headlines to score."""

    texts: list[_Text] = Field(max_length=MAX_TEXTS, description="Up to 256 headlines; they are not stored.")


class LinkAnswer(BaseModel):
    """A company found in a text."""

    ticker: str
    start: int = Field(description="First character of the mention, from 0.")
    end: int = Field(description="One past its last character.")
    matched: str


class ScoreAnswer(BaseModel):
    """What the models say of one text."""

    sentiment: str
    sentiment_probabilities: dict[str, float]
    topic: str = Field(description="Empty while no topic model was trained.")
    topic_probabilities: dict[str, float]
    outside: bool = Field(description="The sentiment model learned of nothing like it: its answer is less sure.")
    models: list[str] = Field(description="The versions that answered.")
    companies: list[LinkAnswer]


class HeadlineAnswer(BaseModel):
    """A stored headline."""

    id: int
    published_at: datetime
    text: str
    source: str
    url: str
    sentiment: str
    topic: str
    story: int = Field(description="Copies of the same story have the same number.")
    copies: int
    outside: bool | None = Field(description="The sentiment model learned of nothing like it; null: not known.")
    companies: list[str]


class HeadlinesAnswer(BaseModel):
    """One page of headlines, newest first."""

    total: int
    page: int
    pages: int
    headlines: list[HeadlineAnswer]


class TrendAnswer(BaseModel):
    """Mood of one span of days; every story counts once."""

    start: date
    end: date
    stories: int
    negative: int
    positive: int
    net: float = Field(description="Share of positive minus share of negative stories, -1 to 1.")
    low: float = Field(description="Lower end of its 95 % interval.")
    high: float = Field(description="Upper end of its 95 % interval.")


class AlertAnswer(BaseModel):
    """A negative surge of one company or topic."""

    id: int
    kind: str = Field(description="company or topic")
    name: str
    state: str = Field(description="pending, firing or resolved")
    opened: date
    fired: date | None
    resolved: date | None
    peak_day: date
    peak_count: int = Field(description="Negative stories on the peak day.")
    peak_expected: float = Field(description="How many were to be expected that day.")
    peak_probability: float = Field(description="Probability of so many on a usual day.")
    acknowledged_by: str
    comment: str
    headlines: list[int] = Field(description="Ids of the headlines it rests on.")
    outside: int = Field(description="How many of these are unlike everything the sentiment model learned.")


def _filters(
    *,
    since: Annotated[date | None, Query(description="First day.")] = None,
    until: Annotated[date | None, Query(description="Last day.")] = None,
    topic: Annotated[str, Query(max_length=64)] = "",
    company: Annotated[str, Query(max_length=32, description="Ticker.")] = "",
    source: Annotated[str, Query(max_length=120)] = "",
    sentiment: Annotated[str, Query(max_length=64)] = "",
    search: Annotated[str, Query(max_length=200, description="Words that the headline holds.")] = "",
) -> Filters:
    return Filters(since, until, topic, company, source, sentiment, search)


FiltersQuery = Annotated[Filters, Depends(_filters)]


def build_router(service: Callable[[], FinanceService]) -> APIRouter:
    """The app's routes over the service that ``service`` gives."""
    router = APIRouter(tags=["finance"])

    @router.post("/score", summary="Sentiment, topic and companies of headlines")
    def score(request: ScoreRequest) -> list[ScoreAnswer]:
        return [_scored(scored, links) for scored, links in service().score_texts(request.texts)]

    @router.get("/headlines", summary="Stored headlines, newest first")
    def headlines(
        filters: FiltersQuery,
        page: Annotated[int, Query(ge=1)] = 1,
        rows: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> HeadlinesAnswer:
        found = service().headlines(filters, page, rows)
        return HeadlinesAnswer(
            total=found.total, page=found.number, pages=found.pages, headlines=[_headline(row) for row in found.rows]
        )

    @router.get("/trend", summary="Mood over time, with its interval")
    def trend(filters: FiltersQuery) -> list[TrendAnswer]:
        overview = service().overview(filters)
        return [TrendAnswer(**_fields(mood, TrendAnswer)) for mood in (overview.moods if overview else [])]

    @router.get("/alerts", summary="Negative surges: state, since when, and what they rest on")
    def alerts(state: Annotated[str, Query(max_length=16, description="Only this state.")] = "") -> list[AlertAnswer]:
        finance = service()
        rows = finance.alerts([state] if state else [])
        return [_alert(row, finance.store.alerts.evidence(row.id)) for row in rows]

    return router


def _fields(source: object, model: type[BaseModel]) -> dict[str, Any]:
    """What ``source`` has of the model's fields."""
    return {name: getattr(source, name) for name in model.model_fields if hasattr(source, name)}


def _scored(scored: Scored, links: Sequence[Link]) -> ScoreAnswer:
    models = [model for model in (scored.sentiment_model, scored.topic_model) if model]
    companies = [LinkAnswer(**_fields(link, LinkAnswer)) for link in links]
    return ScoreAnswer(**_fields(scored, ScoreAnswer), models=models, companies=companies)


def _headline(row: HeadlineRow) -> HeadlineAnswer:
    return HeadlineAnswer(**_fields(row, HeadlineAnswer), companies=list(row.tickers))


def _alert(row: AlertRow, headlines: list[int]) -> AlertAnswer:
    episode = row.episode
    return AlertAnswer(
        id=row.id,
        **_fields(episode, AlertAnswer),
        kind=episode.series.kind,
        name=episode.series.name,
        peak_probability=episode.peak_tail,
        acknowledged_by=row.acknowledged_by,
        comment=row.comment,
        headlines=headlines,
        outside=row.outside,
    )
