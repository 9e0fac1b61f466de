"""Every architecture can be asked why: its gradients along the embeddings are those of what it computes of the ids."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from portside.encoders import load_backbone
from portside.evaluation.attribution import explain
from portside.inference.attributor import FolderAttributor
from portside.inference.folder import ModelFile
from portside.inference.tokens import Tokens

TEXTS = ["where is my card, 42", "我的卡在哪里？", "card " * 60, "👩\u200d👩 é \ud83d", ""]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["bert-chinese", "roberta", "mpnet", "deberta-v2", "modernbert", "xlm-roberta"])
def test_a_classifier_of_it_is_explained(foreign_encoder: Callable[[str], Path], tmp_path: Path, kind: str) -> None:
    import torch

    from portside.tasks.classification_network import ClassificationNetwork
    from portside.tasks.network_folder import save_network

    tokens = Tokens(foreign_encoder(kind), max_tokens=48)
    network = ClassificationNetwork(load_backbone(foreign_encoder(kind)), 32, 3)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        torch.nn.init.normal_(network.head.weight)
    file = ModelFile("classification", tokens.max_tokens, ("a", "b", "c"))
    save_network(tmp_path, network.eval(), tokens, tokens.config, file)
    attributor = FolderAttributor(tmp_path, model="m:1")
    odds = attributor.log_odds(TEXTS)
    asked = [one for (one,) in attributor.answers(TEXTS, "a")]
    for place, one in enumerate(attributor.integrated_gradients(TEXTS, asked)):
        assert one.score == pytest.approx(odds[place, 0], abs=1e-4)
        assert one.values.sum() == pytest.approx(one.score - one.baseline, abs=0.02)
    found = explain(attributor, TEXTS)
    assert [word.text for word in found[0].words] == ["where", "is", "my", "card", ",", "42"]
    assert [word.text for word in found[1].words] == list(TEXTS[1])
    assert [one.cut for one in found] == [False, False, True, False, False]
    # Blanks and signs of a tokenizer's own belong to no word, and words get all the rest.
    for one in found[:2]:
        assert one.values["integrated-gradients"].any()
