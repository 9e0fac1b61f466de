"""What validation sentences tell of a name's confidence, from names whose truth is known by how they are made."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from portside.evaluation.report.facts import KEPT_ASIDE
from portside.evaluation.report.tagging import TaggedRows, answers_of, sections_of
from portside.inference.name_reading import FEATURES, NameReading, Names, names_in
from portside.inference.spans import found_spans, span_confidence
from portside.training.name_reading import FEWEST, fit_name_reading, fit_weights, folds_of, held_out, log_loss

TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
Sentences = tuple[list[list[str]], list[NDArray[np.float64]]]


def sentences(count: int, *, seed: int = 0, squeezed: float = 1.0, long_is_wrong: bool = False) -> Sentences:
    """Each has one name, of one word or two, as likely right as its words say; with log-odds so much ``squeezed`` that
    it claims otherwise, or never right where it has two words.
    """
    random = np.random.default_rng(seed)
    truth, rows = [], []
    for _ in range(count):
        sure, length = random.uniform(0.55, 0.98), int(random.integers(1, 3))
        odds = squeezed * np.log(sure / (1 - sure))
        right = not (long_is_wrong and length == 2) and random.random() < 1 / (1 + np.exp(-odds))
        each = np.zeros((length + 1, len(TAGS)))
        each[:length, 0] = 1 - sure ** (1 / length)
        each[range(length), [1, 2][:length]] = sure ** (1 / length)
        each[length, 0] = 1.0
        rows.append(each)
        truth.append([*(["B-PER", "I-PER"][:length] if right else ["O"] * length), "O"])
    return truth, rows


def fitted(made: Sentences) -> NameReading:
    return fit_name_reading(*made, TAGS, [0] * len(made[0]))


def test_names_that_claim_too_little_are_read_as_surer() -> None:
    made, (_, asked) = sentences(3000, squeezed=2.0), sentences(50, seed=1)
    reading = fitted(made)
    assert reading.n == 3000
    assert reading.weights is not None
    assert reading.after is not None
    assert reading.before is not None
    assert reading.after < reading.before
    for rows in asked:
        (span,) = found_spans(rows, TAGS)
        claimed = span_confidence(rows, span, TAGS)
        odds = 2.0 * np.log(claimed / (1 - claimed))
        assert reading.confidence(rows, span, TAGS) == pytest.approx(1 / (1 + np.exp(-odds)), abs=0.08)


def test_long_names_that_are_never_right_are_read_so_however_sure_their_words_are() -> None:
    weights = fitted(sentences(1500, long_is_wrong=True)).weights
    assert weights is not None
    found = names_in(*sentences(300, seed=2, long_is_wrong=True), TAGS)
    chances, long = weights.chances(found.features, found.types), found.features[:, FEATURES.index("words")] > 0
    assert chances[long].mean() < 0.05
    assert chances[~long].mean() == pytest.approx(found.right[~long].mean(), abs=0.07)


def test_with_too_few_names_the_words_probabilities_are_all_there_is() -> None:
    reading = fitted(sentences(FEWEST - 1, squeezed=2.0))
    assert (reading.n, reading.weights, reading.after) == (FEWEST - 1, None, None)
    assert "too few" in reading.sentence
    (_, (rows,)) = sentences(1)
    (span,) = found_spans(rows, TAGS)
    assert reading.confidence(rows, span, TAGS) == span_confidence(rows, span, TAGS)


def test_what_does_not_help_on_other_sentences_is_left_out() -> None:
    # As right as they claim to be: whatever is learned beside it is chance.
    made = [fitted(sentences(FEWEST, seed=seed)) for seed in range(6)]
    assert any(one.weights is None and "did not help" in one.sentence for one in made)
    assert all((one.weights is None) == (one.after >= one.before) for one in made)  # type: ignore[operator]


def test_names_that_are_all_right_or_all_wrong_teach_nothing() -> None:
    _, rows = sentences(300)
    assert fitted(([["O"] * len(each) for each in rows], rows)).weights is None


def test_slopes_of_certainty_never_fall_even_where_the_names_say_so() -> None:
    weights = fit_weights(names_in(*sentences(1000, squeezed=-2.0), TAGS))
    assert weights.slopes["odds"] >= 0
    assert weights.slopes["weakest"] >= 0


def test_few_names_leave_the_weights_near_the_words_probabilities() -> None:
    few = fit_weights(names_in(*sentences(3), TAGS))
    assert few.slopes["odds"] == pytest.approx(1.0, abs=0.5)
    assert abs(few.types["PER"]) < 0.5


def test_documents_and_blocks_of_neighbours_stay_in_one_fold() -> None:
    documents = [row // 7 for row in range(700)]
    folds = folds_of(documents)
    assert all(len({*folds[start : start + 7]}) == 1 for start in range(0, 700, 7))
    assert sorted(set(folds)) == [0, 1, 2, 3, 4]
    blocks = folds_of([0] * 1000)
    assert all(len({*blocks[start : start + 20]}) == 1 for start in range(0, 1000, 20))
    assert len(folds_of([])) == 0
    # Two documents are too few to be folds.
    assert len({*folds_of([0] * 100 + [1] * 100)}) == 5


def test_names_that_all_stand_in_one_place_cannot_be_tried_on_others() -> None:
    truth, rows = sentences(FEWEST, squeezed=2.0)
    # One block of neighbours has all the names.
    wide = [np.concatenate(rows[start : start + 20]) for start in range(0, FEWEST, 20)]
    tags = [[tag for each in truth[start : start + 20] for tag in each] for start in range(0, FEWEST, 20)]
    reading = fit_name_reading(tags, wide, TAGS, [0] * len(wide))
    assert (reading.n, reading.weights, reading.after) == (FEWEST, None, None)


def test_no_names_leave_the_weights_as_they_start() -> None:
    none = fit_weights(names_in(*sentences(0), TAGS))
    assert (none.slopes["odds"], none.intercept, none.types) == (1.0, 0.0, {})


def test_no_name_is_read_with_weights_that_it_helped_to_fit() -> None:
    found = names_in(*sentences(400, squeezed=2.0), TAGS)
    folds = folds_of([0] * 400)
    read = held_out(found, folds)
    place = 17
    other = np.where(np.arange(400) == place, ~found.right, found.right)
    changed = Names(found.features, found.types, found.confidence, other, found.sentence)
    assert held_out(changed, folds)[place] == read[place]
    assert log_loss(np.array([0.5, 0.5]), np.array([True, False])) == pytest.approx(np.log(2))


def test_a_report_reads_names_as_the_tagger_does_and_those_it_was_fitted_on_by_the_others() -> None:
    made = sentences(600, squeezed=2.0)
    reading = fitted(made)
    words = [[str(row), *"abc"][: len(each)] for row, each in enumerate(made[1])]
    asked = TaggedRows(TAGS, words, *made, reading=reading)
    (span,) = found_spans(made[1][0], TAGS)
    assert answers_of(asked).confidence[0] == reading.confidence(made[1][0], span, TAGS)
    kept = answers_of(asked, fitted_here=True)
    assert list(kept.confidence) == list(held_out(names_in(*made, TAGS), folds_of([0] * 600)))
    sections = {source: sections_of(asked, source, None) for source in (KEPT_ASIDE, "test.conll")}
    for source, answers in ((KEPT_ASIDE, kept), ("test.conll", answers_of(asked))):
        (calibration,) = (one for one in sections[source] if one.key == "calibration")
        assert calibration.sentences[-1] == reading.sentence
        assert calibration.figures[1].value == pytest.approx(answers.confidence.mean())
