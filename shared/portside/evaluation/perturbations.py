"""Changes of a text that leave its meaning, or turn it in a known way. A text that a change does not fit comes back as
it was.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from random import Random

from portside.characters import UNSPACED
from portside.data.words import Word, split_words

__all__ = ["BUILT_IN", "Around", "Change", "Replace", "Swap", "WordTable"]

Change = Callable[[str, Random], str]
"""Text and the source of chance to the changed text."""
SHORTEST = 4
"""Letters of a word in which a slip of the finger is tried."""
PUNCTUATION = re.compile(r"[.,;:!?…。，、；：！？]+(?=\s|$|[^\w\s])|[。，、；：！？]")
"""Signs that structure a sentence; a point inside a number or an address stays."""


def _one_word(change: Callable[[str, Random], str]) -> Change:
    """``change`` of one word of letters, drawn at random."""

    def apply(text: str, chance: Random) -> str:
        words = [word for word in split_words(text) if len(word.text) >= SHORTEST and word.text.isalpha()]
        if not words:
            return text
        word: Word = chance.choice(words)
        return text[: word.start] + change(word.text, chance) + text[word.end :]

    return apply


def _swap_neighbours(word: str, chance: Random) -> str:
    # Letters that differ: "ll" would come back as it was. The first letter stays, as people's slips mostly have it.
    places = [place for place in range(1, len(word) - 1) if word[place].lower() != word[place + 1].lower()]
    if not places:
        return word
    place = chance.choice(places)
    return word[:place] + word[place + 1] + word[place] + word[place + 2 :]


def _drop_letter(word: str, chance: Random) -> str:
    place = chance.randrange(1, len(word))
    return word[:place] + word[place + 1 :]


def _double_letter(word: str, chance: Random) -> str:
    place = chance.randrange(1, len(word))
    return word[:place] + word[place] + word[place:]


def _toggle_end(text: str, _chance: Random) -> str:
    bare = text.rstrip()
    without = bare.rstrip(".!?。！？")
    if without != bare:
        return without
    return bare + ("。" if bare and re.match(rf"[{UNSPACED}]", bare[-1]) else ".") if bare else text


def _more_blanks(text: str, _chance: Random) -> str:
    return f" {re.sub(r' +', '  ', text)} " if " " in text.strip() else text


BUILT_IN: Mapping[str, Change] = {
    "typos": _one_word(_swap_neighbours),
    "missing-letter": _one_word(_drop_letter),
    "doubled-letter": _one_word(_double_letter),
    "upper": lambda text, _: text.upper(),
    "lower": lambda text, _: text.lower(),
    "no-punctuation": lambda text, _: PUNCTUATION.sub("", text),
    "end-punctuation": _toggle_end,
    "blanks": _more_blanks,
}
"""Changes that a suite's ``perturb`` names."""


class WordTable:
    """Finds words and phrases, each as a whole; the longest first where several begin at one place.

    An entry in capitals throughout (``US``) is found as it is written, any other in whatever case.
    """

    def __init__(self, entries: Sequence[str]) -> None:
        self.entries = tuple(entries)

    @cached_property
    def _places(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for place, entry in enumerate(self.entries):
            found.setdefault(entry if entry.isupper() else entry.lower(), place)
        return found

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        parts = [
            _whole(entry) if entry.isupper() else f"(?i:{_whole(entry)})"
            for entry in sorted(self.entries, key=len, reverse=True)
        ]
        return re.compile("|".join(parts))

    def replace(self, text: str, write: Callable[[int], str], *, only_first: bool = False) -> str:
        """The text with ``write(number of the entry)`` for what was found, in the case of what stood there."""

        def instead(match: re.Match[str]) -> str:
            seen = match.group()
            place = self._places.get(seen, self._places.get(seen.lower()))
            return seen if place is None else _in_case(seen, self.entries[place], write(place))

        return self._pattern.sub(instead, text, count=1 if only_first else 0) if self.entries else text

    def found(self, text: str) -> bool:
        """Whether any entry stands in the text."""
        return bool(self.entries) and self._pattern.search(text) is not None


def _whole(entry: str) -> str:
    """No letter may stand beside its ends, but where words are written without blanks any may."""
    spaced = rf"[^\W{UNSPACED}]"
    before = rf"(?<!{spaced})" if re.match(spaced, entry) else ""
    after = rf"(?!{spaced})" if re.match(spaced, entry[-1:]) else ""
    return before + re.escape(entry) + after


def _in_case(seen: str, entry: str, new: str) -> str:
    if seen == entry or not new:
        return new
    if seen.islower():
        return new.lower()
    if seen.isupper() and len(seen) > 1:
        return new.upper()
    return new[0].upper() + new[1:] if seen[0].isupper() else new


class Replace:
    """Each left side by its right side, all at once, so that a pair may stand there in both directions."""

    def __init__(self, pairs: Sequence[tuple[str, str]], *, only_first: bool = False) -> None:
        self._table, self._right = WordTable([left for left, _ in pairs]), [right for _, right in pairs]
        self._only_first = only_first

    def __call__(self, text: str, _chance: Random) -> str:
        return self._table.replace(text, self._right.__getitem__, only_first=self._only_first)


class Swap:
    """Each word of a list by another of it, the same one wherever it stands."""

    def __init__(self, words: Sequence[str]) -> None:
        self._table = WordTable(words)

    def __call__(self, text: str, chance: Random) -> str:
        count = len(self._table.entries)
        step = chance.randrange(1, count)
        return self._table.replace(text, lambda place: self._table.entries[(place + step) % count])


class Around:
    """One of some phrases before the text, one of others after it."""

    def __init__(self, before: Sequence[str], after: Sequence[str]) -> None:
        self._before, self._after = list(before) or [""], list(after) or [""]

    def __call__(self, text: str, chance: Random) -> str:
        return f"{chance.choice(self._before)}{text}{chance.choice(self._after)}" if text.strip() else text
