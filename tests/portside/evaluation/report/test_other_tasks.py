"""Reports on taggers and on several labels: mistakes by hand, broken models called out in words."""

from __future__ import annotations

import numpy as np
import pytest

from portside.evaluation.report.multilabel import labels_section
from portside.evaluation.report.tagging import TaggedRows, names_section
from portside.evaluation.report.versus import versus_section
from portside.evaluation.significance import bootstrap_ratio, paired_ratio

NAMES = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")


def asked(truth: list[str], found: list[str]) -> TaggedRows:
    rows = [np.eye(len(NAMES))[[NAMES.index(tag) for tag in tags.split()]] * 0.9 + 0.02 for tags in found]
    sentences = [list("abcde")[: len(tags.split())] for tags in truth]
    return TaggedRows(NAMES, sentences, [tags.split() for tags in truth], rows)


def test_each_mistake_is_told_for_what_it_is() -> None:
    truth = ["B-PER I-PER O", "B-LOC O O", "B-PER O O", "O O O", "B-LOC O B-PER"]
    found = ["B-PER O O", "B-PER O O", "O O O", "O B-LOC O", "B-LOC O B-PER"]
    made = names_section(asked(truth, found))
    assert made.sentences[0] == (
        "It finds 2 of 5 names with the right type and both ends; of the 5 names that it gives, 3 are wrong."
    )
    kinds = [row[2:] for row in made.tables[1].rows]
    assert kinds == [
        ["other ends", "PER: a b", "PER: a"],
        ["other type", "LOC: a", "PER: a"],
        ["missed", "PER: a", ""],
        ["no name", "", "LOC: b"],
    ]
    assert not made.warnings


def test_a_tagger_that_learned_from_shuffled_tags_is_called_out() -> None:
    made = names_section(asked(["B-PER O O"] * 100, ["O O B-LOC"] * 100))
    assert any("next to none" in warning for warning in made.warnings)


@pytest.mark.parametrize(("shuffled", "called_out"), [(True, True), (False, False)])
def test_labels_that_do_not_fit_their_texts_are_called_out(shuffled: bool, called_out: bool) -> None:
    random = np.random.default_rng(0)
    truth = random.random((200, 3)) < [0.7, 0.3, 0.2]
    given = np.where(random.permutation(truth) if shuffled else truth, 0.9, 0.1)
    made = labels_section(["text"] * 200, ("a", "b", "c"), given, truth, 0.5)
    assert bool(made.warnings) == called_out


def test_ratios_by_hand() -> None:
    sums = np.array([[2.0, 2.0], [0.0, 2.0], [2.0, 4.0]])
    assert bootstrap_ratio(sums).value == 0.5
    assert paired_ratio(sums, sums).low == paired_ratio(sums, sums).high == 0.0
    better = np.array([[2.0, 2.0], [2.0, 2.0], [4.0, 4.0]])
    assert paired_ratio(sums, better).value == 0.5


def test_a_version_is_better_only_where_chance_is_ruled_out() -> None:
    random = np.random.default_rng(1)
    before = np.stack([random.random(300) < 0.5, np.ones(300)], axis=1).astype(float)
    after = before.copy()
    after[:3, 0] = 1
    assert "may be chance" in versus_section("F1", "a:2", "a:1", before.copy(), before).sentences[0]
    after[:100, 0] = 1
    assert versus_section("F1", "a:2", "a:1", after, before).sentences[0].startswith("a:2 is better")
