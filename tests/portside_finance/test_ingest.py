"""Files and feeds on their way in."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from portside.errors import Cancelled, DataError, FeedError, UsageError
from portside.progress import RecordingProgress
from portside_finance.config import FeedConfig, FinanceConfig, IngestConfig, load_config
from portside_finance.feeds import feed_state, parse_feed
from portside_finance.fetch import FakeFetcher
from portside_finance.ingest import read_companies
from portside_finance.records import Filters
from portside_finance.service import FinanceService

Write = Callable[[str, int], Path]


@pytest.fixture
def write(tmp_path: Path, make: Any) -> Write:
    def to(name: str, rows: int) -> Path:
        lines = ["published_at,headline,source,url"]
        for number in range(rows):
            at = (make.now - timedelta(hours=number)).isoformat()
            lines.append(f"{at},Firm{number} reports a loss in unit{number},Wire,https://n.example/{number}")
        path = tmp_path / name
        data = "\n".join(lines).encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return to


@pytest.fixture
def small(service: FinanceService) -> FinanceService:
    """The service with chunks of 10 rows."""
    return replace(service, config=replace(FinanceConfig(), ingest=IngestConfig(chunk_rows=10)))


def test_importing_twice_adds_nothing(small: FinanceService, write: Write) -> None:
    first, second = small.ingest(write("a.csv.gz", 35)), small.ingest(write("a.csv.gz", 35))
    assert (first.rows, first.added, first.refused) == (35, 35, 0)
    assert (second.rows, second.added, second.repeated) == (35, 0, 35)


def test_a_stopped_import_goes_on_where_it_was(small: FinanceService, write: Write) -> None:
    path = write("a.csv", 35)
    with pytest.raises(Cancelled):
        small.ingest(path, progress=RecordingProgress(cancel_at=0.2))
    kept = small.totals()["headlines"]
    assert 0 < kept < 35
    report = small.ingest(path)
    assert report.skipped == kept
    assert report.added == 35 - kept
    assert report.repeated == 0
    assert small.totals()["headlines"] == 35


def test_bad_rows_are_refused_by_number_and_the_rest_comes_in(small: FinanceService, tmp_path: Path) -> None:
    path = tmp_path / "mixed.csv"
    path.write_text(
        "date;title\n2026-01-01;Loss at Ford\nsoon;Loss\n2026-01-02;\n2026-01-03;Ford ok\n2026-01-04;Ok then\n"
    )
    report = small.ingest(path)
    assert (report.added, report.refused) == (3, 2)
    assert [(row.row, row.column) for row in report.examples] == [(2, "date"), (3, "title")]
    assert small.headlines(Filters(source="mixed")).total == 3


def test_a_wrong_mapping_stops_the_import(small: FinanceService, tmp_path: Path) -> None:
    path = tmp_path / "wrong.csv"
    path.write_text("date,title\nLoss at Ford,2026-01-01\nLoss at Apple,2026-01-02\n")
    with pytest.raises(DataError, match="--time"):
        small.ingest(path)
    assert small.totals()["headlines"] == 0


def test_json_lines_are_read(small: FinanceService, tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    rows = [
        {"title": "Loss at Ford", "published": "2026-01-01T00:00:00Z", "link": "javascript:x"},
        {"title": "Ok", "published": 1767225600},
    ]
    path.write_text("\n".join(json.dumps(row) for row in rows))
    assert small.ingest(path).added == 2
    assert {row.url for row in small.headlines(Filters()).rows} == {""}


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.csv", b"", "empty"),
        ("a.csv", b"date,title\n", "no rows"),
        ("a.csv", b"date,title,title\n1,2,3\n", "same name"),
        ("a.jsonl", b"[1]\n", "JSON object"),
        ("a.jsonl", b"{\n", "must be JSON"),
        ("a.csv.gz", b"no gzip", "gzip"),
        ("a.csv", b"a\x00b", "text"),
    ],
)
def test_unreadable_files_are_refused_with_advice(
    small: FinanceService, tmp_path: Path, name: str, data: bytes, words: str
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(DataError, match=words):
        small.ingest(path)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_encodings_are_detected(small: FinanceService, tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "e.csv"
    path.write_bytes("date,title\n2026-01-01,Café Müller meldet Verlust\n".encode(encoding))
    small.ingest(path)
    assert small.headlines(Filters()).rows[0].text == "Café Müller meldet Verlust"


def test_company_lists_of_both_kinds(tmp_path: Path) -> None:
    path = tmp_path / "sp.csv"
    path.write_text("Symbol,Security,GICS Sector\nMMM,3M,Industrials\n")
    assert read_companies(path)[0].name == "3M"
    path.write_text("ticker,name\nA,B\nA,C\n")
    with pytest.raises(DataError, match="once"):
        read_companies(path)


RSS = """<?xml version="1.0"?><rss version="2.0"><channel><title>Wire</title>{items}</channel></rss>"""
ITEM = "<item><title>{title}</title><link>{link}</link><guid>{link}</guid><pubDate>{at}</pubDate></item>"
AT = "Mon, 29 Jun 2026 10:00:00 GMT"


def rss(*titles: str, link: str = "https://n.example/{n}") -> bytes:
    items = "".join(ITEM.format(title=t, link=link.format(n=n), at=AT) for n, t in enumerate(titles))
    return RSS.format(items=items).encode()


def parsed(body: bytes, make: Any, **changes: Any) -> Any:
    return parse_feed(
        body, url="https://f.example/rss", now=make.now, feeds=FeedConfig(**changes), ingest=IngestConfig()
    )


def test_a_feed_becomes_headlines(make: Any) -> None:
    found = parsed(rss("Ford &amp;amp; co <b>recall</b>", "Loss"), make)
    assert found.title == "Wire"
    assert [h.url for h in found.headlines] == ["https://n.example/0", "https://n.example/1"]
    assert found.headlines[0].published_at.hour == 10


def test_dangerous_links_and_long_feeds_are_cut(make: Any) -> None:
    assert [h.url for h in parsed(rss("Loss", link="javascript:alert({n})"), make).headlines] == [""]
    found = parsed(rss(*[f"Loss number {n}" for n in range(30)]), make, max_items=10)
    assert len(found.headlines) == 10
    assert found.left_out == 20


@pytest.mark.parametrize("body", [b"", b"<html><body>Sign in</body></html>", b"not xml", b"{}"])
def test_what_is_no_feed_is_an_error_not_an_empty_feed(make: Any, body: bytes) -> None:
    with pytest.raises(FeedError, match="RSS or Atom"):
        parsed(body, make)


def test_entity_bombs_are_refused(make: Any) -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + rss("&b;")[21:]
    with pytest.raises(FeedError, match="entities"):
        parsed(bomb, make)


def test_a_feed_that_is_not_well_formed_is_still_read(make: Any) -> None:
    broken = rss("Loss &nbsp; at Ford").replace(b"</channel>", b"")
    assert len(parsed(broken, make).headlines) == 1


URL, OTHER = "https://f.example/rss", "https://g.example/rss"


def with_pages(service: FinanceService, **pages: bytes | FeedError) -> FinanceService:
    names = {"one": URL, "two": OTHER}
    return replace(service, fetcher=FakeFetcher({names[name]: page for name, page in pages.items()}))


def test_one_broken_feed_leaves_the_other_alone(service: FinanceService) -> None:
    desk = with_pages(service, one=rss("Loss at Ford"), two=FeedError("down"))
    desk.add_feed(URL)
    desk.add_feed(OTHER)
    report = desk.poll()
    assert (report.polled, report.added) == (2, 1)
    assert list(report.errors) == [OTHER]
    states = {feed.url: state for feed, state in desk.feeds()}
    assert states == {URL: "ok", OTHER: "failing"}
    assert desk.poll().polled == 0, "nothing is due yet"
    again = desk.poll(everything=True)
    assert (again.added, again.unchanged) == (0, 1)


def test_feeds_that_keep_failing_or_fall_silent_show_it(service: FinanceService, make: Any) -> None:
    desk = with_pages(service, one=rss("Loss at Ford"), two=FeedError("down"))
    desk.add_feed(URL)
    desk.add_feed(OTHER)
    for _ in range(5):
        desk.poll(everything=True)
    feeds = {feed.url: feed for feed, _state in desk.feeds()}
    assert feed_state(feeds[OTHER], make.now, FeedConfig()) == "broken"
    assert feeds[OTHER].next_poll_at - make.now > timedelta(hours=4)
    assert feed_state(feeds[URL], make.now + timedelta(days=4), FeedConfig()) == "stale"


def test_feed_addresses_are_checked(service: FinanceService) -> None:
    service.add_feed(URL)
    with pytest.raises(UsageError, match="already"):
        service.add_feed(URL)
    for bad in ("file:///etc/passwd", "ftp://x/y", "https://u:p@x.example/", "x"):
        with pytest.raises(FeedError):
            service.add_feed(bad)


def test_an_undated_item_is_not_new_at_every_poll(service: FinanceService) -> None:
    body = rss("Loss at Ford").replace(f"<pubDate>{AT}</pubDate>".encode(), b"")
    desk = with_pages(service, one=body)
    desk.add_feed(URL)
    assert desk.poll(everything=True).added == 1
    later = replace(with_pages(service, one=body + b" "), clock=lambda: service.clock() + timedelta(hours=1))
    assert later.poll(everything=True).added == 0


def test_configuration_comes_from_a_file_and_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "finance.toml"
    path.write_text("[alerts]\nbudget_per_30_days = 1\n[feeds]\nallow_private = true\n")
    config = load_config(tmp_path)
    assert (config.alerts.budget_per_30_days, config.feeds.allow_private) == (1.0, True)
    for wrong in (
        "[alerts]\nbudget = 1",
        "[alerts]\nmin_negative = 'x'",
        "alerts = 1",
        "=",
        "[alerts]\nbudget_per_30_days = -1",
    ):
        path.write_text(wrong)
        with pytest.raises(UsageError):
            load_config(tmp_path)
