"""What commands print can be read by people and by programs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest

from portside.console import as_json, say, table


@dataclass(frozen=True)
class Row:
    name: str
    share: float


def test_json_holds_what_commands_report(capsys: pytest.CaptureFixture[str]) -> None:
    as_json(
        {
            "row": Row("退款", float("nan")),
            "at": datetime(2026, 1, 2, tzinfo=UTC),
            "path": Path("a/b"),
            "scores": np.array([0.5, np.inf]),
            "n": np.int64(3),
            "frozen": MappingProxyType({"b": 1}),
            "set": {"y", "x"},
        }
    )
    assert json.loads(capsys.readouterr().out) == {
        "row": {"name": "退款", "share": None},
        "at": "2026-01-02T00:00:00+00:00",
        "path": "a/b",
        "scores": [0.5, None],
        "n": 3,
        "frozen": {"b": 1},
        "set": ["x", "y"],
    }


def test_json_refuses_what_it_cannot_hold() -> None:
    with pytest.raises(TypeError, match="object has no form"):
        as_json(object())


def test_text_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    say("[bold] is not markup, :smile: no picture, " + "x" * 200)
    assert capsys.readouterr().out == "[bold] is not markup, :smile: no picture, " + "x" * 200 + "\n"


def test_half_a_surrogate_pair_does_not_end_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    say("a\ud800b")
    table(["text"], [["a\ud800b"]])
    as_json({"text": "a\ud800b"})
    assert "a?b" in capsys.readouterr().out


def test_table_in_a_pipe_is_not_folded(capsys: pytest.CaptureFixture[str]) -> None:
    table(["text", "n", "share"], [["x" * 300, 7, 0.5], ["[red]", None, 0.25]], title="All of it")
    lines = capsys.readouterr().out.splitlines()
    assert any("x" * 300 in line and line.rstrip().endswith("7  0.5000") for line in lines)
    assert any("[red]" in line for line in lines)
