"""Headlines, their texts, links, scores and corrections."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, insert, or_, select, update

from portside.storage.engine import Database
from portside_finance import tables
from portside_finance.config import StoryConfig
from portside_finance.headlines import text_hash
from portside_finance.linking import CompanyLinker
from portside_finance.records import Link, NewHeadline, Scored
from portside_finance.store_state import batches, exclusive, mark_changed
from portside_finance.stories import Lead, StoryIndex, Wording

__all__ = ["Added", "HeadlineStore"]

_NO_SCORE: Mapping[str, Any] = {
    "sentiment": "",
    "sentiment_probabilities": {},
    "sentiment_model": "",
    "topic": "",
    "topic_probabilities": {},
    "topic_model": "",
    "corrected_sentiment": "",
    "corrected_topic": "",
    "sentiment_confidence": None,
    "outside": None,
}


@dataclass(frozen=True, slots=True)
class Added:
    """What one transaction of headlines did."""

    added: int = 0
    repeated: int = 0
    same_story: int = 0
    linked: int = 0


@dataclass(frozen=True, slots=True)
class _Text:
    id: int
    sentiment: str
    topic: str


class HeadlineStore:
    """Writes headlines and what is known of them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        new: Sequence[NewHeadline],
        linker: CompanyLinker,
        config: StoryConfig,
        now: datetime,
        *,
        also: Callable[[Connection], None] | None = None,
    ) -> Added:
        """Store what is not there yet, with its story and companies, in one transaction.

        ``also`` runs inside the same transaction: what must be true together with these rows.
        """
        with exclusive(self._database) as connection:
            fresh = _unknown(connection, new)
            added = self._insert(connection, fresh, linker, config, now) if fresh else Added()
            if also is not None:
                also(connection)
        return Added(len(fresh), len(new) - len(fresh), added.same_story, added.linked)

    @staticmethod
    def _insert(
        connection: Connection, fresh: Sequence[NewHeadline], linker: CompanyLinker, config: StoryConfig, now: datetime
    ) -> Added:
        texts = _text_rows(connection, fresh)
        found = [linker.find(headline.text) for headline in fresh]
        first = min(headline.published_at for headline in fresh)
        last = max(headline.published_at for headline in fresh)
        window = timedelta(hours=config.window_hours)
        index = StoryIndex(config, _leads(connection, first - window, last + window))
        next_story = (connection.scalar(select(func.max(tables.headlines.c.story))) or 0) + 1
        rows: list[dict[str, Any]] = []
        same = 0
        for headline, links in zip(fresh, found, strict=True):
            wording = Wording.of(headline.text)
            tickers = frozenset(link.ticker for link in links)
            story = index.find(wording, headline.published_at, tickers)
            lead = story is None
            if story is None:
                story, next_story = next_story, next_story + 1
                index.add(Lead(story, wording, headline.published_at, tickers))
            same += not lead
            rows.append(_row(headline, texts[text_hash(headline.text)], story, lead, now))
        _mark_first_in_source(connection, rows)
        connection.execute(insert(tables.headlines), rows)
        _insert_links(connection, [headline.key for headline in fresh], found)
        scored = [row["day"] for row in rows if row["sentiment"]]
        mark_changed(connection, min(scored, default=None))
        return Added(len(fresh), 0, same, sum(bool(links) for links in found))

    def unscored(
        self, sentiment_model: str, topic_model: str, *, rescore: bool, limit: int
    ) -> list[tuple[int, str, bool, bool]]:
        """Texts that a model has not read: id, text, needs sentiment, needs topic. An empty model name asks nothing.

        With ``rescore`` also those that another version has read, or of which it was not kept how well they were known.
        """
        table = tables.texts
        needs = _needs(sentiment_model, topic_model, rescore)
        if not needs:
            return []
        query = select(table.c.id, table.c.text, *(need.label(name) for name, need in needs.items()))
        with self._database.read() as connection:
            rows = connection.execute(query.where(or_(*needs.values())).order_by(table.c.id).limit(limit)).all()
        return [
            (row.id, row.text, *(bool(getattr(row, f"lacks_{kind}", False)) for kind in ("sentiment", "topic")))
            for row in rows
        ]

    def count_unscored(self, sentiment_model: str, topic_model: str, *, rescore: bool) -> int:
        """How many texts ``unscored`` would give without a limit."""
        needs = _needs(sentiment_model, topic_model, rescore)
        if not needs:
            return 0
        query = select(func.count()).select_from(tables.texts).where(or_(*needs.values()))
        with self._database.read() as connection:
            return int(connection.scalar(query) or 0)

    def save_scores(self, scores: Mapping[int, Scored]) -> None:
        """Keep what models said of texts, by text id, in one transaction; corrections stay in force."""
        with exclusive(self._database) as connection:
            for kind in ("sentiment", "topic"):
                rows = [
                    {
                        "this_text": text,
                        "label": getattr(scored, kind),
                        "probabilities": dict(getattr(scored, f"{kind}_probabilities")),
                        "model": getattr(scored, f"{kind}_model"),
                        "confidence": scored.sentiment_confidence,
                        "outside": scored.outside,
                    }
                    for text, scored in scores.items()
                    if getattr(scored, f"{kind}_model")
                ]
                _write_scores(connection, kind, rows)
            for part in batches(list(scores)):
                query = select(func.min(tables.headlines.c.day)).where(tables.headlines.c.text_id.in_(part))
                mark_changed(connection, connection.scalar(query))

    def correct(self, headline: int, kind: str, label: str, actor: str, now: datetime) -> bool:
        """A person says what is right: it counts from now on, and is kept for retraining. False without such a row."""
        texts, headlines = tables.texts, tables.headlines
        with exclusive(self._database) as connection:
            row = connection.execute(
                select(texts).join(headlines, headlines.c.text_id == texts.c.id).where(headlines.c.id == headline)
            ).first()
            if row is None:
                return False
            was = getattr(row, f"corrected_{kind}") or getattr(row, kind)
            connection.execute(
                insert(tables.corrections).values(
                    text_id=row.id,
                    kind=kind,
                    was=was,
                    label=label,
                    actor=actor,
                    at=now,
                    model=getattr(row, f"{kind}_model"),
                )
            )
            connection.execute(update(texts).where(texts.c.id == row.id).values({f"corrected_{kind}": label}))
            connection.execute(update(headlines).where(headlines.c.text_id == row.id).values({kind: label}))
            days = select(func.min(headlines.c.day)).where(headlines.c.text_id == row.id)
            mark_changed(connection, connection.scalar(days))
        return True

    def corrected(self, kind: str) -> list[tuple[str, str]]:
        """Every corrected text with its label now in force: training material."""
        column = getattr(tables.texts.c, f"corrected_{kind}")
        with self._database.read() as connection:
            rows = connection.execute(
                select(tables.texts.c.text, column).where(column != "").order_by(tables.texts.c.id)
            )
            return [(row[0], row[1]) for row in rows]

    def relink(self, linker: CompanyLinker, *, after: int, limit: int) -> int:
        """Link the next ``limit`` headlines after id ``after`` anew; the last id done, or 0 when none is left."""
        headlines, texts = tables.headlines, tables.texts
        query = (
            select(headlines.c.id, headlines.c.key, headlines.c.day, texts.c.text)
            .join(texts, texts.c.id == headlines.c.text_id)
            .where(headlines.c.id > after)
            .order_by(headlines.c.id)
            .limit(limit)
        )
        with exclusive(self._database) as connection:
            rows = connection.execute(query).all()
            if not rows:
                return 0
            first, last = rows[0].id, rows[-1].id
            connection.execute(delete(tables.links).where(tables.links.c.headline_id.between(first, last)))
            _insert_links(connection, [row.key for row in rows], [linker.find(row.text) for row in rows])
            mark_changed(connection, min(row.day for row in rows))
        return int(last)


