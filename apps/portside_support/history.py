"""Past conversations, made comparable with those of the desk."""

from __future__ import annotations

from dataclasses import replace

from portside.records import Prediction
from portside_support.records import Conversation, Kind, Message

__all__ = ["marked"]


def marked(past: Conversation, prediction: Prediction | None) -> tuple[Message, ...]:
    """The messages, with the one reply of the bot's marked that stands for how the conversation ended."""
    kinds: dict[str, Kind] = {"answered": "answer", "retrieved": "retrieve", "handed_over": "hand_over"}
    kind = kinds.get(past.outcome)
    replies = [place for place, one in enumerate(past.messages) if one.role == "bot" and place > 0]
    agents = [place for place, one in enumerate(past.messages) if one.role == "agent"]
    if kind == "hand_over" and agents:
        replies = [place for place in replies if place < agents[0]][-1:]
    if kind is None or not replies:
        return past.messages
    chosen = replies[-1] if kind == "hand_over" else replies[0]
    mark = replace(
        past.messages[chosen],
        kind=kind,
        code="imported",
        intent=prediction.label if prediction is not None else None,
        confidence=prediction.confidence if prediction is not None else None,
        model=prediction.model if prediction is not None else "",
    )
    return (*past.messages[:chosen], mark, *past.messages[chosen + 1 :])
