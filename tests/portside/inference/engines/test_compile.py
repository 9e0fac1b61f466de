"""Engines built from a real, tiny network: they answer as it does, one text or many."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from portside.data import load_examples
from portside.inference.classifier import FolderClassifier, ServedClassifier, load_classifier
from portside.inference.encoder import BundledEncoder, load_encoder
from portside.inference.engines import compile as compiling
from portside.inference.engines.build import BUILDERS, export
from portside.inference.engines.choice import Measured
from portside.inference.engines.compile import Compilation, compile_model
from portside.inference.engines.interface import KINDS, TORCH_BF16, EngineKind
from portside.inference.engines.layers import SmoothLayer
from portside.inference.engines.ranges import smoothed
from portside.inference.engines.store import encoder_place, place_of, read_compiled, remove_compiled
from portside.inference.engines.subject import Subject, some
from portside.inference.engines.subjects import classification, encoder
from portside.inference.network import as_forward
from portside.registry import ModelRegistry, ModelVersion

LABELS = ("zeta", "alpha", "mid")
WORDS = ("where is my card", "refund", "the parcel is late", "a long question about money and cards and parcels", "x")
ONNX = [kind for kind in KINDS if kind.name == "onnx-fp32"]
RegisterRandom = Callable[..., ModelVersion]


@pytest.fixture
def version(registry: ModelRegistry, register_random: RegisterRandom) -> ModelVersion:
    return register_random(registry, LABELS, seed=1)


@pytest.fixture
def subject(version: ModelVersion, tmp_path: Path) -> Subject:
    labels = FolderClassifier(version.folder, model="x").predict([f"{WORDS[row % 5]} {row}" for row in range(80)])
    rows = [f"{WORDS[row % 5]} {row},{one.label}" for row, one in enumerate(labels)]
    (tmp_path / "rows.csv").write_text("text,label\n" + "\n".join(rows) + "\n")
    return classification.subject(version, load_examples(tmp_path / "rows.csv", role="test"))


def always_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    """How fast a tiny network is depends on the machine's mood; what is tested is what follows."""
    monkeypatch.setattr(compiling, "choose", lambda original, found, rows: found[0] if found else None)


def test_every_engine_answers_as_the_network_does(subject: Subject, tmp_path: Path) -> None:
    made = compile_model(subject, place_of(tmp_path / "m" / "1"), threads=1)
    expected = {kind.name for kind in KINDS}
    assert {one.engine for one in made.engines} | set(made.failed) == expected
    assert set(made.failed) <= {"openvino-bf16"}
    by_name = {one.engine: one for one in made.engines}
    exact = by_name["onnx-fp32"]
    assert (exact.quality, exact.agreement, exact.alone) == (1.0, 1.0, 1.0)
    assert by_name["onnx-int8-ranges"].alone == 1.0
    assert all(one.agreement > 0.5 for one in made.engines)
    assert by_name["onnx-int8"].megabytes < exact.megabytes


def test_layers_are_arranged_anew_and_the_network_answers_the_same(subject: Subject) -> None:
    found = smoothed(subject)
    layers: Any = found.encoder.encoder.layer  # type: ignore[union-attr]
    assert {type(layer) for layer in layers} == {SmoothLayer}
    asked = [as_forward(one, subject.outputs, device=torch.device("cpu")) for one in (subject.network, found)]
    exact, same = (np.asarray(subject.ask(one, range(20))) for one in asked)
    np.testing.assert_allclose(same, exact, atol=1e-4)


def test_an_engine_with_fixed_ranges_works_out_no_shapes(subject: Subject, tmp_path: Path) -> None:
    exported, made = tmp_path / "exported.onnx", tmp_path / "made.onnx"
    export(subject, exported)
    build = BUILDERS["onnx-int8-ranges"]
    assert build is not None
    build(subject, exported, made)
    graph = onnx.load(made).graph
    assert not graph.value_info
    constant = {node.output[0] for node in graph.node if node.op_type == "Constant"}
    reshaped = [node for node in graph.node if node.op_type == "Reshape"]
    assert reshaped
    assert all(node.input[1] in constant for node in reshaped)


