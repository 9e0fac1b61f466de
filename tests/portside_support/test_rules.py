from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portside_support.records import Hit, Passage, Question, State, Template, Thresholds
from portside_support.rules import Desk, asks_for_human, choose_threshold, decide, says_it_did_not_help, shown

HOURS = Template("hours", "en", "Nine to six.", "Ada")
TRACK = Template("track", "en", "Order {order} goes to {country}.", "Ben")
NAME = Template("name", "en", "Noted: {remark}.", "Ben")
DESK = Desk(
    {"hours": HOURS, "track": TRACK, "name": NAME},
    Thresholds(confidence=0.7, similarity=0.4, failures=2, slot_attempts=2),
    human_intents=("human",),
    out_of_scope_intents=("oos",),
    free_text_slots=frozenset({"remark"}),
    subject_words=4,
)


def hit(similarity: float, title: str = "Returns") -> Hit:
    return Hit(Passage("r#1", "r", title, "", "text", ""), similarity)


def question(
    label: str | None = "hours",
    confidence: float = 0.9,
    *,
    similarity: float | None = None,
    words: int = 5,
    human: bool = False,
    no_help: bool = False,
    found: Mapping[str, str] | None = None,
    outside: bool = False,
) -> Question:
    hits = () if similarity is None else (hit(similarity),)
    return Question(words, human, no_help, label, confidence, hits, found or {}, outside)


@pytest.mark.parametrize(
    ("asked", "kind", "code"),
    [
        (question(), "answer", "confident"),
        (question(confidence=0.7), "answer", "confident"),
        (question(confidence=0.69), "hand_over", "nothing_unsure"),
        (question(confidence=0.69, similarity=0.4), "retrieve", "passages_unsure"),
        (question(confidence=0.69, similarity=0.39), "hand_over", "nothing_unsure"),
        (question(similarity=0.9), "answer", "confident"),
        (question("unwritten", similarity=0.5), "retrieve", "passages_no_template"),
        (question("unwritten"), "hand_over", "nothing_no_template"),
        (question("oos", 0.99, similarity=0.5), "retrieve", "passages_out_of_scope"),
        (question("oos", 0.99), "hand_over", "nothing_out_of_scope"),
        (question(confidence=0.99, outside=True, similarity=0.5), "retrieve", "passages_outside"),
        (question(confidence=0.99, outside=True), "hand_over", "nothing_outside"),
        (question("human", 0.99, outside=True), "hand_over", "nothing_outside"),
        (question(None, 0.0, similarity=0.5), "retrieve", "passages_no_model"),
        (question(None, 0.0), "hand_over", "nothing_no_model"),
        (question(human=True), "hand_over", "asked_for_human"),
        (question("human", 0.8), "hand_over", "asked_for_human"),
        (question("human", 0.5, similarity=0.5), "retrieve", "passages_unsure"),
        (question(no_help=True), "hand_over", "did_not_help"),
        (question("track"), "ask_slot", "needs_slot"),
        (question("track", found={"order": "7", "country": "Spain"}), "answer", "confident"),
    ],
)
def test_first_message(asked: Question, kind: str, code: str) -> None:
    decision = decide(asked, State(), DESK)
    assert (decision.kind, decision.code) == (kind, code)
    assert decision.state.turn == 1
    assert decision.state.status == ("waiting" if kind == "hand_over" else "bot")


@pytest.mark.parametrize("status", ["waiting", "agent", "closed"])
def test_the_bot_is_silent_when_a_person_has_the_conversation(status: str) -> None:
    state = State(status=status, turn=4)  # type: ignore[arg-type]
    decision = decide(question(human=True), state, DESK)
    assert (decision.kind, decision.state) == ("silent", state)


