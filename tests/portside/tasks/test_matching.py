"""What a matching recipe and its data must say."""

from __future__ import annotations

import pytest

from portside.data.matching import MatchingDataset
from portside.errors import DataError, UsageError
from portside.records import Judged
from portside.tasks.matching import (
    MatchingRecipe,
    check_trainable,
    relevance_by_query,
    relevant_documents,
    with_further,
)


def judged(*rows: tuple[str, str, float]) -> MatchingDataset:
    found = tuple(Judged(*row) for row in rows)
    documents = {one.document: f"text {one.document}" for one in found}
    return MatchingDataset(documents, {one.query: f"ask {one.query}" for one in found}, found, "set.csv")


def test_relevance_of_a_pair_is_the_highest_that_was_said() -> None:
    rows = judged(("q", "a", 0.2), ("q", "b", 1), ("q", "b", 3), ("q", "c", 0), ("p", "c", -1)).judged
    assert relevance_by_query(rows) == {"q": {"a": 0.2, "b": 3}, "p": {}}
    assert relevant_documents(rows) == {"q": {"b"}}


def test_data_without_anything_to_tell_apart_is_refused() -> None:
    check_trainable(judged(("p", "a", 1), ("q", "b", 1)))
    with pytest.raises(DataError, match="none with relevance"):
        check_trainable(judged(("p", "a", 0), ("q", "b", 0)))
    for rows in ([("p", "a", 1)], [("p", "a", 1), ("q", "a", 1)], [("p", "a", 1), ("p", "b", 1)]):
        with pytest.raises(DataError, match="two queries and two documents"):
            check_trainable(judged(*rows))


def test_a_batch_cannot_be_cut() -> None:
    with pytest.raises(UsageError, match="Leave micro_batch_size out"):
        MatchingRecipe(batch_size=64, micro_batch_size=8)


@pytest.mark.parametrize(
    "wrong", [{"batch_size": 1}, {"temperature": 0.0}, {"hard_negatives": -1}, {"method": "prototype"}]
)
def test_a_recipe_refuses_what_cannot_be(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        MatchingRecipe(**wrong)  # type: ignore[arg-type]


def test_passes_are_few_for_many_rows() -> None:
    recipe = MatchingRecipe(batch_size=10)
    assert recipe.passes(10) > recipe.passes(100) > recipe.passes(300) > recipe.passes(100_000) == 1
    assert MatchingRecipe(epochs=7).passes(100_000) == 7


def test_further_documents_get_ids_of_their_own() -> None:
    found = with_further({"a": "one", "further 1": "two"}, ["one", "three", "three", "four"])
    assert found == {"a": "one", "further 1": "two", "further 1'": "three", "further 2": "four"}
