from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portside_finance.config import StoryConfig
from portside_finance.stories import Lead, StoryIndex, Wording, same_story, similarity

NOW = datetime(2026, 6, 1, tzinfo=UTC)
CONFIG = StoryConfig()
words = st.frozensets(
    st.sampled_from(["profit", "loss", "bank", "fire", "deal", "jobs", "rate", "oil", "ban", "plant", "chief"]),
    min_size=1,
)


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        ("Virgin Galactic to go public by spring: source", "Virgin Galactic to go public by spring", True),
        ("UPDATE 2-Ossian hit by data breach", "Ossian hit by data breach", True),
        ("Ossian hit by data breach - Portwire", "Ossian hit by data breach", True),
        (
            "California sues Uber, Lyft over status of drivers",
            "California sues Uber and Lyft over status of drivers",
            True,
        ),
        ("Oman suspends Boeing 737 flights after crash", "Fiji suspends Boeing 737 flights after crash", False),
        ("Meridale Q1 profit rises 5 pct", "Meridale Q2 profit rises 7 pct", False),
        ("Oil rises on supply fears", "Gold falls as dollar firms", False),
    ],
)
def test_what_is_one_story(one: str, two: str, same: bool) -> None:
    assert (same_story(Wording.of(one), Wording.of(two), CONFIG) > 0) == same


@given(words, words)
def test_similarity_is_symmetric_and_bounded(a: frozenset[str], b: frozenset[str]) -> None:
    assert similarity(a, b) == similarity(b, a)
    assert 0.0 <= similarity(a, b) <= 1.0
    assert similarity(a, a) == 1.0


def lead(story: int, text: str, hours: float = 0.0, tickers: tuple[str, ...] = ()) -> Lead:
    return Lead(story, Wording.of(text), NOW + timedelta(hours=hours), frozenset(tickers))


def test_the_window_ends_a_story() -> None:
    index = StoryIndex(CONFIG, [lead(1, "Wenlow fined over river spill")])
    text = Wording.of("Wenlow fined over river spill")
    assert index.find(text, NOW + timedelta(hours=71), frozenset()) == 1
    assert index.find(text, NOW + timedelta(hours=73), frozenset()) is None


def test_headlines_of_different_companies_never_join() -> None:
    index = StoryIndex(CONFIG, [lead(1, "recalls cars over faulty brakes in Europe", tickers=("F",))])
    text = Wording.of("recalls cars over faulty brakes in Europe")
    assert index.find(text, NOW, frozenset({"GM"})) is None
    assert index.find(text, NOW, frozenset({"F"})) == 1


def test_the_oldest_of_equal_stories_wins() -> None:
    text = "Strike stops ferries"
    index = StoryIndex(CONFIG, [lead(5, text), lead(2, text), lead(9, text)])
    assert index.find(Wording.of(text), NOW, frozenset()) == 2


@given(st.lists(words, min_size=1, max_size=25), words)
def test_the_index_finds_what_comparing_with_all_finds(known: list[frozenset[str]], asked: frozenset[str]) -> None:
    """Weights aside (no light words here), no candidate above the threshold is missed."""
    leads = [Lead(n, Wording(w, frozenset()), NOW, frozenset()) for n, w in enumerate(known)]
    found = StoryIndex(CONFIG, leads).find(Wording(asked, frozenset()), NOW, frozenset())
    best = max(similarity(w, asked) for w in known)
    assert (found is not None) >= (best >= CONFIG.min_similarity)
    if found is not None and best >= CONFIG.min_similarity:
        assert similarity(known[found], asked) == best
