"""Which characters belong to one word, beyond what regular expressions know of letters."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import groupby

__all__ = ["LETTER", "UNSPACED", "letters_with_marks", "marks"]

LETTER = r"[^\W_]"
"""A letter or digit, as a regular expression."""
UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
"""Chinese and Japanese, which are written without blanks: the inside of a regular expression's class."""
_MARKS_FROM, _MARKS_BEFORE = 0x300, 0x1E950
_PICTURES = range(0xFE00, 0xFE10)
"""Variation selectors choose among pictures of a sign: a heart in black or in red."""
_JOINERS = "\u200c\u200d"
"""Without width: they say how the letters on both sides of them are drawn, in Hindi or Persian."""


@lru_cache(maxsize=1)
def marks() -> str:
    """The combining marks, as the inside of a class: vowel signs of Hindi or Thai, diacritics of Arabic, accents.

    They are part of the letter before them, but no ``\\w`` of Python's regular expressions.
    """
    found = [
        code
        for code in range(_MARKS_FROM, _MARKS_BEFORE)
        if unicodedata.category(chr(code)) in ("Mn", "Mc") and code not in _PICTURES
    ]
    runs = [[code for _, code in run] for _, run in groupby(enumerate(found), lambda pair: pair[1] - pair[0])]
    return "".join(f"{re.escape(chr(run[0]))}-{re.escape(chr(run[-1]))}" for run in runs)


def letters_with_marks(letter: str) -> str:
    """Regular expression of a run of ``letter``, which stands for one character, each with its combining marks."""
    joined = rf"(?:[{marks()}]|[{_JOINERS}](?=\w))"
    return rf"(?:{letter})+(?:{joined}+(?:{letter})*)*"