def test_a_running_process_takes_up_what_was_compiled_and_what_was_taken_away(
    registry: ModelRegistry, version: ModelVersion, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = ServedClassifier(registry, "intents")
    before = served.current()
    assert served.current() is before
    always_faster(monkeypatch)
    compile_model(subject, place_of(version.folder), threads=1, kinds=ONNX)
    after = served.current()
    assert after is not before
    assert served.current() is after
    remove_compiled(place_of(version.folder))
    assert served.current() is not after


def test_what_was_chosen_serves_from_then_on(
    version: ModelVersion, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = load_classifier(version).scores(list(WORDS))
    always_faster(monkeypatch)
    made = compile_model(subject, place_of(version.folder), threads=1, kinds=ONNX)
    assert made.record is not None
    assert made.record.measured["serves"] == "onnx-fp32"
    again = load_classifier(version)
    for found, expected in zip(again.scores(list(WORDS)), before, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-4)
    assert again._logits._ready.compiled
    assert again.predict([]) == []
    # Damage of the compiled file costs speed, not answers.
    (place_of(version.folder).folder / "model.onnx").write_bytes(b"damaged")
    hurt = load_classifier(version)
    np.testing.assert_allclose(hurt.scores(list(WORDS))[0], before[0], atol=1e-6)
    assert not hurt._logits._ready.compiled


def test_torch_in_16_bits_needs_no_file(
    version: ModelVersion, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    always_faster(monkeypatch)
    kinds = [kind for kind in KINDS if kind.name == TORCH_BF16]
    place = place_of(version.folder)
    assert compile_model(subject, place, threads=1, kinds=kinds).record is not None
    assert not (place.folder / "model.onnx").exists()
    exact = FolderClassifier(version.folder, model="x").scores(list(WORDS))[0]
    found = load_classifier(version).scores(list(WORDS))[0]
    assert 0 < np.abs(found - exact).max() < 0.2


def test_what_cannot_be_built_is_said_and_the_original_serves(subject: Subject, version: ModelVersion) -> None:
    place = place_of(version.folder)
    odd = [EngineKind("onnx-fp32", "no_such_library", "s"), EngineKind("abacus", "onnxruntime", "s")]
    made = compile_model(subject, place, threads=1, kinds=odd)
    assert made.failed["onnx-fp32"] == "no_such_library is not installed"
    assert "KeyError" in made.failed["abacus"]
    assert (made.chosen, made.to_dict()["serves"], read_compiled(place)) == (None, "original", None)


def test_encoders_keep_their_vectors(tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    always_faster(monkeypatch)
    texts = [f"{WORDS[row % 5]} {row}" for row in range(40)]
    exact = load_encoder(tiny_encoder).encode(texts)
    bundled = BundledEncoder(str(tiny_encoder), compiled=tmp_path)
    assert np.abs(bundled.encode(texts) - exact).max() == 0
    from portside.encoders import resolve_encoder

    source = resolve_encoder(str(tiny_encoder))
    place = encoder_place(tmp_path, source.name, source.sha256)
    made = compile_model(encoder.subject(tiny_encoder, texts), place, threads=1, kinds=ONNX)
    assert made.chosen is not None
    assert (made.chosen.quality, made.measure) == (None, "NDCG@10 of nearest texts")
    assert (made.original.nearest, made.chosen.nearest) == (1.0, pytest.approx(1.0, abs=1e-3))
    assert made.record is not None
    assert made.record.measured["engines"][0]["nearest"] == made.chosen.nearest
    assert made.chosen.agreement > 0.9999
    compiled = BundledEncoder(str(tiny_encoder), compiled=tmp_path)
    found = compiled.encode(texts)
    np.testing.assert_allclose(found, exact, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0, atol=1e-5)


def test_rows_are_taken_from_all_over() -> None:
    assert some(range(5)) == [0, 1, 2, 3, 4]
    taken = some(range(10_000))
    assert (len(taken), taken[0], taken[-1]) == (1000, 0, 9990)


def test_a_compilation_is_told_in_json() -> None:
    original = Measured("original", 1.0, 1.0, 1.0, 1.0, 1.0)
    plain = Compilation(original, [], {"a": "b"}, None, 3).to_dict()
    assert plain["serves"] == "original"
    assert plain["failed"] == {"a": "b"}
