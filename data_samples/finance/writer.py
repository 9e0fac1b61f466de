"""Turn hand-written patterns into headlines: `[a|b]` chooses, `{slot}` is filled from the lexicon, the company or a number."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

HERE = Path(__file__).resolve().parent
CHOICE = re.compile(r"\[([^\[\]]*)\]")
PHRASE_SHARE = 0.6  # headlines made of a phrase in a frame rather than of a whole pattern
RAW_SECTORS = {"Energy", "Utilities", "Mining", "Chemicals", "Logistics"}  # who is in the news on oil, gas and metals
OWN_SUBJECTS = {
    "oil",
    "shares",
    "stocks",
    "regulator",
    "investors",
}  # first words of phrases that are not about the company
SLOT = re.compile(r"\{([a-z0-9_]+)\}")
# the lexicon gives verbs in the singular; these subjects are plural
PLURAL = re.compile(
    r"\b(sales|earnings|shares|chips|mid-caps|losses) (is|(?:rise|climb|grow|increase|jump|advance|fall|drop|slip|decline|sink|ease|dip|slide"
    r"|soar|double|shrink|edge|close|end|shrug|snap|ignore|pick)s|dries)\b"
)
VERBS = {"is": "are", "dries": "dry"}


@dataclass(frozen=True)
class Company:
    """A row of companies.csv. `weight` is its share of news: a few companies are in the news daily, many rarely."""

    ticker: str
    name: str
    aliases: tuple[str, ...]
    sector: str
    weight: float


@dataclass(frozen=True)
class Pattern:
    """One hand-written line. `key` tells it apart from all others; `label` is its sentiment."""

    key: str
    topic: str
    label: str
    text: str


@dataclass
class Cast:
    """Who one headline is about. A name, once chosen, is kept for the whole headline."""

    main: Company | None
    other: Company | None = None
    names: dict[str, str] = field(default_factory=dict)


def read_companies() -> list[Company]:
    """All companies, busiest names spread over sectors by a fixed shuffle."""
    with (HERE / "companies.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    order = list(range(len(rows)))
    Random(11).shuffle(order)
    return [
        Company(r["ticker"], r["name"], tuple(r["aliases"].split("|")), r["sector"], 1.0 / (place + 6) ** 0.75)
        for r, place in zip(rows, order, strict=True)
    ]


def read_patterns() -> list[Pattern]:
    """Every topic file under patterns/, in file and line order."""
    found: list[Pattern] = []
    for path in sorted((HERE / "patterns").glob("*.txt")):
        if path.stem in {"lexicon", "stories", "background", "frames", "phrases"}:
            continue
        label = ""
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if line.startswith("== "):
                label = line[3:].strip()
            elif line.strip():
                found.append(Pattern(f"{path.stem}:{number}", path.stem, label, line.strip()))
    return found


def read_phrases() -> list[Pattern]:
    """Short pieces of news, each about one topic and of one sentiment."""
    found: list[Pattern] = []
    topic = label = ""
    for number, line in enumerate(_lines("phrases.txt")):
        if line.startswith("== "):
            topic, label = (part.strip() for part in line[3:].split("/"))
        else:
            own_subject = line.startswith("{") or line.split()[0] in OWN_SUBJECTS or "{co}" in line
            found.append(Pattern(f"phrases:{number}", topic, label, line if own_subject else "{co} " + line))
    return found


def read_frames() -> list[str]:
    """What newsrooms put around a piece of news."""
    return _lines("frames.txt")


def _lines(file: str) -> list[str]:
    """Lines of a file of patterns, without comments."""
    lines = (HERE / "patterns" / file).read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def read_stories() -> dict[str, list[tuple[str, str]]]:
    """Lines of each story of surges.csv as (text, tone), in the order in which the news comes."""
    stories: dict[str, list[tuple[str, str]]] = {}
    name = ""
    for line in _lines("stories.txt"):
        if line.startswith("== "):
            name = line[3:].strip()
            stories[name] = []
        else:
            text, tone = line.rsplit(" | ", 1)
            stories[name].append((text.strip(), tone.strip()))
    return stories


def read_background() -> list[str]:
    """Headlines about no company and no topic in particular."""
    return [line.rsplit(" | ", 1)[0].strip() for line in _lines("background.txt")]


def _alternatives(text: str) -> list[str]:
    """Split at `|` outside of brackets."""
    parts, depth, current = [], 0, ""
    for char in text:
        depth += (char == "[") - (char == "]")
        if char == "|" and depth == 0:
            parts.append(current.strip())
            current = ""
        else:
            current += char
    return [*parts, current.strip()]


class Newsroom:
    """Chooses what a headline of a topic and a sentiment says: a whole pattern, or a phrase in a frame."""

    def __init__(self, patterns: Sequence[Pattern], phrases: Sequence[Pattern], frames: Sequence[str]) -> None:
        self._frames = frames
        self._patterns: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._phrases: dict[tuple[str, str], list[str]] = defaultdict(list)
        for stock, chosen in ((self._patterns, patterns), (self._phrases, phrases)):
            for pattern in chosen:
                stock[pattern.topic, pattern.label].append(pattern.text)

    def choose(self, rng: Random, topic: str, label: str) -> str:
        """One unfilled headline."""
        if rng.random() >= PHRASE_SHARE:
            return rng.choice(self._patterns[topic, label])
        news, frame = rng.choice(self._phrases[topic, label]), rng.choice(self._frames)
        while frame.startswith("* ") and "{co}" not in news:
            frame = rng.choice(self._frames)
        return frame.removeprefix("* ").replace("{news}", news)


def read_lexicon() -> dict[str, list[str]]:
    """Slot name, or `slot@Sector`, to its alternatives."""
    slots: dict[str, list[str]] = {}
    for line in _lines("lexicon.txt"):
        name, _, values = line.partition(" = ")
        slots[name.strip()] = _alternatives(values)
    return slots


def _percent(rng: Random, low: float, high: float) -> str:
    value = rng.uniform(low, high)
    number = f"{value:.0f}" if rng.random() < 0.6 and value >= 1 else f"{value:.1f}"
    return number + rng.choices(["%", " pct", " percent", " per cent"], [70, 14, 12, 4])[0]


def _money(rng: Random) -> str:
    if rng.random() < 0.55:
        amount, long, short = f"{rng.uniform(1, 19):.1f}", "billion", "bn"
    else:
        amount, long, short = str(rng.choice([12, 25, 40, 65, 80, 110, 150, 240, 330, 475, 620, 900])), "million", "m"
    wire = "bln" if long == "billion" else "mln"
    forms = [
        f"${amount} {long}",
        f"${amount}{short}",
        f"{amount} {long} euros",
        f"€{amount}{short}",
        f"£{amount}{short}",
        f"${amount} {wire}",
    ]
    return rng.choices(forms, [34, 18, 12, 14, 10, 12])[0]


NUMBERS: dict[str, Callable[[Random], str]] = {
    "pct": lambda r: _percent(r, 2, 29),
    "smallpct": lambda r: _percent(r, 0.2, 4.9),
    "bigpct": lambda r: _percent(r, 18, 57),
    "money": _money,
    "n": lambda r: r.choice(
        [
            f"{r.randint(2, 48) * 100:,}",
            f"{r.randint(1, 30)},000",
            f"about {r.randint(2, 90) * 100}",
            "hundreds of",
            "thousands of",
        ]
    ),
    "price_lo": lambda r: f"${r.randint(8, 60)}",
    "price_hi": lambda r: f"${r.randint(61, 190)}",
    "eps": lambda r: f"${r.uniform(1.1, 3.9):.2f}",
    "eps_lo": lambda r: f"${r.uniform(0.1, 1.0):.2f}",
    "cents": lambda r: r.choice(
        [f"{r.randint(4, 90)} cents", f"${r.uniform(0.1, 1.9):.2f} a share", f"{r.randint(3, 60)}p"]
    ),
    "bps": lambda r: f"{r.randint(2, 30) * 10} [bps|basis points]",
    "year": lambda r: str(r.randint(2008, 2023)),
    "nextyear": lambda r: r.choice(["2027", "2028", "next year"]),
    "dnum": lambda r: str(r.randint(1, 28)),
    "qn": lambda r: str(r.randint(1, 4)),
}


class Writer:
    """Fills patterns. All randomness comes from the generator passed to each call, so that a seed fixes every text."""

    def __init__(self) -> None:
        self.companies = read_companies()
        self.by_ticker = {company.ticker: company for company in self.companies}
        self.lexicon = read_lexicon()
        self._weights = [company.weight for company in self.companies]

    def cast(self, rng: Random, main: Company | None = None, topic: str = "") -> Cast:
        """A main company (by news weight unless given) and a second one, of the same sector half of the time."""
        while main is None:
            main = rng.choices(self.companies, self._weights)[0]
            if topic == "energy_commodities" and main.sector not in RAW_SECTORS and rng.random() < 0.9:
                main = None
        peers = [c for c in self.companies if c is not main and (c.sector == main.sector or rng.random() < 0.12)]
        return Cast(main, rng.choice(peers))

    def write(self, rng: Random, text: str, cast: Cast) -> str:
        """The pattern with every choice made and every slot filled; first letter upper case unless it is a $TICKER."""
        for _ in range(12):  # slots and choices nest; the lexicon is at most a few levels deep
            text = CHOICE.sub(lambda found: rng.choice(found.group(1).split("|")), text)
            if not SLOT.search(text):
                break
            text = SLOT.sub(lambda found: self._fill(rng, found.group(1), cast), text)
        text = " ".join(text.split()).replace(" ,", ",").replace("s's ", "s' ")
        text = PLURAL.sub(lambda found: f"{found.group(1)} {VERBS.get(found.group(2), found.group(2)[:-1])}", text)
        return text[:1].upper() + text[1:]

    def _fill(self, rng: Random, slot: str, cast: Cast) -> str:
        if slot in NUMBERS:
            return NUMBERS[slot](rng)
        if slot in {"co", "co2", "tick", "tick2"}:
            return self._company(rng, slot, cast)
        if slot.endswith("_cap"):
            value = self.write(rng, "{" + slot[:-4] + "}", cast)
            return value[:1].upper() + value[1:]
        sector = cast.main.sector if cast.main else ""
        return rng.choice(self.lexicon.get(f"{slot}@{sector}") or self.lexicon[slot])

    def _company(self, rng: Random, slot: str, cast: Cast) -> str:
        company = cast.other if slot.endswith("2") else cast.main
        if company is None:
            msg = f"the pattern names {{{slot}}} and the headline has no such company"
            raise ValueError(msg)
        if slot.startswith("tick"):
            return f"${company.ticker}"
        if slot not in cast.names:
            name = company.name if rng.random() < 0.5 else rng.choice(company.aliases)
            cast.names[slot] = f"{name} ({company.ticker})" if rng.random() < 0.03 else name
        return cast.names[slot]
