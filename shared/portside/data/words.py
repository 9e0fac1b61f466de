"""Words of a running text, with where they stand in it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from portside.characters import LETTER, UNSPACED, letters_with_marks, marks

__all__ = ["Word", "split_sentences", "split_words"]

_SENTENCE_END = re.compile(r"(?<=[.!?。！？])[\"'”’)]*\s+(?=[\"'“‘(]*[A-Z0-9\u4e00-\u9fff])|\n+")


class Word(NamedTuple):
    """``text[start:end]``."""

    text: str
    start: int
    end: int


@lru_cache(maxsize=1)
def _word() -> re.Pattern[str]:
    # Chinese and Japanese are written without blanks: each of their characters is a word, as BERT's tokenizers have it.
    single = rf"[{UNSPACED}][{marks()}]*"
    run, ending = letters_with_marks(rf"(?![{UNSPACED}]){LETTER}"), letters_with_marks(r"[^\W\d_]")
    return re.compile(rf"{single}|{run}(?:['’]{ending})?|[^\w\s]|_")


def split_words(text: str) -> list[Word]:
    """Runs of letters and digits (with an apostrophe's ending), and every other sign or Chinese character by itself.

    A letter keeps its combining marks. Thai and what is written like it, without blanks, is not cut up.
    """
    return [Word(match.group(), match.start(), match.end()) for match in _word().finditer(text)]


def split_sentences(words: list[Word], text: str) -> list[list[Word]]:
    """The words cut into sentences, at the ends that punctuation and line breaks mark; none is empty."""
    cuts = [match.end() for match in _SENTENCE_END.finditer(text)]
    sentences: list[list[Word]] = [[]]
    place = 0
    for word in words:
        while place < len(cuts) and word.start >= cuts[place]:
            place += 1
            if sentences[-1]:
                sentences.append([])
        sentences[-1].append(word)
    return [sentence for sentence in sentences if sentence]