def _needs(sentiment_model: str, topic_model: str, rescore: bool) -> dict[str, ColumnElement[bool]]:
    """Which texts lack a reading, by ``lacks_sentiment`` and ``lacks_topic``."""
    table = tables.texts
    again = or_(table.c.sentiment_model != sentiment_model, table.c.outside.is_(None))
    needs: dict[str, ColumnElement[bool]] = {}
    if sentiment_model:
        needs["lacks_sentiment"] = again if rescore else table.c.sentiment_model == ""
    if topic_model:
        needs["lacks_topic"] = table.c.topic_model != topic_model if rescore else table.c.topic_model == ""
    return needs


def _unknown(connection: Connection, new: Sequence[NewHeadline]) -> list[NewHeadline]:
    known: set[str] = set()
    for part in batches([headline.key for headline in new]):
        known.update(connection.scalars(select(tables.headlines.c.key).where(tables.headlines.c.key.in_(part))))
    fresh: dict[str, NewHeadline] = {}
    for headline in new:
        if headline.key not in known:
            fresh.setdefault(headline.key, headline)
    return list(fresh.values())


def _text_rows(connection: Connection, fresh: Sequence[NewHeadline]) -> dict[str, _Text]:
    """Every text's row by hash; makes those that are missing."""
    wanted = {text_hash(headline.text): headline.text for headline in fresh}
    found = _known_texts(connection, list(wanted))
    missing = [key for key in wanted if key not in found]
    if missing:
        connection.execute(insert(tables.texts), [{"hash": key, "text": wanted[key], **_NO_SCORE} for key in missing])
        found.update(_known_texts(connection, missing))
    return found


