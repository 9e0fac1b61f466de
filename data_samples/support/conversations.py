"""Turn the hand-written scripts in source/conversations_*.txt into conversations.jsonl.

A script is a header `== channel | outcome | language [| date]` and one line a message:

    C: what the customer wrote
    A: what the agent wrote
    B: what the bot wrote; `B: >intent slot=value; slot=value` is that intent's approved template,
       `B: ?slot` the slot's question, `B: @slug#Section` a passage of a knowledge-base article,
       `B: !policy`, `B: !unsure` and `B: !asked` the three hand-over sentences.

Dates and times are drawn with a seed: the 90 days before 1 November 2026, busier on weekdays, evenings and in autumn;
agents answer in their office hours only.
"""

from __future__ import annotations

import csv
import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

LAST_DAY = datetime(2026, 11, 1, tzinfo=UTC)
DAYS = 90
SUMMER_TIME_ENDS = datetime(2026, 10, 25, 1, tzinfo=UTC)
ROLES = {"C": "customer", "A": "agent", "B": "bot"}
CHANNELS = ("web", "email", "chat")
OUTCOMES = ("answered", "retrieved", "handed_over")
# Contacts per hour of the day, UK time: quiet nights, a lunch peak, a larger evening peak.
HOURS = (2, 1, 1, 0, 0, 1, 3, 8, 13, 16, 17, 16, 19, 17, 14, 13, 14, 17, 20, 23, 24, 19, 11, 5)
WEEKDAYS = (20, 17, 15, 14, 14, 10, 12)  # Monday first
HAND_OVER = {
    "policy": "This is something a colleague has to look at personally, so I have passed it to our team. You will hear from us here or by e-mail.",
    "unsure": "I am not sure I can answer this well, so I have passed your message to a colleague who will reply shortly.",
    "asked": "Of course. I have passed you to our team: Monday to Friday 8:00–20:00, Saturday 9:00–17:00 UK time.",
}


@dataclass
class Script:
    """One hand-written conversation before it has a date."""

    channel: str
    outcome: str
    language: str
    date: datetime | None
    lines: list[tuple[str, str]] = field(default_factory=list)


