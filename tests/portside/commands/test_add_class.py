from __future__ import annotations

import json
from pathlib import Path

import pytest

from portside.cli import main


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as caught:
        main([str(word) for word in words])
    return int(caught.value.code or 0)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_encoder: Path) -> Path:
    monkeypatch.setenv("PORTSIDE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PORTSIDE_ENCODER", str(tiny_encoder))
    return tmp_path


@pytest.mark.slow
def test_a_class_is_added_from_the_command_line(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = {"card": "card", "parcel": "parcel"}
    lines = [f"where is my {word} {row},{label}" for row in range(40) for label, word in words.items()]
    (home / "rows.csv").write_text("text,label\n" + "\n".join(lines) + "\n")
    (home / "hats.csv").write_text("text,label\n" + "".join(f"the lost hat {row},hat\n" for row in range(20)))
    assert run("train", "classification", "--data", home / "rows.csv", "--name", "small", "--method", "prototype") == 0
    capsys.readouterr()
    assert run("models", "add-class", "small", "--data", home / "hats.csv") == 0
    shown = capsys.readouterr().out
    assert "Registered small:2" in shown
    assert "20 rows of hat added" in shown
    assert "Validation accuracy" in shown
    assert "portside models promote small 2" in shown
    (home / "more.csv").write_text("text,label\nmy cap is lost,cap\nwhose cap is it,cap\n")
    assert run("models", "add-class", "small:2", "--data", home / "more.csv", "--promote", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["version"], found["card"]["parent"]) == (3, "small:2")
    assert found["card"]["labels"] == ["card", "parcel", "hat", "cap"]
    assert run("predict", "small", "the lost hat 77", "--json") == 0
    assert json.loads(capsys.readouterr().out)[0]["label"] == "hat"


def test_a_model_that_is_not_there_is_advice(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "hats.csv").write_text("text,label\na lost hat,hat\n")
    assert run("models", "add-class", "nobody", "--data", home / "hats.csv") == 2
    assert "nobody" in capsys.readouterr().err
