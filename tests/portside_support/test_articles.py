from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portside.errors import DataError
from portside_support.articles import parse_article, plain_text

HEAD = "---\ntitle: Returns: how, when\nslug: returns\ncategory: Orders\nupdated: 2026-03-01\nurl: /help/r\n---\n"


def parse(text: str, words: int = 50) -> object:
    return parse_article(text, file="a.md", passage_words=words)


def test_head_and_sections() -> None:
    article = parse_article(
        HEAD + "Intro.\n\n## When\nSoon.\n\n### Never\n\n## How\nBy post.", file="a", passage_words=50
    )
    assert (article.title, article.slug, article.category) == ("Returns: how, when", "returns", "Orders")
    assert [(one.id, one.heading, one.text) for one in article.passages] == [
        ("returns#1", "", "Intro."),
        ("returns#2", "When", "Soon."),
        ("returns#3", "How", "By post."),
    ]
    assert {one.url for one in article.passages} == {"/help/r"}


def test_windows_lines_and_a_byte_order_mark_are_fine() -> None:
    assert parse("\ufeff" + (HEAD + "## A\nText.").replace("\n", "\r\n")) == parse(HEAD + "## A\nText.")


def test_a_hash_in_code_is_no_heading() -> None:
    article = parse_article(HEAD + "## A\n```\n# comment\n```", file="a", passage_words=50)
    assert [one.heading for one in article.passages] == ["A"]


def test_long_sections_are_cut_between_paragraphs_and_long_paragraphs_inside() -> None:
    body = "## A\none two\n\nthree four\n\n" + " ".join(["w"] * 9)
    texts = [one.text for one in parse_article(HEAD + body, file="a", passage_words=4).passages]
    assert texts == ["one two\n\nthree four", "w w w w", "w w w w", "w"]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("# No head", "begins with a head"),
        ("", "begins with a head"),
        ("---\ntitle: A\nslug: a\n", "no end"),
        ("---\ntitle: A\nnonsense\n---\nx", "Line 3 of the head"),
        ("---\nslug: a\n---\nx", "needs a title"),
        ("---\ntitle: A\n---\nx", "needs a slug"),
        ("---\ntitle: A\nslug: Not A Slug\n---\nx", "small letters"),
        ("---\ntitle: A\nslug: a\n---\n\n## Only a heading\n", "must have text"),
        ("---\ntitle: A\nslug: a\nupdated: yesterday\n---\nx", "year-month-day"),
        ("---\ntitle: A\nslug: a\nurl: javascript:alert(1)\n---\nx", "web address"),
        ("---\ntitle: A\nslug: a\nurl: //evil.example\n---\nx", "web address"),
        ("---\ntitle: A\nslug: a\nurl: https://[bad\n---\nx", "web address"),
        ("---\ntitle: A\nslug: a\nurl: https://x.example/) [y](\n---\nx", "web address"),
    ],
)
def test_bad_articles_are_refused_with_their_file(text: str, rule: str) -> None:
    with pytest.raises(DataError, match=rule) as caught:
        parse(text)
    assert caught.value.file == "a.md"


@given(st.text(max_size=400), st.integers(1, 30))
def test_no_word_of_a_body_is_lost(body: str, limit: int) -> None:
    body = body.replace("\r", " ").replace("#", "").replace("```", "").replace("~~~", "")
    if not body.strip():
        return
    article = parse_article(HEAD + body, file="a", passage_words=limit)
    words = [word for one in article.passages for word in one.text.split()]
    assert words == body.split()
    assert all(len(one.text.split()) <= limit for one in article.passages)


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("**Bold** and `code` and *soft*", "Bold and code and soft"),
        ("[Track](https://x.example) it", "Track it"),
        ("![logo](a.png) here", "logo here"),
        ("- one\n2. two", "• one\n• two"),
        ("snake_case_name 2*3*4", "snake_case_name 2*3*4"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    ],
)
def test_plain_text(markdown: str, text: str) -> None:
    assert plain_text(markdown) == text
