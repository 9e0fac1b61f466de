from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portside_support.records import Slot, SlotKind, Template
from portside_support.slots import fill, find_value, find_values, missing, slot_names


@pytest.mark.parametrize(
    ("kind", "pattern", "text", "asked", "value"),
    [
        ("regex", r"LM-[0-9]{3}", "it is lm-123 thanks", False, "lm-123"),
        ("regex", r"order (\d+)", "my order 77 is late", False, "77"),
        ("regex", r"\d{3}", "none here", True, None),
        ("choices", "UK|United Kingdom|Spain", "to the united kingdom please", False, "United Kingdom"),
        ("choices", "UK|Spain", "Ukraine", True, None),
        ("choices", "दिन|रात", "तीन दिनों में", True, None),
        ("choices", "दिन|रात", "दो दिन में", True, "दिन"),
        ("choices", "express|express delivery", "with express delivery", False, "express delivery"),
        ("choices", "C++|C", "I like C++!", False, "C++"),
        ("text", "", "blue, large", True, "blue, large"),
        ("text", "", "blue, large", False, None),
        ("text", "", "   ", True, None),
        ("text", "", "see https://evil.example", True, None),
        ("text", "", "go to www.evil.example", True, None),
    ],
)
def test_a_value_is_found(kind: SlotKind, pattern: str, text: str, asked: bool, value: str | None) -> None:
    assert find_value(Slot("s", kind, pattern, "?"), text, asked=asked) == value


def test_only_the_slot_asked_for_takes_free_text() -> None:
    slots = {name: Slot(name, "text", "", "?") for name in ("a", "b")}
    assert find_values(slots, "hello", asked="b") == {"b": "hello"}


def test_missing_follows_the_answers_order_and_fill_puts_values_in_as_they_are() -> None:
    template = Template("t", "en", "{b} then {a}, {b} again.", "Ada")
    assert slot_names(template.answer) == ("b", "a")
    assert [missing(template, values) for values in ({}, {"b": "1"}, {"a": "2", "b": "1"})] == ["b", "a", None]
    assert fill(template, {"a": "{b}", "b": r"\1"}) == r"\1 then {b}, \1 again."


@given(st.text(max_size=200), st.text(max_size=50))
def test_any_value_can_be_filled_into_any_answer(answer: str, value: str) -> None:
    template = Template("t", "en", answer, "Ada")
    filled = fill(template, dict.fromkeys(slot_names(answer), value))
    assert filled == answer or value in filled
