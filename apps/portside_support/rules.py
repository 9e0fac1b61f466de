"""Answer, retrieve or hand over: the decision, and the rules it rests on. Pure: no model, clock or database inside."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from portside_support.records import Decision, Hit, Kind, Question, State, Template, Thresholds
from portside_support.slots import missing

__all__ = [
    "ChosenThreshold",
    "Desk",
    "asks_for_human",
    "choose_threshold",
    "decide",
    "promised_threshold",
    "says_it_did_not_help",
    "shown",
]

_PERSON = (
    r"(?:human(?:\s+being)?|(?:real|actual|live)\s+\w+|person|someone|somebody|agent|operator|representative|rep"
    r"|adviser|advisor|supervisor|manager|colleague|employee|staff(?:\s+member)?"
    r"|member\s+of\s+(?:the\s+)?(?:staff|team))"
)
_WANTS_PERSON = re.compile(
    rf"\b(?:talk|speak|chat|connect|transfer|put|pass|hand|escalate|get|reach|need|want|give)\b"
    rf"(?:\s+(?:me|us|this|it|my\s+\w+|over|through|to|with|a|an|the|your|some|directly|like|please)){{0,5}}\s+{_PERSON}"
    rf"(?=\s*(?:$|[.,!?;:]|please|now|instead|right|or|about|to\s+(?:help|talk|speak)|from|in|who|on|asap))",
    re.IGNORECASE,
)
_ONLY_PERSON = re.compile(
    rf"^\W*(?:(?:a|an|the|real|live|actual)\s+)*{_PERSON}(?:\s+(?:please|pls|now))*\W*$", re.IGNORECASE
)
_REFUSES_PERSON = re.compile(
    r"\b(?:do\s*n[o']?t|don’t|doesn'?t|not|never|no\s+need\s+to|rather\s+not|without|instead\s+of)\b"
    r"(?:\s+\w+){0,3}\s*$",
    re.IGNORECASE,
)
_DID_NOT_HELP = re.compile(
    r"\b(?:(?:that|this|it)\s+(?:did\s*n[o']?t|does\s*n[o']?t|didn’t|doesn’t|is\s*n[o']?t|wasn'?t)\s+(?:really\s+)?"
    r"(?:help(?:ful|ing)?|answer|work|what\s+i\s+(?:asked|meant|wanted|need))"
    r"|not\s+what\s+i\s+(?:asked|meant|wanted)|wrong\s+answer|you(?:'re|\s+are)\s+not\s+helping"
    r"|not\s+(?:very\s+|at\s+all\s+)?helpful|you\s+(?:do\s*n[o']?t|don’t)\s+understand)",
    re.IGNORECASE,
)


def asks_for_human(text: str) -> bool:
    """Whether the customer asks for a person, whatever the model thinks of the message."""
    if _ONLY_PERSON.match(text):
        return True
    return any(_REFUSES_PERSON.search(text[: found.start()]) is None for found in _WANTS_PERSON.finditer(text))


def says_it_did_not_help(text: str) -> bool:
    """Whether the customer says that the last reply was no use."""
    return _DID_NOT_HELP.search(text) is not None


@dataclass(frozen=True)
class Desk:
    """What the bot may say and when: the standing orders that a decision is made under."""

    templates: Mapping[str, Template]
    """Approved answers by intent."""
    thresholds: Thresholds
    human_intents: tuple[str, ...] = ()
    out_of_scope_intents: tuple[str, ...] = ()
    free_text_slots: frozenset[str] = frozenset()
    """Slots that take any text, so that words alone do not change the subject."""
    subject_words: int = 4


def decide(question: Question, state: State, desk: Desk) -> Decision:
    """What the bot does about one message of the customer's, with the reason.

    In this order: a person has the conversation → silent; the customer asks for a person, or says that the reply did
    not help → hand over; a slot was asked for → go on with that answer; a confident intent with an approved
    answer → answer (or ask for what it needs); a passage like enough → retrieve, unless that has failed too often;
    else → hand over.
    """
    if state.status != "bot":
        return Decision("silent", f"silent_{state.status}", {}, state)
    called = _called_for_person(question, desk)
    if called is not None:
        return _hand_over(called, _facts(question), state)
    if state.pending_intent is not None and not _changes_subject(question, state, desk):
        pending = desk.templates.get(state.pending_intent)
        if pending is not None:
            return _continue_answer(question, state, pending, desk)
    template = desk.templates.get(question.label or "")
    if template is not None and _is_confident(question, desk):
        return _answer(template, question, state)
    return _without_answer(question, state, desk)


def _called_for_person(question: Question, desk: Desk) -> str | None:
    if question.wants_human or (question.label in desk.human_intents and _is_sure(question, desk)):
        return "asked_for_human"
    return "did_not_help" if question.did_not_help else None


def _is_sure(question: Question, desk: Desk) -> bool:
    return question.label is not None and not question.outside and question.confidence >= desk.thresholds.confidence


def _is_confident(question: Question, desk: Desk) -> bool:
    return _is_sure(question, desk) and question.label not in desk.out_of_scope_intents


def _changes_subject(question: Question, state: State, desk: Desk) -> bool:
    return (
        state.pending_slot not in desk.free_text_slots
        and question.words >= desk.subject_words
        and question.label != state.pending_intent
        and question.label in desk.templates
        and _is_confident(question, desk)
    )


def _answer(template: Template, question: Question, state: State) -> Decision:
    values = {**state.slots, **question.found}
    facts = _facts(question) | {"approved_by": template.approved_by}
    needed = missing(template, values)
    if needed is None:
        return Decision("answer", "confident", facts, _settled(state, values), intent=template.intent)
    after = replace(
        state, pending_intent=template.intent, pending_slot=needed, attempts=1, slots=values, turn=state.turn + 1
    )
    return Decision("ask_slot", "needs_slot", facts | {"slot": needed}, after, intent=template.intent, slot=needed)


def _continue_answer(question: Question, state: State, template: Template, desk: Desk) -> Decision:
    values = {**state.slots, **question.found}
    needed = missing(template, values)
    facts: dict[str, str | float] = {"intent": template.intent, "slot": state.pending_slot or ""}
    if needed is None:
        return Decision("answer", "slot_given", facts, _settled(state, values), intent=template.intent)
    # The next slot of the same answer starts its own count.
    attempts = state.attempts + 1 if needed == state.pending_slot else 1
    if attempts > desk.thresholds.slot_attempts:
        return _hand_over("slot_not_given", facts | {"attempts": float(state.attempts)}, state)
    after = replace(state, pending_slot=needed, attempts=attempts, slots=values, turn=state.turn + 1)
    code = "asks_again" if needed == state.pending_slot else "needs_slot_too"
    return Decision("ask_slot", code, facts | {"slot": needed}, after, intent=template.intent, slot=needed)


def _without_answer(question: Question, state: State, desk: Desk) -> Decision:
    best = question.hits[0].similarity if question.hits else 0.0
    why = _why_no_answer(question, desk)
    facts = _facts(question) | {
        "threshold": desk.thresholds.confidence,
        "similarity": best,
        "needed": desk.thresholds.similarity,
    }
    if not question.hits or best < desk.thresholds.similarity:
        return _hand_over(f"nothing_{why}", facts, state)
    if state.failures >= desk.thresholds.failures:
        return _hand_over("repeated_failure", facts | {"failures": float(state.failures)}, state)
    after = replace(
        state, failures=state.failures + 1, pending_intent=None, pending_slot=None, attempts=0, turn=state.turn + 1
    )
    return Decision("retrieve", f"passages_{why}", facts | {"title": question.hits[0].passage.title}, after)


def _why_no_answer(question: Question, desk: Desk) -> str:
    if question.label is None:
        return "no_model"
    if question.label in desk.out_of_scope_intents:
        return "out_of_scope"
    if question.outside:
        return "outside"
    return "no_template" if _is_confident(question, desk) else "unsure"


def _facts(question: Question) -> dict[str, str | float]:
    if question.label is None:
        return {}
    return {"intent": question.label, "confidence": question.confidence}


def _settled(state: State, values: Mapping[str, str]) -> State:
    return replace(
        state, failures=0, pending_intent=None, pending_slot=None, attempts=0, slots=dict(values), turn=state.turn + 1
    )


def _hand_over(code: str, facts: Mapping[str, str | float], state: State) -> Decision:
    kind: Kind = "hand_over"
    after = replace(
        state, status="waiting", failures=0, pending_intent=None, pending_slot=None, attempts=0, turn=state.turn + 1
    )
    return Decision(kind, code, facts, after)


@dataclass(frozen=True)
class ChosenThreshold:
    """A confidence threshold with what it gave on the validation questions it was chosen on."""

    value: float
    precision: float
    """Share of right intents among the questions answered at this threshold; 0 when none is."""
    coverage: float
    """Share of all validation questions answered at this threshold."""
    n: int
    """Validation questions."""
    target: float
    met: bool
    """Whether any threshold reached the target; if not, ``value`` is 1 and almost nothing is answered."""
    certainty: float = 0.0
    """Chance that new questions of this kind are answered with ``target`` precision too; 0: seen, not promised."""


def choose_threshold(
    outcomes: Sequence[tuple[float, bool]], *, target: float, floor: float, withheld: int = 0
) -> ChosenThreshold:
    """The lowest threshold, not under ``floor``, at which at least ``target`` of the answered questions are right.

    ``outcomes`` holds confidence and rightness of each validation question that could be answered; ``withheld``
    counts those that never are (predicted out of scope), which only lower the coverage.
    """
    n = len(outcomes) + withheld
    ranked = sorted(outcomes, reverse=True)
    best: tuple[float, float, int] | None = None
    right = 0
    for count, (confidence, is_right) in enumerate(ranked, start=1):
        right += is_right
        # Questions of equal confidence stand or fall together.
        if count < len(ranked) and ranked[count][0] == confidence:
            continue
        if confidence >= floor and right / count >= target:
            best = (confidence, right / count, count)
    if best is None:
        return ChosenThreshold(1.0, 0.0, 0.0, n, target, met=False)
    value = max(floor, _just_below(best[0], ranked))
    return ChosenThreshold(value, best[1], best[2] / n, n, target, met=True)


def promised_threshold(
    outcomes: Sequence[tuple[float, bool]], value: float, *, target: float, certainty: float, withheld: int = 0
) -> ChosenThreshold:
    """A threshold at which the target was proved for new questions, with what it gave on those of ``outcomes``."""
    answered = [is_right for confidence, is_right in outcomes if confidence >= value]
    n = len(outcomes) + withheld
    precision = sum(answered) / len(answered) if answered else 0.0
    return ChosenThreshold(value, precision, len(answered) / n, n, target, met=True, certainty=certainty)


def _just_below(confidence: float, ranked: Sequence[tuple[float, bool]]) -> float:
    # Half-way to the next lower confidence seen: the same questions are answered, with room for rounding noise.
    lower = max((value for value, _ in ranked if value < confidence), default=confidence)
    return (confidence + lower) / 2


def shown(hits: Sequence[Hit], similarity: float, count: int) -> tuple[Hit, ...]:
    """The passages a reply shows: the first ``count`` of those that are like enough on their own."""
    return tuple(hit for hit in hits if hit.similarity >= similarity)[:count]
