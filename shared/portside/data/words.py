"""Words of a running text, with where they stand in it."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["Word", "split_sentences", "split_words"]

# Chinese and Japanese are written without blanks: each of their characters is a word, as BERT's tokenizers have it.
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
_WORD = re.compile(rf"[{_UNSPACED}]|(?:(?![{_UNSPACED}])[^\W_])+(?:['’][^\W\d_]+)?|[^\w\s]|_", re.UNICODE)
_SENTENCE_END = re.compile(r"(?<=[.!?。！？])[\"'”’)]*\s+(?=[\"'“‘(]*[A-Z0-9\u4e00-\u9fff])|\n+")


class Word(NamedTuple):
    """``text[start:end]``."""

    text: str
    start: int
    end: int


def split_words(text: str) -> list[Word]:
    """Runs of letters and digits (with an apostrophe's ending), and every other sign or Chinese character by itself."""
    return [Word(match.group(), match.start(), match.end()) for match in _WORD.finditer(text)]


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
