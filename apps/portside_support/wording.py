"""What the bot says, and the reasons of its decisions in words.

The reasons are msgids of the app's catalogues, which pages translate; the bot itself speaks English.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from portside_support.articles import plain_text
from portside_support.records import Decision, Hit, Slot, Template
from portside_support.slots import fill

__all__ = ["REASONS", "STATUS_WORDS", "compose", "reason_sentence"]

REASONS: Mapping[str, str] = {
    "confident": "The intent “{intent}” is {confidence} sure and has an answer, approved by {approved_by}.",
    "needs_slot": "The intent “{intent}” is {confidence} sure; its answer needs “{slot}”.",
    "needs_slot_too": "The answer to “{intent}” also needs “{slot}”.",
    "asks_again": "The reply did not give “{slot}”, which the answer to “{intent}” needs.",
    "slot_given": "The customer gave “{slot}”, so the answer to “{intent}” is complete.",
    "passages_unsure": "No intent is sure enough (“{intent}” {confidence}, {threshold} needed), "
    "but “{title}” is like the question ({similarity}, {needed} needed).",
    "passages_no_template": "The intent “{intent}” has no approved answer, "
    "but “{title}” is like the question ({similarity}, {needed} needed).",
    "passages_no_model": "No intent model is trained yet, "
    "but “{title}” is like the question ({similarity}, {needed} needed).",
    "passages_out_of_scope": "The question fits none of the intents, "
    "but “{title}” is like it ({similarity}, {needed} needed).",
    "nothing_unsure": "No intent is sure enough (“{intent}” {confidence}, {threshold} needed) "
    "and no article is like the question (best {similarity}, {needed} needed).",
    "nothing_no_template": "The intent “{intent}” has no approved answer "
    "and no article is like the question (best {similarity}, {needed} needed).",
    "nothing_no_model": "No intent model is trained yet "
    "and no article is like the question (best {similarity}, {needed} needed).",
    "nothing_out_of_scope": "The question fits none of the intents "
    "and no article is like it (best {similarity}, {needed} needed).",
    "passages_outside": "The question is unlike everything the model learned, "
    "but “{title}” is like it ({similarity}, {needed} needed).",
    "nothing_outside": "The question is unlike everything the model learned "
    "and no article is like it (best {similarity}, {needed} needed).",
    "asked_for_human": "The customer asked for a person.",
    "did_not_help": "The customer said that the last reply did not help.",
    "repeated_failure": "The last {failures} replies had no approved answer, and this one has none either.",
    "slot_not_given": "The bot asked for “{slot}” {attempts} times and did not get it.",
    "silent_waiting": "The conversation waits for a person; the bot is silent.",
    "silent_agent": "A person has the conversation; the bot is silent.",
    "silent_closed": "The conversation is closed.",
    "imported": "Taken over from an imported conversation.",
}
"""Decision code -> sentence. Shares and similarities come as per cent, counts as whole numbers."""

STATUS_WORDS: Mapping[str, str] = {
    "bot": "The bot answers",
    "waiting": "Waiting for a person",
    "agent": "A person answers",
    "closed": "Closed",
}

FROM_ARTICLES = "I found this in our help articles, under “{source}”:"
ASKED_FOR_HUMAN = "Of course. A colleague will join this conversation and answer here."
HANDED_OVER = "I am not sure about this one, so I am passing it to a colleague, who will answer here."

_PER_CENT = ("confidence", "threshold", "similarity", "needed")


def reason_sentence(code: str, facts: Mapping[str, str | float], translate: Callable[[str], str] | None = None) -> str:
    """The sentence for one decision; ``translate`` turns an English msgid into the reader's language."""
    sentence = REASONS.get(code, "")
    if translate is not None:
        sentence = translate(sentence)
    return sentence.format_map({name: _value(name, value) for name, value in facts.items()}) if sentence else code


def _value(name: str, value: str | float) -> str:
    if isinstance(value, str):
        return value
    return f"{100 * value:.1f} %" if name in _PER_CENT else f"{value:.0f}"


def compose(
    decision: Decision, templates: Mapping[str, Template], slots: Mapping[str, Slot], hits: Sequence[Hit]
) -> str:
    """What the customer reads: approved words, or an article's, never invented ones. Plain text."""
    if decision.kind == "answer" and decision.intent is not None:
        return fill(templates[decision.intent], decision.state.slots)
    if decision.kind == "ask_slot" and decision.slot is not None:
        return slots[decision.slot].question
    if decision.kind == "retrieve":
        passage = hits[0].passage
        source = f"{passage.title}, {passage.heading}" if passage.heading else passage.title
        return f"{FROM_ARTICLES.format(source=source)}\n\n{plain_text(passage.text)}"
    if decision.kind == "hand_over":
        return ASKED_FOR_HUMAN if decision.code == "asked_for_human" else HANDED_OVER
    return ""
