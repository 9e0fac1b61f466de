"""Two passes that must agree: by hand, and as a part of the loss."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from portside.tasks.classification_network import ClassificationNetwork
from portside.tasks.consistency import disagreement, doubled
from portside.tasks.tagging_network import IGNORED, TaggingNetwork


class Words(nn.Module):
    """Each token's vector is a row of a table."""

    def __init__(self) -> None:
        super().__init__()
        self.config = SimpleNamespace()
        self.table = nn.Embedding(10, 4)

    def get_input_embeddings(self) -> nn.Embedding:
        return self.table

    def forward(
        self, input_ids: Tensor | None = None, attention_mask: Tensor | None = None, inputs_embeds: Tensor | None = None
    ) -> tuple[Tensor]:
        return (self.table(input_ids) if inputs_embeds is None else inputs_embeds,)


def test_the_divergence_by_hand() -> None:
    even, sure = [0.0, 0.0], [math.log(3.0), 0.0]  # a half and a half; three quarters and one
    found = disagreement(torch.tensor([even, even, sure, even]))
    forth = 0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5)
    back = 0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25)
    assert found.tolist() == pytest.approx([(forth + back) / 2, 0.0], abs=1e-6)


def test_rows_come_twice_in_their_order() -> None:
    ids, mask = doubled(torch.tensor([[1], [2]]), torch.tensor([[1], [0]]))
    assert ids.flatten().tolist() == [1, 2, 1, 2]
    assert mask.flatten().tolist() == [1, 0, 1, 0]


def test_a_classifier_pays_for_disagreement_only_while_it_is_trained() -> None:
    torch.manual_seed(0)
    ids, mask, labels = torch.tensor([[1, 2], [3, 4]]), torch.ones(2, 2), torch.tensor([0, 1])
    networks = [ClassificationNetwork(Words(), 4, 2, dropout=0.5, consistency=weight) for weight in (0.0, 100.0)]
    networks[1].load_state_dict(networks[0].state_dict())
    plain, paying = (network.train()(ids, mask, labels) for network in networks)
    assert plain["logits"].shape == (2, 2)
    assert paying["logits"].shape == (4, 2)
    assert paying["loss"] > plain["loss"]
    silent = [network.eval()(ids, mask, labels) for network in networks]
    assert silent[0]["loss"] == silent[1]["loss"]
    assert silent[1]["logits"].shape == (2, 2)


def test_without_dropout_two_passes_agree() -> None:
    ids, mask, labels = torch.tensor([[1, 2], [3, 4]]), torch.ones(2, 2), torch.tensor([0, 1])
    network = ClassificationNetwork(Words(), 4, 2, consistency=5.0)
    assert network.train()(ids, mask, labels)["loss"].item() == pytest.approx(
        network.eval()(ids, mask, labels)["loss"].item(), abs=1e-6
    )


def test_a_tagger_pays_for_the_words_that_are_asked_for() -> None:
    torch.manual_seed(0)
    network = TaggingNetwork(Words(), 4, 3, case=False, dropout=0.5, consistency=50.0).train()
    ids, mask, cases = torch.tensor([[1, 2, 3]]), torch.ones(1, 3), torch.zeros(1, 3, dtype=torch.long)
    asked = network(ids, mask, cases, torch.tensor([[0, IGNORED, 2]]))
    nothing = network(ids, mask, cases, torch.tensor([[IGNORED, IGNORED, IGNORED]]))
    assert asked["loss"] > 3.0
    assert nothing["loss"] == 0.0
