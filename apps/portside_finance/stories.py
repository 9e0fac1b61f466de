"""When two headlines are the same story, so that ten copies of one wire item count as one vote. Pure.

A headline is compared with the *leads* of stories (the first copy seen of each) within the time window. It joins the
most similar one when their weighted word overlap (Jaccard) is high enough, or when all words of one stand in the other.
Candidates come from an inverted index by the headline's rarest words: two headlines whose overlap is at least ``t``
must share one of the ``n - ceil(t * n) + 1`` rarest words of either, so nothing above the threshold is missed
(weights aside).
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from portside.characters import LETTER, letters_with_marks
from portside_finance.config import StoryConfig

__all__ = ["Lead", "StoryIndex", "Wording", "same_story", "similarity", "story_names", "story_words"]

_WIRE_PREFIX = re.compile(
    r"^\s*(?:(?:UPDATE|WRAPUP|RPT|CORRECTED|REFILE|BRIEF|EXCLUSIVE|FACTBOX|TIMELINE|BREAKING|RECAP|LIVE)\s*\d*\s*[-:–]\s*)+",
    re.IGNORECASE,
)
_OUTLET_SUFFIX = re.compile(r"\s+[-–—|]\s+[\w.& ]{2,25}$")
_LIGHT_TEXT = """
a an and are as at be by for from has have in into is it its of on or over s says said t that the their to was were will
with after amid vs up down new more than but not
"""
_LIGHT = frozenset(_LIGHT_TEXT.split())
_LIGHT_WEIGHT = 0.25
"""Little words tie two unrelated headlines together less than names do."""


@dataclass(frozen=True, slots=True)
class Wording:
    """What of a headline is compared."""

    words: frozenset[str]
    names: frozenset[str]

    @classmethod
    def of(cls, text: str) -> Wording:
        """The wording of a headline."""
        return cls(story_words(text), story_names(text))


@lru_cache(maxsize=1)
def _words() -> re.Pattern[str]:
    return re.compile(rf"[\u4e00-\u9fff]|{letters_with_marks(LETTER)}")


def story_words(text: str) -> frozenset[str]:
    """The words that count: lower case, without wire prefixes ("UPDATE 2-") and a trailing outlet (" - Reuters")."""
    bare = _OUTLET_SUFFIX.sub("", _WIRE_PREFIX.sub("", text))
    words = frozenset(_words().findall(bare.casefold()))
    return words or frozenset(_words().findall(text.casefold()))


def similarity(a: frozenset[str], b: frozenset[str]) -> float:
    """Weighted Jaccard in [0, 1]: 1 for the same words."""
    if a == b:
        return 1.0
    shared = _weight(a & b)
    return shared / (_weight(a) + _weight(b) - shared)


def story_names(text: str) -> frozenset[str]:
    """Words with a capital, lower-cased: the names in the headline. Empty in title case, where capitals say nothing."""
    bare = _OUTLET_SUFFIX.sub("", _WIRE_PREFIX.sub("", text))
    words = [word for word in _words().findall(bare) if len(word) > 2 and word.casefold() not in _LIGHT]
    names = [word for word in words if word[0].isupper()]
    return frozenset(word.casefold() for word in names) if len(names) < 0.7 * len(words) else frozenset()


def same_story(a: Wording, b: Wording, config: StoryConfig) -> float:
    """How surely two headlines near in time are one story: their similarity, or 0 where they are not.

    Numbers must not contradict ("Q1 profit up 5 pct" is not "Q2 profit up 7 pct"), and where each has a name the other
    lacks ("Oman bans the jet", "Fiji bans the jet") the rest must be all but equal.
    """
    score = similarity(a.words, b.words)
    if score == 1.0:
        return score
    if (_numbers(a.words) - b.words) and (_numbers(b.words) - a.words):
        return 0.0
    contradiction = bool(a.names - b.words) and bool(b.names - a.words)
    if score >= (config.min_similarity_other_names if contradiction else config.min_similarity):
        return score
    smaller, larger = (a.words, b.words) if len(a.words) <= len(b.words) else (b.words, a.words)
    content = sum(1 for word in smaller if word not in _LIGHT)
    if content >= config.min_contained_words and smaller <= larger:
        return max(score, config.min_similarity)
    return 0.0


@dataclass(frozen=True, slots=True)
class Lead:
    """The first copy seen of a story."""

    story: int
    wording: Wording
    published_at: datetime
    tickers: frozenset[str]


class StoryIndex:
    """The leads of the stories in question, searchable. Not shared between threads."""

    def __init__(self, config: StoryConfig, leads: Sequence[Lead] = ()) -> None:
        self._config = config
        self._window = timedelta(hours=config.window_hours)
        self._leads: list[Lead] = []
        self._postings: dict[str, list[int]] = defaultdict(list)
        for lead in leads:
            self.add(lead)

    def add(self, lead: Lead) -> None:
        """Make a story findable."""
        self._leads.append(lead)
        for word in lead.wording.words:
            self._postings[word].append(len(self._leads) - 1)

    def find(self, wording: Wording, published_at: datetime, tickers: frozenset[str]) -> int | None:
        """The story these words belong to, or None for a new one. Headlines of different companies never join."""
        best: tuple[float, int] = (0.0, 0)
        for position in self._candidates(wording.words):
            lead = self._leads[position]
            if abs(lead.published_at - published_at) > self._window:
                continue
            if tickers and lead.tickers and tickers.isdisjoint(lead.tickers):
                continue
            score = same_story(wording, lead.wording, self._config)
            if score > 0:
                # Among equals the oldest story wins, whatever the order of the index.
                best = max(best, (score, -lead.story))
        return -best[1] if best[0] > 0 else None

    def _candidates(self, words: frozenset[str]) -> set[int]:
        by_rarity = sorted(words, key=lambda word: (len(self._postings.get(word, ())), word))
        count = len(words) - math.ceil(self._config.min_similarity * len(words)) + 1
        return {position for word in by_rarity[:count] for position in self._postings.get(word, ())}


def _weight(words: frozenset[str]) -> float:
    return sum(_LIGHT_WEIGHT if word in _LIGHT else 1.0 for word in words)


def _numbers(words: frozenset[str]) -> set[str]:
    return {word for word in words if any(character.isdigit() for character in word)}
