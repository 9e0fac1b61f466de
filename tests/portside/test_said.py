from __future__ import annotations

import json
import pickle

from hypothesis import given
from hypothesis import strategies as st

from portside.said import Said, from_record, in_words, said, with_records, with_sentences

CHINESE = {"{n} rows of {file}.": "{file}：{n} 行。", "rows": "行", "Mind: {what}": "注意：{what}"}


def translate(text: str) -> str:
    return CHINESE.get(text, text)


def test_a_sentence_is_a_string_that_can_be_said_otherwise() -> None:
    one = said("{n} rows of {file}.", n="1,200", file="mail.csv")
    assert one == "1,200 rows of mail.csv."
    assert json.dumps([one]) == '["1,200 rows of mail.csv."]'
    assert in_words(one, translate) == "mail.csv：1,200 行。"


def test_values_are_the_users_own_words_and_stay() -> None:
    assert in_words(said("{n} rows of {file}.", n=3, file="rows"), translate) == "rows：3 行。"


def test_a_sentence_within_a_sentence_is_translated() -> None:
    inner = said("{n} rows of {file}.", n=3, file="a")
    assert in_words(said("Mind: {what}", what=inner), translate) == "注意：a：3 行。"


def test_a_plain_string_is_looked_up() -> None:
    assert in_words("rows", translate) == "行"
    assert in_words("", translate) == ""


@given(st.text(), st.text())
def test_it_survives_storage_whatever_its_values_are(one: str, other: str) -> None:
    made = said("{n} rows of {file}.", n=one, file=other)
    back = pickle.loads(pickle.dumps(made))
    assert isinstance(back, Said)
    assert back == made
    assert in_words(back, translate) == f"{other}：{one} 行。"


@given(st.text(), st.text())
def test_a_record_gives_the_same_sentence_back(one: str, other: str) -> None:
    inner = said("{n} rows of {file}.", n=one, file=other)
    stored = json.loads(json.dumps(with_records({"summary": said("Mind: {what}", what=inner), "n": 3}, ("summary",))))
    assert stored["summary"] == f"Mind: {one} rows of {other}."
    again = with_sentences(stored)
    assert again.keys() == {"summary", "n"}
    assert in_words(again["summary"], translate) == f"注意：{other}：{one} 行。"


def test_a_record_that_does_not_fit_leaves_the_english_sentence() -> None:
    whole = {"template": "{n} rows", "values": {"n": "3"}}
    assert isinstance(from_record("3 rows", whole), Said)
    for damaged in (
        None,
        "x",
        {},
        {**whole, "values": {}},
        {**whole, "values": {"n": "4"}},
        {**whole, "template": "{"},
    ):
        found = from_record("3 rows", damaged)
        assert found == "3 rows"
        assert not isinstance(found, Said)


def test_what_was_stored_without_records_stays_as_it_is() -> None:
    assert with_sentences({"summary": "3 rows"}) == {"summary": "3 rows"}
    assert with_records({"summary": "3 rows"}, ("summary",)) == {"summary": "3 rows"}
