"""The dated stream: background news with the rhythm of days and hours, copies and re-issues, and the surges of surges.csv."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random

from labelled import TAIL_SHARE, TOPICS
from styles import SHARES, SOURCES, Source, add_tail, misspell, print_as
from writer import (
    HERE,
    Cast,
    Newsroom,
    Writer,
    read_background,
    read_frames,
    read_patterns,
    read_phrases,
    read_stories,
)

FIRST_DAY, LAST_DAY = date(2026, 6, 8), date(2026, 10, 31)
STORIES_PER_WEEKDAY = 138.0
WEEKEND = 0.22
HOLIDAYS = {date(2026, 7, 3): 0.55, date(2026, 8, 31): 0.5, date(2026, 9, 7): 0.6}
BACKGROUND_SHARE = 0.07
# Weight of each hour, UTC: European results before eight, American ones around noon and after twenty
HOURS = (2, 2, 2, 2, 3, 7, 14, 13, 10, 8, 7, 8, 11, 12, 11, 9, 8, 7, 5, 5, 7, 5, 3, 2)
TONES = {"negative": 27.0, "neutral": 46.0, "positive": 27.0}
REGIONAL = tuple(f"{town} {paper}" for town in ("Leeds", "Hull", "Porto Vale", "Grimsey", "Ardmore", "Tynford", "Halmstow", "Westerby")
                 for paper in ("Mail", "Courier", "Evening Star", "Gazette", "Online"))  # fmt: skip


@dataclass(frozen=True, order=True)
class Headline:
    """A row of headlines.csv.gz."""

    at: datetime
    text: str
    source: str
    url: str


@dataclass(frozen=True)
class Surge:
    """A row of surges.csv."""

    surge_id: str
    kind: str
    scope: str
    entity: str
    starts: datetime
    ends: datetime
    shape: str
    headlines: int


def read_surges() -> list[Surge]:
    """The plan of surges and decoys."""
    with (HERE / "surges.csv").open(encoding="utf-8", newline="") as lines:
        return [
            Surge(r["surge_id"], r["kind"], r["scope"], r["entity"], datetime.fromisoformat(r["starts_at"]),
                  datetime.fromisoformat(r["ends_at"]), r["shape"], int(r["headlines"]))
            for r in csv.DictReader(lines)
        ]  # fmt: skip


def season(day: date) -> float:
    """How busy a day is beside an ordinary weekday: results weeks, the August lull, holidays, weekends."""
    factor = WEEKEND if day.weekday() >= 5 else 1.06 if day.weekday() in (1, 2, 3) else 0.96
    if date(2026, 7, 15) <= day <= date(2026, 8, 7) or day >= date(2026, 10, 14):
        factor *= 1.22
    elif date(2026, 8, 10) <= day <= date(2026, 8, 28):
        factor *= 0.82
    return factor * HOLIDAYS.get(day, 1.0)


def url(rng: Random, source: Source | str, at: datetime) -> str:
    """An address under .example; a regional paper's host is made of its name."""
    host = source.host if isinstance(source, Source) else source.lower().replace(" ", "") + ".example"
    return f"https://{host}/{at:%Y/%m/%d}/{rng.randrange(16**6):06x}"


