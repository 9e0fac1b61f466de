"""The section on explanations, from a model whose words are known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from portside.evaluation.report.explanations import explained_on
from portside.inference.attributor import FakeAttributor

TEXTS = [f"the film was {word} and long {number}" for number in range(20) for word in ("good", "bad", "dull")]


def test_words_that_decide_are_told_from_those_that_do_not() -> None:
    section = explained_on(FakeAttributor({"good": 4.0, "bad": -4.0, "dull": -3.0}), TEXTS)
    assert section is not None
    assert not section.warnings
    assert all(figure.low is not None and figure.low > 0 for figure in section.figures)
    assert len(section.charts[0].curves) == 3
    shown = section.tables[0].rows
    assert all(str(row[2]) for row in shown)


def test_the_sentence_tells_the_probability_that_the_picture_shows() -> None:
    section = explained_on(FakeAttributor({"good": 4.0, "bad": -4.0, "dull": -3.0}), TEXTS)
    assert section is not None
    chart = section.charts[0]
    falls = min(curve.y[len(curve.y) // 2] for curve in chart.curves if not curve.reference)
    assert f"the probability of the answer falls to {100 * falls:.0f} %" in chart.summary
    assert "two weigh them quite differently" in section.sentences[1]


def test_a_model_that_goes_by_no_word_is_called_out() -> None:
    section = explained_on(FakeAttributor({}, bias=1.0), TEXTS)
    assert section is not None
    assert len(section.warnings) == 2


def test_texts_of_one_word_cannot_be_explained() -> None:
    assert explained_on(FakeAttributor({}), ["good", "bad"]) is None


def test_chinese_texts_are_explained_though_no_blank_parts_their_words() -> None:
    section = explained_on(FakeAttributor({}), ["我的包裹在哪里", "我要退款", "好", "?!"])
    assert section is not None
    assert sorted(str(row[0]) for row in section.tables[0].rows) == ["我的包裹在哪里", "我要退款"]


def test_every_label_that_a_text_gets_is_explained_and_the_likeliest_is_measured() -> None:
    model = FakeAttributor({"good": 0.3, "bad": -4.0}, threshold=0.4)
    section = explained_on(model, ["a good film", "a bad film"])
    assert section is not None
    assert {(row[0], row[1]) for row in section.tables[0].rows} == {
        ("a good film", "yes"), ("a good film", "no"), ("a bad film", "no"),
    }  # fmt: skip
    assert [figure.n for figure in section.figures] == [2, 2], "two texts were drawn, not three answers"


def test_a_text_that_gets_no_label_is_explained_by_the_likeliest() -> None:
    model = FakeAttributor({"good": 0.3}, threshold=0.9)
    assert [[one.key for one in each] for each in model.answers(["a good film"])] == [["yes"]]
    assert model.answers([]) == []


class FiveLabels(FakeAttributor):
    """Gives each text five labels."""

    def log_odds(self, texts: Sequence[str]) -> NDArray[np.float64]:
        return np.repeat(super().log_odds(texts)[:, 1:], 5, axis=1)


def test_of_many_labels_the_likeliest_are_explained() -> None:
    model = FiveLabels({"good": 1.0}, labels=("a", "b", "c", "d", "e"), threshold=0.5)
    section = explained_on(model, ["a good film"])
    assert section is not None
    assert [row[1] for row in section.tables[0].rows] == ["a", "b", "c"]
