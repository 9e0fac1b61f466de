"""Windows of words, by hand: which tokens are read, and which of them answers for a word."""

from __future__ import annotations

from pathlib import Path

from portside.inference.tokens import Tokens
from portside.inference.words import MOST_PIECES, WordWindow, cut_windows, pieces_read


def shown(window: WordWindow, tokens: Tokens) -> str:
    """The tokens of a window as they stand in the vocabulary."""
    vocabulary = (tokens.folder / "vocab.txt").read_text().splitlines()
    return " ".join(vocabulary[number] for number in window.ids)


def test_a_word_of_several_pieces_is_answered_by_its_first(tiny_encoder: Path) -> None:
    tokens = Tokens(tiny_encoder, max_tokens=16)
    (window,), cut = cut_windows([["my", "Ann", "is", "late"]], tokens, documents=[0], context=0)
    assert shown(window, tokens) == "[CLS] my a ##n ##n is late [SEP]"
    assert (window.places, window.words) == ([1, 2, 5, 6], [0, 1, 2, 3])
    # One case a word, on each of its pieces; none outside of words.
    assert len(window.cases) == len(window.ids) == 8
    assert window.cases[2] == window.cases[3] == window.cases[4] != window.cases[1]
    assert window.cases[0] == window.cases[7] == 0
    assert cut == []


def test_neighbours_of_a_document_are_read_along_and_those_of_another_are_not(tiny_encoder: Path) -> None:
    tokens = Tokens(tiny_encoder, max_tokens=6)  # room for four words
    sentences = [["my", "card"], ["the", "parcel"], ["lost", "money"], ["late", "refund"]]
    windows, _ = cut_windows(sentences, tokens, documents=[0, 0, 0, 1], context=1)
    assert [shown(each, tokens) for each in windows] == [
        "[CLS] my card the parcel [SEP]",
        "[CLS] card the parcel lost [SEP]",
        "[CLS] the parcel lost money [SEP]",
        "[CLS] late refund [SEP]",
    ]
    assert [each.words for each in windows] == [[0, 1], [2, 3], [4, 5], [6, 7]]
    assert [each.places for each in windows] == [[1, 2], [2, 3], [3, 4], [1, 2]]


def test_of_a_long_word_sixteen_pieces_are_read_and_it_is_told(tiny_encoder: Path) -> None:
    tokens = Tokens(tiny_encoder, max_tokens=32)
    assert pieces_read(tokens) == MOST_PIECES == 16
    fits, long = "x" * 16, "x" * 17
    (window,), cut = cut_windows([["my", fits]], tokens, documents=[5], context=0)
    assert (len(window.ids), cut) == (1 + 1 + 16 + 1, [])
    windows, cut = cut_windows([["my", "card"], [long, "late"]], tokens, documents=[4, 5], context=0)
    assert shown(windows[1], tokens) == "[CLS] x " + "##x " * 15 + "late [SEP]"
    assert (windows[1].places, windows[1].words) == ([1, 17], [2, 3])
    assert cut == [(5, long)]
    # Where the model reads less than that at once, a word gets all the room there is.
    narrow = Tokens(tiny_encoder, max_tokens=8)
    assert pieces_read(narrow) == 6
    assert cut_windows([[long[:7]]], narrow, documents=[0], context=0)[1] == [(0, long[:7])]
