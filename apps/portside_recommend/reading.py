"""From tables to items and events: which column is what, which rows can be used, what was wrong with the others.

Pure: takes tables as text, returns columns. A few bad rows are left out and reported; many stop the import.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from portside.data.findings import Finding, excerpt
from portside.errors import DataError
from portside_recommend.records import Item

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["EVENT_COLUMNS", "ITEM_COLUMNS", "ReadEvents", "ReadItems", "choose_columns", "read_events", "read_items"]

ITEM_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "item_id": ("item_id", "item", "id", "product_id", "sku", "asin", "stockcode", "book_id", "movie_id"),
    "title": ("title", "name", "product_name", "item_name"),
    "description": ("description", "summary", "plot", "text", "body", "details"),
    "category": ("category", "genre", "genres", "department", "section"),
    "brand": ("brand", "authors", "author", "maker", "directors"),
    "price": ("price", "unit_price"),
    "added_at": ("added_at", "available_from", "release_date", "created_at"),
}
EVENT_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "user_id": ("user_id", "user", "customer_id", "visitor_id", "uid"),
    "item_id": ITEM_COLUMNS["item_id"],
    "event": ("event", "event_type", "action", "type"),
    "value": ("value", "rating", "score", "quantity"),
    "timestamp": ("timestamp", "time", "at", "date", "datetime", "created_at"),
    "seq": ("seq", "order", "position"),
}
NEEDED = {"items": ("item_id", "title"), "events": ("user_id", "item_id")}
MAX_BAD_SHARE = 0.1
"""More bad rows than this, and the columns are probably mistaken: nothing is taken in."""
MILLISECONDS_FROM = 1e11
"""Unix times from here on are in milliseconds: in seconds this would be the year 5138."""
LONGEST_ID = 200
LONGEST_FIELD = 300
TEXT_FIELDS = ("description", "category", "brand")
LIMITED_FIELDS = {"category", "brand"}


@dataclass(frozen=True)
class ReadItems:
    """Items of a file, and what was found wrong."""

    items: tuple[Item, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class ReadEvents:
    """Events of a file as columns ``user_id, item_id, event, value, at, timed, line``, and what was found wrong."""

    frame: pd.DataFrame
    findings: tuple[Finding, ...]


def choose_columns(
    seen: Sequence[str], known: Mapping[str, tuple[str, ...]], mapping: Mapping[str, str], *, what: str, file: str
) -> dict[str, str]:
    """Field -> column: as ``mapping`` says, else the first usual name that is there.

    Raises:
        DataError: a named column is not there, or none can be found for a needed field.
    """
    by_name = {name.strip().lower(): name for name in reversed(seen)}
    stranger = next((field for field in mapping if field not in known), None)
    if stranger is not None:
        raise DataError(
            f"A column is mapped to one of {', '.join(known)}", seen=f"{stranger}={mapping[stranger]}", file=file
        )
    chosen: dict[str, str] = {}
    for field, usual in known.items():
        if field in mapping:
            if mapping[field] not in seen:
                raise DataError(
                    "The column named must be there", seen=", ".join(seen), column=mapping[field], file=file
                )
            chosen[field] = mapping[field]
        else:
            found = next((by_name[name] for name in usual if name in by_name), None)
            if found is not None:
                chosen[field] = found
    missing = [field for field in NEEDED[what] if field not in chosen]
    if missing:
        raise DataError(
            f"A file of {what} needs a column for {' and '.join(missing)}",
            seen=", ".join(seen) or "no columns",
            remedy=f"Name it: --column {missing[0]}=YOUR_COLUMN",
            file=file,
        )
    return chosen


def read_items(table: pd.DataFrame, *, file: str, mapping: Mapping[str, str] | None = None) -> ReadItems:
    """Items of a table; the last row of an id wins.

    Raises:
        DataError: a needed column is missing, or too many rows cannot be used.
    """
    import pandas as pd

    columns = choose_columns(list(table.columns), ITEM_COLUMNS, mapping or {}, what="items", file=file)
    text = {field: _text(table[name]) for field, name in columns.items()}
    for field in {"title", *TEXT_FIELDS} & set(text):
        text[field] = text[field].map(html.unescape)  # catalogues are often exported from web pages: "&amp;"
    for field in LIMITED_FIELDS & set(text):
        text[field] = text[field].str[:LONGEST_FIELD]
    ids, titles = text["item_id"], text["title"]
    bad = _Bad(file, len(table))
    bad.add((ids == "") | (ids.str.len() > LONGEST_ID), "An item needs an id of at most 200 characters", ids, columns)
    bad.add(titles == "", "An item needs a title", titles, columns, field="title")
    price = _numbers(text.get("price"))
    added = _moments(text.get("added_at"))
    good = bad.check()
    twice = int(ids[good].duplicated().sum())
    if twice:
        bad.note("An id should stand once; the last row of each was taken", ids[good & ids.duplicated()], twice)
    plain = pd.DataFrame({name: text.get(name, "") for name in ("item_id", "title", *TEXT_FIELDS)}, index=ids.index)
    rows: list[dict[str, Any]] = plain[good].to_dict("records")  # type: ignore[assignment]  # names are str
    prices = [None] * len(rows) if price is None else [_known(each) for each in price[good]]
    moments = [None] * len(rows) if added is None else [_known(each) for each in added[good]]
    made = {
        row["item_id"]: Item(**row, price=cost, added_at=moment.to_pydatetime() if moment is not None else None)
        for row, cost, moment in zip(rows, prices, moments, strict=True)
    }
    return ReadItems(tuple(made.values()), bad.findings())


def read_events(
    table: pd.DataFrame,
    *,
    file: str,
    kinds: Sequence[str],
    known_items: frozenset[str],
    mapping: Mapping[str, str] | None = None,
    default_event: str = "",
) -> ReadEvents:
    """Events of a table in the file's order. Rows about items that are not in ``known_items`` are left out.

    Without an event column every row is a ``default_event``, or, where that is empty, a rating if there is a column of
    that name, else a purchase. Times may be ISO 8601 (no zone: UTC) or unix seconds; a ``seq`` column orders each
    user's events where there is no clock.

    Raises:
        DataError: a needed column is missing, or too many rows cannot be used.
    """
    import pandas as pd

    columns = choose_columns(list(table.columns), EVENT_COLUMNS, mapping or {}, what="events", file=file)
    text = {field: _text(table[name]) for field, name in columns.items()}
    users, items = text["user_id"], text["item_id"]
    default = default_event or ("rating" if columns.get("value", "").lower() == "rating" else "purchase")
    event = text["event"].str.lower() if "event" in text else users.map(lambda _: default)
    value = _numbers(text.get("value"))
    at, timed = _order(text)
    bad = _Bad(file, len(table))
    bad.add(users == "", "An event needs a user", users, columns, field="user_id")
    bad.add((users.str.len() > LONGEST_ID), "A user's id has at most 200 characters", users, columns, field="user_id")
    rule = f"An event is one of {', '.join(kinds)}"
    bad.add(~event.isin(list(kinds)), rule, event, columns, field="event")
    bad.add(
        at.isna(), "An event needs a time that can be read", text.get("timestamp", users), columns, field="timestamp"
    )
    stranger = ~items.isin(list(known_items))
    bad.add(stranger, "An event is about an item of the catalogue", items, columns)
    good = bad.check(apart_from=stranger)
    frame = pd.DataFrame(
        {
            "user_id": users[good],
            "item_id": items[good],
            "event": event[good],
            "value": 1.0 if value is None else value[good].fillna(1.0).astype(float),
            "at": at[good].astype("int64"),
            "timed": timed,
        }
    )
    frame["line"] = frame.index
    return ReadEvents(frame.reset_index(drop=True), bad.findings())


def _known(value: Any) -> Any:
    """None for a missing number or time."""
    import pandas as pd

    return None if pd.isna(value) else value


def _text(column: pd.Series[Any]) -> pd.Series[str]:
    # Whole numbers that a Parquet file holds as 5.0 because another row is empty are still the id 5.
    import pandas as pd

    if pd.api.types.is_float_dtype(column) and (column.dropna() % 1 == 0).all():
        column = column.astype("Int64")
    return column.astype("object").where(column.notna(), "").astype("str").str.strip()


def _numbers(column: pd.Series[str] | None) -> pd.Series[float] | None:
    import pandas as pd

    return None if column is None else pd.to_numeric(column, errors="coerce")


def _moments(column: pd.Series[str] | None) -> pd.Series[Any] | None:
    """Times in UTC: unix seconds or milliseconds where every cell is a number, else ISO 8601; NaT where unreadable."""
    import pandas as pd

    if column is None:
        return None
    numbers = pd.to_numeric(column, errors="coerce")
    if (numbers.notna() | (column == "")).all():
        scale = 1.0 if numbers.max() >= MILLISECONDS_FROM else 1000.0
        return pd.to_datetime((numbers * scale).round(), unit="ms", utc=True, errors="coerce")
    return pd.to_datetime(column, errors="coerce", utc=True, format="ISO8601")


def _order(text: Mapping[str, pd.Series[str]]) -> tuple[pd.Series[float], bool]:
    """What puts events in order: milliseconds since 1970, else the user's own sequence, else the file's order."""
    import pandas as pd

    moments = _moments(text.get("timestamp"))
    if moments is not None:
        since = (moments - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(milliseconds=1)
        return since, True
    sequence = _numbers(text.get("seq"))
    if sequence is not None:
        return sequence, False
    users = text["user_id"]
    return pd.Series(range(len(users)), index=users.index, dtype="float64"), False


class _Bad:
    """Rows that cannot be used, rule by rule."""

    def __init__(self, file: str, rows: int) -> None:
        self._file, self._rows = file, rows
        self._masks: list[pd.Series[bool]] = []
        self._found: list[Finding] = []

    def add(
        self,
        mask: pd.Series[bool],
        rule: str,
        values: pd.Series[str],
        columns: Mapping[str, str],
        field: str = "item_id",
    ) -> None:
        self._masks.append(mask)
        count = int(mask.sum())
        if count:
            first = int(mask.to_numpy().argmax())
            seen = excerpt(str(values.iloc[first]))
            column = columns.get(field, field)
            remedy = "Mend these rows, or leave them out: the others were taken"
            self._found.append(Finding("warning", rule, remedy, self._file, first + 1, column, seen, count))

    def note(self, rule: str, values: pd.Series[str], count: int) -> None:
        first = int(values.index[0]) + 1 if len(values) else None
        seen = str(values.iloc[0]) if len(values) else ""
        self._found.append(Finding("note", rule, "Keep one row for each", self._file, first, None, seen, count))

    def check(self, *, apart_from: pd.Series[bool] | None = None) -> pd.Series[bool]:
        """Mask of the good rows. Rows ``apart_from`` do not count as bad unless all are."""
        if self._rows == 0:
            raise DataError("The file has no rows", file=self._file, remedy="Give a file with at least one row")
        bad = self._masks[0].copy()
        for mask in self._masks[1:]:
            bad |= mask
        counted = bad if apart_from is None else bad & ~apart_from
        if counted.mean() > MAX_BAD_SHARE or bad.all():
            raise max(self._found, key=lambda finding: finding.count).error()
        return ~bad

    def findings(self) -> tuple[Finding, ...]:
        return tuple(self._found)
