"""The nouns of the finance monitor. Frozen, without behaviour of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

__all__ = [
    "Company",
    "Filters",
    "HeadlineDetail",
    "HeadlineRow",
    "IngestReport",
    "Link",
    "NewHeadline",
    "Readings",
    "RefusedRow",
    "Scored",
    "TrendPoint",
]


@dataclass(frozen=True, slots=True)
class Company:
    """One company of the reference list."""

    ticker: str
    name: str
    aliases: tuple[str, ...] = ()
    sector: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A headline speaks of a company: ``start`` and ``end`` are character offsets in the headline."""

    ticker: str
    start: int
    end: int
    matched: str
    how: str
    """``name``, ``short name``, ``alias`` or ``ticker``."""


@dataclass(frozen=True, slots=True)
class NewHeadline:
    """A checked headline on its way into the store. ``key`` is the same whenever the same row comes again."""

    key: str
    published_at: datetime
    text: str
    source: str
    url: str
    """``http(s)`` address, or empty."""


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that was left out. ``row`` is 1-based, the header not counted."""

    row: int
    column: str
    value: str
    rule: str
    remedy: str


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What an import did: ``rows = added + repeated + refused``."""

    rows: int
    added: int
    repeated: int
    """Rows that were there already, by source, time, words and address."""
    refused: int
    skipped: int = 0
    """Rows that an earlier, interrupted import of the same file had finished."""
    same_story: int = 0
    """Of those added: copies of a story already known."""
    linked: int = 0
    """Of those added: headlines in which a company was found."""
    examples: tuple[RefusedRow, ...] = ()
    """The first refused rows."""
    first_day: date | None = None
    last_day: date | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    """What the two models say of one text; a model that does not exist yet leaves its part empty."""

    sentiment: str = ""
    sentiment_probabilities: Mapping[str, float] = field(default_factory=dict)
    sentiment_model: str = ""
    topic: str = ""
    topic_probabilities: Mapping[str, float] = field(default_factory=dict)
    topic_model: str = ""
    sentiment_confidence: float | None = None
    """The probability of the sentiment, in full; None: read before this was kept."""
    outside: bool | None = None
    """The sentiment model learned of nothing like it; None: not known."""


@dataclass(frozen=True, slots=True)
class Readings:
    """How well the sentiment model knew what it read, of some headlines or stories."""

    known: int = 0
    """Those of which it is known."""
    outside: int = 0
    """Of these: unlike everything the model learned."""
    by_version: int = 0
    """Of those known: read by the version asked about."""
    sure: int = 0
    """Of these: like what it learned, and as sure as was asked for."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What the reader narrowed the view to; empty values narrow nothing. ``since`` and ``until`` are inclusive days."""

    since: date | None = None
    until: date | None = None
    topic: str = ""
    ticker: str = ""
    source: str = ""
    sentiment: str = ""
    search: str = ""
    story: int = 0
    """Only the copies of this story."""


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """Stories that begin on one day, one vote each."""

    day: date
    stories: int
    negative: int
    positive: int


@dataclass(frozen=True, slots=True)
class HeadlineRow:
    """A headline as lists show it."""

    id: int
    published_at: datetime
    text: str
    source: str
    url: str
    sentiment: str
    topic: str
    story: int
    copies: int
    """Headlines of the same story, this one included."""
    tickers: tuple[str, ...]
    outside: bool | None = None
    """The sentiment model learned of nothing like it; None: not known."""


@dataclass(frozen=True, slots=True)
class HeadlineDetail:
    """Everything known of one headline."""

    row: HeadlineRow
    scored: Scored
    """What the models said, before any correction."""
    links: tuple[Link, ...]
    corrected_sentiment: str = ""
    corrected_topic: str = ""
