from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from portside.tasks.tagging import CASES, case_of
from portside.tasks.windows import Window, plan_windows


def test_whole_sentences_with_their_neighbours() -> None:
    # four sentences of three one-piece words; six pieces fit, two of them for what stands around
    assert plan_windows([1] * 12, [3, 3, 3, 3], room=6, context=1) == [
        Window(0, 0, 3, 6),
        Window(1, 3, 6, 7),
        Window(4, 6, 9, 10),
        Window(6, 9, 12, 12),
    ]


def test_without_context_windows_are_filled() -> None:
    assert plan_windows([1] * 12, [3, 3, 3, 3], room=6, context=0) == [Window(0, 0, 6, 6), Window(6, 6, 12, 12)]


def test_a_long_sentence_is_cut_between_words() -> None:
    windows = plan_windows([2] * 10, [10], room=8, context=2)
    assert [(window.start, window.end) for window in windows] == [(0, 3), (3, 6), (6, 9), (9, 10)]
    assert all(2 * (window.right - window.left) <= 8 for window in windows)


@given(
    sentences=st.lists(st.lists(st.integers(1, 5), min_size=1, max_size=9), max_size=8),
    room=st.integers(5, 30),
    context=st.integers(0, 9),
)
def test_every_word_is_asked_for_once_and_windows_fit(sentences: list[list[int]], room: int, context: int) -> None:
    lengths = [length for sentence in sentences for length in sentence]
    windows = plan_windows(lengths, [len(sentence) for sentence in sentences], room=room, context=context)
    assert [word for window in windows for word in range(window.start, window.end)] == list(range(len(lengths)))
    for left, start, end, right in windows:
        assert 0 <= left <= start < end <= right <= len(lengths)
        assert sum(lengths[left:right]) <= room


def test_shapes_of_words() -> None:
    words = {
        "the": "lower", "The": "title", "A": "title", "USA": "upper", "iPhone": "mixed", "1997": "digits",
        "F16": "letters and digits", ",": "sign", "O'Neill": "mixed", "中国": "none", "": "sign",
    }  # fmt: skip
    assert {word: CASES[case_of(word)] for word in words} == words
