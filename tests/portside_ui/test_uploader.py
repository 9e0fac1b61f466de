"""The upload of a file says everything in the reader's language."""

from __future__ import annotations

import re

from streamlit.testing.v1 import AppTest

from tests.drawn_pages import page_test


def draw(language: str) -> None:
    import streamlit as st

    from portside_ui.uploader import file_upload
    from portside_ui.words import LANGUAGE_KEY

    st.session_state[LANGUAGE_KEY] = language
    file_upload("F", ["csv", "gz"], key="mine")


def style_of(language: str) -> str:
    page: AppTest = page_test(draw, {"language": language}).run()
    assert not page.exception, page.exception
    assert page.get("file_uploader")
    style = "".join(str(html.proto.body) for html in page.get("html"))
    return re.sub(r"\\([0-9a-f]{6})", lambda code: chr(int(code[1], 16)), style)


def test_in_chinese_our_words_stand_in_the_place_of_those_of_streamlit() -> None:
    style = style_of("zh")
    assert style.startswith("<style>")
    for words in ("上传", "不超过 200 MB，CSV, GZ", "将文件拖放到此处"):
        assert f'"{words}"' in style
    rules = [line for line in style.splitlines() if "{" in line]
    assert all(".st-key-mine " in each for line in rules for each in line.partition("{")[0].split(", "))


def test_in_english_the_words_of_streamlit_stay() -> None:
    assert style_of("en") == ""
