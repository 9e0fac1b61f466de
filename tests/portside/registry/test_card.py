from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from portside.registry.card import render_card

CARD = {
    "name": "intents",
    "libraries": {"torch": "2.13.0"},
    "metrics": {
        "accuracy": 0.93456,
        "accuracy_ci95": [0.91, 0.95],
        "n": 3080,
        "per_class": {"refund": {"f1": 0.5, "support": 12}, "late|order": {"f1": 1.0, "support": 3}},
    },
    "task": "classification",
    "labels": ["late|order", "refund"],
    "empty": None,
}


def test_a_card_reads_as_title_facts_and_sections() -> None:
    assert render_card(CARD, "intents:3").splitlines() == [
        "# intents, version 3",
        "",
        "- **Task**: classification",
        "- **Labels**: late|order, refund",
        "",
        "## Metrics",
        "",
        "- **Accuracy**: 0.9346",
        "- **Accuracy ci95**: 0.91 to 0.95",
        "- **N**: 3080",
        "",
        "### Per class",
        "",
        "| | F1 | Support |",
        "|---|---|---|",
        "| refund | 0.5 | 12 |",
        "| late\\|order | 1 | 3 |",
        "",
        "",
        "## Libraries",
        "",
        "- **Torch**: 2.13.0",
    ]


def test_facts_inside_a_group_stay_in_one_line_with_their_own_names() -> None:
    card = {
        "data": {"rows_per_label": {"late_order": 3, "refund": 5}},
        "training": {"history": [{"step": 1}, {"step": 2}]},
    }
    text = render_card(card, "m:1")
    assert "- **Rows per label**: late_order 3, refund 5\n" in text
    assert "### History\n\n| | Step |\n|---|---|\n| 1 | 1 |\n| 2 | 2 |\n" in text


def test_long_lists_say_how_many_there_are() -> None:
    text = render_card({"labels": [f"l{place}" for place in range(100)]}, "m:1")
    assert "(100 in all)" in text
    assert "l99" not in text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_any_card_can_be_rendered(card: dict[str, object]) -> None:
    assert render_card(card, "m:1").startswith("# m, version 1\n")