def _known_texts(connection: Connection, hashes: Sequence[str]) -> dict[str, _Text]:
    table = tables.texts
    found: dict[str, _Text] = {}
    for part in batches(hashes):
        for row in connection.execute(select(table).where(table.c.hash.in_(part))):
            found[row.hash] = _Text(row.id, row.corrected_sentiment or row.sentiment, row.corrected_topic or row.topic)
    return found


def _row(headline: NewHeadline, text: _Text, story: int, lead: bool, now: datetime) -> dict[str, Any]:
    return {
        "key": headline.key,
        "published_at": headline.published_at,
        "day": headline.published_at.date(),
        "source": headline.source,
        "url": headline.url,
        "text_id": text.id,
        "story": story,
        "lead": lead,
        "lead_in_source": lead,
        "sentiment": text.sentiment,
        "topic": text.topic,
        "ingested_at": now,
    }


def _mark_first_in_source(connection: Connection, rows: list[dict[str, Any]]) -> None:
    """The first copy of a story in each source votes where one source alone is looked at."""
    joined = sorted({row["story"] for row in rows if not row["lead"]})
    seen: set[tuple[int, str]] = set()
    table = tables.headlines
    for part in batches(joined):
        query = select(table.c.story, table.c.source).where(table.c.story.in_(part))
        seen.update((row.story, row.source) for row in connection.execute(query))
    for row in rows:
        place = (row["story"], row["source"])
        row["lead_in_source"] = place not in seen
        seen.add(place)


def _leads(connection: Connection, since: datetime, until: datetime) -> list[Lead]:
    headlines, texts = tables.headlines, tables.texts
    inside = headlines.c.lead & headlines.c.published_at.between(since, until)
    tickers: dict[int, set[str]] = defaultdict(set)
    linked = select(tables.links.c.headline_id, tables.links.c.ticker)
    for row in connection.execute(linked.join(headlines, headlines.c.id == tables.links.c.headline_id).where(inside)):
        tickers[row.headline_id].add(row.ticker)
    query = (
        select(headlines.c.id, headlines.c.story, headlines.c.published_at, texts.c.text)
        .join(texts, texts.c.id == headlines.c.text_id)
        .where(inside)
        .order_by(headlines.c.story)
    )
    return [
        Lead(row.story, Wording.of(row.text), row.published_at, frozenset(tickers.get(row.id, ())))
        for row in connection.execute(query)
    ]


def _insert_links(connection: Connection, keys: Sequence[str], found: Sequence[tuple[Link, ...]]) -> None:
    wanted = {key: links for key, links in zip(keys, found, strict=True) if links}
    ids: dict[str, int] = {}
    for part in batches(list(wanted)):
        query = select(tables.headlines.c.key, tables.headlines.c.id).where(tables.headlines.c.key.in_(part))
        ids.update((row.key, row.id) for row in connection.execute(query))
    rows = [
        {
            "headline_id": ids[key],
            "ticker": link.ticker,
            "start": link.start,
            "end": link.end,
            "matched": link.matched[:200],
            "how": link.how,
        }
        for key, links in wanted.items()
        for link in links
    ]
    if rows:
        connection.execute(insert(tables.links), rows)


def _write_scores(connection: Connection, kind: str, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    texts, headlines = tables.texts, tables.headlines
    written = {kind: "label", f"{kind}_probabilities": "probabilities", f"{kind}_model": "model"}
    if kind == "sentiment":
        written |= {"sentiment_confidence": "confidence", "outside": "outside"}
    # "outside" is a column as well: a parameter of a column's name would be taken for its value.
    change = {column: bindparam(f"this_{name}", type_=texts.c[column].type) for column, name in written.items()}
    values = [
        {f"this_{name}": row[name] for name in written.values()} | {"this_text": row["this_text"]} for row in rows
    ]
    connection.execute(update(texts).where(texts.c.id == bindparam("this_text")).values(change), values)
    corrected = getattr(texts.c, f"corrected_{kind}")
    kept: set[int] = set()
    for part in batches([row["this_text"] for row in rows]):
        kept.update(connection.scalars(select(texts.c.id).where(texts.c.id.in_(part), corrected != "")))
    effective = [{"this_text": row["this_text"], "label": row["label"]} for row in rows if row["this_text"] not in kept]
    if effective:
        labels = (
            update(headlines).where(headlines.c.text_id == bindparam("this_text")).values({kind: bindparam("label")})
        )
        connection.execute(labels, effective)
