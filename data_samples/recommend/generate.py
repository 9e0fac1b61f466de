"""Write the recommend samples again: `python data_samples/recommend/generate.py [--out FOLDER]`. Same seed, same bytes."""

from __future__ import annotations

import argparse
import csv
import gzip
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random

from items import Item, make_items
from material import HERE, read_material
from visits import Event, make_events

SEED = 4711


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """CSV text with Unix line ends."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()


def write_gzip(path: Path, text: str) -> None:
    """Compressed without name and time, so that equal text gives equal bytes."""
    with path.open("wb") as raw, gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=raw, mtime=0) as packed:
        packed.write(text.encode("utf-8"))


def item_rows(items: Sequence[Item], rng: Random) -> list[tuple[str, ...]]:
    """Rows as a shop keeps them: a few without price, category or description."""
    rows = []
    for item in items:
        chance = rng.random()
        price = "" if chance < 0.006 else f"{item.price:.2f}"
        category = "" if 0.006 <= chance < 0.011 else item.category
        description = "" if 0.011 <= chance < 0.017 else item.description
        title = item.title.replace("&", "&amp;") if chance > 0.8 else item.title
        rows.append((item.item_id, title, description, category, price, f"{item.added_at:%Y-%m-%dT%H:%M:%SZ}"))
    return rows


def event_rows(events: Sequence[Event], rng: Random) -> list[tuple[str, ...]]:
    """Rows as a shop logs them: now and then a view is logged twice."""
    rows = []
    for event in events:
        row = (event.user_id, event.item_id, event.kind, event.value, f"{event.at:%Y-%m-%dT%H:%M:%SZ}")
        rows += [row, row] if event.kind == "view" and rng.random() < 0.002 else [row]
    return rows


def generate(out: Path) -> None:
    """Write items.csv and events.csv.gz to `out`."""
    out.mkdir(parents=True, exist_ok=True)
    material = read_material()
    items = make_items(material, Random(SEED))
    events = make_events(material, items, Random(SEED + 1))
    header = ("item_id", "title", "description", "category", "price", "added_at")
    (out / "items.csv").write_text(table(header, item_rows(items, Random(SEED + 2))), encoding="utf-8")
    columns = ("user_id", "item_id", "event", "value", "timestamp")
    write_gzip(out / "events.csv.gz", table(columns, event_rows(events, Random(SEED + 3))))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=HERE)
    generate(parser.parse_args().out)
