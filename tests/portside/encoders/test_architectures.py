"""Encoders of other architectures: every task trains on them, registers and answers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file, save_file

from portside.apps import load
from portside.data import Dataset
from portside.data.multilabel import MultiLabelDataset
from portside.data.tagged import TaggedDataset
from portside.encoders import load_backbone, resolve_encoder
from portside.errors import ModelError
from portside.inference.classifier import load_classifier
from portside.inference.multilabel import load_multilabeller
from portside.inference.tagger import load_tagger
from portside.inference.tokens import Tokens
from portside.progress import NullProgress
from portside.records import Example, MultiLabelled, Tagged
from portside.registry import ModelRegistry, ModelVersion
from portside.tasks.spec import find_task
from portside.training.run import Order, train_task

Encoders = Callable[[str], Path]


def rows(task: str) -> Any:
    if task == "classification":
        pairs = [(f"where is my {word} {row}", word) for row in range(8) for word in ("card", "parcel")]
        return Dataset.of([Example(*pair) for pair in pairs])
    if task == "multilabel":
        every: list[tuple[str, ...]] = [("card",), ("parcel",), ("card", "parcel"), ()]
        return MultiLabelDataset(
            tuple(MultiLabelled(f"my {' '.join(one)} {row}", one) for row in range(5) for one in every), "m"
        )
    made = [
        Tagged(("we", "saw", "Ann", "in", "Paris", f"{row}"), ("O", "O", "B-PER", "O", "B-LOC", "O"), row)
        for row in range(8)
    ] + [Tagged(tuple("王芳去上海"), ("B-PER", "I-PER", "O", "B-LOC", "I-LOC"), 100 + row) for row in range(8)]
    return TaggedDataset(tuple(made), "t")


def trained(task: str, encoder: Path, home: Path, **changes: Any) -> ModelVersion:
    spec = find_task(task)
    recipe = spec.recipe(
        encoder=str(encoder),
        epochs=1,
        batch_size=8,
        precision="fp32",
        max_tokens=changes.pop("max_tokens", 32),
        **changes,
    )
    order = Order(ModelRegistry(home / "models"), "m", home / "runs", NullProgress(), "ann", "a test")
    return train_task(recipe, load(spec.make)(recipe, rows(task), rows(task)), order)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["roberta", "mpnet", "deberta-v2", "modernbert"])
def test_a_classifier_trains_on_it(foreign_encoder: Encoders, tmp_path: Path, kind: str) -> None:
    version = trained("classification", foreign_encoder(kind), tmp_path, max_tokens=512)
    # As long as it can read: one token more has no position.
    limit = version.card["limits"]["max_tokens"]
    assert limit == (64 if kind in ("roberta", "mpnet") else 66)
    classifier = load_classifier(version)
    found = classifier.probabilities(["card " * 500, "", "我的卡 👩\u200d👩 \ud83d"])
    assert found.sum(axis=1) == pytest.approx(1.0)
    alone = classifier.probabilities(["where is my card"])
    assert classifier.probabilities(["where is my card", "card " * 50])[0] == pytest.approx(alone[0], abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["bert-chinese", "roberta", "xlm-roberta"])
def test_a_tagger_trains_on_it(foreign_encoder: Encoders, tmp_path: Path, kind: str) -> None:
    version = trained("tagging", foreign_encoder(kind), tmp_path, context=0)
    tagger = load_tagger(version)
    assert [len(tags) for tags in tagger.tag([["we", "saw", "Ann"], list("王芳去上海")])] == [3, 5]
    text = "we saw Ann. 王芳去上海 👩\u200d👩"
    assert all(text[one.start : one.end] == one.text for one in tagger.entities([text])[0])


@pytest.mark.slow
def test_several_labels_train_on_it(foreign_encoder: Encoders, tmp_path: Path) -> None:
    version = trained("multilabel", foreign_encoder("xlm-roberta"), tmp_path)
    assert set(load_multilabeller(version).predict(["my card"])[0].probabilities) == {"card", "parcel"}


@pytest.mark.parametrize("kind", ["roberta", "mpnet", "deberta-v2", "modernbert", "distilbert"])
def test_dropout_reaches_the_hidden_states_of_each(foreign_encoder: Encoders, kind: str) -> None:
    import torch

    ids = torch.tensor(Tokens(foreign_encoder(kind), max_tokens=64)(["where is my card"]).ids)
    for dropout in (0.0, 0.3):
        network = load_backbone(foreign_encoder(kind), dropout=dropout).train()
        first, second = (network(input_ids=ids, attention_mask=torch.ones_like(ids))[0] for _ in range(2))
        assert torch.equal(first, second) == (dropout == 0.0)
        config = network.config
        assert not any(getattr(config, name, 0) for name in ("attention_dropout", "attention_probs_dropout_prob"))


def text(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], object]:
    """Changes ``config.json``."""

    def apply(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text())
        change(config)
        (folder / "config.json").write_text(json.dumps(config))

    return apply


def without_layer(folder: Path) -> None:
    kept = {name: value for name, value in load_file(folder / "model.safetensors").items() if "layer.1." not in name}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})


def in_shards(folder: Path, *, lose: bool = False) -> None:
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    parts = {name: f"model-{place % 2 + 1:05}-of-00002.safetensors" for place, name in enumerate(sorted(weights))}
    for part in set(parts.values()):
        save_file({name: weights[name] for name in weights if parts[name] == part}, folder / part, {"format": "pt"})
    index = {"metadata": {"total_size": 1}, "weight_map": parts}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    if lose:
        (folder / "model-00002-of-00002.safetensors").unlink()


def only_vocabulary(folder: Path) -> None:
    """As published before there were fast tokenizers."""
    words = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.txt").write_text("\n".join(sorted(words, key=words.get)) + "\n")
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer"}')


def read_all(folder: Path) -> list[list[int]]:
    """What a training asks of the folder before its first step, and a forward pass."""
    import torch

    network = load_backbone(resolve_encoder(str(folder)).folder, dropout=0.1)
    tokens = Tokens(folder, max_tokens=512)
    ids = tokens(["where is my card"]).ids
    assert torch.isfinite(network(input_ids=torch.tensor(ids), attention_mask=torch.ones(1, len(ids[0])))[0]).all()
    return ids


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("bert-chinese", in_shards),
        ("bert-chinese", only_vocabulary),
        ("bert-chinese", text(lambda config: config.pop("pad_token_id"))),
        ("roberta", text(lambda config: config.update(pad_token_id=None))),
    ],
)
def test_folders_that_differ_are_read_the_same(
    foreign_encoder: Encoders, tmp_path: Path, kind: str, change: Callable[[Path], object]
) -> None:
    folder = Path(shutil.copytree(foreign_encoder(kind), tmp_path / "encoder"))
    change(folder)
    assert read_all(folder) == read_all(foreign_encoder(kind))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda folder: (folder / "model.safetensors").rename(folder / "pytorch_model.bin"), "pickled"),
        (lambda folder: (folder / "model.safetensors").rename(folder / "adapter_model.safetensors"), "safetensors"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"half"), "whole weights"),
        (lambda folder: in_shards(folder, lose=True), "model-00002-of-00002"),
        (without_layer, "lacks 16 of them, such as encoder.layer.1"),
        (text(lambda config: config.update(hidden_size=64)), "whole weights that fit"),
        (text(lambda config: config.update(model_type="frobnicator")), "frobnicator"),
        (text(lambda config: config.pop("model_type")), "model_type"),
        (text(lambda config: config.update(auto_map={"AutoConfig": "m.C"}, model_type="own")), "code of their own"),
        (text(lambda config: config.update(is_encoder_decoder=True)), "decoder"),
        (text(lambda config: config.update(vocab_size=10)), "fit it|vocabulary of the encoder"),
        (lambda folder: (folder / "config.json").write_text("{"), "config"),
        (lambda folder: (folder / "tokenizer.json").write_text("{"), "readable tokenizer"),
        (lambda folder: (folder / "tokenizer.json").unlink(), "readable tokenizer"),
        (
            lambda folder: (folder / "tokenizer.json").rename(folder / "sentencepiece.bpe.model"),
            "tokenizer must have the vocabulary|readable tokenizer",
        ),
    ],
)
def test_a_folder_that_cannot_be_trained_on_is_advice(
    foreign_encoder: Encoders, tmp_path: Path, change: Callable[[Path], object], told: str
) -> None:
    folder = Path(shutil.copytree(foreign_encoder("bert-chinese"), tmp_path / "encoder"))
    change(folder)
    with pytest.raises(ModelError, match=told) as caught:
        read_all(folder)
    assert caught.value.remedy
