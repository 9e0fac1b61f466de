"""Bring headlines in: from files, chunk by chunk, and from feeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from itertools import islice
from pathlib import Path

from portside.clock import Clock
from portside.errors import DataError, FeedError
from portside.progress import Progress
from portside.said import said
from portside_finance.config import FinanceConfig
from portside_finance.feeds import after_failure, after_success, due, parse_feed
from portside_finance.fetch import Fetcher
from portside_finance.headlines import ColumnMapping, Refused, check_row, clean_text, guess_mapping, text_hash
from portside_finance.linking import CompanyLinker
from portside_finance.reading import columns_of, file_fingerprint, read_rows
from portside_finance.records import Company, IngestReport, NewHeadline, RefusedRow
from portside_finance.store import FinanceStore, record_import
from portside_finance.store_headlines import Added

__all__ = ["PollReport", "import_identity", "ingest_feed_document", "ingest_file", "poll_feeds", "read_companies"]

_EXAMPLES = 20
"""Refused rows that a report shows."""


@dataclass
class _Tally:
    rows: int = 0
    added: int = 0
    repeated: int = 0
    refused: int = 0
    same_story: int = 0
    linked: int = 0
    first: date | None = None
    last: date | None = None


def ingest_file(
    store: FinanceStore,
    path: Path,
    *,
    columns: Mapping[str, str],
    source: str,
    config: FinanceConfig,
    clock: Clock,
    progress: Progress,
) -> IngestReport:
    """Import a CSV, TSV or JSON-lines file. Doing it twice adds nothing; killed, it goes on where it was.

    ``columns`` maps ``text``, ``time``, ``source``, ``url`` to columns of the file; what it leaves out is guessed.
    ``source`` stands where the file names none.

    Raises:
        DataError: the file cannot be read or mapped, or most of its first rows are refused.
        Cancelled: asked to stop; finished chunks are kept.
    """
    mapping = guess_mapping(columns_of(path), path.name, given=columns, default_source=source or _stem(path))
    fingerprint = import_identity(path, mapping)
    before = store.import_state(fingerprint)
    skip = before.rows_done if before and not before.finished else 0
    linker = CompanyLinker(store.companies())
    tally, examples = _Tally(), list[RefusedRow]()
    size = max(path.stat().st_size, 1)
    rows = read_rows(path)
    last = skip
    for _done in islice(rows, skip):
        pass
    for chunk in _chunks(rows, config.ingest.chunk_rows):
        now = clock()
        headlines, refused = _checked(chunk, mapping, now, config)
        _stop_when_wrong(chunk, refused, config, path, first=tally.rows == 0)
        last = chunk[-1][0]
        remember = partial(
            record_import, fingerprint=fingerprint, file=path.name, rows_done=last, finished=False, now=now
        )
        added = store.headlines.add(headlines, linker, config.stories, now, also=remember)
        _count(tally, headlines, len(refused), added)
        examples += refused[: _EXAMPLES - len(examples)]
        progress.update(
            *_position(path, last, size),
            said("{rows} rows read, {new} new", rows=f"{skip + tally.rows:,}", new=f"{tally.added:,}"),
        )
    store.mark_import(fingerprint, path.name, last, True, clock())
    if tally.added > 5 * config.ingest.chunk_rows:
        store.refresh_statistics()
    return _report(tally, skip, examples)


def import_identity(path: Path, mapping: ColumnMapping) -> str:
    """Under which an import is remembered: the file's bytes and how its columns are read."""
    return text_hash("\x1f".join((file_fingerprint(path), *(getattr(mapping, name) for name in mapping.__slots__))))


def ingest_feed_document(
    store: FinanceStore, body: bytes, *, url: str, config: FinanceConfig, now: datetime
) -> IngestReport:
    """Take in one RSS or Atom document without watching its feed.

    Raises:
        FeedError: it is not a feed, or declares entities.
    """
    parsed = parse_feed(body, url=url, now=now, feeds=config.feeds, ingest=config.ingest)
    linker = CompanyLinker(store.companies())
    added = store.headlines.add(parsed.headlines, linker, config.stories, now) if parsed.headlines else Added()
    tally = _Tally()
    _count(tally, parsed.headlines, parsed.left_out, added)
    return _report(tally, 0, ())


@dataclass(frozen=True, slots=True)
class PollReport:
    """What one round over the feeds did; ``errors`` maps a feed's address to what went wrong."""

    polled: int
    added: int
    unchanged: int
    errors: Mapping[str, str]


