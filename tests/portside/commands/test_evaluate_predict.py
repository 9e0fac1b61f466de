from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from portside.cli import main
from portside.commands.classification import output_columns
from portside.inference.classifier import load_classifier
from portside.inference.folder import ModelFile, read_model_file, write_model_file
from portside.inference.outside_gate import EnergyGate, energy
from portside.registry import ModelRegistry, ModelVersion
from portside.training.seen import save_seen

LABELS = ("card", "label", "zeta")


@pytest.fixture
def version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, register_random: Callable[..., ModelVersion]
) -> ModelVersion:
    """The version that the commands find as ``intents``."""
    monkeypatch.setenv("PORTSIDE_HOME", str(tmp_path))
    made: ModelVersion = register_random(ModelRegistry(tmp_path / "models"), LABELS, seed=1)
    return made


def write(path: Path, rows: list[list[str]]) -> Path:
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    return path


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    return capsys.readouterr().err


def finish(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 0


def test_texts_are_labelled(version: ModelVersion, capsys: pytest.CaptureFixture[str]) -> None:
    finish(["predict", "intents@champion", "my card", "parcel", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert [row["text"] for row in found] == ["my card", "parcel"]
    expected = load_classifier(version).predict(["my card", "parcel"])
    for row, prediction in zip(found, expected, strict=True):
        assert (row["label"], row["model"]) == (prediction.label, "intents:1")
        assert row["probabilities"] == pytest.approx(dict(prediction.probabilities))
    finish(["predict", "intents", "my card"])
    assert expected[0].label in capsys.readouterr().out


def test_a_file_is_labelled(version: ModelVersion, tmp_path: Path) -> None:
    rows = [["id", "label", "text"], ["1", "given", "my card"], ["2", "", "where, is\nmy parcel"]]
    data, out = write(tmp_path / "in.csv", rows), tmp_path / "out.csv"
    finish(["predict", "intents", "--data", str(data), "--out", str(out)])
    with out.open(newline="") as stream:
        found = list(csv.DictReader(stream))
    assert list(found[0]) == ["id", "input_label", "text", "label", "confidence", "p_card", "p_label", "p_zeta"]
    assert [[row["id"], row["input_label"], row["text"]] for row in found] == rows[1:]
    expected = load_classifier(version).predict([row[2] for row in rows[1:]])
    for row, prediction in zip(found, expected, strict=True):
        assert row["label"] == prediction.label
        assert float(row["confidence"]) == pytest.approx(prediction.confidence, abs=1e-5)
        assert sum(float(row[f"p_{label}"]) for label in LABELS) == pytest.approx(1.0, abs=1e-5)
    assert sorted(path.name for path in tmp_path.glob("*.csv")) == ["in.csv", "out.csv"]
    assert not list(tmp_path.glob(".*part"))


def gated(version: ModelVersion, save_random: Callable[..., None], texts: list[str]) -> ModelVersion:
    """The same model anew, with a gate that takes just the strangest of ``texts`` for one from outside."""
    logits, _ = load_classifier(version).scores(texts)
    first, second = sorted(energy(logits), reverse=True)[:2]
    gate = EnergyGate(float(first + second) / 2, 0.05, 100)
    registry = ModelRegistry(version.folder.parents[1])
    with registry.staging("intents") as folder:
        save_random(folder, LABELS, seed=1)
        file = read_model_file(folder, task="classification")
        write_model_file(folder, replace(file, options=gate.to_options()))
        return registry.register("intents", folder, {}, actor="a", reason="r", promote=True, check=lambda _: None)


def test_a_file_tells_which_texts_are_unlike_all_it_learned(
    version: ModelVersion, tmp_path: Path, save_random: Callable[..., None]
) -> None:
    texts = ["my card", "parcel lost", "rain again"]
    version = gated(version, save_random, texts)
    data, out = (
        write(tmp_path / "in.csv", [["text", "outside"], *([text, "mine"] for text in texts)]),
        tmp_path / "out.csv",
    )
    finish(["predict", "intents", "--data", str(data), "--out", str(out)])
    with out.open(newline="") as stream:
        found = list(csv.DictReader(stream))
    assert list(found[0])[:5] == ["text", "input_outside", "label", "confidence", "outside"]
    expected = load_classifier(version).predict(texts)
    assert [row["outside"] for row in found] == [str(one.outside).lower() for one in expected]
    assert sorted(row["outside"] for row in found) == ["false", "false", "true"]
    assert [row["label"] for row in found] == [one.label for one in expected]


def test_columns_of_the_input_keep_clear_of_the_added_ones() -> None:
    kept, added = output_columns(["text", "label", "p_a", "input_label"], ["a", "b"])
    assert added == ["label", "confidence", "p_a", "p_b"]
    assert kept == ["text", "input_label", "input_p_a", "input_input_label"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["predict", "intents"], "either texts or a file"),
        (["predict", "intents", "a text", "--data", "in.csv", "--out", "out.csv"], "either texts or a file"),
        (["predict", "intents", "--data", "in.csv"], "--out out.csv"),
        (["predict", "absent", "text"], "There is no model 'absent'"),
        (["predict", "intents:9", "text"], "9"),
        (["evaluate", "intents", "--data", "absent.csv"], "absent.csv"),
    ],
)
def test_wrong_use_is_advice(
    version: ModelVersion, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert words in refused(arguments, capsys)


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("encoder", ["words:1 is an encoder", "portside train classification|matching|", "--encoder words:1"]),
        ("poetry", ["words:1 is a model for poetry; known are classification, matching", "newer"]),
    ],
)
@pytest.mark.parametrize("verb", [["predict", "words", "a text"], ["evaluate", "words", "--data", "rows.csv"]])
def test_a_model_that_gives_no_answers_is_advice(
    verb: list[str], task: str, words: list[str], version: ModelVersion, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = ModelRegistry(version.folder.parents[1])
    with registry.staging("words") as folder:
        write_model_file(folder, ModelFile(task, 8))
        registry.register("words", folder, {"task": task}, actor="a", reason="r", check=lambda _: None)
    told = refused(verb, capsys)
    assert not [word for word in words if word not in told], told
    assert "next:" in told


def test_an_output_that_cannot_be_written_leaves_nothing(
    version: ModelVersion, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write(tmp_path / "in.csv", [["text", "id"], ["my card", "1"]])
    told = refused(["predict", "intents", "--data", str(data), "--out", str(tmp_path / "no" / "out.csv")], capsys)
    assert "writable" in told


def test_a_model_is_measured(version: ModelVersion, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts = ["my card", "parcel lost", "refund please", "where is it"]
    predicted = [one.label for one in load_classifier(version).predict(texts)]
    truth = [predicted[0], predicted[1], predicted[2], next(one for one in LABELS if one != predicted[3])]
    data = write(tmp_path / "test.csv", [["text", "intent"], *map(list, zip(texts, truth, strict=True))])
    report = tmp_path / "report.json"
    finish(["evaluate", "intents:1", "--data", str(data), "--json", str(report)])
    told = capsys.readouterr().out
    assert "accuracy 75.00 %" in told
    assert "Most often confused" in told
    found = json.loads(report.read_text())
    assert (found["model"], found["version"], found["n"], found["accuracy"]) == ("intents", 1, 4, 0.75)
    assert found["seen_in_training"] is None


def test_rows_that_were_trained_on_are_reported(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    save_random: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PORTSIDE_HOME", str(tmp_path))
    registry = ModelRegistry(tmp_path / "models")
    with registry.staging("intents") as folder:
        save_random(folder, LABELS, seed=1)
        save_seen(folder, ["My card"])
        registry.register("intents", folder, {}, actor="a", reason="r", check=lambda _: None)
    data = write(tmp_path / "test.csv", [["text", "intent"], ["my card", "card"], ["parcel", "zeta"]])
    finish(["evaluate", "intents", "--data", str(data)])
    assert "1 of these rows (50.0 %)" in capsys.readouterr().out


def test_unknown_labels_are_named(version: ModelVersion, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write(tmp_path / "test.csv", [["text", "intent"], ["my card", "card"], ["x", "refund"]])
    assert "'refund'" in refused(["evaluate", "intents", "--data", str(data)], capsys)
