from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portside.evaluation.perturbations import BUILT_IN, Around, Replace, Swap, WordTable


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("upper", "Where is it?", "WHERE IS IT?"),
        ("lower", "Where is it?", "where is it?"),
        ("no-punctuation", "Well, it cost 3.50 at shop.com!", "Well it cost 3.50 at shop.com"),
        ("no-punctuation", "你好，我的包裹呢？", "你好我的包裹呢"),
        ("end-punctuation", "Where is it?", "Where is it"),
        ("end-punctuation", "where is it", "where is it."),
        ("end-punctuation", "我的包裹", "我的包裹。"),
        ("end-punctuation", "  ", "  "),
        ("blanks", "where is it", " where  is  it "),
        ("blanks", "where", "where"),
        ("typos", "a to be", "a to be"),  # no word is long enough
        ("typos", "aaaaa", "aaaaa"),
        ("missing-letter", "", ""),
    ],
)
def test_built_in_changes_by_hand(name: str, text: str, expected: str) -> None:
    assert BUILT_IN[name](text, Random(0)) == expected


@given(st.text(max_size=60), st.integers(0, 99))
def test_a_typo_swaps_two_letters_and_nothing_else(text: str, seed: int) -> None:
    changed = BUILT_IN["typos"](text, Random(seed))
    assert Counter(changed) == Counter(text)
    different = [place for place, (one, other) in enumerate(zip(text, changed, strict=True)) if one != other]
    assert not different or different == [different[0], different[0] + 1]
    assert len(BUILT_IN["missing-letter"](text, Random(seed))) in (len(text), len(text) - 1)
    assert len(BUILT_IN["doubled-letter"](text, Random(seed))) in (len(text), len(text) + 1)


@pytest.mark.parametrize("name", sorted(BUILT_IN))
@given(st.text(max_size=60), st.integers(0, 99))
def test_the_same_seed_gives_the_same_change(name: str, text: str, seed: int) -> None:
    assert BUILT_IN[name](text, Random(seed)) == BUILT_IN[name](text, Random(seed))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("he saw her", "she saw his"),  # both ways at once
        ("HE saw He", "SHE saw She"),
        ("the other", "the other"),  # words as a whole
        ("US goods for us", "France goods for us"),  # capitals are found as they are written
        ("from new zealand", "from france"),
        ("New Zealand, Zealand", "France, Oslo"),  # the longest first
        ("在德国住", "在法国住"),
    ],
)
def test_words_are_replaced_as_a_whole_in_the_case_that_stood_there(text: str, expected: str) -> None:
    pairs = [("he", "she"), ("her", "his"), ("US", "France"), ("Zealand", "Oslo"), ("New Zealand", "France")]
    assert Replace([*pairs, ("德国", "法国")])(text, Random(0)) == expected


def test_only_the_first_of_several() -> None:
    assert Replace([("is", "is not")], only_first=True)("it is as it is", Random(0)) == "it is not as it is"
    assert Replace([("is", "is not")])("it is as it is", Random(0)) == "it is not as it is not"


def test_a_swapped_word_is_another_of_the_list_everywhere_the_same() -> None:
    swap = Swap(["Oslo", "Bergen", "Paris"])
    seen = {swap("From Oslo to Oslo", Random(seed)) for seed in range(20)}
    assert seen == {"From Bergen to Bergen", "From Paris to Paris"}
    assert swap("From London", Random(0)) == "From London"


def test_phrases_around() -> None:
    assert Around(["Hello, "], [])("text", Random(0)) == "Hello, text"
    assert Around([], [" Bye"])("text", Random(0)) == "text Bye"
    assert Around(["Hello, "], [])(" ", Random(0)) == " "
    assert not WordTable([]).found("text")
