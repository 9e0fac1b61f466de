"""Cut a text into the words that keyword search compares."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["words_of"]

_CJK = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3040-\u30ff\U00020000-\U0003134f"
_RUNS = re.compile(rf"[{_CJK}]+|[^\W_{_CJK}]+")
_IS_CJK = re.compile(rf"[{_CJK}]")


def words_of(text: str) -> list[str]:
    """The words of a text, in order, folded so that case, width and the plural make no difference.

    Chinese and Japanese are written without spaces: a run of such characters gives each character and each pair of
    neighbours, so that 退款 is found in 我要退款吗 and ranks above a text that has 退 and 款 apart.
    """
    words: list[str] = []
    for run in _RUNS.findall(unicodedata.normalize("NFKC", text).casefold()):
        if _IS_CJK.match(run):
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
