"""How the vectors of tokens become a text's: where it is said, and that every reader of an encoder does it so."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from portside.data import Dataset
from portside.data.matching import MatchingDataset
from portside.data.texts import unique_texts
from portside.encoders import load_backbone, resolve_encoder
from portside.inference.attributor import FolderAttributor, Variant
from portside.inference.encoder import BundledEncoder, load_encoder, save_encoder
from portside.inference.engines.store import encoder_place
from portside.inference.folder import ModelFile, read_model_file, write_model_file
from portside.inference.matcher import load_matcher
from portside.inference.matching_attributor import MatchingAttributor
from portside.inference.network import unit_length
from portside.inference.pooling import Pooling, known_pooling, pooling_of
from portside.inference.tokens import Tokens
from portside.progress import NullProgress
from portside.records import Example, Judged
from portside.registry import ModelRegistry, ModelVersion
from portside.tasks.classification import ClassificationRecipe
from portside.tasks.classification_network import load_network as load_classification
from portside.tasks.matching import MatchingRecipe
from portside.tasks.recipe import TrainingRecipe
from portside.training.adaptation import AdaptationRecipe, AdaptationTask
from portside.training.classification import make_task as make_classification
from portside.training.matching import make_task as make_matching
from portside.training.run import Order, Task, train_task

FIRST = {"word_embedding_dimension": 32, "pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}
WORDS = ("card", "parcel", "money")
TEXTS = ["card", "where is my parcel", "the money is late"]


@pytest.fixture
def folder(tiny_encoder: Path, tmp_path: Path) -> Path:
    """An encoder that was taught by its first token."""
    made = Path(shutil.copytree(tiny_encoder, tmp_path / "encoder"))
    note(made, FIRST)
    return made


def note(folder: Path, pooling: Any) -> None:
    (folder / "1_Pooling").mkdir(exist_ok=True)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))


def first_tokens(folder: Path, texts: list[str]) -> NDArray[np.float32]:
    """By transformers' own network, one text at a time."""
    network: Any = load_backbone(folder).eval()
    tokens = Tokens(folder, max_tokens=64)
    with torch.inference_mode():
        rows = [network(torch.tensor([ids]))[0][0, 0].numpy() for ids in tokens(texts).ids]
    return unit_length(np.stack(rows))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("BAAI/bge-small-zh-v1.5", "first"),
        ("BAAI/bge-m3", "first"),
        ("mixedbread-ai/mxbai-embed-large-v1", "first"),
        ("Snowflake/snowflake-arctic-embed-l-v2.0", "first"),
        ("/home/ann/hub/models--BAAI--bge-base-en-v1.5/snapshots/0a1b", "first"),
        ("intfloat/multilingual-e5-small", "mean"),
        ("sentence-transformers/all-MiniLM-L6-v2", "mean"),
        ("", "mean"),
    ],
)
def test_a_family_is_known_by_its_published_name(name: str, expected: Pooling) -> None:
    assert known_pooling(name) == expected


def test_the_folder_goes_before_the_name_and_what_portside_wrote_before_both(folder: Path, tmp_path: Path) -> None:
    cached = folder.rename(tmp_path / "models--BAAI--bge-small-zh-v1.5")
    assert pooling_of(cached) == "first"
    note(cached, {**FIRST, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True})
    assert pooling_of(cached) == "mean"
    note(cached, {"embedding_dimension": 32, "pooling_mode": "cls"})
    assert pooling_of(cached) == "first"
    for nothing in ("{", [], 3):
        note(cached, nothing)
        assert pooling_of(cached) == "first", "by its name"
    elsewhere = cached.rename(tmp_path / "bge-small-zh-v1.5")
    note(elsewhere, [])
    assert pooling_of(elsewhere) == "mean", "anybody may call a folder so"
    config = json.loads((elsewhere / "config.json").read_text())
    (elsewhere / "config.json").write_text(json.dumps({**config, "_name_or_path": "BAAI/bge-small-zh-v1.5"}))
    assert pooling_of(elsewhere) == "first"
    # A folder of Portside's says it itself; one from before there was a choice was read by the mean.
    write_model_file(elsewhere, ModelFile("encoder", 32))
    assert pooling_of(elsewhere) == "mean"
    write_model_file(elsewhere, ModelFile("encoder", 32, options={"pooling": "first"}))
    assert pooling_of(elsewhere) == "first"


def test_an_untuned_encoder_is_read_as_it_was_taught_and_named_so(folder: Path, tiny_encoder: Path) -> None:
    encoder = BundledEncoder(str(folder))
    np.testing.assert_allclose(encoder.encode(TEXTS), first_tokens(folder, TEXTS), atol=1e-6)
    assert np.abs(encoder.encode(TEXTS) - load_encoder(tiny_encoder).encode(TEXTS)).max() > 1e-2
    # An index that was made by the mean is made anew.
    assert encoder.model == f"{folder} (first token)"
    source = resolve_encoder(str(folder))
    places = {encoder_place(folder, source.name, source.sha256, how).made_from for how in ("mean", "first")}
    assert len(places) == 2, "nor may an engine serve that has the mean in it"


