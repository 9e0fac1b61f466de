from __future__ import annotations

from typing import Any

import pytest

from portside.data import Dataset
from portside.errors import DataError, UsageError
from portside.records import Example
from portside.tasks.classification import ClassificationRecipe, class_weights, label_order
from portside.tasks.recipe import default_epochs


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epochs", 0),
        ("batch_size", 0),
        ("micro_batch_size", 5),
        ("micro_batch_size", 0),
        ("encoder_lr", 0.0),
        ("head_lr", float("nan")),
        ("dropout", 1.0),
        ("warmup", -0.1),
        ("max_tokens", 2),
        ("precision", "fp16"),
        ("patience", 0),
        ("budget_seconds", 0.0),
        ("max_grad_norm", -1.0),
    ],
)
def test_a_recipe_refuses_what_cannot_be_and_prints_it(field: str, value: Any) -> None:
    with pytest.raises(UsageError) as caught:
        ClassificationRecipe(**{field: value})
    assert field in str(caught.value)
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "epochs"), [(10, 20), (1_000, 16), (10_003, 5), (49_999, 5), (50_000, 3), (300_000, 1), (5_000_000, 1)]
)
def test_epochs_by_size(rows: int, epochs: int) -> None:
    assert default_epochs(rows, 32) == epochs


def test_class_weights_make_labels_count_the_same() -> None:
    weights = class_weights([0, 0, 0, 1], 3)
    assert weights == pytest.approx((4 / 6, 2.0, 0.0))
    assert 3 * weights[0] == pytest.approx(1 * weights[1])
    assert (3 * weights[0] + weights[1]) / 4 == pytest.approx(1.0)


def test_labels_are_sorted() -> None:
    data = Dataset.of([Example("x", "b"), Example("y", "a"), Example("z", "b")])
    assert label_order(data) == ("a", "b")


@pytest.mark.parametrize("labels", [[], ["a"], ["a", "a"]])
def test_fewer_than_two_labels_are_no_classification(labels: list[str]) -> None:
    with pytest.raises(DataError, match="at least two labels"):
        label_order(Dataset.of([Example("x", label) for label in labels], source="in.csv"))


def test_a_row_without_label_is_named() -> None:
    data = Dataset.of([Example("x", "a"), Example("y", " "), Example("z", "b")], source="in.csv")
    with pytest.raises(DataError, match=r"in\.csv, row 2"):
        label_order(data)
