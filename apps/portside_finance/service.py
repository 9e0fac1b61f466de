"""What the finance monitor does: its use cases. Collaborators are arguments."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

from portside.clock import Clock, utc_now
from portside.errors import UsageError
from portside.inference.interfaces import TextClassifier
from portside.progress import NullProgress, Progress
from portside.said import said
from portside_finance.alerting import evaluate
from portside_finance.alerts import Plan
from portside_finance.config import FinanceConfig
from portside_finance.feeds import Feed, feed_state
from portside_finance.fetch import Fetcher, check_address
from portside_finance.ingest import PollReport, ingest_feed_document, ingest_file, poll_feeds, read_companies
from portside_finance.linking import CompanyLinker
from portside_finance.reading import read_bytes
from portside_finance.records import (
    Company,
    Filters,
    HeadlineDetail,
    HeadlineRow,
    IngestReport,
    Link,
    Readings,
    Scored,
    TrendPoint,
)
from portside_finance.scoring import ScoreReport, model_of, score_pending, scored_of
from portside_finance.store import FinanceStore
from portside_finance.store_alerts import AlertRow
from portside_finance.sureness import Sureness
from portside_finance.trends import GroupMood, Mood, bucket_days, compare_groups, pool, trend

__all__ = ["Choices", "FinanceService", "HeadlinePage", "Overview"]

MAX_COMMENT = 2_000
MAX_TEXTS = 256
"""Texts one call of ``score_texts`` takes: about half a second of two models."""
_RELINK_ROWS = 5_000
_FEED_FILES = (".xml", ".rss", ".atom")


@dataclass(frozen=True, slots=True)
class Overview:
    """What the overview page shows."""

    since: date
    until: date
    bucket_days: int
    moods: Sequence[Mood]
    now: TrendPoint | None
    """All stories of the period as one; None without any."""
    before: TrendPoint | None
    """The same for the period of the same length just before."""
    topics: Sequence[GroupMood]
    companies: Sequence[GroupMood]
    unscored: int
    """Texts that the models have not read yet: the picture lacks them."""
    readings: Readings = field(default_factory=Readings)
    """How well the sentiment model knew the period's stories."""


@dataclass(frozen=True, slots=True)
class HeadlinePage:
    """One page of the explorer. ``number`` counts from 1."""

    rows: Sequence[HeadlineRow]
    total: int
    number: int
    pages: int


@dataclass(frozen=True, slots=True)
class Choices:
    """What the filters can be set to."""

    topics: Sequence[str] = ()
    sources: Sequence[str] = ()
    sentiments: Sequence[str] = ()
    companies: Mapping[str, str] = field(default_factory=dict)
    """Ticker -> name of the companies that headlines speak of."""
    span: tuple[date, date] | None = None
    """First and last day with headlines."""


