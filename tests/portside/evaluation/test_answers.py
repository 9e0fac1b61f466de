"""What is said of answers of which a text may have several."""

from __future__ import annotations

import numpy as np
import pytest

from portside.evaluation.answers import Answers, one_of_each, renamed, surer_than_right


def answers(confidence: float, right: list[bool], text: list[int]) -> Answers:
    return Answers(np.full(len(right), confidence), np.array(right), np.array(text))


def test_some_texts_alone() -> None:
    kept = answers(0.9, [True, False, True], [0, 2, 2]).of(np.array([True, True, False]))
    assert kept.text.tolist() == [0]


def test_one_text_of_each_document_with_all_its_answers() -> None:
    # Texts 0 to 3 of document 7, 4 and 5 of document 9; text 5 has no answer.
    drawn = one_of_each(answers(0.9, [True] * 6, [0, 0, 1, 2, 4, 4]), np.array([7, 7, 7, 7, 9, 9]))
    assert len(set(drawn.text.tolist())) == 2
    assert drawn.text.tolist().count(4) == 2


@pytest.mark.parametrize(("claimed", "called_out"), [(0.99, True), (0.82, False)])
def test_answers_that_claim_too_much_are_called_out(claimed: float, called_out: bool) -> None:
    found = surer_than_right(answers(claimed, [place % 5 != 0 for place in range(500)], list(range(500))))
    assert (found is not None) == called_out
    if found is not None:
        assert "claims 99 % on average, and 80 % are right" in found


def test_many_wrong_answers_of_few_texts_may_be_bad_luck() -> None:
    # Two thirds of the answers are wrong, all of them of one text of 21.
    text = [0] * 40 + list(range(1, 21))
    assert surer_than_right(answers(0.9, [False] * 40 + [True] * 20, text)) is None
    assert surer_than_right(answers(1.0, [False] * 10, list(range(10)))) is None


def test_another_name_for_what_the_model_knows_is_told() -> None:
    met = [("charge", ["fee"])] * 4 + [("charge", [])]
    assert (
        "'charge' what the model seems to know as 'fee': it answers so in 4 of 5"
        in renamed(["fee", "card"], ["charge", "card"], met)[0]
    )
    # One that stands in the data by its own name is not meant.
    assert renamed(["fee", "card"], ["charge", "fee"], met) == []
    assert renamed(["fee"], ["charge"], met[:2]) == []
