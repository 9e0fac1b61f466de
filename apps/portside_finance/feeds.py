"""Feeds: from bytes to headlines, when to ask again, and when a feed is unwell. Pure.

An empty result must never look like "no news": what is not a feed is an error, and a feed that answers without anything
new for days is stale.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from portside.errors import FeedError
from portside_finance.config import FeedConfig, IngestConfig
from portside_finance.headlines import clean_text, feed_key, parse_moment, safe_link
from portside_finance.records import NewHeadline

__all__ = ["Feed", "ParsedFeed", "after_failure", "after_success", "due", "feed_state", "parse_feed"]

_ITEM_END = re.compile(rb"</(?:[A-Za-z]+:)?(item|entry)\s*>")


@dataclass(frozen=True, slots=True)
class Feed:
    """A watched feed with its history of attempts."""

    id: int
    url: str
    title: str
    added_at: datetime
    etag: str
    modified: str
    next_poll_at: datetime
    last_try_at: datetime | None
    last_success_at: datetime | None
    last_item_at: datetime | None
    """When an item not seen before last came."""
    errors_in_a_row: int
    errors_total: int
    polls_total: int
    items_total: int
    last_error: str


@dataclass(frozen=True, slots=True)
class ParsedFeed:
    """What a feed holds now."""

    title: str
    headlines: tuple[NewHeadline, ...]
    left_out: int
    """Items without words, from the future, or beyond the cap."""


def parse_feed(
    body: bytes, *, url: str, now: datetime, feeds: FeedConfig, ingest: IngestConfig, title: str = ""
) -> ParsedFeed:
    """Read RSS or Atom.

    Raises:
        FeedError: the document declares XML entities, or is not a feed at all.
    """
    _refuse_entities(body, url)
    body, cut = _capped(body, feeds.max_items)
    import feedparser

    parsed: Any = feedparser.parse(body, response_headers={"content-location": url})
    if not parsed.get("version") or ("title" not in parsed.feed and not parsed.entries):
        raise FeedError(
            "The address must answer with an RSS or Atom feed",
            seen=f"{url}: {body[:60].decode('utf-8', 'replace').strip() or 'an empty page'}",
            remedy="Open the address in a browser; look for the site's feed link",
        )
    name = clean_text(str(parsed.feed.get("title") or ""))[:120] or title or url
    found = [_headline(entry, url, title or name, now, ingest) for entry in parsed.entries[: feeds.max_items]]
    headlines = tuple(headline for headline in found if headline is not None)
    return ParsedFeed(name, headlines, len(found) - len(headlines) + cut)


def feed_state(feed: Feed, now: datetime, config: FeedConfig) -> str:
    """``new``, ``ok``, ``failing`` (some errors), ``broken`` (many) or ``stale`` (nothing new for long)."""
    if feed.errors_in_a_row >= config.broken_after_errors:
        return "broken"
    if feed.errors_in_a_row:
        return "failing"
    if feed.last_success_at is None:
        return "new"
    newest = feed.last_item_at or feed.added_at
    return "stale" if now - newest > timedelta(hours=config.stale_after_hours) else "ok"


def after_success(
    feed: Feed, now: datetime, config: FeedConfig, *, title: str, etag: str, modified: str, added: int
) -> dict[str, Any]:
    """What a poll that went well changes."""
    values: dict[str, Any] = {
        "title": feed.title or title[:200],
        "etag": etag[:400],
        "modified": modified[:200],
        "last_try_at": now,
        "last_success_at": now,
        "next_poll_at": now + timedelta(minutes=config.interval_minutes),
        "errors_in_a_row": 0,
        "polls_total": feed.polls_total + 1,
        "items_total": feed.items_total + added,
        "last_error": "",
    }
    if added:
        values["last_item_at"] = now
    return values


def after_failure(feed: Feed, now: datetime, config: FeedConfig, *, error: str) -> dict[str, Any]:
    """What a failed poll changes: each failure in a row doubles the wait, up to a day."""
    errors = feed.errors_in_a_row + 1
    minutes = min(config.interval_minutes * 2.0 ** min(errors, 20), config.max_backoff_hours * 60)
    return {
        "last_try_at": now,
        "next_poll_at": now + timedelta(minutes=minutes),
        "errors_in_a_row": errors,
        "errors_total": feed.errors_total + 1,
        "polls_total": feed.polls_total + 1,
        "last_error": error[:1000],
    }


def due(feeds: Sequence[Feed], now: datetime) -> list[Feed]:
    """The feeds whose time has come."""
    return [feed for feed in feeds if feed.next_poll_at <= now]


def _refuse_entities(body: bytes, url: str) -> None:
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        fromstring(body, forbid_dtd=False, forbid_entities=True, forbid_external=True)
    except DefusedXmlException as error:
        raise FeedError(
            "A feed must not declare XML entities",
            seen=f"{url}: {type(error).__name__}",
            remedy="Do not use this feed: entities serve attacks, not news",
        ) from error
    except (ParseError, ValueError, LookupError):
        # Much of the world's feeds is not well-formed; the tolerant parser, which expands no entities, reads it.
        return


def _capped(body: bytes, limit: int) -> tuple[bytes, int]:
    """At most ``limit`` items, and how many were cut off; cutting before parsing is what saves the time."""
    ends = list(_ITEM_END.finditer(body))
    if len(ends) <= limit:
        return body, 0
    closing = b"</feed>" if ends[0].group(1) == b"entry" else b"</channel></rss>"
    return body[: ends[limit - 1].end()] + closing, len(ends) - limit


def _headline(entry: Any, feed_url: str, source: str, now: datetime, config: IngestConfig) -> NewHeadline | None:
    text = clean_text(str(entry.get("title") or ""))[: config.max_headline_chars].rstrip()
    if not any(character.isalnum() for character in text):
        return None
    published = _published(entry)
    if published is not None and published > now + timedelta(days=config.future_days):
        return None
    guid = str(entry.get("id") or entry.get("link") or "")
    link = safe_link(str(entry.get("link") or ""))
    return NewHeadline(feed_key(feed_url, guid, text), published or now, text, source[:120], link)


def _published(entry: Any) -> datetime | None:
    for name in ("published", "updated", "created"):
        parts = entry.get(f"{name}_parsed")
        if parts:
            try:
                year, month, day, hour, minute, second = parts[:6]
                return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
            except (ValueError, TypeError):
                continue
        if entry.get(name):
            moment = parse_moment(str(entry[name]))
            if moment is not None:
                return moment
    return None