def test_slots_are_asked_for_one_by_one_then_answered() -> None:
    first = decide(question("track"), State(), DESK)
    assert (first.slot, first.state.pending_slot) == ("order", "order")
    second = decide(question(None, 0.0, words=1, found={"order": "7"}), first.state, DESK)
    assert (second.kind, second.code, second.slot) == ("ask_slot", "needs_slot_too", "country")
    third = decide(question("oos", 0.9, words=1, found={"country": "Spain"}), second.state, DESK)
    assert (third.kind, third.code, third.intent) == ("answer", "slot_given", "track")
    assert third.state.slots == {"order": "7", "country": "Spain"}
    assert third.state.pending_intent is None


def test_a_slot_that_is_not_given_ends_with_a_person() -> None:
    state = decide(question("track"), State(), DESK).state
    again = decide(question("hours", 0.2, words=1), state, DESK)
    assert (again.kind, again.code) == ("ask_slot", "asks_again")
    ended = decide(question("hours", 0.2, words=1), again.state, DESK)
    assert (ended.kind, ended.code, ended.facts["attempts"]) == ("hand_over", "slot_not_given", 2.0)


def test_a_long_sure_message_changes_the_subject_and_a_short_one_does_not() -> None:
    state = decide(question("track"), State(), DESK).state
    assert decide(question("hours", words=4), state, DESK).code == "confident"
    assert decide(question("hours", words=3), state, DESK).code == "asks_again"


def test_free_text_is_taken_whatever_it_resembles() -> None:
    state = decide(question("name"), State(), DESK).state
    decision = decide(question("hours", words=9, found={"remark": "open the door for me"}), state, DESK)
    assert (decision.kind, decision.intent) == ("answer", "name")


def test_slots_given_before_are_remembered() -> None:
    state = State(slots={"order": "7", "country": "Spain"})
    assert decide(question("track"), state, DESK).kind == "answer"


def test_repeated_retrieval_ends_with_a_person_and_an_answer_starts_anew() -> None:
    state = State()
    unsure = question(confidence=0.1, similarity=0.9)
    for _ in range(2):
        decision = decide(unsure, state, DESK)
        assert decision.kind == "retrieve"
        state = decision.state
    assert decide(unsure, state, DESK).code == "repeated_failure"
    answered = decide(question(), state, DESK).state
    assert decide(unsure, answered, DESK).kind == "retrieve"


def test_the_reason_names_the_figures_it_rests_on() -> None:
    facts = decide(question(confidence=0.5, similarity=0.3), State(), DESK).facts
    assert facts == {"intent": "hours", "confidence": 0.5, "threshold": 0.7, "similarity": 0.3, "needed": 0.4}


questions = st.builds(
    question,
    st.sampled_from(["hours", "track", "human", "oos", "unwritten", None]),
    st.floats(0, 1),
    similarity=st.none() | st.floats(-1, 1),
    words=st.integers(1, 12),
    human=st.booleans(),
    no_help=st.booleans(),
    found=st.dictionaries(st.sampled_from(["order", "country"]), st.just("x")),
)


@given(st.lists(questions, max_size=12))
def test_whatever_is_said_the_conversation_stays_sound(said: list[Question]) -> None:
    state = State()
    handed_over = False
    for asked in said:
        decision = decide(asked, state, DESK)
        if handed_over:
            assert decision.kind == "silent"
            continue
        assert decision.kind != "silent"
        assert decision.state.turn == state.turn + 1
        if decision.kind == "answer":
            assert decision.intent in DESK.templates
        if decision.kind == "retrieve":
            assert asked.hits[0].similarity >= DESK.thresholds.similarity
        assert (decision.slot is not None) == (decision.kind == "ask_slot")
        assert decision.state.failures <= DESK.thresholds.failures
        assert decision.state.attempts <= DESK.thresholds.slot_attempts
        handed_over = decision.kind == "hand_over"
        assert (decision.state.status == "waiting") == handed_over
        state = decision.state


