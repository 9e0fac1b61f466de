"""Tag schemes of named entities: which one a file is in, IOB2 from each of them, and the entities that tags name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

__all__ = ["Scheme", "Span", "broken_places", "entity_types", "scheme_of", "spans", "tag_names", "to_iob2"]

Scheme = Literal["IOB1", "IOB2", "BILOU", "IO"]
_LAST, _UNIT = {"L", "E"}, {"U", "S"}
"""Letters of a last word and of a one-word entity: BILOU and its twin IOBES."""


class Span(NamedTuple):
    """Words ``start`` to ``end`` (not included) are an entity."""

    type: str
    start: int
    end: int


def split_tag(tag: str) -> tuple[str, str]:
    """``B-PER`` as (``B``, ``PER``); ``O`` as (``O``, ``""``); a tag of neither form as (``""``, tag)."""
    if tag == "O":
        return "O", ""
    prefix, dash, kind = tag.partition("-")
    if not dash or not kind or prefix not in {"B", "I", "O", *_LAST, *_UNIT}:
        return "", tag
    return prefix, kind


def scheme_of(sentences: Iterable[Sequence[str]]) -> Scheme:
    """The scheme in which every tag of the file makes sense.

    L, U, E or S occur only in BILOU. In IOB1 a B stands only where two entities of one type meet, so an I opens
    entities; a file without any B can be read as IOB1 too, which makes the longest entities (``IO``).
    """
    opened_by_i = any_b = False
    for tags in sentences:
        before = ("O", "")
        for tag in tags:
            now = split_tag(tag)
            if now[0] in _LAST | _UNIT:
                return "BILOU"
            any_b = any_b or now[0] == "B"
            opened_by_i = opened_by_i or (now[0] == "I" and before[1] != now[1])
            before = now
    if not opened_by_i:
        return "IOB2"
    return "IOB1" if any_b else "IO"


def to_iob2(tags: Sequence[str], scheme: Scheme) -> tuple[str, ...]:
    """The same entities in IOB2. In IOB1 and IO, an I after another type or after O opens an entity."""
    out: list[str] = []
    before, ended = "", True
    for tag in tags:
        prefix, kind = split_tag(tag)
        if prefix in {"O", ""}:
            out.append("O")
            before, ended = "", True
            continue
        opens = prefix in {"B", *_UNIT} or kind != before or ended
        out.append(f"B-{kind}" if opens else f"I-{kind}")
        before, ended = kind, scheme == "BILOU" and prefix in {*_LAST, *_UNIT}
    return tuple(out)


def broken_places(tags: Sequence[str]) -> list[int]:
    """Words whose I follows neither a B nor an I of its type, which IOB2 does not allow."""
    types = [("O", ""), *(split_tag(tag) for tag in tags)]
    return [place for place, (before, now) in enumerate(pairwise(types)) if now[0] == "I" and before[1] != now[1]]


def spans(tags: Sequence[str]) -> list[Span]:
    """The entities in strict IOB2: only a B opens one, an I of the same type right after goes on with it.

    The same as seqeval's ``get_entities`` with ``mode="strict", scheme=IOB2``: an I that nothing opened is no entity.
    """
    found: list[Span] = []
    start, kind = -1, ""
    for place, tag in enumerate([*tags, "O"]):
        prefix, now = split_tag(tag)
        if start >= 0 and not (prefix == "I" and now == kind):
            found.append(Span(kind, start, place))
            start = -1
        if prefix == "B":
            start, kind = place, now
    return found


def entity_types(sentences: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """Types that occur, sorted."""
    return tuple(sorted({split_tag(tag)[1] for tags in sentences for tag in tags} - {""}))


def tag_names(types: Sequence[str]) -> tuple[str, ...]:
    """The tags of a model for these types, in the order of its outputs: O, then B and I of each type."""
    return ("O", *(f"{prefix}-{kind}" for kind in types for prefix in "BI"))
