"""Rows and sentences are asked about by who has not learned from them: several labels a text, and tagged words."""

from __future__ import annotations

import numpy as np
import pytest

from portside.inference.interfaces import FakeEncoder
from portside.records import Tagged
from portside.training.cross_label_sets import SHRINKAGE, cross_predict_sets, one_against_rest, rarest_labels
from portside.training.cross_words import cross_predict_words, sentence_folds
from portside.training.word_vectors import FakeWords


def test_each_label_is_told_from_the_rest_as_if_it_were_alone() -> None:
    random = np.random.default_rng(0)
    vectors = random.normal(size=(80, 4)).astype(np.float32)
    truth = np.column_stack([vectors[:, 0] > 0, vectors[:, 1] + vectors[:, 2] > 1, np.ones(80), np.zeros(80)]) > 0
    weights, bias = one_against_rest(vectors, truth)
    for label in (0, 1):
        has = truth[:, label]
        inside, outside = vectors[has].mean(axis=0, dtype=np.float64), vectors[~has].mean(axis=0, dtype=np.float64)
        centred = vectors - np.where(has[:, None], inside, outside)
        whole = vectors - vectors.mean(axis=0, dtype=np.float64)
        within = (1 - SHRINKAGE) * centred.T @ centred / 80
        within += np.eye(4) * SHRINKAGE * np.trace((1 - SHRINKAGE) * whole.T @ whole / 80) / 4
        alone = np.linalg.solve(within, inside - outside)
        assert weights[label] == pytest.approx(alone, rel=1e-4)
        prior = np.log(has.mean() / (1 - has.mean()))
        assert bias[label] == pytest.approx(prior - 0.5 * alone @ (inside + outside), rel=1e-4)
    assert not weights[2:].any(), "a label that all rows have, or none, is told by nothing"
    assert bias[2:] == pytest.approx(np.log(159.0) * np.array([1, -1]))


def test_rows_are_dealt_out_by_their_rarest_label() -> None:
    truth = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0], [1, 0, 1]], dtype=bool)
    assert rarest_labels(truth).tolist() == [0, 1, 3, 2]


def test_a_left_out_label_is_found_likely_by_who_did_not_see_the_row() -> None:
    wishes = {"parcel": "where is my parcel", "refund": "money back please"}
    ends = ["now", "today", "soon", "again", "first", "last", "early", "late", "here", "there"]
    texts = [f"{' and '.join(wishes[label] for label in labels)} {end}" for end in ends for labels in SETS]
    truth = np.array([[label in labels for label in wishes] for _end in ends for labels in SETS])
    truth[2, 1] = False
    places, chances = cross_predict_sets(texts, FakeEncoder().encode(texts), truth)
    assert places.tolist() == list(range(len(texts)))
    assert chances[2, 1] > 0.5
    right = (chances > 0.5) == truth
    assert right.mean() > 0.9


SETS = (("parcel",), ("refund",), ("parcel", "refund"))


def test_two_rows_are_too_few_to_ask() -> None:
    places, chances = cross_predict_sets(["a", "b"], FakeEncoder().encode(["a", "b"]), np.eye(2, dtype=bool))
    assert (places.size, chances.shape) == (0, (0, 2))


def sentence(words: str, *, document: int = 0) -> Tagged:
    tokens = tuple(words.split())
    return Tagged(tokens, tuple("B-LOC" if word.istitle() else "O" for word in tokens), document)


def test_documents_stay_whole_and_what_was_read_elsewhere_is_not_asked() -> None:
    rows = [sentence(f"to Bonn by {way} {number}", document=number) for number in range(8) for way in ("car", "bus")]
    rows += [sentence("to Bonn by car 0", document=9)]
    found = sentence_folds(rows, 4, seed=0)
    for train, valid in found:
        assert not {rows[place].document for place in train} & {rows[place].document for place in valid}
        assert not {rows[place].tokens for place in train} & {rows[place].tokens for place in valid}
    asked = sorted(place for _train, valid in found for place in valid)
    assert len(set(asked)) == len(asked)
    assert set(range(1, 16)) <= {0, *asked}


def test_one_document_is_cut_into_blocks_of_neighbours() -> None:
    rows = [sentence(f"to Bonn {number}") for number in range(100)]
    for _train, valid in sentence_folds(rows, 5, seed=0):
        assert valid == list(range(valid[0], valid[0] + 20))
    assert sentence_folds(rows[:1], 5, seed=0) == []


def test_words_are_asked_in_the_order_of_their_sentences() -> None:
    rows = [sentence(f"from {city} to {other} no {n}") for n in range(10) for city, other in CITIES]
    given = [np.array([int(tag != "O") for tag in one.tags]) for one in rows]
    given[7] = np.zeros(6, dtype=np.int64)
    places, chances = cross_predict_words(rows, FakeWords()(rows), given, 2)
    assert places == sorted(places)
    assert len(places) == len(rows)
    assert [part.shape for part in chances] == [(6, 2)] * len(rows)
    assert chances[7][[1, 3], 1].min() > 0.5, "others have these names with their tags"
    assert cross_predict_words(rows[:1], FakeWords()(rows[:1]), given[:1], 2) == ([], [])


CITIES = [("Bonn", "Ulm"), ("Ulm", "Trier"), ("Trier", "Bonn")]
