from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portside.errors import DataError
from portside_finance.config import IngestConfig
from portside_finance.headlines import (
    ColumnMapping,
    Refused,
    check_row,
    clean_text,
    guess_mapping,
    parse_moment,
    safe_link,
)

NOW = datetime(2026, 6, 30, tzinfo=UTC)
MAPPING = ColumnMapping("headline", "published_at", "source", "url")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2020-07-18T01:02:03Z", datetime(2020, 7, 18, 1, 2, 3, tzinfo=UTC)),
        ("2020-07-18T01:02:03+02:00", datetime(2020, 7, 17, 23, 2, 3, tzinfo=UTC)),
        ("2020-07-18", datetime(2020, 7, 18, tzinfo=UTC)),
        ("2020/07/18 10:00", datetime(2020, 7, 18, 10, tzinfo=UTC)),
        ("Sat, 18 Jul 2020 10:00:00 GMT", datetime(2020, 7, 18, 10, tzinfo=UTC)),
        ("1595066400", datetime(2020, 7, 18, 10, tzinfo=UTC)),
        ("1595066400000", datetime(2020, 7, 18, 10, tzinfo=UTC)),
        ("03/04/2020", None),
        ("yesterday", None),
        ("", None),
        ("0001-01-01", None),
        ("99999999999999999999", None),
    ],
)
def test_times_are_read_or_refused_but_never_guessed(value: str, expected: datetime | None) -> None:
    assert parse_moment(value) == expected


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(value: str) -> None:
    moment = parse_moment(value)
    assert moment is None or moment.tzinfo is UTC
    link = safe_link(value)
    assert link == "" or link.lower().startswith(("http://", "https://"))


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "JAVASCRIPT:alert(1)",
        "data:text/html,x",
        "//evil.example",
        "http://",
        "http://a b",
        "http://u:p@host/",
        "java\nscript:alert(1)",
        'http://x/"onmouseover=1',
    ],
)
def test_links_that_no_browser_should_follow_are_dropped(link: str) -> None:
    assert safe_link(link) == ""


def test_good_links_stay() -> None:
    assert safe_link(" https://news.example/a?b=1#c ") == "https://news.example/a?b=1#c"


def test_markup_entities_and_control_characters_go() -> None:
    assert clean_text("<b>AT&amp;T</b>\u200b cuts\n jobs \x07") == "AT&T cuts jobs"
    assert clean_text("profit < 3 % and > 2 %") == "profit < 3 % and > 2 %"


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ({"headline": " ... ", "published_at": "2026-01-01"}, "headline"),
        ({"headline": "Apple cuts jobs", "published_at": ""}, "published_at"),
        ({"headline": "Apple cuts jobs", "published_at": "soon"}, "published_at"),
        ({"headline": "Apple cuts jobs", "published_at": "2027-01-01"}, "published_at"),
    ],
)
def test_bad_rows_say_where(row: dict[str, object], column: str) -> None:
    with pytest.raises(Refused) as refused:
        check_row(row, MAPPING, now=NOW, config=IngestConfig())
    found = refused.value.at(7)
    assert (found.row, found.column) == (7, column)
    assert found.remedy


def test_the_same_row_has_the_same_key_and_another_row_another() -> None:
    row = {"headline": "Apple cuts jobs", "published_at": "2026-01-01", "source": "Wire", "url": ""}
    first = check_row(row, MAPPING, now=NOW, config=IngestConfig())
    assert check_row({**row, "headline": "Apple  cuts jobs "}, MAPPING, now=NOW, config=IngestConfig()).key == first.key
    assert check_row({**row, "source": "Post"}, MAPPING, now=NOW, config=IngestConfig()).key != first.key


def test_mapping_is_guessed_or_advised() -> None:
    assert guess_mapping(["Title", "Date", "x"], "f.csv") == ColumnMapping("Title", "Date")
    assert guess_mapping(["a", "b"], "f.csv", given={"text": "a", "time": "b"}).text == "a"
    with pytest.raises(DataError, match="--time"):
        guess_mapping(["title", "x"], "f.csv")
    with pytest.raises(DataError, match="'nope'"):
        guess_mapping(["title", "date"], "f.csv", given={"text": "nope"})


def test_long_cells_are_cut() -> None:
    row = {"headline": "word " * 400, "published_at": (NOW - timedelta(days=1)).isoformat()}
    assert len(check_row(row, MAPPING, now=NOW, config=IngestConfig()).text) <= 600
