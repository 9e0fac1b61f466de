"""Takes items and events in: from files, or one by one from calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from portside.data.findings import Finding
from portside.errors import DataError, UsageError
from portside.progress import Progress
from portside.said import said
from portside_recommend.config import RecommendConfig
from portside_recommend.reading import EVENT_COLUMNS, ITEM_COLUMNS, read_events, read_items
from portside_recommend.records import Event
from portside_recommend.store import RecommendStore

__all__ = ["Intake", "Taken"]


@dataclass(frozen=True)
class Taken:
    """What came in, and what was wrong with the rest."""

    items: int
    events: int
    """New ones; events that were there already do not count."""
    events_read: int
    findings: tuple[Finding, ...]


class Intake:
    """Checks and stores what comes in."""

    def __init__(self, store: RecommendStore, config: RecommendConfig) -> None:
        self._store, self._config = store, config

    def take_files(
        self,
        items: Path | None,
        events: Path | None,
        mapping: Mapping[str, str],
        default_event: str,
        progress: Progress,
    ) -> Taken:
        """Read one file of items, one of events, or both; events may speak of items that are there already.

        Raises:
            UsageError: no file was named, or an unknown kind of event.
            DataError: a file cannot be read or used. An items file is taken in whole before its events.
        """
        from portside.data.read import read_table

        if items is None and events is None:
            raise UsageError("An import needs a file", seen="none", remedy="Give --items FILE, --events FILE or both")
        if default_event and default_event not in self._config.events:
            raise UsageError(f"An event is one of {', '.join(self._config.events)}", seen=default_event)
        stranger = next((field for field in mapping if field not in {*ITEM_COLUMNS, *EVENT_COLUMNS}), None)
        if stranger is not None:
            fields = ", ".join(dict.fromkeys([*ITEM_COLUMNS, *EVENT_COLUMNS]))
            raise UsageError(f"A column is mapped to one of {fields}", seen=f"{stranger}={mapping[stranger]}")
        findings: list[Finding] = []
        number = 0
        if items is not None:
            progress.update(0, 1, said("reading {file}", file=items.name))
            table = read_table(items)
            read = read_items(
                table.frame, file=items.name, mapping=_own(mapping, ITEM_COLUMNS, list(table.frame.columns))
            )
            self._store.put_items(read.items)
            number = len(read.items)
            findings += [*table.findings, *read.findings]
        if events is None:
            return Taken(number, 0, 0, tuple(findings))
        progress.update(0, 1, said("reading {file}", file=events.name))
        table = read_table(events)
        known = self._store.item_ids()
        rows = read_events(
            table.frame,
            file=events.name,
            kinds=self._config.events,
            known_items=known,
            mapping=_own(mapping, EVENT_COLUMNS, list(table.frame.columns)),
            default_event=default_event,
        )
        size = len(rows.frame)
        new = self._store.put_events(
            rows.frame,
            report=lambda done: progress.update(
                done, size, said("event {done} of {size}", done=f"{done:,}", size=f"{size:,}")
            ),
        )
        return Taken(number, new, size, (*findings, *table.findings, *rows.findings))

    def take_events_said(self, events: Sequence[Event], known: frozenset[str], *, now: datetime) -> int:
        """Store events that a caller states; how many were new.

        Raises:
            DataError: an event is of an unknown kind or about an unknown item.
        """
        import pandas as pd

        kinds = self._config.events
        for place, event in enumerate(events, start=1):
            if event.event not in kinds:
                raise DataError(f"An event is one of {', '.join(kinds)}", seen=event.event, row=place, column="event")
            if event.item_id not in known:
                raise DataError(
                    "An event is about an item of the catalogue",
                    seen=event.item_id,
                    row=place,
                    column="item_id",
                    remedy="Add the item first",
                )
            if not event.user_id.strip():
                raise DataError("An event needs a user", row=place, column="user_id")
        rows = [
            {
                "user_id": event.user_id.strip(),
                "item_id": event.item_id,
                "event": event.event,
                "value": float(event.value),
                "at": event.seq if event.seq is not None else int((event.at or now).timestamp() * 1000),
                "timed": event.seq is None,
                "line": place,
            }
            for place, event in enumerate(events)
        ]
        return self._store.put_events(pd.DataFrame(rows)) if rows else 0


def _own(mapping: Mapping[str, str], known: Mapping[str, tuple[str, ...]], columns: Sequence[str]) -> dict[str, str]:
    """The part of ``mapping`` that is for this file; an ``item_id`` that only the other file has is not."""
    return {
        field: column
        for field, column in mapping.items()
        if field in known and (field != "item_id" or column in columns)
    }
