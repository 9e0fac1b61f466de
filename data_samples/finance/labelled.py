"""The labelled sets. Test headlines are written from patterns that no training headline uses."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from styles import SHARES, SOURCES, add_tail, misspell, print_as
from writer import Newsroom, Pattern, Writer, read_frames, read_patterns, read_phrases

SENTIMENTS = {"negative": 25, "neutral": 45, "positive": 30}
TOPICS = {
    "earnings": 17, "markets": 12, "macro_economy": 11, "mergers_acquisitions": 10, "products": 10, "regulation_legal": 9,
    "analyst_rating": 8, "energy_commodities": 8, "labour": 6, "management": 6, "dividends_buybacks": 5,
}  # fmt: skip
HELD_OUT = 0.18  # share of the patterns, phrases and frames that only the test sets use
TAIL_SHARE = 0.2
TYPO_SHARE = 0.03
MISLABELLED = 0.02
TOO_ALIKE = 0.7  # Jaccard of words, with companies and figures masked
TRAIN_POOL, TEST_POOL = 3400, 1300
TRAIN_ROWS = {"sentiment": 2500, "topic": 2600}
TEST_ROWS = {"sentiment": 720, "topic": 760}


@dataclass(frozen=True)
class Labelled:
    """One headline with both labels."""

    text: str
    sentiment: str
    topic: str


def newsrooms(seed: int) -> tuple[Newsroom, Newsroom]:
    """(for training, for the test): the test's patterns and frames, and a quarter of its phrases, are in no training headline."""
    rng = Random(seed)
    patterns, held_patterns = _held_out(read_patterns(), HELD_OUT, rng)
    phrases, held_phrases = _held_out(read_phrases(), HELD_OUT, rng)
    frames = list(dict.fromkeys(read_frames()[2:]))
    held_frames = rng.sample(frames, round(len(frames) * HELD_OUT))
    plain = read_frames()[:2]
    training = Newsroom(patterns, phrases, plain + [frame for frame in frames if frame not in held_frames])
    return training, Newsroom(held_patterns, held_phrases + rng.sample(phrases, 3 * len(held_phrases)), held_frames)


def _held_out(patterns: Sequence[Pattern], share: float, rng: Random) -> tuple[list[Pattern], list[Pattern]]:
    """(kept, held out), split within each topic and sentiment."""
    cells: dict[tuple[str, str], list[Pattern]] = defaultdict(list)
    for pattern in patterns:
        cells[pattern.topic, pattern.label].append(pattern)
    kept: list[Pattern] = []
    held: list[Pattern] = []
    for cell in cells.values():
        mixed = rng.sample(cell, len(cell))
        cut = round(len(cell) * share)
        held += mixed[:cut]
        kept += mixed[cut:]
    return kept, held


def words(text: str, writer: Writer) -> frozenset[str]:
    """The words of a headline with companies as `co` and figures as `0`: what two copies of one story share."""
    for company in writer.companies:
        if company.name in text or any(alias in text for alias in company.aliases):
            for name in sorted((company.name, *company.aliases), key=len, reverse=True):
                text = text.replace(name, "co")
    text = re.sub(r"\$[A-Z]{2,5}\b", "co", text)
    return frozenset(re.findall(r"[a-z]+|0", re.sub(r"\d[\d.,]*", "0", text.lower())))


def pool(newsroom: Newsroom, writer: Writer, rng: Random, size: int) -> list[Labelled]:
    """Distinct headlines with the class balance of a news desk."""
    rows: dict[str, Labelled] = {}
    while len(rows) < size:
        sentiment = rng.choices(list(SENTIMENTS), list(SENTIMENTS.values()))[0]
        topic = rng.choices(list(TOPICS), list(TOPICS.values()))[0]
        cast = writer.cast(rng, topic=topic)
        text = writer.write(rng, newsroom.choose(rng, topic, sentiment), cast)
        text = add_tail(rng, writer, text, sentiment, cast) if rng.random() < TAIL_SHARE else text
        text = print_as(rng, rng.choices(SOURCES, SHARES)[0], text, cast)
        text = misspell(rng, text) if rng.random() < TYPO_SHARE else text
        rows.setdefault(text, Labelled(text, sentiment, topic))
    return list(rows.values())


def without_copies(test: Sequence[Labelled], train: Sequence[Labelled], writer: Writer) -> list[Labelled]:
    """Test headlines that resemble no training headline."""
    known: dict[frozenset[str], None] = dict.fromkeys(words(row.text, writer) for row in train)
    index: dict[str, list[int]] = defaultdict(list)
    bags = list(known)
    for number, bag in enumerate(bags):
        for word in sorted(bag):
            index[word].append(number)
    kept = []
    for row in test:
        bag = words(row.text, writer)
        shared: dict[int, int] = defaultdict(int)
        for word in bag:
            for number in index[word]:
                shared[number] += 1
        alike = max((n / (len(bag) + len(bags[i]) - n) for i, n in shared.items()), default=0.0)
        if alike < TOO_ALIKE:
            kept.append(row)
    return kept


def mislabel(label: str, labels: Sequence[str], rng: Random) -> str:
    """The label, or now and then a wrong one, as people under time pressure give it."""
    return rng.choice([other for other in labels if other != label]) if rng.random() < MISLABELLED else label


def labelled_sets(writer: Writer, seed: int) -> dict[str, list[tuple[str, str]]]:
    """Rows (text, label) of sentiment.csv, sentiment_test.csv, topics.csv and topics_test.csv."""
    training, testing = newsrooms(seed)
    rng = Random(seed + 1)
    train = pool(training, writer, rng, TRAIN_POOL)
    test = without_copies(pool(testing, writer, rng, TEST_POOL), train, writer)
    sets: dict[str, list[tuple[str, str]]] = {}
    for name, column, labels in (("sentiment", "sentiment", list(SENTIMENTS)), ("topics", "topic", list(TOPICS))):
        for suffix, rows, count in (("", train, TRAIN_ROWS[column]), ("_test", test, TEST_ROWS[column])):
            chosen = rng.sample(list(rows), count)
            sets[name + suffix] = [(row.text, mislabel(getattr(row, column), labels, rng)) for row in chosen]
    return sets
