from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from portside.cli import main
from portside.evaluation.held_out import HeldOut, save_held_out
from portside.registry import ModelRegistry, ModelVersion

LABELS = ("card", "label", "zeta")


@pytest.fixture
def version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, register_random: Callable[..., ModelVersion]
) -> ModelVersion:
    """The version that the commands find as ``intents``."""
    monkeypatch.setenv("PORTSIDE_HOME", str(tmp_path))
    made: ModelVersion = register_random(ModelRegistry(tmp_path / "models"), LABELS, seed=1)
    return made


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """A file with a label that the model does not know."""
    path = tmp_path / "test.csv"
    path.write_text("text,label\nmy <b>card</b>,card\nlabel it,label\nrain,weather\n", encoding="utf-8")
    return path


def leaves(arguments: list[str], code: int) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == code


def test_page_json_and_sentences_say_the_same(
    version: ModelVersion, rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, figures = tmp_path / "report.html", tmp_path / "report.json"
    leaves(["report", "intents", "--data", str(rows), "--out", str(page), "--json", str(figures)], 0)
    said = capsys.readouterr().out
    found = json.loads(figures.read_text(encoding="utf-8"))
    assert found["sections"]["accuracy"]["figures"][0]["n"] == 2
    assert any("does not know the label 'weather'" in warning for warning in found["warnings"])
    for sentence in found["sections"]["accuracy"]["sentences"]:
        assert sentence in said
        assert sentence in page.read_text(encoding="utf-8")
    assert {"explanations", "behaviour"} <= found["sections"].keys()
    assert "<b>card" not in page.read_text(encoding="utf-8")


def test_without_a_file_the_rows_kept_aside_are_reported_on(
    version: ModelVersion, tmp_path: Path, save_random: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    logits = np.log(np.array([[0.8, 0.1, 0.1], [0.8, 0.1, 0.1], [0.1, 0.1, 0.8]], dtype=np.float32))
    registry = ModelRegistry(tmp_path / "models")
    with registry.staging("intents") as folder:
        save_random(folder, LABELS, seed=1)
        save_held_out(folder, HeldOut(["a card", "b", "c"], np.array([0, 1, 2]), logits, by_model=False), LABELS)
        registry.register("intents", folder, {}, actor="a", reason="r", promote=True, check=lambda _: None)
    leaves(["report", "intents", "--json", "-"], 0)
    found = json.loads(capsys.readouterr().out)
    assert found["sections"]["accuracy"]["figures"][0]["value"] == pytest.approx(2 / 3)
    assert "a network that had not learned from it" in found["sections"]["rows"]["sentences"][0]
    assert {"explanations", "behaviour"} <= found["sections"].keys(), "kept rows are explained and tried, too"
    leaves(["report", "intents"], 0)
    assert (tmp_path / "reports" / "intents-2.html").is_file()


def test_a_version_without_such_rows_is_advice(version: ModelVersion, capsys: pytest.CaptureFixture[str]) -> None:
    leaves(["report", "intents"], 2)
    assert "portside report intents:1 --data FILE" in capsys.readouterr().err


def test_a_version_is_compared_with_another_on_a_file(
    version: ModelVersion,
    rows: Path,
    register_random: Callable[..., ModelVersion],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    register_random(ModelRegistry(tmp_path / "models"), LABELS, seed=2)
    leaves(["report", "intents:2", "--against", "intents:1", "--data", str(rows), "--json", "-"], 0)
    found = json.loads(capsys.readouterr().out)["sections"]["comparison"]
    assert found["title"] == "Compared with intents:1"
    leaves(["report", "intents:2", "--against", "intents:1"], 2)
    assert "Name a labelled file" in capsys.readouterr().err
