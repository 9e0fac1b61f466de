from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

import portside_support
from portside_support.markup import linked
from portside_support.records import Decision, Hit, Passage, Question, Slot, State, Template, Thresholds
from portside_support.rules import Desk, decide
from portside_support.wording import REASONS, STATUS_WORDS, compose, reason_sentence

APP_FOLDER = Path(portside_support.__file__).parent
TRACK = Template("track", "en", "Order {order} is on its way.", "Ben")
DESK = Desk({"track": TRACK}, Thresholds(0.7, 0.4, 2, 2), ("human",), ("oos",))
PASSAGE = Passage("r#1", "r", "Returns", "How", "By **post**.", "/r")


def asked(label: str | None = "track", confidence: float = 0.9, similarity: float = 0.0) -> Question:
    return Question(5, False, False, label, confidence, (Hit(PASSAGE, similarity),), {})


CASES = [
    (asked(), State()),
    (asked(), State(slots={"order": "7"})),
    (asked(), State(pending_intent="track", pending_slot="order", attempts=1)),
    (asked(), State(pending_intent="track", pending_slot="order", attempts=2)),
    (asked(), State(pending_intent="track", pending_slot="order", attempts=1, slots={"order": "7"})),
    (asked(confidence=0.1), State(failures=2)),
    (asked("human"), State()),
    *((asked(label, 0.9, likeness), State()) for label in (None, "oos", "new") for likeness in (0.1, 0.9)),
    *((asked("track", 0.2, likeness), State(failures=failed)) for likeness in (0.1, 0.9) for failed in (0, 2)),
    *((asked(), State(status=status)) for status in ("waiting", "agent", "closed")),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("question", "state"), CASES)
def test_every_decision_has_its_sentence(question: Question, state: State) -> None:
    decision = decide(question, state, DESK)
    sentence = reason_sentence(decision.code, decision.facts)
    assert re.fullmatch(r"[A-Z].*[.]", sentence)
    assert "{" not in sentence
    assert "“”" not in sentence


def test_every_code_is_named_and_shares_read_as_per_cent() -> None:
    facts = {"intent": "track", "confidence": 0.6984, "threshold": 0.7, "similarity": 0.25, "needed": 0.42}
    assert "69.8 %, 70.0 % needed" in reason_sentence("nothing_unsure", facts)
    assert reason_sentence("no_such_code", {}) == "no_such_code"


def test_every_reason_has_its_chinese() -> None:
    with (APP_FOLDER / "locale" / "zh.po").open("rb") as file:
        catalogue = read_po(file, locale="zh")
    known = {entry.id for entry in catalogue if entry.string}
    assert not ({*REASONS.values(), *STATUS_WORDS.values()} - known)


def test_replies_are_approved_words_or_an_articles() -> None:
    slots = {"order": Slot("order", "regex", "x", "Which order?")}
    after = State(slots={"order": "7"})
    hits = (Hit(PASSAGE, 0.9),)

    def said(kind: str, code: str = "", **more: str) -> str:
        decision = Decision(kind, code, {}, after, **more)  # type: ignore[arg-type]
        return compose(decision, {"track": TRACK}, slots, hits)

    assert said("answer", intent="track") == "Order 7 is on its way."
    assert said("ask_slot", intent="track", slot="order") == "Which order?"
    assert said("retrieve") == "I found this in our help articles, under “Returns, How”:\n\nBy post."
    assert "colleague" in said("hand_over", "asked_for_human")
    assert "colleague" in said("hand_over", "nothing_unsure")
    assert said("silent") == ""


def test_only_whole_web_addresses_become_links() -> None:
    def escape(text: str) -> str:
        return text.replace("<", "&lt;").replace("[", "\\[").replace("_", "\\_")

    assert linked("See https://a.example/x_y.\n<b>[z]", escape) == (
        "See [https://a.example/x\\_y](https://a.example/x_y).  \n&lt;b>\\[z]"
    )
    assert linked("javascript:alert(1)", escape) == "javascript:alert(1)"
    assert linked('https://a.example/"onload=<x>', escape) == '[https://a.example/](https://a.example/)"onload=&lt;x>'
