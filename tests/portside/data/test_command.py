"""``portside data check`` for people and for programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from portside.commands.data import commands

RUNNER = CliRunner()


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.csv"
    path.write_text("text,label\nx,a\ny,a\nx,b\nz,b\n")
    return path


def test_says_what_is_there_and_what_to_do(good: Path) -> None:
    result = RUNNER.invoke(commands, ["check", str(good)])
    assert result.exit_code == 0
    assert "good.csv can be trained on: 4 rows in 'text', 2 labels in 'label': a 2, b 2." in result.output
    assert "warning: The same text stands under two labels: 'a' in row 1 and 'b' in row 3." in result.output
    assert "row 3, column 'text': x" in result.output
    assert "→ Decide for one label" in result.output


def test_fatal_ends_with_2_and_every_file_is_reported(good: Path, tmp_path: Path) -> None:
    result = RUNNER.invoke(commands, ["check", str(tmp_path / "nothing.csv"), str(good), "--json"])
    assert result.exit_code == 2
    missing, fine = json.loads(result.output)
    assert (missing["ok"], fine["ok"]) == (False, True)
    assert missing["findings"][0]["rule"] == "The file must exist"
    assert fine["labels"] == {"a": 2, "b": 2}
    assert set(fine["findings"][0]) == {"severity", "rule", "remedy", "file", "row", "column", "value", "count"}


def test_compares_with_a_test_file(good: Path, tmp_path: Path) -> None:
    test = tmp_path / "test.csv"
    test.write_text("text,label\nX,a\n")
    result = RUNNER.invoke(commands, ["check", str(good), "--test", str(test)])
    assert result.exit_code == 0
    assert "test.csv, row 1: X" in result.output


def test_columns_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("was,wie\nx,a\ny,b\n")
    assert RUNNER.invoke(commands, ["check", str(path)]).exit_code == 2
    assert RUNNER.invoke(commands, ["check", str(path), "--text", "was", "--label", "wie"]).exit_code == 0
