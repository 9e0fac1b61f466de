from __future__ import annotations

import json
import pickle

from hypothesis import given
from hypothesis import strategies as st

from portside.said import Said, in_words, said

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