@pytest.mark.parametrize(
    "text",
    [
        "can I talk to a human",
        "I want to speak to a real person please",
        "agent",
        "Human please!",
        "let me speak with someone",
        "put me through to your manager",
        "connect me to an operator now",
        "I need a person to help me",
        "get me a representative.",
        "why can't I just talk to a person",
        "transfer me to a member of staff or an agent",
        "I'd like to speak to customer service, give me a human",
    ],
)
def test_requests_for_a_person(text: str) -> None:
    assert asks_for_human(text)


@pytest.mark.parametrize(
    "text",
    [
        "where is my order",
        "I don't want to talk to a human",
        "can someone else collect my parcel",
        "is the tent big enough for one person",
        "your agent told me it would come today",
        "do you need a person at home for the delivery",
        "the manager of the shop in Leeds was lovely",
        "no need to connect me to an agent",
        "",
    ],
)
def test_not_requests_for_a_person(text: str) -> None:
    assert not asks_for_human(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("that didn't help", True),
        ("This is not what I asked", True),
        ("it doesn't answer my question", True),
        ("wrong answer", True),
        ("that helped, thanks", False),
        ("my zip doesn't close", False),
        ("the tracking link does not open", False),
    ],
)
def test_saying_that_it_did_not_help(text: str, expected: bool) -> None:
    assert says_it_did_not_help(text) is expected


OUTCOMES = [(0.95, True), (0.9, True), (0.8, True), (0.7, False), (0.6, True), (0.4, True)]


@pytest.mark.parametrize(
    ("target", "floor", "value", "precision", "coverage"),
    [
        (1.0, 0.0, 0.75, 1.0, 3 / 6),
        (0.8, 0.0, 0.4, 5 / 6, 1.0),
        (0.8, 0.5, 0.5, 4 / 5, 5 / 6),
        (0.75, 0.65, 0.65, 3 / 4, 4 / 6),
    ],
)
def test_the_lowest_threshold_that_reaches_the_target(
    target: float, floor: float, value: float, precision: float, coverage: float
) -> None:
    chosen = choose_threshold(OUTCOMES, target=target, floor=floor)
    assert chosen.met
    assert (chosen.value, chosen.precision, chosen.coverage) == pytest.approx((value, precision, coverage))


def test_equal_confidences_stand_or_fall_together() -> None:
    chosen = choose_threshold([(0.9, True), (0.8, True), (0.8, False)], target=0.9, floor=0.0)
    assert (chosen.coverage, chosen.precision) == (pytest.approx(1 / 3), 1.0)


@pytest.mark.parametrize("outcomes", [[], [(0.9, False)], [(0.3, True)]])
def test_without_a_threshold_that_serves_nothing_is_answered(outcomes: list[tuple[float, bool]]) -> None:
    chosen = choose_threshold(outcomes, target=0.95, floor=0.5, withheld=2)
    assert (chosen.met, chosen.value, chosen.coverage, chosen.n) == (False, 1.0, 0.0, len(outcomes) + 2)


def test_questions_that_are_never_answered_lower_the_coverage_only() -> None:
    chosen = choose_threshold([(0.9, True)], target=0.95, floor=0.5, withheld=3)
    assert (chosen.precision, chosen.coverage, chosen.n) == (1.0, 0.25, 4)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=60), st.floats(0.01, 1), st.floats(0, 1))
def test_a_chosen_threshold_keeps_its_promise(outcomes: list[tuple[float, bool]], target: float, floor: float) -> None:
    chosen = choose_threshold(outcomes, target=target, floor=floor)
    if not chosen.met:
        return
    answered = [right for confidence, right in outcomes if confidence >= chosen.value]
    assert chosen.value >= floor
    assert sum(answered) / len(answered) == pytest.approx(chosen.precision)
    assert chosen.precision >= target


def test_only_passages_like_enough_are_shown() -> None:
    hits = [hit(0.9, "a"), hit(0.2, "b"), hit(0.6, "c"), hit(0.5, "d")]
    assert [one.passage.title for one in shown(hits, 0.5, 2)] == ["a", "c"]
