from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from portside.cli import main
from portside.commands.train import StoppableProgress, stop_on_signal
from portside.errors import Cancelled
from portside.progress import RecordingProgress


def test_a_signal_stops_the_work_at_its_next_step_and_handlers_come_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    inner = RecordingProgress()
    with stop_on_signal(inner) as progress:
        progress.update(1, 10)
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Cancelled):
            progress.update(2, 10)
    assert inner.updates == [(1, 10, "")]
    assert "--resume" in inner.lines[0]
    assert signal.getsignal(signal.SIGTERM) == before


def test_progress_is_passed_on() -> None:
    inner = RecordingProgress()
    progress = StoppableProgress(inner)
    progress.update(1, 2, "half")
    progress.log("line")
    assert (inner.updates, inner.lines) == ([(1, 2, "half")], ["line"])


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the command keeps things; not made yet."""
    monkeypatch.setenv("PORTSIDE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_several_labels_a_text_name_the_task_for_them(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = home.parent / "data.csv"
    data.write_text("text,label\n" + "".join(f"text {row},{'a|b' if row % 2 else 'b|c'}\n" for row in range(20)))
    # Stopped right after reading: the encoder is not there.
    arguments = ["train", "classification", "--data", str(data), "--name", "m", "--encoder", str(home / "none")]
    with pytest.raises(SystemExit):
        main(arguments)
    assert "portside train multilabel" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        ("", [], "data.csv"),
        ("text,intent\nmy card,card\nyour card,card\n", [], "label"),
        ("text,intent\na b,card\nc d,parcel\n", ["--label", "topic"], "topic"),
        ("text,intent\na b,card\nc d,parcel\n", ["--budget", "soon"], "10m"),
        ("text,intent\na b,card\nc d,parcel\n", ["--epochs", "0"], "epochs = 0"),
        ("text,intent\na b,card\nc d,parcel\n", ["--name", "Bad Name"], "Bad Name"),
    ],
)
def test_wrong_use_is_advice(
    content: str,
    options: list[str],
    words: str,
    home: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tmp_path = home.parent
    (tmp_path / "data.csv").write_text(content)
    arguments = ["train", "classification", "--data", str(tmp_path / "data.csv"), "--name", "intents", *options]
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "home").exists()
