"""Everything of the finance monitor that can be tuned: each value once, with its unit and the reason for its default.

A person who runs Portside changes values in ``finance.toml`` in the home folder, for example::

    [alerts]
    budget_per_30_days = 1.0

    [feeds]
    allow_private = true
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

from portside.errors import UsageError

__all__ = [
    "AlertConfig",
    "FeedConfig",
    "FinanceConfig",
    "IngestConfig",
    "ScoreConfig",
    "StoryConfig",
    "TrainConfig",
    "load_config",
]

CONFIG_FILE = "finance.toml"


@dataclass(frozen=True)
class IngestConfig:
    """How files are read."""

    chunk_rows: int = 2_000
    """Rows a transaction: about a second of work, so that a kill loses little and pages never wait long."""
    max_headline_chars: int = 600
    """Longer texts are cut: the models read 64 tokens or so, and a longer cell is an article rather than a headline."""
    max_refused_share: float = 0.5
    """Of the first chunk: when more than this share of rows is refused the mapping is wrong, and the import stops."""
    future_days: float = 2.0
    """A headline dated further ahead than this is refused: it would put the charts' end in the future."""


@dataclass(frozen=True)
class StoryConfig:
    """When two headlines are the same story."""

    window_hours: float = 72.0
    """Copies of a story appear within three days; later the same words are new events (quarterly results)."""
    min_similarity: float = 0.65
    """Weighted Jaccard of words, 0-1: read by hand, pairs above it were reissues, pairs below .6 mostly were not."""
    min_similarity_other_names: float = 0.85
    """The same where each headline has a name that the other lacks."""
    min_contained_words: int = 5
    """A headline whose words all stand in another is the same story when it has at least so many content words."""


@dataclass(frozen=True)
class ScoreConfig:
    """How headlines get their labels."""

    sentiment_model: str = "finance-sentiment"
    topic_model: str = "finance-topics"
    batch_texts: int = 2_048
    """Texts a transaction: a few seconds of two models, and enough for the predictor to sort by length."""
    negative_label: str = "negative"
    positive_label: str = "positive"


@dataclass(frozen=True)
class AlertConfig:
    """When an unusual number of negative stories becomes an alert."""

    budget_per_30_days: float = 2.0
    """False alarms to expect in 30 days over everything watched: what a person can look into without growing deaf."""
    window_days: int = 56
    """Days of history a day is compared with: eight of each weekday."""
    min_history_days: int = 14
    """Days with news before anything can fire: two of each weekday."""
    min_negative: int = 4
    """Fewer negative stories in a day than this never fire, however rare: one wire item is not a surge."""
    prior_days: float = 4.0
    """How many days of the average series a new series borrows: it needs no warm-up and cannot fire on nothing."""
    weekday_prior_days: float = 4.0
    """How many average days each weekday's factor is drawn towards 1 with."""
    trim_tail: float = 0.0001
    """A past day rarer than this counts as its own expected bound: a past surge must not hide the next one."""
    watch_factor: float = 20.0
    """Evidence up to so many times weaker than the firing threshold makes an alert pending."""
    confirm_days: int = 1
    """Days in a row over the threshold before pending becomes firing; 1 fires at once."""
    calm_tail: float = 0.05
    """A day is calm when its count would be reached at least this often on usual days."""
    calm_days: int = 2
    """Calm days in a row before firing becomes resolved: news pauses for a night."""
    replay_days: int = 120
    """Days before the earliest change that are recomputed: twice the window, so that the baseline has settled."""
    max_evidence: int = 300
    """Headlines kept with an alert."""


@dataclass(frozen=True)
class FeedConfig:
    """How feeds are fetched, and when one is unwell."""

    allow_private: bool = False
    """Whether feeds at loopback, private and link-local addresses may be fetched: off, or a feed's address could
    make this machine read its own network's pages."""
    max_bytes: int = 5_000_000
    """Counted while streaming, after decompression."""
    deadline_seconds: float = 20.0
    """For one feed in all, redirects included."""
    timeout_seconds: float = 8.0
    """For connecting, and for each silence between bytes."""
    max_redirects: int = 5
    max_items: int = 1_000
    """More are cut off before parsing: the parser takes tens of seconds for 20,000."""
    interval_minutes: float = 15.0
    """Between polls of a healthy feed."""
    max_backoff_hours: float = 24.0
    """Between polls of a feed that keeps failing."""
    broken_after_errors: int = 5
    """Failures in a row before a feed counts as broken rather than failing."""
    stale_after_hours: float = 72.0
    """Hours without a new item before a feed that answers counts as stale: a long week-end is not."""


