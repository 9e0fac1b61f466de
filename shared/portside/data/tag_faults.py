"""What does not fit together in the tags of a file: found, told, and read as what it most likely means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from portside.data.findings import Finding, excerpt
from portside.records import Tagged
from portside.tasks.tags import Scheme, broken_places, split_tag

__all__ = ["broken_frames", "tag_faults"]

FIRST, INSIDE, LAST, UNIT = "B", "I", "LE", "US"
"""Letters of BILOU, and of its twin IOBES, for the words of an entity."""


def tag_faults(found: Sequence[Tagged], scheme: Scheme, file: str) -> Iterator[Finding]:
    """Findings on the tags as they stand in the file."""
    if scheme == "IOB1":
        yield from _unopened(found, file)
    if scheme == "BILOU":
        yield from _broken(found, file)


def _unopened(found: Sequence[Tagged], file: str) -> Iterator[Finding]:
    opened = sum(len(broken_places(one.tags)) for one in found)
    continued = sum(tag.startswith("I-") for one in found for tag in one.tags) or 1
    begun = sum(tag.startswith("B-") for one in found for tag in one.tags)
    if begun > opened:  # nearly IOB2: a B opens most entities
        rule = "An I- tag that nothing opened is read as the beginning of an entity"
        remedy = "Write B- before it, or I- of the same type"
        yield Finding("warning", rule, remedy, file, value=f"{opened} of {continued} I- tags", count=opened)


def _broken(found: Sequence[Tagged], file: str) -> Iterator[Finding]:
    places = [(one, place) for one in found for place in broken_frames(one.tags)]
    if places:
        one, place = places[0]
        rule = "An entity that is not opened, or not closed, is read as far as its tags go"
        remedy = "Write B- and L- (or E-) at its ends, I- between them, and U- (or S-) for a single word"
        shown = excerpt(f"{one.tokens[place]} {one.tags[place]}")
        yield Finding("warning", rule, remedy, file, value=shown, count=len(places))


def broken_frames(tags: Sequence[str]) -> list[int]:
    """Words of BILOU tags where an entity goes on or ends that nothing opened, or after which an open one is left."""
    broken: list[int] = []
    opened = ""
    for place, tag in enumerate([*tags, "O"]):
        prefix, kind = split_tag(tag)
        goes_on = prefix == INSIDE or prefix in LAST
        if opened and not (goes_on and kind == opened):
            broken.append(place - 1)
        if goes_on and kind != opened:
            broken.append(place)
        # What goes on without having been opened counts as opened here: one fault, not one for each of its words.
        opened = kind if prefix in (FIRST, INSIDE) else ""
    return sorted(set(broken))
