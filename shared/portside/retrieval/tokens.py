"""Cut a text into the words that keyword search compares."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from portside.characters import LETTER, UNSPACED, letters_with_marks

__all__ = ["words_of"]

_IS_UNSPACED = re.compile(rf"[{UNSPACED}]")


@lru_cache(maxsize=1)
def _runs() -> re.Pattern[str]:
    spaced = letters_with_marks(rf"(?![{UNSPACED}]){LETTER}")
    return re.compile(rf"[{UNSPACED}]+|{spaced}")


def words_of(text: str) -> list[str]:
    """The words of a text, in order, folded so that case, width and the plural make no difference.

    Chinese and Japanese are written without spaces: a run of such characters gives each character and each pair of
    neighbours, so that 退款 is found in 我要退款吗 and ranks above a text that has 退 and 款 apart. Letters keep their
    combining marks; Thai, which has no spaces either, is not cut up.
    """
    words: list[str] = []
    for run in _runs().findall(unicodedata.normalize("NFKC", text).casefold()):
        if _IS_UNSPACED.match(run):
            words.extend(run)
            words.extend(run[place : place + 2] for place in range(len(run) - 1))
        else:
            words.append(_singular(run))
    return words


def _singular(word: str) -> str:
    # The plural only, after Harman's S-stemmer (1991): stronger stemmers gain little for short queries and merge
    # words that differ (policy, police).
    if len(word) < 4 or not word.endswith("s") or word.endswith(("us", "ss")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-2] if word.endswith(("sses", "xes", "ches", "shes", "zzes")) else word[:-1]
