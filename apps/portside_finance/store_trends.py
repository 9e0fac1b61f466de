"""What the pages read: lists of headlines and counts by day. Everything is counted in the database.

Stories vote once: with their first copy, or, where one source is looked at, with their first copy in that source.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, false, func, select

from portside.storage.engine import Database
from portside_finance import tables
from portside_finance.records import Filters, HeadlineDetail, HeadlineRow, Link, Readings, Scored, TrendPoint
from portside_finance.store_state import batches

__all__ = ["TrendStore", "matching"]

_H = tables.headlines
_SENTIMENTS = ("negative", "positive")


def matching(filters: Filters) -> list[ColumnElement[bool]]:
    """The conditions on headlines that the filters mean, apart from one vote a story."""
    found: list[ColumnElement[bool]] = []
    if filters.since:
        found.append(_H.c.day >= filters.since)
    if filters.until:
        found.append(_H.c.day <= filters.until)
    for column, value in (
        (_H.c.topic, filters.topic),
        (_H.c.source, filters.source),
        (_H.c.sentiment, filters.sentiment),
    ):
        if value:
            found.append(column == value)
    if filters.story:
        found.append(_H.c.story == filters.story)
    if filters.ticker:
        found.append(_H.c.id.in_(select(tables.links.c.headline_id).where(tables.links.c.ticker == filters.ticker)))
    for word in filters.search.split()[:8]:
        pattern = tables.texts.c.text.icontains(word, autoescape=True)
        found.append(_H.c.text_id.in_(select(tables.texts.c.id).where(pattern)))
    return found


def _vote(filters: Filters) -> ColumnElement[bool]:
    return _H.c.lead_in_source.is_(True) if filters.source else _H.c.lead.is_(True)


class TrendStore:
    """Reads for pages and API."""

    def __init__(self, database: Database, sentiments: tuple[str, str] = _SENTIMENTS) -> None:
        self._database = database
        self._negative, self._positive = sentiments

    def by_day(self, filters: Filters) -> list[TrendPoint]:
        """Scored stories of each day that has any, in order of time."""
        query = (
            select(_H.c.day, *self._counts())
            .where(*matching(filters), _vote(filters), _H.c.sentiment != "")
            .group_by(_H.c.day)
            .order_by(_H.c.day)
        )
        with self._database.read() as connection:
            return [TrendPoint(row[0], row[1], row[2], row[3]) for row in connection.execute(query)]

    def by_topic(self, filters: Filters) -> dict[str, list[TrendPoint]]:
        """The same for every topic."""
        query = select(_H.c.topic, _H.c.day, *self._counts()).where(_H.c.topic != "")
        return self._grouped(query, _H.c.topic, filters)

    def by_company(self, filters: Filters) -> dict[str, list[TrendPoint]]:
        """The same for every company, by ticker."""
        ticker = tables.links.c.ticker
        query = select(ticker, _H.c.day, *self._counts()).join(tables.links, tables.links.c.headline_id == _H.c.id)
        return self._grouped(query, ticker, filters)

    def _grouped(self, query: Select[Any], name: ColumnElement[str], filters: Filters) -> dict[str, list[TrendPoint]]:
        query = query.where(*matching(filters), _vote(filters), _H.c.sentiment != "")
        grouped: dict[str, list[TrendPoint]] = defaultdict(list)
        with self._database.read() as connection:
            for row in connection.execute(query.group_by(name, _H.c.day).order_by(name, _H.c.day)):
                grouped[row[0]].append(TrendPoint(row[1], row[2], row[3], row[4]))
        return dict(grouped)

    def _counts(self) -> list[ColumnElement[int]]:
        return [
            func.count(),
            func.sum(case((_H.c.sentiment == self._negative, 1), else_=0)),
            func.sum(case((_H.c.sentiment == self._positive, 1), else_=0)),
        ]

    def count(self, filters: Filters) -> int:
        """Headlines that match, every copy counted."""
        with self._database.read() as connection:
            return int(connection.scalar(select(func.count()).select_from(_H).where(*matching(filters))) or 0)

    def readings(
        self, filters: Filters, *, version: str = "", least: float | None = None, one_vote: bool = False
    ) -> Readings:
        """How well the sentiment model knew the headlines that match, or with ``one_vote`` their stories.

        ``version`` and ``least``: which of them that version read, and how many it is at least so sure of.
        """
        texts = tables.texts.c
        theirs = texts.sentiment_model == version
        sure = and_(theirs, texts.outside.is_(False), false() if least is None else texts.sentiment_confidence >= least)
        counted = [
            func.coalesce(func.sum(case((one, 1), else_=0)), 0) for one in (texts.outside.is_(True), theirs, sure)
        ]
        query = (
            select(func.count(), *counted)
            .select_from(_H)
            .join(tables.texts, texts.id == _H.c.text_id)
            .where(*matching(filters), *([_vote(filters)] if one_vote else []), texts.outside.is_not(None))
        )
        with self._database.read() as connection:
            return Readings(*(int(found) for found in connection.execute(query).one()))

    def page(self, filters: Filters, *, offset: int, limit: int) -> list[HeadlineRow]:
        """Matching headlines, newest first."""
        query = (
            select(_H, tables.texts.c.text, tables.texts.c.outside)
            .join(tables.texts, tables.texts.c.id == _H.c.text_id)
            .where(*matching(filters))
            .order_by(_H.c.published_at.desc(), _H.c.id.desc())
        )
        return self._rows(query.offset(offset).limit(limit))

    def headlines(self, ids: Sequence[int]) -> list[HeadlineRow]:
        """These headlines, newest first."""
        found: list[HeadlineRow] = []
        for part in batches(list(ids)):
            query = select(_H, tables.texts.c.text, tables.texts.c.outside).join(
                tables.texts, tables.texts.c.id == _H.c.text_id
            )
            found += self._rows(query.where(_H.c.id.in_(part)))
        return sorted(found, key=lambda row: (row.published_at, row.id), reverse=True)

    def _rows(self, query: Select[Any]) -> list[HeadlineRow]:
        with self._database.read() as connection:
            rows = connection.execute(query).all()
            tickers: dict[int, list[str]] = defaultdict(list)
            copies: dict[int, int] = {}
            for part in batches([row.id for row in rows]):
                linked = select(tables.links.c.headline_id, tables.links.c.ticker)
                linked = linked.where(tables.links.c.headline_id.in_(part)).order_by(tables.links.c.start)
                for link in connection.execute(linked):
                    tickers[link.headline_id].append(link.ticker)
            for part in batches(sorted({row.story for row in rows})):
                counted = select(_H.c.story, func.count()).where(_H.c.story.in_(part)).group_by(_H.c.story)
                copies.update((found[0], found[1]) for found in connection.execute(counted))
        return [
            HeadlineRow(
                row.id,
                row.published_at,
                row.text,
                row.source,
                row.url,
                row.sentiment,
                row.topic,
                row.story,
                copies[row.story],
                tuple(tickers.get(row.id, ())),
                row.outside,
            )
            for row in rows
        ]

    def detail(self, headline: int) -> HeadlineDetail | None:
        """Everything known of one headline; None where there is no such row."""
        found = self.headlines([headline])
        if not found:
            return None
        query = select(tables.texts).join(_H, _H.c.text_id == tables.texts.c.id).where(_H.c.id == headline)
        linked = select(tables.links).where(tables.links.c.headline_id == headline).order_by(tables.links.c.start)
        with self._database.read() as connection:
            text = connection.execute(query).one()
            links = tuple(
                Link(row.ticker, row.start, row.end, row.matched, row.how) for row in connection.execute(linked)
            )
        scored = Scored(
            text.sentiment,
            text.sentiment_probabilities,
            text.sentiment_model,
            text.topic,
            text.topic_probabilities,
            text.topic_model,
            text.sentiment_confidence,
            text.outside,
        )
        return HeadlineDetail(found[0], scored, links, text.corrected_sentiment, text.corrected_topic)

    def choices(self) -> dict[str, list[str]]:
        """What filters can be set to: ``topics``, ``sources``, ``sentiments`` and ``tickers`` that occur."""
        queries = {
            "topics": select(_H.c.topic).where(_H.c.topic != "").distinct().order_by(_H.c.topic),
            "sources": select(_H.c.source).group_by(_H.c.source).order_by(func.count().desc()).limit(200),
            "sentiments": select(_H.c.sentiment).where(_H.c.sentiment != "").distinct().order_by(_H.c.sentiment),
            "tickers": select(tables.links.c.ticker).distinct().order_by(tables.links.c.ticker),
        }
        with self._database.read() as connection:
            return {name: list(connection.scalars(query)) for name, query in queries.items()}

    def watched(self, since: date | None) -> tuple[dict[date, int], dict[tuple[str, str], list[TrendPoint]]]:
        """What alerts look at, from ``since`` on: scored stories of each day, and of each topic and company by day."""
        filters = Filters(since=since)
        total = {point.day: point.stories for point in self.by_day(filters)}
        series = {("topic", name): points for name, points in self.by_topic(filters).items()}
        series.update({("company", name): points for name, points in self.by_company(filters).items()})
        return total, series
