"""Classifiers that nobody trained, for tests of what is done with a classifier."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from portside.registry import ModelRegistry, ModelVersion


@pytest.fixture
def save_random(tiny_encoder: Path) -> Callable[..., None]:
    """``save_random(folder, labels, seed=…)`` writes a classifier with random weights in the folder format."""

    def save(folder: Path, labels: Sequence[str], *, seed: int) -> None:
        import torch

        from portside.inference.bert import Bert
        from portside.inference.folder import ModelFile
        from portside.inference.tokens import Tokens
        from portside.tasks.classification_network import ClassificationNetwork
        from portside.tasks.network_folder import save_network

        tokens = Tokens(tiny_encoder, max_tokens=16)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = ClassificationNetwork(Bert(tokens.config), 32, len(labels))
            torch.nn.init.normal_(network.head.weight)
        model = ModelFile("classification", tokens.max_tokens, tuple(labels))
        save_network(folder, network, tokens, tokens.config, model)

    return save


@pytest.fixture
def register_random(save_random: Callable[..., None]) -> Callable[..., ModelVersion]:
    """``register_random(registry, labels, seed=…)`` registers and promotes one as ``intents``."""

    def register(registry: ModelRegistry, labels: Sequence[str], *, seed: int) -> ModelVersion:
        with registry.staging("intents") as folder:
            save_random(folder, labels, seed=seed)
            return registry.register("intents", folder, {}, actor="a", reason="r", promote=True, check=lambda _: None)

    return register
