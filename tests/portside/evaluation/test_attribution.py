from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portside.data.words import Word, split_words
from portside.errors import DataError, UsageError
from portside.evaluation.attribution import METHODS, Method, agreement, explain, share_out
from portside.evaluation.faithfulness import curve_area, deletion_texts, measure_faithfulness
from portside.inference.attributor import FakeAttributor, log_odds

WEIGHTS = {"where": 2.0, "parcel": 3.0, "refund": -4.0, "包": 1.5}
MODEL = FakeAttributor(WEIGHTS, labels=("refund", "track_order"), bias=-0.5)


@pytest.mark.parametrize("method", METHODS)
def test_both_methods_find_the_weights_of_a_linear_model(method: Method) -> None:
    (found,) = explain(MODEL, ["Where is my parcel?"])
    assert [word.text for word in found.words] == ["Where", "is", "my", "parcel", "?"]
    assert found.values[method] == pytest.approx([2, 0, 0, 3, 0])
    assert (found.label, found.predicted) == ("track_order", "track_order")
    assert found.level == pytest.approx(1 / (1 + np.exp(-4.5)))
    assert found.completeness.attributed == pytest.approx(found.completeness.difference) == pytest.approx(5)
    assert found.agreement.rank_correlation == pytest.approx(1)
    assert (found.agreement.shared, found.agreement.top) == (3, 3)


def test_another_label_than_the_likeliest_turns_the_signs() -> None:
    (found,) = explain(MODEL, ["Where is my parcel?"], label="refund")
    assert found.values["occlusion"] == pytest.approx([-2, 0, 0, -3, 0])
    assert found.sentence == 'The words "parcel" and "Where" speak against refund.'
    with pytest.raises(UsageError, match="one that the model knows"):
        explain(MODEL, ["x"], label="track order")


def test_the_sentence_names_the_strongest_words() -> None:
    (found,) = explain(MODEL, ["Where, where is my PARCEL refund"], label="track_order")
    assert found.sentence == (
        'The words "Where" and "PARCEL" speak most for track_order. The word "refund" speaks against it.'
    )
    (plain,) = explain(MODEL, ["good day"])
    assert plain.sentence == "No word of the text speaks for refund or against it."
    (empty,) = explain(MODEL, [""])
    assert empty.words == ()
    assert empty.agreement.rank_correlation is None


def test_what_was_not_read_is_said_and_left_alone() -> None:
    model = FakeAttributor(WEIGHTS, labels=("refund", "track_order"), max_words=2)
    (found,) = explain(model, ["where is parcel"])
    assert [word.text for word in found.words] == ["where", "is"]
    assert found.values["occlusion"] == pytest.approx([2, 0])  # "parcel" did not slip into what is read
    assert "Only the first 8 of 15 characters were read" in found.sentence
    assert found.to_dict()["cut"] is True


def test_neighbours_are_left_out_together_in_a_long_text() -> None:
    text = "parcel x x " + "x " * 126 + "where"  # 130 words: 3 at once, the last alone
    (found,) = explain(MODEL, [text])
    assert found.to_dict()["left_out_together"] == 3
    assert found.values["occlusion"] == pytest.approx([1, 1, 1, *[0] * 126, 2])
    (short,) = explain(MODEL, ["where parcel"])
    assert short.to_dict()["left_out_together"] == 1


def test_an_explanation_as_plain_values() -> None:
    (found,) = explain(MODEL, ["我的包 where"])
    said = found.to_dict()
    assert said["words"][2] == {
        "text": "包",
        "start": 2,
        "end": 3,
        "occlusion": pytest.approx(0),  # the fake reads 我的包 as one word
        "integrated_gradients": pytest.approx(0),
    }
    assert said["words"][3]["occlusion"] == pytest.approx(2)
    assert all(said["text"][one["start"] : one["end"]] == one["text"] for one in said["words"])


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([(0, 3)], [[1, 0]]),
        ([(0, 2), (2, 3), (4, 6)], [[1, 0], [1, 0], [0, 1]]),
        ([(0, 0), (3, 4)], [[0, 0], [0, 0]]),  # a special token, a blank
        ([(2, 5)], [[0.5, 0.5]]),  # one token over the end of a word and the beginning of the next
        ([(0, 6)], [[0.6, 0.4]]),
    ],
)
def test_tokens_are_shared_out_by_the_characters_they_have_in_common(
    spans: list[tuple[int, int]], expected: list[list[float]]
) -> None:
    words = [Word("abc", 0, 3), Word("de", 4, 6)]
    assert share_out(spans, words) == pytest.approx(np.array(expected))


