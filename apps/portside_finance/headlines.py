"""From a row of a file or an item of a feed to a checked headline. Pure: no files, no clock."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from portside.errors import DataError
from portside_finance.config import IngestConfig
from portside_finance.records import NewHeadline, RefusedRow

__all__ = [
    "ColumnMapping",
    "Refused",
    "check_row",
    "clean_text",
    "feed_key",
    "guess_mapping",
    "parse_moment",
    "safe_link",
    "text_hash",
]

_NAMES: dict[str, tuple[str, ...]] = {
    "text": ("headline", "title", "text", "headlines", "headline_text", "标题"),
    "time": (
        "published_at",
        "published",
        "time",
        "date",
        "datetime",
        "timestamp",
        "pubdate",
        "created_at",
        "日期",
        "时间",
    ),
    "source": ("source", "outlet", "publisher", "provider", "来源"),
    "url": ("url", "link", "href", "链接"),
}
_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
_TAGS = re.compile(r"</?[A-Za-z][^<>]*>")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]")
_SPACES = re.compile(r"\s+")
_NUMBER = re.compile(r"\d{9,13}(\.\d+)?")


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """Which column holds what. ``source`` and ``url`` may be empty: then ``default_source`` stands, and no link."""

    text: str
    time: str
    source: str = ""
    url: str = ""
    default_source: str = ""


class Refused(Exception):
    """A row cannot become a headline; carries what the report shows."""

    def __init__(self, column: str, value: str, rule: str, remedy: str) -> None:
        super().__init__(rule)
        self.column = column
        self.value = value
        self.rule = rule
        self.remedy = remedy

    def at(self, row: int) -> RefusedRow:
        """The same with its row number (1-based, header not counted)."""
        return RefusedRow(row, self.column, self.value[:120], self.rule, self.remedy)


def guess_mapping(
    columns: Sequence[str], file: str, *, given: Mapping[str, str] | None = None, default_source: str = ""
) -> ColumnMapping:
    """Find the columns by their usual names; ``given`` (``text``, ``time``, ``source``, ``url`` -> column) goes first.

    Raises:
        DataError: a column that was named is not there, or none looks like the headline or its time.
    """
    given = {what: column for what, column in (given or {}).items() if column}
    seen = ", ".join(columns)
    for what, column in given.items():
        if what not in _NAMES:
            raise DataError("Unknown part of a headline", seen=what, remedy=f"Use one of: {', '.join(_NAMES)}")
        if column not in columns:
            raise DataError(
                "The column named must be in the file",
                seen=seen,
                file=file,
                column=column,
                remedy=f"Name one of these columns for the {what}",
            )
    folded = {column.strip().lower().replace(" ", "_"): column for column in columns}
    found = {
        what: given.get(what) or next((folded[name] for name in names if name in folded), "")
        for what, names in _NAMES.items()
    }
    for what, option in (("text", "--text"), ("time", "--time")):
        if not found[what]:
            raise DataError(
                f"A column with the headline's {what} is needed",
                seen=f"columns {seen or '(none)'}",
                remedy=f"Rename one to '{_NAMES[what][0]}' or name it with {option}",
                file=file,
            )
    return ColumnMapping(found["text"], found["time"], found["source"], found["url"], default_source)


def check_row(row: Mapping[str, object], mapping: ColumnMapping, *, now: datetime, config: IngestConfig) -> NewHeadline:
    """One row as a headline.

    Raises:
        Refused: the row lacks words or a time, or its time cannot be.
    """
    raw = str(row.get(mapping.text) or "")
    text = clean_text(raw)[: config.max_headline_chars].rstrip()
    if not any(character.isalnum() for character in text):
        raise Refused(mapping.text, raw, "a headline needs words", "fill the cell or remove the row")
    value = str(row.get(mapping.time) or "").strip()
    if not value:
        raise Refused(mapping.time, value, "a headline needs its time", "fill the cell or remove the row")
    published = parse_moment(value)
    if published is None:
        raise Refused(mapping.time, value, "the time must be readable", "write it as 2026-03-01T12:30:00Z")
    if published > now + timedelta(days=config.future_days):
        raise Refused(mapping.time, value, "a headline cannot come from the future", "check the year and the zone")
    source = clean_text(str(row.get(mapping.source) or ""))[:120] if mapping.source else ""
    source = source or mapping.default_source[:120] or "unknown"
    url = safe_link(str(row.get(mapping.url) or "")) if mapping.url else ""
    moment = published.isoformat()
    return NewHeadline(_key(source, moment, text, url), published, text, source, url)


def feed_key(feed_url: str, guid: str, text: str) -> str:
    """The identity of a feed's item: by what the feed calls it, because many items carry no time of their own."""
    return _key("feed", feed_url, guid, text)


def text_hash(text: str) -> str:
    """Identity of a text, whatever its case and spacing."""
    return hashlib.sha256(_SPACES.sub(" ", text).strip().casefold().encode()).hexdigest()[:40]


def clean_text(text: str) -> str:
    """Readable words: entities resolved, tags and control characters gone, one space between words."""
    if "&" in text:
        text = html.unescape(text)
    if "<" in text:
        text = _TAGS.sub(" ", text)
    return _SPACES.sub(" ", _CONTROL.sub(" ", text)).strip()


def safe_link(url: str) -> str:
    """The address if a browser may be sent there: absolute, ``http`` or ``https``; otherwise empty."""
    url = url.strip()
    if len(url) > 2_000 or _CONTROL.search(url) or any(character in url for character in " \\\"'<>`"):
        return ""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return ""
    if parts.scheme.lower() not in ("http", "https") or not host or parts.username or parts.password:
        return ""
    return url


def parse_moment(value: str) -> datetime | None:
    """A time in UTC from ISO 8601, RFC 2822 (feeds) or seconds / milliseconds since 1970; None where unreadable.

    Without a zone it is taken as UTC. Day-month orders are not guessed: 03/04/2020 is unreadable.
    """
    value = value.strip()
    moment: datetime | None = None
    try:
        if _NUMBER.fullmatch(value):
            seconds = float(value)
            moment = datetime.fromtimestamp(seconds / 1000 if seconds > 1e11 else seconds, UTC)
        elif len(value) >= 8 and value[:4].isdigit() and value[4] in "-/.":
            moment = datetime.fromisoformat(value.replace("/", "-").replace(".", "-", 2) if value[4] != "-" else value)
        elif len(value) == 8 and value.isdigit():
            moment = datetime.strptime(value, "%Y%m%d").replace(tzinfo=UTC)
        elif value[:1].isalpha() or "," in value:
            moment = parsedate_to_datetime(value)
        if moment is None:
            return None
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, OSError, IndexError):
        return None
    return moment if moment >= _EARLIEST else None


def _key(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:40]
