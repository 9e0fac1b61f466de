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


@pytest.fixture
def save_task(tiny_encoder: Path, save_random: Callable[..., None]) -> Callable[[Path, str], None]:
    """``save_task(folder, task)`` writes a model of any task of the core with random weights in the folder format."""

    def save(folder: Path, task: str) -> None:
        from portside.inference.folder import ModelFile, write_model_file

        folder.mkdir(parents=True, exist_ok=True)
        if task == "matching":
            save_matcher(folder, tiny_encoder)
        elif task == "tagging":
            save_tagger(folder, tiny_encoder)
        else:
            labels = ("card", "parcel", "refund")
            save_random(folder, labels, seed=3)
            if task == "multilabel":
                write_model_file(folder, ModelFile(task, 16, labels, {"threshold": 0.5}))

    return save


def save_matcher(folder: Path, encoder: Path) -> None:
    import numpy as np

    from portside.inference.folder import ModelFile
    from portside.inference.matcher import FolderMatcher, save_documents
    from portside.inference.network import pretrained_encoder
    from portside.inference.tokens import Tokens
    from portside.tasks.network_folder import save_network

    documents = {"d1": "the card is late", "d2": "my parcel", "d3": "money back please"}
    tokens = Tokens(encoder, max_tokens=16)
    file = ModelFile("matching", 16, options={"also": ["encoder"], "system": "vectors"})
    save_network(folder, pretrained_encoder(encoder), tokens, tokens.config, file)
    matcher = FolderMatcher(folder, model="check")
    vectors = np.concatenate([matcher.encode([text]) for text in documents.values()])
    save_documents(folder, documents, vectors)


def save_tagger(folder: Path, encoder: Path) -> None:
    import torch

    from portside.inference.bert import Bert
    from portside.inference.folder import ModelFile
    from portside.inference.tokens import Tokens
    from portside.tasks.network_folder import save_network
    from portside.tasks.tagging_network import TaggingNetwork

    tags = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
    tokens = Tokens(encoder, max_tokens=16)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        network = TaggingNetwork(Bert(tokens.config), 32, len(tags), case=True)
        torch.nn.init.normal_(network.head.weight)
        assert network.case is not None
        torch.nn.init.normal_(network.case.weight, std=0.02)
    file = ModelFile("tagging", 16, tags, {"case_feature": True, "context": 4})
    save_network(folder, network.eval(), tokens, tokens.config, file)
