"""Which companies a headline speaks of, with the words that prove it. Pure.

A form (name, name without "Inc.", alias) matches whole words with the same capitals; the longest match wins. Tickers
count only where marked as such: ``$F``, ``(NYSE: F)``, ``(AAPL)``, ``AAPL.O``. A name that is also an English word
(Apple, Gap, Visa, Target) is believed mid-sentence with a capital; where a capital proves nothing (first word, headline
in title case) it needs a company's word behind it ("Target cuts …"). A form that two companies share links to neither,
unless only one of them is also named otherwise in the headline.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from portside.characters import LETTER, letters_with_marks
from portside_finance.common_words import (
    COMMON_WORDS,
    COMPANY_CONTEXT,
    LEGAL_ENDINGS,
    NEVER_ALONE,
    SENTENCE_STARTERS,
)
from portside_finance.records import Company, Link

__all__ = ["CompanyLinker"]

_GAP = re.compile(r"[ .\-‐–'’/+]{0,2}")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_MARKED = re.compile(
    r"\$(?P<cash>[A-Z]{1,6}(?:\.[A-Z])?)\b"
    r"|\((?:(?:NYSE|NASDAQ|Nasdaq|LSE|AMEX|TSX|ASX|HKEX|BSE|NSE)\s*:\s*)?(?P<paren>[A-Z0-9]{1,6}(?:[.\-][A-Z]{1,3})?)\)"
    r"|\b(?:NYSE|NASDAQ|Nasdaq|LSE|AMEX|TSX|ASX|HKEX|BSE|NSE)\s*:\s*(?P<listed>[A-Z0-9]{1,6}(?:\.[A-Z])?)\b"
    r"|\b(?P<ric>[A-Z]{1,5})\.(?:N|O|OQ|L|PA|DE|TO|HK|T|AS|MI|SS|SZ|NS|BO)\b"
)
_SMALL_IN_TITLES = frozenset(("about", "after", "amid", "from", "into", "over", "than", "that", "under", "with"))
_PARENTHESES = re.compile(r"\s*\([^)]*\)")


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    start: int
    end: int


@lru_cache(maxsize=1)
def _token() -> re.Pattern[str]:
    return re.compile(rf"{letters_with_marks(LETTER)}|&")


class CompanyLinker:
    """Finds the companies of one reference list. Immutable once made; safe to share between threads."""

    def __init__(self, companies: Iterable[Company]) -> None:
        by_tokens: dict[tuple[str, ...], tuple[str, list[str]]] = {}
        self._wide: dict[str, list[str]] = defaultdict(list)
        self._tickers: dict[str, str] = {}
        same_company: dict[str, str] = {}
        for company in companies:
            # Two share classes of one company ("Alphabet Inc. (Class A)", "(Class C)") are one company here.
            bare = _PARENTHESES.sub("", company.name).strip().casefold()
            ticker = same_company.setdefault(bare, company.ticker)
            self._tickers.setdefault(company.ticker.upper(), ticker)
            for text, how in _forms(company):
                self._learn(by_tokens, text, how, ticker)
        self._by_first: dict[str, list[tuple[tuple[str, ...], str, tuple[str, ...]]]] = defaultdict(list)
        for tokens, (how, owners) in by_tokens.items():
            self._by_first[tokens[0].casefold()].append((tokens, how, tuple(owners)))
        for entries in self._by_first.values():
            entries.sort(key=lambda entry: -len(entry[0]))

    def _learn(self, by_tokens: dict[tuple[str, ...], tuple[str, list[str]]], text: str, how: str, ticker: str) -> None:
        if _CJK.search(text):
            # No spaces between words there: such a name is looked for as it stands.
            owners = self._wide[text]
        else:
            tokens = tuple(_token().findall(text))
            if not tokens or (len(tokens) == 1 and len(tokens[0]) < 2):
                return
            owners = by_tokens.setdefault(tokens, (how, []))[1]
        if ticker not in owners:
            owners.append(ticker)

    def find(self, text: str) -> tuple[Link, ...]:
        """One link a company, at its first mention, in the order of the text."""
        found: dict[str, Link] = {}
        shared: list[tuple[tuple[str, ...], _Token]] = []
        tokens = [_Token(match.group(), match.start(), match.end()) for match in _token().finditer(text)]
        for link in self._marked(text):
            found.setdefault(link.ticker, link)
        title_case = _is_title_case(tokens)
        position = 0
        while position < len(tokens):
            match = self._longest(text, tokens, position)
            if match is None:
                position += 1
                continue
            form, how, owners = match
            span = _Token(
                text[tokens[position].start : tokens[position + len(form) - 1].end],
                tokens[position].start,
                tokens[position + len(form) - 1].end,
            )
            if len(owners) > 1:
                shared.append((owners, span))
            elif self._believable(form, tokens, position, title_case, text):
                found.setdefault(owners[0], Link(owners[0], span.start, span.end, span.text, how))
            position += len(form)
        for name, names_owners in self._wide.items():
            start = text.find(name)
            if start >= 0 and len(names_owners) == 1:
                found.setdefault(names_owners[0], Link(names_owners[0], start, start + len(name), name, "alias"))
        _settle_shared(found, shared)
        return tuple(sorted(found.values(), key=lambda link: (link.start, link.ticker)))

    def _marked(self, text: str) -> Iterable[Link]:
        if not any(mark in text for mark in "$(:."):
            return
        for match in _MARKED.finditer(text):
            group = match.lastgroup or ""
            symbol = match.group(group)
            ticker = self._tickers.get(symbol) or self._tickers.get(symbol.partition(".")[0])
            if ticker:
                yield Link(ticker, match.start(group), match.end(group), symbol, "ticker")

    def _longest(
        self, text: str, tokens: Sequence[_Token], position: int
    ) -> tuple[tuple[str, ...], str, tuple[str, ...]] | None:
        for form, how, owners in self._by_first.get(tokens[position].text.casefold(), ()):
            stop = position + len(form)
            if stop > len(tokens):
                continue
            span = tokens[position:stop]
            if not all(_same_case(want, have.text) for want, have in zip(form, span, strict=True)):
                continue
            gaps = (text[one.end : two.start] for one, two in pairwise(span))
            if all(_GAP.fullmatch(gap) for gap in gaps):
                return form, how, owners
        return None

    @staticmethod
    def _believable(
        form: tuple[str, ...], tokens: Sequence[_Token], position: int, title_case: bool, text: str
    ) -> bool:
        if len(form) > 1 or form[0].casefold() not in COMMON_WORDS:
            return True
        following = tokens[position + 1] if position + 1 < len(tokens) else None
        gap = text[tokens[position].end : following.start] if following else ""
        possessive = following is not None and gap in ("'", "’") and following.text == "s"
        context = following is not None and gap == " " and following.text.casefold() in COMPANY_CONTEXT
        if position == 0 or title_case or text.isupper():
            return possessive or context
        # "Ford Foundation", "China Southern": a capital beside it, in a sentence, makes another name of it.
        before = tokens[position - 1]
        led = text[before.end : tokens[position].start] == " " and before.text[:1].isupper()
        if led and before.text.casefold() not in SENTENCE_STARTERS:
            return False
        return not (following is not None and gap == " " and following.text[:1].isupper() and not context)


def _forms(company: Company) -> list[tuple[str, str]]:
    name = _PARENTHESES.sub("", company.name).strip()
    forms = [(name, "name")]
    words = name.replace(",", " ").split()
    while len(words) > 1 and words[-1].strip(".&").casefold() in LEGAL_ENDINGS | {""}:
        words.pop()
    if words and words[0].casefold() == "the" and len(words) > 1:
        words = words[1:]
    short = " ".join(words)
    if short and short != name and short.casefold() not in NEVER_ALONE:
        forms.append((short, "short name"))
    forms += [(alias.strip(), "alias") for alias in company.aliases if alias.strip()]
    return forms


def _same_case(want: str, have: str) -> bool:
    """The same letters with the same capitals; ALL CAPS counts for words long enough not to be an abbreviation."""
    return want == have or (have.isupper() and len(have) >= 4 and want.casefold() == have.casefold())


def _is_title_case(tokens: Sequence[_Token]) -> bool:
    """Whether every longer word has a capital, so that capitals say nothing about names."""
    words = [token.text for token in tokens if len(token.text) > 3 and token.text[0].isalpha()]
    return len(words) >= 4 and all(word[0].isupper() or word in _SMALL_IN_TITLES for word in words)


def _settle_shared(found: dict[str, Link], shared: Sequence[tuple[tuple[str, ...], _Token]]) -> None:
    # A shared form only supports a company that is named otherwise too; the earlier mention becomes its span.
    for owners, span in shared:
        named = [ticker for ticker in owners if ticker in found]
        if len(named) == 1 and span.start < found[named[0]].start:
            old = found[named[0]]
            found[named[0]] = Link(old.ticker, span.start, span.end, span.text, old.how)