class Stream:
    """Builds the whole stream from one seed."""

    def __init__(self, writer: Writer, seed: int) -> None:
        self._writer = writer
        self._rng = Random(seed)
        self._background = read_background()
        self._newsroom = Newsroom(read_patterns(), read_phrases(), read_frames())
        self._mood = {company.ticker: self._rng.uniform(0.7, 1.4) for company in writer.companies}

    def build(self) -> list[Headline]:
        """All headlines in order of time."""
        rows: list[Headline] = []
        day, last_noise = FIRST_DAY, 0.0
        while day <= LAST_DAY:
            last_noise = 0.4 * last_noise + self._rng.gauss(0, 0.09)  # busy days follow busy days
            for _ in range(round(STORIES_PER_WEEKDAY * season(day) * (1 + last_noise))):
                rows += self._story(day)
            day += timedelta(days=1)
        for surge in read_surges():
            rows += self._surge(surge)
        end = datetime(LAST_DAY.year, LAST_DAY.month, LAST_DAY.day, tzinfo=UTC) + timedelta(days=1)
        return sorted(row for row in rows if row.at < end)

    def headline(self) -> tuple[str, Cast]:
        """One background headline in plain form."""
        rng = self._rng
        topic = rng.choices(list(TOPICS), list(TOPICS.values()))[0]
        cast = self._writer.cast(rng, topic=topic)
        if rng.random() < BACKGROUND_SHARE:
            return self._writer.write(rng, rng.choice(self._background), cast), cast
        mood = self._mood[cast.main.ticker] if cast.main else 1.0
        tones = TONES | {"negative": TONES["negative"] * mood}
        tone = rng.choices(list(tones), list(tones.values()))[0]
        text = self._writer.write(rng, self._newsroom.choose(rng, topic, tone), cast)
        return add_tail(rng, self._writer, text, tone, cast) if rng.random() < TAIL_SHARE else text, cast

    def _time(self, day: date) -> datetime:
        hour = self._rng.choices(range(24), HOURS)[0]
        second = self._rng.randrange(3600)
        return datetime(day.year, day.month, day.day, hour, second // 60, second % 60, tzinfo=UTC)

    def _story(self, day: date) -> list[Headline]:
        text, cast = self.headline()
        return self._publish(self._time(day), text, cast)

    def _publish(self, at: datetime, text: str, cast: Cast, more: float = 1.0) -> list[Headline]:
        """The first print and what follows: copies at other outlets and re-issues by the wire. `more` scales the copies."""
        rng = self._rng
        source = rng.choices(SOURCES, SHARES)[0]
        first = print_as(rng, source, text, cast)
        first = misspell(rng, first) if rng.random() < 0.015 else first
        rows = [Headline(at, first, source.name, url(rng, source, at))]
        if rng.random() < 0.07 * more and source.style == "wire":
            for issue in range(1, rng.choice([2, 2, 3])):
                at_issue = at + timedelta(minutes=rng.randint(9, 140) * issue)
                tail = self._writer.write(
                    rng, rng.choice(["", "", ", shares react", "- {bank} comment", "- adds detail"]), cast
                )
                tail = f" {tail}" if tail.startswith("-") else tail
                rows.append(Headline(at_issue, f"UPDATE {issue}-{text}{tail}", source.name, url(rng, source, at_issue)))
        copies = rng.choices([0, 1, 2, 3, 5], [80, 12, 5, 2, 1])[0] if rng.random() < more else 0
        for _ in range(copies):
            outlet = rng.choices(SOURCES, SHARES)[0]
            later = at + timedelta(minutes=int(rng.lognormvariate(3.4, 1.0)) + 1, seconds=rng.randrange(60))
            copy = first if rng.random() < 0.5 else print_as(rng, outlet, text, cast)
            rows.append(Headline(later, copy, outlet.name, url(rng, outlet, later)))
        return rows

    def _surge(self, surge: Surge) -> list[Headline]:
        """Exactly `surge.headlines` rows between its start and its end."""
        if surge.kind == "syndicated copies":
            return self._syndication(surge)
        lines = read_stories()[surge.surge_id]
        rows: list[Headline] = []
        while len(rows) < surge.headlines:
            at, progress = self._surge_time(surge, first=not rows)
            near = abs(self._rng.gauss(progress, 0.22))  # both ends of the story throw back what falls beyond them
            place = round((near if near <= 1 else max(2 - near, 0)) * (len(lines) - 1)) if rows else 0
            cast = self._writer.cast(self._rng, self._writer.by_ticker.get(surge.entity))
            pattern, tone = lines[place]
            text = self._writer.write(self._rng, pattern, cast)
            text = add_tail(self._rng, self._writer, text, tone, cast) if self._rng.random() < TAIL_SHARE / 2 else text
            rows += [row for row in self._publish(at, text, cast, 0.7) if row.at <= surge.ends]
        return rows[: surge.headlines]

    def _surge_time(self, surge: Surge, *, first: bool) -> tuple[datetime, float]:
        """(moment, share of the span gone): sharp surges break at once and fade, slow ones build up; nights are quiet."""
        if first:
            return surge.starts, 0.0
        while True:
            progress = self._rng.betavariate(1.05, 2.6) if surge.shape == "sharp" else self._rng.betavariate(2.2, 1.5)
            at = surge.starts + (surge.ends - surge.starts) * progress
            at = at.replace(microsecond=0)
            if self._rng.random() < HOURS[at.hour] / 10:
                return at, progress

    def _syndication(self, surge: Surge) -> list[Headline]:
        """One story, word for word or nearly so, in regional papers over a few hours."""
        cast = self._writer.cast(self._rng, self._writer.by_ticker[surge.entity])
        cast.names["co"] = self._writer.by_ticker[surge.entity].name
        text = self._writer.write(self._rng, read_stories()[surge.surge_id][0][0], cast)
        forms = (text, text, text, text + " - Global Desk", text.replace("-", "–"), text.upper())
        rows = []
        for _ in range(surge.headlines):
            at = (surge.starts + (surge.ends - surge.starts) * self._rng.betavariate(1.2, 3.0)).replace(microsecond=0)
            outlet = self._rng.choice(REGIONAL)
            rows.append(Headline(at, self._rng.choice(forms), outlet, url(self._rng, outlet, at)))
        return rows
