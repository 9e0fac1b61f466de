"""Words whose vowels or accents are combining marks, in sentences of the Universal Declaration of Human Rights."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portside.characters import UNSPACED, letters_with_marks, marks
from portside.data.words import split_words
from portside.retrieval.keywords import KeywordIndex
from portside.retrieval.tokens import words_of

HINDI = (
    "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है",
    "उन्हें बुद्धि और अन्तरात्मा की देन प्राप्त है और परस्पर उन्हें भाईचारे के भाव से बर्ताव करना चाहिए",
)
THAI = (
    "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ",
    "ต่างมีเหตุผลและมโนธรรม และควรปฏิบัติต่อกันด้วยเจตนารมณ์แห่งภราดรภาพ",
)
ARABIC = ("يُولَدُ جَمِيعُ النَّاسِ أَحْرَارًا مُتَسَاوِينَ فِي الْكَرَامَةِ وَالْحُقُوقِ",)
DECOMPOSED = unicodedata.normalize("NFD", "Tất cả mọi người sinh ra đều được tự do, là Éva à Genève").replace(",", "")
LETTERS = ["a", "é", "\u0301", "क", "ि", "ा", "ก", "ั", "ب", "َ", "\u200c", "\u200d", "中", "'", ".", " "]
WORDS = sorted({word for line in (*HINDI, *THAI, *ARABIC, DECOMPOSED) for word in line.split()})


def is_mark(character: str) -> bool:
    return unicodedata.category(character) in ("Mn", "Mc")


@given(st.lists(st.sampled_from(WORDS)), st.sampled_from([" ", ", ", " – ", "\n", "। "]))
def test_a_word_keeps_its_marks_wherever_it_stands(words: list[str], between: str) -> None:
    assert any(is_mark(character) for word in WORDS for character in word)
    text = between.join(words)
    found = split_words(text)
    assert [one.text for one in found if one.text not in {",", "–", "।"}] == words
    assert all(text[one.start : one.end] == one.text for one in found)
    assert len(words_of(text)) == len(words)


@given(st.text(st.sampled_from(LETTERS)))
def test_no_mark_stands_apart_from_the_letter_before_it(text: str) -> None:
    found = split_words(text)
    for one in found:
        if is_mark(one.text[0]):
            assert one.start == 0 or not text[one.start - 1].isalpha()
    assert "".join(one.text for one in found) == "".join(text.split())
    for word in words_of(text):
        assert not is_mark(word[0])


@given(st.text(st.characters(exclude_categories=["Mn", "Mc", "Cf"])))
def test_text_without_marks_is_cut_as_by_letters_alone(text: str) -> None:
    plain = re.compile(rf"[{UNSPACED}]|(?:(?![{UNSPACED}])[^\W_])+(?:['’][^\W\d_]+)?|[^\w\s]|_")
    assert [one.text for one in split_words(text)] == plain.findall(text)


def test_a_document_is_found_by_a_word_with_marks_and_not_by_its_bare_letters() -> None:
    index = KeywordIndex()
    index.add([str(place) for place in range(len(HINDI))], HINDI)
    assert [hit.id for hit in index.search("स्वतन्त्रता", 3)] == ["0"]
    assert [hit.id for hit in index.search("भाव", 3)] == ["1"]
    assert index.search("स्व", 3) == []


def test_joiners_hold_a_word_together_and_signs_keep_their_selectors_apart() -> None:
    for text, words in (
        ("می\u200cخواهم क्\u200dष\u200d.", ["می\u200cخواهم", "क्\u200dष", "\u200d", "."]),
        ("❤\ufe0f 1\ufe0f", ["❤", "\ufe0f", "1", "\ufe0f"]),
    ):
        assert [one.text for one in split_words(text)] == words


def test_the_marks_are_those_that_python_knows() -> None:
    known = re.compile(f"[{marks()}]")
    every = [chr(code) for code in range(0x20000) if not 0xFE00 <= code < 0xFE10]
    assert {one for one in every if known.match(one)} == {one for one in every if is_mark(one)}
    assert re.fullmatch(letters_with_marks("[a-z]"), "e\u0301a")


@pytest.mark.parametrize("line", THAI)
def test_thai_is_not_cut_up(line: str) -> None:
    assert [one.text for one in split_words(line)] == line.split()