def test_a_saved_encoder_keeps_it(folder: Path, tmp_path: Path) -> None:
    backbone: Any = load_backbone(folder)
    save_encoder(tmp_path / "made", backbone, Tokens(folder, max_tokens=64), pooling="first")
    np.testing.assert_allclose(load_encoder(tmp_path / "made").encode(TEXTS), first_tokens(folder, TEXTS), atol=1e-6)


def trained(recipe: TrainingRecipe, task: Task, home: Path) -> ModelVersion:
    """Registering a version asks a fresh process for what the trained network gave."""
    return train_task(
        recipe, task, Order(ModelRegistry(home / "models"), "m", home / "runs", NullProgress(), "ann", "")
    )


@pytest.mark.parametrize("objective", ["contrastive", "tsdae"])
def test_an_adaptation_learns_by_it(folder: Path, objective: str) -> None:
    recipe = AdaptationRecipe(encoder=str(folder), objective=objective)
    task = AdaptationTask(recipe, unique_texts([f"where is my card {row}" for row in range(20)], "texts.txt"))
    adapter = task.adapter(resolve_encoder(str(folder)))
    torch.manual_seed(0)
    network = adapter.network(load_backbone(folder, dropout=0.0), 32)
    assert network._pooling == "first"
    ids = torch.tensor(adapter.tokens(["my card", "parcel is"]).ids)
    losses = []
    for pooling in ("first", "mean"):
        network._pooling = pooling  # type: ignore[assignment]
        torch.manual_seed(1)
        losses.append(float(network(ids, torch.ones_like(ids))["loss"].detach()))
    assert losses[0] != losses[1], "the loss does not know it"


@pytest.mark.slow
@pytest.mark.parametrize("method", ["prototype", "few-shot"])
def test_a_classifier_is_trained_served_and_explained_by_it(folder: Path, tmp_path: Path, method: Any) -> None:
    rows = Dataset.of([Example(f"where is my {word} {row}", word) for row in range(6) for word in WORDS])
    few = {"epochs": 1, "refit": False} if method == "few-shot" else {}
    recipe = ClassificationRecipe(encoder=str(folder), method=method, max_tokens=32, precision="fp32", **few)
    version = trained(recipe, make_classification(recipe, rows, rows), tmp_path)
    file = read_model_file(version.folder, task="classification")
    assert file.options["pooling"] == "first"
    attributor = FolderAttributor(version.folder, model=version.ref)
    logits = attributor.logits(TEXTS)
    network, _, _ = load_classification(version.folder)
    head, encoder = network.head, network.encoder
    ids = Tokens(version.folder, max_tokens=32)(TEXTS).ids
    with torch.inference_mode():
        by_hand = [head(encoder(torch.tensor([row]), torch.ones(1, len(row)))[0][:, 0])[0].numpy() for row in ids]
    np.testing.assert_allclose(logits, np.stack(by_hand), atol=1e-4)
    (answer,) = attributor.answers(["where is my card"])
    (one,) = attributor.integrated_gradients(["where is my card"], answer[:1])
    scores = attributor.scores([Variant("where is my card", answer[0])])
    assert one.score == pytest.approx(float(scores[0]), abs=1e-3)


@pytest.mark.slow
def test_a_matcher_is_trained_served_and_explained_by_it(folder: Path, tmp_path: Path) -> None:
    queries = {f"q{row}": f"where is my {WORDS[row % 3]} {row}" for row in range(40)}
    documents = {word: f"the {word} is late" for word in WORDS}
    judged = tuple(Judged(f"q{row}", WORDS[row % 3], 1.0) for row in range(40))
    recipe = MatchingRecipe(encoder=str(folder), epochs=1, batch_size=8, precision="fp32")
    version = trained(recipe, make_matching(recipe, MatchingDataset(documents, queries, judged, "f")), tmp_path)
    assert read_model_file(version.folder, task="matching").options["pooling"] == "first"
    matcher = load_matcher(version)
    np.testing.assert_allclose(matcher.encode(TEXTS), first_tokens(version.folder, TEXTS), atol=1e-5)
    np.testing.assert_allclose(load_encoder(version.folder).encode(TEXTS), matcher.encode(TEXTS), atol=1e-6)
    attributor = MatchingAttributor(version.folder, model=version.ref)
    (answer,) = attributor.answers(["where is my card"])
    (one,) = attributor.integrated_gradients(["where is my card"], answer)
    query = matcher.encode_queries(["where is my card"])[0]
    assert one.score == pytest.approx(float(max(matcher.document_vectors @ query)), abs=1e-5)