@dataclass(frozen=True)
class TrainConfig:
    """How much time training may take when nobody says otherwise."""

    demo_seconds_sentiment: float = 40.0
    demo_seconds_topics: float = 32.0
    """Together with loading the libraries, which the first of the two pays: a minute of the demo."""


@dataclass(frozen=True)
class FinanceConfig:
    """All of it."""

    ingest: IngestConfig = field(default_factory=IngestConfig)
    stories: StoryConfig = field(default_factory=StoryConfig)
    score: ScoreConfig = field(default_factory=ScoreConfig)
    alerts: AlertConfig = field(default_factory=AlertConfig)
    feeds: FeedConfig = field(default_factory=FeedConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    page_rows: int = 50
    """Headlines on a page of the explorer."""
    min_company_stories: int = 5
    """Companies with fewer stories in the period stay out of the overview's table: their share says nothing."""
    trend_prior: float = 4.0
    """Stories' worth of the overall mood that each point of a trend borrows, so that one story is not a trend."""

    def __post_init__(self) -> None:
        checks = [
            ("alerts.budget_per_30_days", self.alerts.budget_per_30_days, self.alerts.budget_per_30_days > 0),
            ("alerts.min_negative", self.alerts.min_negative, self.alerts.min_negative >= 1),
            ("alerts.window_days", self.alerts.window_days, self.alerts.window_days >= 7),
            ("alerts.confirm_days", self.alerts.confirm_days, self.alerts.confirm_days >= 1),
            ("alerts.calm_days", self.alerts.calm_days, self.alerts.calm_days >= 1),
            ("stories.min_similarity", self.stories.min_similarity, 0 < self.stories.min_similarity <= 1),
            ("ingest.chunk_rows", self.ingest.chunk_rows, self.ingest.chunk_rows >= 1),
            ("feeds.max_bytes", self.feeds.max_bytes, self.feeds.max_bytes >= 1_000),
            ("page_rows", self.page_rows, self.page_rows >= 1),
        ]
        for name, value, fine in checks:
            if not fine:
                raise UsageError(f"{name} is outside what can work", seen=repr(value), remedy=f"Mend {CONFIG_FILE}")


def load_config(home: Path) -> FinanceConfig:
    """The configuration: the defaults, changed by ``finance.toml`` in the home folder where there is one.

    Raises:
        UsageError: the file is not TOML, or names a value that does not exist or has another type.
    """
    path = home / CONFIG_FILE
    if not path.is_file():
        return FinanceConfig()
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} must be TOML", seen=str(error), remedy="Mend or remove the file") from error
    config: FinanceConfig = _changed(FinanceConfig(), data, str(path))
    return config


def _changed(base: Any, data: dict[str, Any], where: str) -> Any:
    known = {item.name: getattr(base, item.name) for item in fields(base)}
    values: dict[str, Any] = {}
    for name, value in data.items():
        if name not in known:
            raise UsageError(f"{where} names no known value", seen=name, remedy=f"Use one of: {', '.join(known)}")
        old = known[name]
        if is_dataclass(old):
            if not isinstance(value, dict):
                raise UsageError(f"{where}: {name} is a section", seen=repr(value), remedy=f"Write [{name}]")
            values[name] = _changed(old, value, f"{where} [{name}]")
        elif isinstance(old, float) and isinstance(value, int) and not isinstance(value, bool):
            values[name] = float(value)
        elif type(old) is not type(value):
            raise UsageError(f"{where}: {name} must be {type(old).__name__}", seen=repr(value), remedy="Mend the value")
        else:
            values[name] = value
    return type(base)(**{**known, **values})
