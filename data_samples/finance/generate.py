"""Write the finance samples again: `python data_samples/finance/generate.py [--out FOLDER]`. Same seed, same bytes."""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import shutil
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from random import Random
from xml.sax.saxutils import escape

from labelled import labelled_sets
from stream import Headline, Stream
from styles import SOURCES, print_as
from writer import HERE, Writer

SEED = 20261031


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


def blemishes(rows: Sequence[Headline], rng: Random) -> list[tuple[str, str, str, str]]:
    """Rows as a collector stores them: a few without address, with an escaped ampersand, curly quotes or stray spaces."""
    out = []
    for row in rows:
        text, address, chance = row.text, row.url, rng.random()
        if chance < 0.004:
            address = ""
        elif chance < 0.03:
            text = text.replace("&", "&amp;").replace("'", "’")
        elif chance < 0.036:
            text = f" {text}  "
        out.append((f"{row.at:%Y-%m-%dT%H:%M:%SZ}", text, row.source, address))
    return out


def feed(stream: Stream, rows: Sequence[Headline], rng: Random) -> str:
    """RSS 2.0: twenty new stories of the last evening, five that the stream already has, and one item in bad shape."""
    last = rows[-1].at
    items = []
    for number in range(20):
        text, cast = stream.headline()
        source = SOURCES[rng.randrange(6)]
        at = last.replace(minute=0, second=0) - timedelta(minutes=11 * number)
        items.append((at, print_as(rng, source, text, cast), f"https://{source.host}/{at:%Y/%m/%d}/feed{number:02d}"))
    items += [(row.at, row.text, row.url) for row in rows[-40::8]]
    body = "".join(
        f'    <item>\n      <title>{escape(text)}</title>\n      <link>{link}</link>\n      <guid isPermaLink="true">{link}</guid>\n'
        f"      <pubDate>{at:%a, %d %b %Y %H:%M:%S} +0000</pubDate>\n    </item>\n"
        for at, text, link in sorted(items, reverse=True)
    )
    broken = (
        "    <item>\n      <title>  &lt;b&gt;Kelpline&lt;/b&gt; shares&amp;nbsp;slip &amp;amp; recover, in &lt;i&gt;thin&lt;/i&gt; trade </title>\n"
        "      <pubDate>yesterday, 25:61</pubDate>\n    </item>\n"
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0">\n  <channel>\n    <title>Portwire business</title>\n'
        "    <link>https://portwire.example/</link>\n    <description>Sample feed of the Portside finance monitor</description>\n"
        f"    <language>en</language>\n{body}{broken}  </channel>\n</rss>\n"
    )


def generate(out: Path) -> None:
    """Write every generated file to `out`, and beside them the two hand-written tables."""
    out.mkdir(parents=True, exist_ok=True)
    writer = Writer()
    for name, pairs in labelled_sets(writer, SEED).items():
        column = "sentiment" if name.startswith("sentiment") else "topic"
        (out / f"{name}.csv").write_text(table(("text", column), pairs), encoding="utf-8")
    stream = Stream(writer, SEED + 2)
    rows = stream.build()
    write_gzip(
        out / "headlines.csv.gz",
        table(("published_at", "headline", "source", "url"), blemishes(rows, Random(SEED + 3))),
    )
    (out / "feed.xml").write_text(feed(stream, rows, Random(SEED + 4)), encoding="utf-8")
    if out.resolve() != HERE:
        for name in ("companies.csv", "surges.csv"):
            shutil.copyfile(HERE / name, out / name)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=HERE)
    generate(parser.parse_args().out)