def poll_feeds(
    store: FinanceStore, fetcher: Fetcher, *, config: FinanceConfig, clock: Clock, progress: Progress, everything: bool
) -> PollReport:
    """Ask every feed that is due (with ``everything`` all of them). One feed's failure never touches another.

    Raises:
        Cancelled: asked to stop; feeds already read are kept.
    """
    feeds = store.feeds.all() if everything else due(store.feeds.all(), clock())
    linker = CompanyLinker(store.companies())
    added = unchanged = 0
    errors: dict[str, str] = {}
    for number, feed in enumerate(feeds):
        progress.update(number, max(len(feeds), 1), feed.title or feed.url)
        now = clock()
        try:
            answer = fetcher.fetch(feed.url, etag=feed.etag, modified=feed.modified)
            if answer.unchanged:
                unchanged += 1
                values = after_success(
                    feed,
                    now,
                    config.feeds,
                    title="",
                    etag=answer.etag or feed.etag,
                    modified=answer.modified or feed.modified,
                    added=0,
                )
            else:
                parsed = parse_feed(
                    answer.body, url=feed.url, now=now, feeds=config.feeds, ingest=config.ingest, title=feed.title
                )
                new = (
                    store.headlines.add(parsed.headlines, linker, config.stories, now).added if parsed.headlines else 0
                )
                added += new
                values = after_success(
                    feed, now, config.feeds, title=parsed.title, etag=answer.etag, modified=answer.modified, added=new
                )
        except FeedError as error:
            errors[feed.url] = str(error)
            values = after_failure(feed, now, config.feeds, error=str(error))
            progress.log(str(error))
        store.feeds.record(feed.id, values)
    progress.update(len(feeds), max(len(feeds), 1), said("feeds read"))
    return PollReport(len(feeds), added, unchanged, errors)


def read_companies(path: Path) -> list[Company]:
    """The reference list from a CSV: ``ticker,name,aliases,sector`` (aliases separated by ``|``), or the columns of the
    public S&P 500 list (``Symbol,Security,GICS Sector``).

    Raises:
        DataError: a column is missing, a cell is empty, or a ticker stands twice.
    """
    names = {column.strip().lower(): column for column in columns_of(path)}
    ticker = names.get("ticker") or names.get("symbol")
    name = names.get("name") or names.get("security") or names.get("company")
    if not ticker or not name:
        raise DataError(
            "A list of companies needs the columns ticker and name",
            seen=", ".join(names.values()),
            file=path.name,
            remedy="Write a header: ticker,name,aliases,sector",
        )
    sector = names.get("sector") or names.get("gics sector") or ""
    aliases = names.get("aliases", "")
    found: dict[str, Company] = {}
    for number, row in read_rows(path):
        symbol, title = str(row.get(ticker) or "").strip(), clean_text(str(row.get(name) or ""))
        for value, column in ((symbol, ticker), (title, name)):
            if not value or len(value) > (32 if column == ticker else 200):
                raise DataError(
                    "A company needs a ticker (up to 32 signs) and a name (up to 200)",
                    seen=repr(value[:60]),
                    file=path.name,
                    row=number,
                    column=column,
                    remedy="Mend the cell",
                )
        if symbol in found:
            raise DataError(
                "A ticker may stand only once",
                seen=symbol,
                file=path.name,
                row=number,
                column=ticker,
                remedy="Join the rows; put other names into aliases",
            )
        others = tuple(alias.strip() for alias in str(row.get(aliases) or "").split("|") if alias.strip())
        found[symbol] = Company(symbol, title, others, clean_text(str(row.get(sector) or ""))[:120])
    return list(found.values())


def _checked(
    chunk: Sequence[tuple[int, dict[str, object]]], mapping: ColumnMapping, now: datetime, config: FinanceConfig
) -> tuple[list[NewHeadline], list[RefusedRow]]:
    headlines: list[NewHeadline] = []
    refused: list[RefusedRow] = []
    for number, row in chunk:
        try:
            headlines.append(check_row(row, mapping, now=now, config=config.ingest))
        except Refused as reason:
            refused.append(reason.at(number))
    return headlines, refused


def _stop_when_wrong(
    chunk: Sequence[object], refused: Sequence[RefusedRow], config: FinanceConfig, path: Path, *, first: bool
) -> None:
    if first and len(refused) > config.ingest.max_refused_share * len(chunk):
        worst = refused[0]
        raise DataError(
            f"Most of the first {len(chunk):,} rows cannot be used: {worst.rule}",
            seen=f"{worst.value!r} ({len(refused):,} rows refused)",
            remedy=f"{worst.remedy}, or name the right columns with --text and --time",
            file=path.name,
            row=worst.row,
            column=worst.column,
        )


def _count(tally: _Tally, headlines: Sequence[NewHeadline], refused: int, added: Added) -> None:
    tally.rows += len(headlines) + refused
    tally.refused += refused
    tally.added += added.added
    tally.repeated += added.repeated
    tally.same_story += added.same_story
    tally.linked += added.linked
    days = [headline.published_at.date() for headline in headlines]
    tally.first = min([*days, *([tally.first] if tally.first else [])], default=None)
    tally.last = max([*days, *([tally.last] if tally.last else [])], default=None)


def _report(tally: _Tally, skipped: int, examples: Sequence[RefusedRow]) -> IngestReport:
    return IngestReport(
        tally.rows,
        tally.added,
        tally.repeated,
        tally.refused,
        skipped,
        tally.same_story,
        tally.linked,
        tuple(examples),
        tally.first,
        tally.last,
    )


def _chunks(rows: Iterator[tuple[int, dict[str, object]]], size: int) -> Iterator[list[tuple[int, dict[str, object]]]]:
    while chunk := list(islice(rows, size)):
        yield chunk


def _position(path: Path, rows: int, size: int) -> tuple[float, float]:
    # How many rows a file has is not known before its end; its size says nearly (a headline row is some 120 bytes,
    # a third of that when packed).
    guess = size / (40 if path.name.endswith(".gz") else 120)
    return rows, max(rows * 1.02, guess)


def _stem(path: Path) -> str:
    return path.name.partition(".")[0] or "file"