def read_scripts(folder: Path) -> list[Script]:
    """All scripts in the order of the files."""
    scripts: list[Script] = []
    for path in sorted(folder.glob("conversations_*.txt")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if line.startswith("=="):
                parts = [part.strip() for part in line[2:].split("|")]
                if parts[0] not in CHANNELS or parts[1] not in OUTCOMES:
                    raise ValueError(f"{path.name}:{number}: unknown channel or outcome in {line!r}")
                date = datetime.fromisoformat(parts[3]).replace(tzinfo=UTC) if len(parts) > 3 else None
                scripts.append(Script(parts[0], parts[1], parts[2], date))
            elif line.strip():
                role, text = line.split(": ", 1)
                scripts[-1].lines.append((ROLES[role], text.strip()))
    return scripts


class BotLines:
    """Writes out what the bot said from templates, slot questions and knowledge-base sections."""

    def __init__(self, folder: Path) -> None:
        self._templates = {(row["intent"], row["language"]): row["answer"] for row in _rows(folder / "templates.csv")}
        self._questions = {row["slot"]: row["question"] for row in _rows(folder / "slots.csv")}
        self._kb = folder / "kb"

    def written(self, text: str, language: str) -> str:
        """The message for a script's `B:` line."""
        if text[0] == ">":
            intent, _, values = text[1:].partition(" ")
            answer = self._templates[intent, language]
            for pair in filter(None, values.split(";")):
                slot, _, value = pair.partition("=")
                answer = answer.replace("{" + slot.strip() + "}", value.strip())
            return answer
        if text[0] == "?":
            return self._questions[text[1:]]
        if text[0] == "@":
            return self._passage(*text[1:].split("#"))
        return HAND_OVER[text[1:]] if text[0] == "!" else text

    def _passage(self, slug: str, section: str) -> str:
        article = (self._kb / f"{slug}.md").read_text(encoding="utf-8")
        title = re.search(r"^title: (.+)$", article, re.M)
        url = re.search(r"^url: (.+)$", article, re.M)
        body = article.partition(f"\n## {section}\n")[2].partition("\n## ")[0].strip()
        if not (title and url and body):
            raise ValueError(f"kb/{slug}.md has no section {section!r}")
        first = re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", body.split("\n\n")[0]).replace("\n", " ")
        return f"I found this in our help centre: {first} ({title[1]} – {section}, {url[1]})"


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def uk_offset(moment: datetime) -> timedelta:
    """British Summer Time until 25 October 2026, then GMT."""
    return timedelta(hours=1) if moment < SUMMER_TIME_ENDS else timedelta()


def start_of(script: Script, rng: random.Random) -> datetime:
    """When the customer wrote first, UTC."""
    days = [LAST_DAY - timedelta(days=back) for back in range(DAYS, 0, -1)]
    weights = [WEEKDAYS[day.weekday()] * (1 + at / DAYS) for at, day in enumerate(days)]
    day = script.date or rng.choices(days, weights)[0]
    hour = rng.choices(range(24), HOURS)[0]
    local = day + timedelta(hours=hour, minutes=rng.randrange(60), seconds=rng.randrange(60))
    # In summer the first hour of a UK day is still the day before in UTC; keep every start inside the 90 days.
    return max(local - uk_offset(local), LAST_DAY - timedelta(days=DAYS))


def in_office_hours(moment: datetime, rng: random.Random) -> datetime:
    """The moment itself when the team works then, else shortly after it next opens."""
    while True:
        local = moment + uk_offset(moment)
        opens, closes = {5: (9, 17), 6: (0, 0)}.get(local.weekday(), (8, 20))
        if opens <= local.hour < closes:
            return moment
        midnight = local.replace(hour=0, minute=0, second=0)
        if local.hour >= closes:
            midnight += timedelta(days=1)
            opens = {5: 9, 6: 0}.get(midnight.weekday(), 8)
        later = midnight + timedelta(hours=opens, minutes=rng.randrange(1, 55), seconds=rng.randrange(60))
        moment = later - uk_offset(later)


def next_moment(role: str, channel: str, now: datetime, rng: random.Random) -> datetime:
    """When the next message of this role follows the message at `now`."""
    email = channel == "email"
    if role == "bot":
        return now + timedelta(seconds=rng.randrange(40, 200) if email else rng.randrange(1, 4))
    if role == "agent":
        wait = rng.randrange(1800, 28800) if email else rng.randrange(90, 1500)
        return in_office_hours(now + timedelta(seconds=wait), rng)
    return now + timedelta(seconds=rng.randrange(900, 40000) if email else rng.randrange(15, 260))


def moments_of(script: Script, rng: random.Random) -> list[datetime]:
    """A moment for each message; drawn again while the last one would lie beyond the last day."""
    while True:
        moments = [start_of(script, rng)]
        for role, _ in script.lines[1:]:
            moments.append(next_moment(role, script.channel, moments[-1], rng))
        if moments[-1] < LAST_DAY:
            return moments


def dated(script: Script, bot: BotLines, rng: random.Random) -> dict[str, object]:
    """The conversation as one record without its id."""
    moments = moments_of(script, rng)
    messages = [
        {"role": role, "text": bot.written(text, script.language) if role == "bot" else text, "at": _iso(moment)}
        for (role, text), moment in zip(script.lines, moments, strict=True)
    ]
    return {
        "channel": script.channel,
        "language": script.language,
        "started_at": _iso(moments[0]),
        "messages": messages,
        "outcome": script.outcome,
    }


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def write_conversations(folder: Path, target: Path, seed: int) -> None:
    """Write one conversation a line, oldest first, with ids in that order."""
    rng = random.Random(seed + 1)
    bot = BotLines(folder)
    records = [dated(script, bot, rng) for script in read_scripts(folder / "source")]
    records.sort(key=lambda record: str(record["started_at"]))
    with target.open("w", encoding="utf-8", newline="\n") as file:
        for number, record in enumerate(records, start=1):
            file.write(json.dumps({"id": f"c-{number:04d}", **record}, ensure_ascii=False) + "\n")
