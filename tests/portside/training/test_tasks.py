"""What tasks refuse before a training begins, and which rows they keep aside."""

from __future__ import annotations

import pytest

from portside.data.multilabel import MultiLabelDataset
from portside.data.tagged import TaggedDataset
from portside.errors import DataError, UsageError
from portside.records import MultiLabelled, Tagged
from portside.training import multilabel, tagging
from portside.training.multilabel import MultiLabelRecipe
from portside.training.tagging import TaggingRecipe


def sentences(rows: int, *, kind: str = "PER", documents: int = 1) -> TaggedDataset:
    each = -(-rows // documents)
    return TaggedDataset(
        tuple(Tagged(("Ann", f"left{row}"), (f"B-{kind}", "O"), row // each) for row in range(rows)), "s.txt"
    )


def texts(rows: int) -> MultiLabelDataset:
    return MultiLabelDataset(tuple(MultiLabelled(f"text {row}", ("a", "b")[: row % 3]) for row in range(rows)), "t.csv")


def test_a_validation_type_or_label_that_training_lacks_is_refused_at_once() -> None:
    with pytest.raises(DataError, match="LOC"):
        tagging.make_task(TaggingRecipe(), sentences(10), sentences(10, kind="LOC"))
    with pytest.raises(DataError, match="c"):
        multilabel.make_task(MultiLabelRecipe(), texts(10), MultiLabelDataset((MultiLabelled("x", ("c",)),), "v.csv"))


def test_nothing_to_learn_is_refused() -> None:
    with pytest.raises(DataError, match="entities"):
        tagging.make_task(TaggingRecipe(), TaggedDataset((Tagged(("a",), ("O",)),), "s.txt"))
    with pytest.raises(DataError, match="labels"):
        multilabel.make_task(MultiLabelRecipe(), MultiLabelDataset((MultiLabelled("x", ()),), "v.csv"))


@pytest.mark.parametrize("recipe", [TaggingRecipe, MultiLabelRecipe])
def test_methods_of_classification_are_refused(recipe: type) -> None:
    with pytest.raises(UsageError, match="full"):
        recipe(method="prototype")


def test_neighbouring_sentences_are_kept_aside_together() -> None:
    made = tagging.make_task(TaggingRecipe(), sentences(1000)).material
    held = [int(one.tokens[1].removeprefix("left")) for one in made.valid]
    assert 100 <= len(held) <= 200
    assert len(made.train) + len(held) == 1000
    # Blocks of twenty: nearly all have both neighbours with them.
    assert sum(place + 1 in held for place in held) > 0.9 * len(held)
    again = tagging.make_task(TaggingRecipe(), sentences(1000)).material
    assert again.valid == made.valid
    assert tagging.make_task(TaggingRecipe(seed=1), sentences(1000)).material.valid != made.valid


def test_texts_are_kept_aside_once() -> None:
    made = multilabel.make_task(MultiLabelRecipe(), texts(400)).material
    assert len(made.train) + len(made.valid) == 400
    assert not {one.text for one in made.train} & {one.text for one in made.valid}


def test_a_sentence_that_also_stands_in_training_is_not_validated_on() -> None:
    alike = tuple(Tagged(("Ann", "left", str(row % 10)), ("B-PER", "O", "O"), row) for row in range(200))
    alone = tuple(Tagged(("Bob", "came", str(row)), ("B-PER", "O", "O"), 200 + row) for row in range(200))
    material = tagging.make_task(TaggingRecipe(), TaggedDataset((*alike, *alone), "s.txt")).material
    assert material.valid
    assert {one.tokens for one in material.valid}.isdisjoint(one.tokens for one in material.train)
