"""The parts that every page shares."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from portside.errors import DataError
from portside.said import said
from tests.drawn_pages import page_test


def draw(error: object, language: str) -> None:
    """Runs inside AppTest, which copies this function's source without its module."""
    import streamlit as st

    from portside.errors import DataError
    from portside_ui.frame import error_state
    from portside_ui.words import LANGUAGE_KEY

    st.session_state[LANGUAGE_KEY] = language
    assert isinstance(error, DataError)
    error_state(error)


def drawn(error: DataError, language: str = "en") -> str:
    page: AppTest = page_test(draw, {"error": error, "language": language}).run()
    assert not page.exception, page.exception
    return str(page.warning[0].value)


def test_what_a_users_file_holds_is_no_markup() -> None:
    seen = "![x](http://elsewhere/pixel.png) **bold** <b>$a$"
    shown = drawn(DataError("A label is *one* word", seen=seen, remedy="Rename `a_b`"))
    for live in ("![", "](", "**bold", "<b>", " $a$", "*one*", "`a_b`"):
        assert live not in shown
    assert "bold" in shown


def test_an_error_that_is_made_of_a_template_is_in_the_readers_language() -> None:
    rule = said("A text has more than {count} characters", count=20)
    remedy = said("Give it a text")
    shown = drawn(DataError(rule, seen="Rows", remedy=remedy), "zh")
    assert "20" in shown
    assert "请填写文本" in shown
    assert "Rows" in shown, "a user's own word is not translated, though the catalogue knows it"
    assert "A text" not in shown
