"""The nouns of the recommender: items, events, recommendations with their reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from portside.errors import DataError

__all__ = ["Event", "Item", "PastChoice", "Reason", "Recommendation", "Recommendations", "item_text"]


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that can be recommended. ``price`` is in the shop's currency, ``added_at`` says since when it is."""

    item_id: str
    title: str
    description: str = ""
    category: str = ""
    brand: str = ""
    price: float | None = None
    added_at: datetime | None = None

    def __post_init__(self) -> None:
        if not self.item_id.strip():
            raise DataError("An item needs an id", column="item_id", remedy="Give each item an id of its own")
        if not self.title.strip():
            raise DataError(
                "An item needs a title", seen=f"item '{self.item_id}'", column="title", remedy="Give it a few words"
            )


@dataclass(frozen=True, slots=True)
class Event:
    """What one user did with one item. ``at`` is a time, ``seq`` a place in the user's order where there is no clock.

    ``value`` is a rating, or how many.
    """

    user_id: str
    item_id: str
    event: str
    value: float = 1.0
    at: datetime | None = None
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class PastChoice:
    """One item of a user's history as pages show it."""

    item: Item
    event: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an item stands in a list: which signal, with how much of the score, and the values its sentence needs.

    ``signal`` is one of ``text``, ``together``, ``following``, ``popular``, ``words``.
    """

    signal: str
    share: float
    """Part of the item's score that this signal made, 0 to 1."""
    sentence: str
    """English template; pages translate it and then fill in ``values``."""
    values: Mapping[str, str]
    because_of: str = ""
    """Id of the past item that the reason names, if any."""

    def __str__(self) -> str:
        return self.sentence.format(**self.values)


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One item of a list with its score (comparable within the list only) and its reasons, strongest first."""

    item: Item
    score: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Recommendations:
    """A list with what it was made from."""

    items: tuple[Recommendation, ...]
    model: str
    """Version of the text encoder that took part."""
    basis: str
    """English template of a sentence: what the list rests on; pages translate it and fill in ``basis_values``."""
    basis_values: Mapping[str, str] = field(default_factory=dict)
    known: bool = True
    """Whether anything was known of the user; where not, the list is what is popular now."""

    def explain(self) -> str:
        """The sentence, in English."""
        return self.basis.format(**self.basis_values)


DESCRIPTION_CHARACTERS = 400
"""What is read of a description: about 70 words. 240 lost a fourteenth of Recall@10 where descriptions are long."""


def item_text(item: Item, *, characters: int = DESCRIPTION_CHARACTERS) -> str:
    """The words of an item that the encoder reads: title, brand, category, then the description's beginning."""
    parts = [item.title, item.brand, item.category, item.description[:characters]]
    return ". ".join(part.strip().rstrip(".") for part in parts if part.strip())
