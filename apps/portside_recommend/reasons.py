"""Why an item stands in a list, from what made its score. Templates are English; pages translate them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from portside.characters import letters_with_marks, marks
from portside_recommend.choices import History
from portside_recommend.config import RecommendConfig
from portside_recommend.ranking import FOLLOWING_DECAY, Scores, weigh_history
from portside_recommend.records import Item, Reason
from portside_recommend.shelf import Shelf

__all__ = ["DEEDS", "SENTENCES", "popular_reason", "reasons_for", "shared_words", "similar_reasons", "text_reason"]

SENTENCES = {
    "text": "Its words are close to “{title}”, which you {deed}.",
    "text_shared": "Like “{title}”, which you {deed}, it is about: {words}.",
    "together": "People who chose “{title}”, which you {deed}, chose this too.",
    "following": "Often chosen right after “{title}”, which you {deed}.",
    "popular_lately": "Popular lately: {n} people chose it in the newest {days} days of the records.",
    "popular": "Popular: {n} people chose it.",
    "new": "New in the catalogue; nobody's choices are known yet.",
    "words_shared": "Matches your words: {words}.",
    "words": "Close in meaning to your words (likeness {likeness}).",
    "similar_text": "Its words are close to this item's (likeness {likeness}).",
    "similar_shared": "Both are about: {words}.",
    "similar_together": "Chosen by the same people.",
    "similar_following": "Often chosen right after this item.",
}
DEEDS = {"purchase": "bought", "rating": "rated well", "click": "opened", "view": "looked at", "return": "returned"}
SMALLEST_SHARE = 0.15
"""A signal that made less of the score than this is no reason worth a line."""
MAX_REASONS = 3
MAX_WORDS = 4
STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at be by for from in into is it its new of on or our set that the their this to with you your "
        "size pack piece pcs inch inches all any can has have more most not per up use used using will was",
    )
)


def shared_words(first: str, second: str) -> tuple[str, ...]:
    """Telling words that both texts hold, in the order of the first."""
    known = set(_words(second))
    return tuple(dict.fromkeys(word for word in _words(first) if word in known))[:MAX_WORDS]


def reasons_for(shelf: Shelf, history: History, scores: Scores, config: RecommendConfig) -> list[tuple[Reason, ...]]:
    """The reasons of each scored row, strongest first; a share is the signal's part of all that spoke for the item."""
    return [_reasons_of(shelf, history, scores, place, config) for place in range(len(scores.rows))]


def _reasons_of(
    shelf: Shelf, history: History, scores: Scores, place: int, config: RecommendConfig
) -> tuple[Reason, ...]:
    row = int(scores.rows[place])
    speaking = {name: float(max(part[place], 0.0)) for name, part in scores.parts.items()}
    whole = sum(speaking.values())
    found: list[Reason] = []
    for name, value in sorted(speaking.items(), key=lambda pair: -pair[1]):
        share = value / whole if whole > 0 else 0.0
        if (found and share < SMALLEST_SHARE) or value <= 0:
            break
        if name == "popular":
            found.append(popular_reason(shelf, row, share))
        else:
            found.append(_past_reason(shelf, history, row, signal=name, share=share, config=config))
    return tuple(found[:MAX_REASONS]) or (popular_reason(shelf, row, 0.0),)


def _past_reason(
    shelf: Shelf, history: History, row: int, *, signal: str, share: float, config: RecommendConfig
) -> Reason:
    """The reason that names the past item which gave this signal most."""
    liked = history.items
    if signal == "text":
        likeness = np.maximum(shelf.vectors[liked] @ shelf.vectors[row], 0.0)
        given = weigh_history(history, shelf.weights.decay) * likeness**shelf.weights.power
    else:
        matrix = shelf.together if signal == "together" else shelf.following
        decay = shelf.weights.decay if signal == "together" else FOLLOWING_DECAY
        given = weigh_history(history, decay) * np.asarray(matrix[liked, row].todense()).ravel()
    best = int(np.argmax(given))
    past = shelf.items[int(liked[best])]
    values = {"title": past.title, "deed": DEEDS[config.events[int(history.kind[best])]]}
    sentence = SENTENCES[signal]
    if signal == "text":
        words = shared_words(shelf.items[row].title, past.title)
        if words:
            sentence, values = SENTENCES["text_shared"], {**values, "words": ", ".join(words)}
    return Reason(signal, share, sentence, values, because_of=past.item_id)


def popular_reason(shelf: Shelf, row: int, share: float) -> Reason:
    """How many people chose it; or that it is new, where nobody did."""
    people = int(shelf.popular[row])
    if people == 0:
        return Reason("new", share, SENTENCES["new"], {})
    if shelf.weights.popular_days > 0:
        values = {"n": f"{people:,}", "days": f"{shelf.weights.popular_days:.0f}"}
        return Reason("popular", share, SENTENCES["popular_lately"], values)
    return Reason("popular", share, SENTENCES["popular"], {"n": f"{people:,}"})


def text_reason(item: Item, words: str, likeness: float, *, of_item: bool) -> Reason:
    """Why an item matches words that were typed, or the words of another item."""
    shared = shared_words(f"{item.title} {item.category} {item.description}", words)
    values = {"words": ", ".join(shared)} if shared else {"likeness": f"{100 * max(likeness, 0.0):.0f} %"}
    key = ("similar_shared" if shared else "similar_text") if of_item else ("words_shared" if shared else "words")
    return Reason("words", 1.0, SENTENCES[key], values)


def similar_reasons(shelf: Shelf, row: int, scores: Scores, place: int) -> tuple[Reason, ...]:
    """Why a scored row is like the item in ``row``, strongest signal first."""
    other = int(scores.rows[place])
    speaking = {name: float(max(part[place], 0.0)) for name, part in scores.parts.items()}
    whole = sum(speaking.values()) or 1.0
    found: list[Reason] = []
    for name, value in sorted(speaking.items(), key=lambda pair: -pair[1]):
        if value <= 0 or (found and value / whole < SMALLEST_SHARE):
            break
        if name == "text":
            likeness = float(shelf.vectors[other] @ shelf.vectors[row])
            reason = text_reason(shelf.items[other], shelf.items[row].title, likeness, of_item=True)
            found.append(replace(reason, share=value / whole))
        else:
            found.append(Reason(name, value / whole, SENTENCES[f"similar_{name}"], {}))
    return tuple(found)


def _words(text: str) -> Sequence[str]:
    return [word for word in _telling().findall(text.lower()) if word not in STOP_WORDS]


@lru_cache(maxsize=1)
def _telling() -> re.Pattern[str]:
    # Of two characters only where each is a word.
    letter = r"[^\W\d_]"
    return re.compile(rf"(?=(?:{letter}|[{marks()}]){{3}}){letters_with_marks(letter)}|[\u4e00-\u9fff]+")
