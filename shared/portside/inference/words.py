"""Sentences as a tagging network reads them: windows of token ids, cases, and where each word's answer stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from portside.inference.tokens import Tokens
from portside.records import Tagged
from portside.tasks.tagging import case_of
from portside.tasks.windows import plan_windows

__all__ = ["WordWindow", "cut_windows"]

MOST_PIECES = 16
"""Tokens read of one word: longer ones are links and noise."""


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
) -> tuple[list[WordWindow], int]:
    """Windows over the sentences of each document, every word asked for once; and how many words were cut.

    ``documents`` has a number for each sentence: only neighbours with the same number show in each other's windows.
    """
    words = [tuple(one.tokens if isinstance(one, Tagged) else one) for one in sentences]
    before, after = tokens.frame
    room = tokens.max_tokens - len(before) - len(after)
    windows: list[WordWindow] = []
    first = cut = 0
    for _number, group in groupby(range(len(words)), key=lambda place: documents[place]):
        places = list(group)
        flat = [word for place in places for word in words[place]]
        pieces = tokens.pieces(flat)
        most = min(MOST_PIECES, room)
        cut += sum(len(each) > most for each in pieces)
        pieces = [each[:most] for each in pieces]
        lengths = [len(each) for each in pieces]
        for window in plan_windows(lengths, [len(words[place]) for place in places], room=room, context=context):
            ids, cases, answers = list(before), [0] * len(before), []
            for word in range(window.left, window.right):
                answers.append(len(ids))
                ids += pieces[word]
                cases += [case_of(flat[word])] * len(pieces[word])
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
