"""Texts of one label drawn together: by hand, and as a part of the loss."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from portside.errors import UsageError
from portside.tasks.classification import CONTRAST, FEW_TEXTS, ClassificationRecipe
from portside.tasks.classification_network import ClassificationNetwork
from portside.tasks.supervised_contrast import supervised_contrast


class Words(nn.Module):
    """Each token's vector is a row of a table."""

    def __init__(self) -> None:
        super().__init__()
        self.config = SimpleNamespace()
        self.table = nn.Embedding(10, 4)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor]:
        return (self.table(input_ids),)


EAST, NORTH = [1.0, 0.0], [0.0, 2.0]


def test_by_hand() -> None:
    # Of three texts two share a label and a direction: each of them has its partner at cosine 1, the other at 0.
    found = supervised_contrast(torch.tensor([EAST, EAST, NORTH]), torch.tensor([0, 0, 1]), temperature=1.0)
    assert found.item() == pytest.approx(math.log(1 + math.exp(-1.0)), abs=1e-6)
    # Where the partners stand at right angles and the stranger beside one of them: log(e + 1) - 0 for it, log 2 else.
    found = supervised_contrast(torch.tensor([EAST, NORTH, EAST]), torch.tensor([0, 0, 1]), temperature=1.0)
    assert found.item() == pytest.approx((math.log(math.e + 1) + math.log(2)) / 2, abs=1e-6)


def test_the_mean_over_partners_is_outside_the_logarithm() -> None:
    vectors = torch.tensor([EAST, EAST, NORTH])
    found = supervised_contrast(vectors, torch.tensor([0, 0, 0]), temperature=1.0)
    near, far = math.log(1 + math.exp(-1)), math.log(1 + math.exp(1))
    assert found.item() == pytest.approx(((near + far) / 2 * 2 + math.log(2)) / 3, abs=1e-6)


def test_without_partners_there_is_nothing_to_pay_and_nothing_breaks() -> None:
    vectors = torch.tensor([EAST, NORTH, [0.0, 0.0]], requires_grad=True)
    found = supervised_contrast(vectors, torch.tensor([0, 1, 2]))
    found.backward()  # type: ignore[no-untyped-call]
    assert found.item() == 0.0
    assert vectors.grad is not None
    assert torch.isfinite(vectors.grad).all()


def test_neither_the_order_nor_the_lengths_of_vectors_matter() -> None:
    torch.manual_seed(0)
    vectors, labels = torch.randn(8, 5), torch.tensor([0, 1, 2, 0, 1, 2, 0, 3])
    order = torch.randperm(8)
    whole = supervised_contrast(vectors, labels).item()
    assert supervised_contrast(vectors[order], labels[order]).item() == pytest.approx(whole, rel=1e-5)
    assert supervised_contrast(vectors * torch.arange(1.0, 9.0)[:, None], labels).item() == pytest.approx(
        whole, rel=1e-5
    )


def test_steps_down_its_gradient_bring_the_texts_of_a_label_together() -> None:
    torch.manual_seed(0)
    vectors, labels = torch.randn(6, 4, requires_grad=True), torch.tensor([0, 0, 1, 1, 2, 2])
    optimizer = torch.optim.SGD([vectors], lr=0.1)
    for _ in range(200):
        optimizer.zero_grad()
        supervised_contrast(vectors, labels).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    unit = torch.nn.functional.normalize(vectors.detach(), dim=1)
    likeness = unit @ unit.T
    assert min(likeness[0, 1], likeness[2, 3], likeness[4, 5]) > likeness[0, 2:].max() + 0.3


def test_a_classifier_pays_for_it_only_while_it_is_trained() -> None:
    torch.manual_seed(0)
    ids, mask, labels = torch.tensor([[1, 2], [3, 4], [5, 6]]), torch.ones(3, 2), torch.tensor([0, 0, 1])
    networks = [ClassificationNetwork(Words(), 4, 2, contrast=weight) for weight in (0.0, 2.0)]
    networks[1].load_state_dict(networks[0].state_dict())
    plain, paying = (network.train()(ids, mask, labels)["loss"].item() for network in networks)
    owed = supervised_contrast(networks[0].encoder.table(ids).mean(dim=1), labels).item()  # type: ignore[union-attr,operator]
    assert paying == pytest.approx(plain + 2.0 * owed, rel=1e-5)
    silent = [network.eval()(ids, mask, labels)["loss"].item() for network in networks]
    assert silent[0] == silent[1]


@pytest.mark.parametrize(
    ("changes", "texts", "weight"),
    [
        ({}, 10 * FEW_TEXTS, CONTRAST),
        ({}, 10 * FEW_TEXTS + 1, 0.0),  # of more texts a label it was not measured
        ({"micro_batch_size": 8}, 10, 0.0),  # rows of a batch are compared with one another
        ({"micro_batch_size": 32}, 10, CONTRAST),
        ({"contrast": 0.0}, 10, 0.0),
        ({"contrast": 2.0}, 10_000, 2.0),
        ({"method": "full"}, 10, 0.0),
    ],
)
def test_few_texts_a_label_are_contrasted(changes: dict[str, object], texts: int, weight: float) -> None:
    recipe = ClassificationRecipe(**{"method": "few-shot", **changes})  # type: ignore[arg-type]
    assert recipe.contrast_of(texts, 10) == weight


@pytest.mark.parametrize(
    "wrong",
    [
        {"contrast": -1.0},
        {"contrast": math.nan},
        {"contrast": math.inf},
        {"method": "full", "contrast": 1.0},
        {"contrast": 1.0, "micro_batch_size": 8},
    ],
)
def test_a_weight_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        ClassificationRecipe(**{"method": "few-shot", **wrong})  # type: ignore[arg-type]
