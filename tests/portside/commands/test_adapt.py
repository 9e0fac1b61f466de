"""``portside adapt`` and a training that starts from what it registered, as a user types them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from portside.cli import main
from portside.registry import ModelRegistry


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the command keeps things; not made yet."""
    monkeypatch.setenv("PORTSIDE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Two hundred different texts, each twice, one a line."""
    path = tmp_path / "texts.txt"
    path.write_text("".join(f"where is my parcel {number}\n" for number in range(200)) * 2)
    return path


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as caught:
        main([str(word) for word in words])
    return int(caught.value.code or 0)


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        ("", [], "must hold texts"),
        ("the same\n" * 300, [], "1 different of 300 texts"),
        ("a\nb\n", ["--method", "poetry"], "mlm, tsdae, contrastive"),
        ("a\nb\n", ["--budget", "soon"], "10m"),
        ("a\nb\n", ["--name", "Bad Name"], "Bad Name"),
        ("a\nb\n", ["--set", "colour=red"], "deleted"),
        ("a\nb\n", ["--set", "deleted=2"], "deleted = 2"),
    ],
)
def test_wrong_use_is_advice(
    content: str, options: list[str], words: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = home.parent / "texts.txt"
    file.write_text(content)
    assert run("adapt", "--data", file, "--name", "words", *options) == 2
    assert words in capsys.readouterr().err
    assert not home.exists()


@pytest.mark.slow
def test_a_classifier_starts_from_the_adapted_encoder(
    home: Path, file: Path, tiny_encoder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("adapt", "--data", file, "--name", "words", "--encoder", tiny_encoder, "--epochs", 1) == 0
    told = capsys.readouterr()
    assert "200 different, 200 duplicates and 0 empty ones left out" in " ".join(told.err.split())
    assert "held-out texts" in told.out
    rows = home.parent / "rows.csv"
    rows.write_text("text,label\n" + "".join(f"my card {n},card\nmy parcel {n},parcel\n" for n in range(20)))
    for reference in ("words", "words@champion", "words:1"):
        train = ("train", "classification", "--data", rows, "--name", "intents", "--method", "prototype", "--json")
        assert run(*train, "--encoder", reference) == 0
        encoder = json.loads(capsys.readouterr().out)["card"]["encoder"]
        assert (encoder["name"], encoder["kind"]) == ("words:1", "registered")
    assert run(*train, "--encoder", "words:2") == 2
    assert "words" in capsys.readouterr().err
    assert run(*train, "--encoder", "intents") == 2
    assert "intents:1 is a model for classification" in capsys.readouterr().err


@pytest.mark.slow
def test_a_killed_adaptation_registers_nothing_and_goes_on(home: Path, file: Path, tiny_encoder: Path) -> None:
    words = ["adapt", "--data", str(file), "--name", "words", "--encoder", str(tiny_encoder), "--epochs", "10"]
    command = [sys.executable, "-m", "portside.cli", *words]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    plan, limit = home / "runs" / "words" / "run.json", time.monotonic() + 240
    while not (plan.is_file() and "steps" in plan.read_text()):
        assert time.monotonic() < limit, "it took too long"
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    registry = ModelRegistry(home / "models")
    assert registry.names() == []
    again = [*command, "--resume", "--json"]
    done = subprocess.run(again, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    assert "Resuming from" in done.stderr
    assert registry.resolve("words").card["recipe"]["epochs"] == 10
