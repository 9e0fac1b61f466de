"""Sentences as a tagging network reads them: windows of token ids, cases, and where each word's answer stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from portside.inference.tokens import Tokens
from portside.records import Tagged
from portside.tasks.tagging import case_of
from portside.tasks.windows import plan_windows

__all__ = ["WordWindow", "cut_windows", "pieces_read"]

MOST_PIECES = 16
"""Tokens read of one word: longer ones are links and noise."""
MOST_CHARACTERS = 4_000
"""Letters looked at in one word: a megabyte without a blank costs minutes to cut up, and ends in ``MOST_PIECES``."""


def pieces_read(tokens: Tokens) -> int:
    """Tokens read of one word."""
    return min(MOST_PIECES, tokens.max_tokens - sum(map(len, tokens.frame)))


@dataclass(frozen=True)
class WordWindow:
    """One window: ids and cases of its tokens; ``places[i]`` is the token that answers for word ``words[i]``."""

    ids: list[int]
    cases: list[int]
    places: list[int]
    words: list[int]
    """Numbers of the words asked for, counted over all sentences given."""


def cut_windows(
    sentences: Sequence[Tagged] | Sequence[Sequence[str]],
    tokens: Tokens,
    *,
    documents: Sequence[int],
    context: int,
) -> tuple[list[WordWindow], list[tuple[int, str]]]:
    """Windows over the sentences of each document, every word asked for once; and the words that were cut.

    A word that was cut comes with the number of its document.

    ``documents`` has a number for each sentence: only neighbours with the same number show in each other's windows.
    """
    words = [tuple(one.tokens if isinstance(one, Tagged) else one) for one in sentences]
    before, after = tokens.frame
    room = tokens.max_tokens - len(before) - len(after)
    windows: list[WordWindow] = []
    cut: list[tuple[int, str]] = []
    first, most = 0, pieces_read(tokens)
    for number, group in groupby(range(len(words)), key=lambda place: documents[place]):
        places = list(group)
        flat = [word for place in places for word in words[place]]
        short = [word[:MOST_CHARACTERS] for word in flat]
        pieces = tokens.pieces(short)
        cut += [(number, word) for word, each in zip(flat, pieces, strict=True) if len(each) > most]
        pieces = [each[:most] for each in pieces]
        lengths = [len(each) for each in pieces]
        for window in plan_windows(lengths, [len(words[place]) for place in places], room=room, context=context):
            ids, cases, answers = list(before), [0] * len(before), []
            for word in range(window.left, window.right):
                answers.append(len(ids))
                ids += pieces[word]
                cases += [case_of(short[word])] * len(pieces[word])
            asked = range(window.start, window.end)
            windows.append(
                WordWindow(
                    ids + list(after),
                    cases + [0] * len(after),
                    [answers[word - window.left] for word in asked],
                    [first + word for word in asked],
                )
            )
        first += len(flat)
    return windows, cut