@given(st.text(max_size=40))
def test_words_cover_all_but_blanks_of_any_text(text: str) -> None:
    words = split_words(text)
    assert all(text[word.start : word.end] == word.text for word in words)
    assert [word.start for word in words] == sorted(word.start for word in words)
    assert all(one.end <= other.start for one, other in pairwise(words))
    covered = {place for word in words for place in range(word.start, word.end)}
    assert all(place in covered or letter.isspace() for place, letter in enumerate(text))


@given(st.text(max_size=40), st.lists(st.tuples(st.integers(0, 40), st.integers(0, 5)), max_size=10))
def test_no_token_is_given_away_twice(text: str, tokens: list[tuple[int, int]]) -> None:
    shares = share_out([(start, start + length) for start, length in tokens], split_words(text)).sum(axis=1)
    assert all(share == pytest.approx(1) or share == 0 for share in shares)


def test_agreement_by_hand() -> None:
    first = np.array([3.0, 2.0, 1.0, 0.0])
    same = agreement(first, first * 2, top=2)
    assert (same.rank_correlation, same.shared) == (pytest.approx(1), 2)
    turned = agreement(first, first[::-1], top=2)
    assert (turned.rank_correlation, turned.shared) == (pytest.approx(-1), 0)
    assert agreement(first, np.array([3.0, 1.0, 2.0, 0.0])).rank_correlation == pytest.approx(0.8)  # 1 - 6*2/(4*15)
    assert agreement(first, np.ones(4)).rank_correlation is None


def test_log_odds_are_those_of_the_softmax_and_exact_where_it_is_sure() -> None:
    logits = np.array([[1.0, 2.0, 0.5], [200.0, 0.0, 0.0], [3.0, 3.0, -1.0]], dtype=np.float32)
    found = log_odds(logits)
    powers = np.exp(logits[0].astype(np.float64))
    chances = powers / powers.sum()
    assert found[0] == pytest.approx(np.log(chances / (1 - chances)))
    assert found[1, 0] == pytest.approx(200 - np.log(2))
    assert found[1, 1] == pytest.approx(-200)
    assert found[2, 0] == pytest.approx(found[2, 1])


def test_words_are_left_out_in_the_order_given() -> None:
    text = "a b, c d"
    assert deletion_texts(text, split_words(text), [1, 0, 4, 2, 3], points=5) == [
        "a b, c d",
        "a , c d",
        " , c d",
        " , c ",
        "  c ",
        "   ",
    ]
    assert curve_area(np.array([[1.0, 1.0, 1.0], [1.0, 0.5, 0.0], [1.0, 0.0, 0.0]])) == pytest.approx([1, 0.5, 0.25])


def test_true_attributions_are_more_faithful_than_chance() -> None:
    texts = [f"please tell me where my parcel number {number} is now" for number in range(30)]
    found = measure_faithfulness(MODEL, explain(MODEL, [*texts, "parcel"]))
    assert found.n == 30  # one word alone has no order
    for one in found.methods:
        assert one.area + one.gain == pytest.approx(found.random_area)
        assert 0 < one.gain_ci95[0] <= one.gain <= one.gain_ci95[1]
        assert one.curve[0] == pytest.approx(found.random_curve[0])
        assert one.curve[-1] == pytest.approx(1 / (1 + np.exp(0.5)))
    assert "finds the words that the model goes by" in found.sentence
    with pytest.raises(DataError, match="two words"):
        measure_faithfulness(MODEL, explain(MODEL, ["parcel"]))


def test_a_model_that_reads_nothing_shows_no_faithfulness() -> None:
    blind = FakeAttributor({}, bias=1.0)
    found = measure_faithfulness(blind, explain(blind, ["a b c", "d e f"]))
    assert "not shown to do better" in found.sentence
