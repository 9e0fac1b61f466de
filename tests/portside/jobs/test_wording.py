"""A message of progress keeps what it was made of on its way through pipe and database."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from portside.jobs.wording import kept_message, told_message
from portside.said import Said, in_words, said

CHINESE = {"step {step} of {steps}": "第 {step} 步，共 {steps} 步", "{title} · {what}": "{title} · {what}"}


def test_a_message_is_told_in_another_language() -> None:
    whole = said("{title} · {what}", title="Reuters", what=said("step {step} of {steps}", step="3", steps="1,000"))
    kept = kept_message(whole)
    assert kept.startswith("Reuters · step 3 of 1,000")
    told = told_message(kept)
    assert told == "Reuters · step 3 of 1,000"
    assert in_words(told, lambda text: CHINESE.get(text, text)) == "Reuters · 第 3 步，共 1,000 步"


@given(st.text())
def test_a_message_without_a_template_stays_as_it_is(message: str) -> None:
    told = told_message(kept_message(message))
    assert (str(told), isinstance(told, Said)) == (message, False)


@given(st.text(), st.text())
def test_what_was_written_by_others_is_no_error(message: str, record: str) -> None:
    assert isinstance(told_message(f"{message}\x1e{record}"), str)