@dataclass(frozen=True)
class FinanceService:
    """The finance monitor over one store and two models. Safe to share between threads."""

    store: FinanceStore
    sentiment: TextClassifier
    topic: TextClassifier
    fetcher: Fetcher
    config: FinanceConfig
    uploads: Path
    """Folder in which files given to a page wait for their import."""
    actor: str = ""
    clock: Clock = utc_now
    sureness_of: Callable[[], Sureness | None] = lambda: None
    """What can be promised of the sentiment model that serves."""

    def warm(self) -> None:
        """Find out ahead what can be promised: it takes a library that is slow to load."""
        self.sureness_of()

    def overview(self, filters: Filters) -> Overview | None:
        """Mood over time and by topic and company; None while there is no headline at all."""
        span = self.store.span()
        if span is None:
            return None
        since, until = filters.since or span[0], filters.until or span[1]
        filters = replace(filters, since=since, until=until, search="", story=0, sentiment="")
        points = self.store.trends.by_day(filters)
        length = until - since + timedelta(days=1)
        earlier = replace(filters, since=since - length, until=since - timedelta(days=1))
        size = bucket_days(since, until)

        def groups(read: Callable[[Filters], dict[str, list[TrendPoint]]], chosen: Filters) -> list[GroupMood]:
            least = 1 if chosen is not filters else self.config.min_company_stories
            return compare_groups(
                read(filters), since=since, until=until, min_stories=least, prior=self.config.trend_prior
            )

        return Overview(
            since,
            until,
            size,
            trend(points, size=size, prior=self.config.trend_prior, since=since),
            pool(points),
            pool(self.store.trends.by_day(earlier)),
            groups(self.store.trends.by_topic, filters),
            groups(self.store.trends.by_company, filters),
            self.store.totals()["unscored"],
            self.store.trends.readings(filters, one_vote=True),
        )

    def choices(self) -> Choices:
        """What the filters can be set to now."""
        found = self.store.trends.choices()
        names = {company.ticker: company.name for company in self.store.companies()}
        known = {ticker: names.get(ticker, ticker) for ticker in found["tickers"]}
        by_name = dict(sorted(known.items(), key=lambda item: item[1].casefold()))
        return Choices(found["topics"], found["sources"], found["sentiments"], by_name, self.store.span())

    def headlines(self, filters: Filters, page: int = 1, rows: int | None = None) -> HeadlinePage:
        """One page of matching headlines, newest first; a page beyond the last gives the last."""
        size = rows or self.config.page_rows
        total = self.store.trends.count(filters)
        pages = max(1, -(-total // size))
        number = min(max(page, 1), pages)
        return HeadlinePage(
            self.store.trends.page(filters, offset=(number - 1) * size, limit=size), total, number, pages
        )

    def sureness(self, filters: Filters) -> tuple[Sureness, Readings] | None:
        """What can be promised of the sentiment model that serves, and which of the matching headlines it covers."""
        found = self.sureness_of()
        if found is None:
            return None
        least = found.promise.threshold if found.promise else None
        return found, self.store.trends.readings(filters, version=found.model, least=least)

    def headline(self, number: int) -> HeadlineDetail | None:
        """Everything known of one headline."""
        return self.store.trends.detail(number)

    def correct(self, headline: int, kind: str, label: str) -> None:
        """A person says what is right. Counts at once, and is training material from now on.

        Raises:
            UsageError: no such headline, or no such kind or label.
        """
        label = label.strip()
        if kind not in ("sentiment", "topic") or not label or len(label) > 64:
            raise UsageError(
                "A correction names a sentiment or a topic",
                seen=f"{kind}: {label[:64]!r}",
                remedy="Choose one of the labels offered",
            )
        if not self.store.headlines.correct(headline, kind, label, self.actor, self.clock()):
            raise UsageError("No such headline", seen=str(headline), remedy="Search for it in the explorer")

    def alerts(self, states: Sequence[str] = (), limit: int = 200) -> list[AlertRow]:
        """Alerts, those that began last first."""
        return self.store.alerts.rows(states=states, limit=limit)

    def alert_counts(self) -> dict[str, int]:
        """How many alerts are in each state."""
        return self.store.alerts.counts()

    def alert_headlines(self, alert: int) -> list[HeadlineRow]:
        """The headlines that an alert rests on, newest first."""
        return self.store.trends.headlines(self.store.alerts.evidence(alert))

    def acknowledge(self, alert: int, comment: str) -> None:
        """Remember that a person has seen an alert, and what they said.

        Raises:
            UsageError: no such alert.
        """
        if not self.store.alerts.acknowledge(alert, self.actor, comment.strip()[:MAX_COMMENT], self.clock()):
            raise UsageError("No such alert", seen=str(alert), remedy="Look at the list of alerts")

    def update_alerts(self) -> Plan:
        """Bring alerts up to date with the headlines stored."""
        return evaluate(self.store, self.config, self.clock)

    def ingest(
        self,
        path: Path,
        *,
        columns: Mapping[str, str] | None = None,
        source: str = "",
        progress: Progress | None = None,
    ) -> IngestReport:
        """Import a file of headlines, or a feed saved as a file. Raises as ``ingest_file`` does, and FeedError."""
        if path.suffix.lower() in _FEED_FILES:
            body = read_bytes(path, self.config.feeds.max_bytes)
            return ingest_feed_document(self.store, body, url=path.name, config=self.config, now=self.clock())
        return ingest_file(
            self.store,
            path,
            columns=columns or {},
            source=source,
            config=self.config,
            clock=self.clock,
            progress=progress or NullProgress(),
        )

    def ingest_feed(self, url: str) -> IngestReport:
        """Take in what a feed holds now, without watching it. Raises FeedError."""
        url = check_address(url)
        body = self.fetcher.fetch(url).body
        return ingest_feed_document(self.store, body, url=url, config=self.config, now=self.clock())

    def score(self, progress: Progress | None = None, *, rescore: bool = False) -> ScoreReport:
        """Score what is not scored yet, or with ``rescore`` what another version scored."""
        return score_pending(
            self.store, self.sentiment, self.topic, self.config.score, progress or NullProgress(), rescore=rescore
        )

    def score_texts(self, texts: Sequence[str]) -> list[tuple[Scored, tuple[Link, ...]]]:
        """What models and linker say of texts that are not stored.

        Raises:
            UsageError: too many texts, or one without words.
            ModelNotFound: no model was trained yet.
        """
        if len(texts) > MAX_TEXTS:
            raise UsageError(f"At most {MAX_TEXTS} texts a call", seen=str(len(texts)), remedy="Send them in parts")
        if any(not text.strip() for text in texts):
            raise UsageError("A text needs words", seen="an empty text", remedy="Leave it out")
        linker = CompanyLinker(self.store.companies())
        mood = self.sentiment.predict(texts)
        filed = self.topic.predict(texts) if model_of(self.topic) else [None] * len(texts)
        return [
            (scored_of(first, second), linker.find(text))
            for text, first, second in zip(texts, mood, filed, strict=True)
        ]

    def companies(self) -> list[Company]:
        """The reference list."""
        return self.store.companies()

    def import_companies(self, path: Path, *, replace_all: bool = True, progress: Progress | None = None) -> int:
        """Take over a reference list and link every stored headline anew; how many companies it holds."""
        companies = read_companies(path)
        self.store.save_companies(companies, replace=replace_all)
        linker = CompanyLinker(self.store.companies())
        total = max(self.store.totals()["headlines"], 1)
        last = done = 0
        while last := self.store.headlines.relink(linker, after=last, limit=_RELINK_ROWS):
            done = min(done + _RELINK_ROWS, total)
            (progress or NullProgress()).update(done, total, said("linking companies"))
        return len(companies)

    def feeds(self) -> list[tuple[Feed, str]]:
        """Every feed with its state: ``new``, ``ok``, ``failing``, ``broken`` or ``stale``."""
        now = self.clock()
        return [(feed, feed_state(feed, now, self.config.feeds)) for feed in self.store.feeds.all()]

    def add_feed(self, url: str, title: str = "") -> None:
        """Watch a feed from now on.

        Raises:
            FeedError: the address cannot be a feed's.
            UsageError: it is watched already.
        """
        url = check_address(url)
        if not self.store.feeds.add(url, title.strip()[:200], self.clock()):
            raise UsageError("This feed is watched already", seen=url, remedy="Nothing to do")

    def remove_feed(self, feed: int) -> None:
        """Stop watching a feed; its headlines stay.

        Raises:
            UsageError: no such feed.
        """
        if not self.store.feeds.remove(feed):
            raise UsageError("No such feed", seen=str(feed), remedy="portside finance feeds list shows the numbers")

    def poll(self, progress: Progress | None = None, *, everything: bool = False) -> PollReport:
        """Ask the feeds that are due, or all."""
        return poll_feeds(
            self.store,
            self.fetcher,
            config=self.config,
            clock=self.clock,
            progress=progress or NullProgress(),
            everything=everything,
        )

    def totals(self) -> dict[str, int]:
        """Rows stored, by kind."""
        return self.store.totals()

    def keep_upload(self, name: str, data: bytes) -> Path:
        """Keep a file that a page was given until its import; the same bytes under the same name once."""
        safe = re.sub(r"[^A-Za-z0-9._-]+", "_", Path(name).name)[-80:].lstrip(".") or "upload.csv"
        folder = self.uploads / hashlib.sha256(data).hexdigest()[:16]
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / safe
        if not path.exists():
            part = path.with_suffix(path.suffix + ".part")
            part.write_bytes(data)
            part.replace(path)
        return path.resolve()
