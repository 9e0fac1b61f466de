from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import pytest

from portside.errors import DataError
from portside_recommend.config import RecommendConfig
from portside_recommend.reading import read_events, read_items

KINDS = RecommendConfig().events
KNOWN = frozenset({"1", "2"})


def table(**columns: list[object]) -> pd.DataFrame:
    return pd.DataFrame(columns)


def events(frame: pd.DataFrame, **options: object):  # type: ignore[no-untyped-def]
    return read_events(frame, file="e.csv", kinds=KINDS, known_items=KNOWN, **options)  # type: ignore[arg-type]


def test_items_by_usual_names() -> None:
    frame = table(SKU=["1", "2", "1"], Name=["old", "jar", "bowl"], genres=["a", "b", "c"], price=["1.5", "", "x"])
    read = read_items(frame, file="i.csv")
    assert [(item.item_id, item.title, item.category, item.price) for item in read.items] == [
        ("1", "bowl", "c", None),
        ("2", "jar", "b", None),
    ]
    assert [finding.count for finding in read.findings] == [1], "the id that stands twice is reported"


@pytest.mark.parametrize(
    ("cells", "at"),
    [
        (["2026-01-02T03:04:05Z", "2026-01-02T04:04:05+01:00"], [1767323045000, 1767323045000]),
        (["2026-01-02", "2026-01-02 00:00:01"], [1767312000000, 1767312001000]),
        (["1291191960", "1291191961"], [1291191960000, 1291191961000]),
        (["1291191960000", "1291191961000"], [1291191960000, 1291191961000]),
    ],
)
def test_times_in_their_usual_dress(cells: list[str], at: list[int]) -> None:
    read = events(table(user=["u", "u"], item_id=["1", "2"], timestamp=cells))
    assert read.frame["at"].tolist() == at
    assert read.frame["timed"].all()


def test_added_at_is_a_time_in_utc() -> None:
    read = read_items(table(id=["1"], title=["x"], added_at=["2026-05-24T09:51:17Z"]), file="i.csv")
    assert read.items[0].added_at == datetime(2026, 5, 24, 9, 51, 17, tzinfo=UTC)


def test_signs_escaped_for_web_pages_become_themselves() -> None:
    read = read_items(table(id=["1"], title=["Salt &amp; Pepper"], description=["5 &lt; 6"]), file="i.csv")
    assert (read.items[0].title, read.items[0].description) == ("Salt & Pepper", "5 < 6")


def test_an_order_where_there_is_no_clock() -> None:
    read = events(table(user_id=["u", "v"], item_id=["1", "2"], seq=["7", "0"]))
    assert read.frame["at"].tolist() == [7, 0]
    assert not read.frame["timed"].any()
    assert read.frame["event"].tolist() == ["purchase", "purchase"]


@pytest.mark.parametrize(
    ("columns", "default", "event"),
    [({"rating": ["4", "2"]}, "", "rating"), ({"n": ["4", "2"]}, "", "purchase"), ({"n": ["4", "2"]}, "view", "view")],
)
def test_events_without_a_kind(columns: dict[str, list[object]], default: str, event: str) -> None:
    read = events(table(user_id=["u", "u"], item_id=["1", "2"], **columns), default_event=default)
    assert set(read.frame["event"]) == {event}


def test_unknown_items_are_left_out_and_reported() -> None:
    read = events(table(user_id=["u", "u"], item_id=["1", "99"]))
    assert read.frame["item_id"].tolist() == ["1"]
    (finding,) = read.findings
    assert (finding.row, finding.value, finding.column) == (2, "99", "item_id")


def test_numbers_from_parquet_keep_their_ids() -> None:
    read = events(table(user_id=[5.0, None, 6.0] + [7.0] * 20, item_id=[1] * 23))
    assert read.frame["user_id"].tolist()[:2] == ["5", "6"]


@pytest.mark.parametrize(
    ("frame", "mapping", "named"),
    [
        (table(user_id=["u"], item_id=["1"], event=["stole"]), {}, "stole"),
        (table(user_id=["u"], item_id=["1"], timestamp=["yesterday"]), {}, "yesterday"),
        (table(who=["u"], item_id=["1"]), {}, "user_id"),
        (table(who=["u"], item_id=["1"]), {"user_id": "whom"}, "whom"),
        (table(user_id=["u"], item_id=["1"]), {"colour": "user_id"}, "colour"),
        (table(user_id=["u"], item_id=["99"]), {}, "99"),
        (table(user_id=[], item_id=[]), {}, "no rows"),
    ],
)
def test_what_cannot_be_read_names_file_and_value(frame: pd.DataFrame, mapping: dict[str, str], named: str) -> None:
    with pytest.raises(DataError, match=named) as caught:
        events(frame, mapping=mapping)
    assert "e.csv" in str(caught.value)
