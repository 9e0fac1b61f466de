"""The finance monitor over HTTP, under ``/api/finance``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from portside_finance.records import Filters, HeadlineRow
from portside_finance.service import MAX_TEXTS, FinanceService

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
        answers = service().score_texts(request.texts)
        return [
            ScoreAnswer(
                sentiment=scored.sentiment,
                sentiment_probabilities=dict(scored.sentiment_probabilities),
                topic=scored.topic,
                topic_probabilities=dict(scored.topic_probabilities),
                models=[model for model in (scored.sentiment_model, scored.topic_model) if model],
                companies=[
                    LinkAnswer(ticker=link.ticker, start=link.start, end=link.end, matched=link.matched)
                    for link in links
                ],
            )
            for scored, links in answers
        ]

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
        moods = overview.moods if overview else []
        return [
            TrendAnswer(
                start=mood.start,
                end=mood.end,
                stories=mood.stories,
                negative=mood.negative,
                positive=mood.positive,
                net=mood.net,
                low=mood.low,
                high=mood.high,
            )
            for mood in moods
        ]

    @router.get("/alerts", summary="Negative surges: state, since when, and what they rest on")
    def alerts(state: Annotated[str, Query(max_length=16, description="Only this state.")] = "") -> list[AlertAnswer]:
        finance = service()
        return [
            AlertAnswer(
                id=row.id,
                kind=row.episode.series.kind,
                name=row.episode.series.name,
                state=row.episode.state,
                opened=row.episode.opened,
                fired=row.episode.fired,
                resolved=row.episode.resolved,
                peak_day=row.episode.peak_day,
                peak_count=row.episode.peak_count,
                peak_expected=row.episode.peak_expected,
                peak_probability=row.episode.peak_tail,
                acknowledged_by=row.acknowledged_by,
                comment=row.comment,
                headlines=finance.store.alerts.evidence(row.id),
            )
            for row in finance.alerts([state] if state else [])
        ]

    return router


def _headline(row: HeadlineRow) -> HeadlineAnswer:
    return HeadlineAnswer(
        id=row.id,
        published_at=row.published_at,
        text=row.text,
        source=row.source,
        url=row.url,
        sentiment=row.sentiment,
        topic=row.topic,
        story=row.story,
        copies=row.copies,
        companies=list(row.tickers),
    )
