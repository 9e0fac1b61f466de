from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from portside.inference.engines.interface import TORCH_BF16, FakeEngine
from portside.inference.engines.store import (
    CompiledPlace,
    encoder_place,
    load_compiled,
    place_of,
    read_compiled,
    remove_compiled,
    write_compiled,
)

MEASURED = {"rows": 3}


@pytest.fixture
def place(tmp_path: Path) -> CompiledPlace:
    return CompiledPlace(tmp_path / ".compiled" / "1", "abc")


def built(tmp_path: Path, content: bytes = b"network") -> Path:
    path = tmp_path / "built.onnx"
    path.write_bytes(content)
    return path


def fake(name: str, path: Path, *, threads: int) -> FakeEngine:
    assert path.read_bytes() == b"network"
    return FakeEngine(threads, name)


def test_what_was_written_is_loaded(place: CompiledPlace, tmp_path: Path) -> None:
    assert read_compiled(place) is None
    assert load_compiled(place, threads=2, load=fake) is None
    record = write_compiled(place, built(tmp_path), "onnx-int8", MEASURED)
    assert read_compiled(place) == record
    assert load_compiled(place, threads=2, load=fake) == FakeEngine(2, "onnx-int8")
    remove_compiled(place)
    remove_compiled(place)
    assert load_compiled(place, threads=2, load=fake) is None


def test_an_engine_without_a_file_is_left_to_torch(place: CompiledPlace) -> None:
    record = write_compiled(place, None, TORCH_BF16, MEASURED)
    assert record.sha256 == ""
    assert load_compiled(place, threads=2, load=fake) is None
    assert read_compiled(place) == record


def _refuse(*_: object, **__: object) -> Any:
    raise RuntimeError("this processor lacks what the file needs")


@pytest.mark.parametrize(
    "fault", ["changed", "cut", "gone", "unreadable", "other model", "newer", "no library", "processor"]
)
def test_whatever_is_wrong_the_original_serves(
    place: CompiledPlace, tmp_path: Path, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    write_compiled(place, built(tmp_path), "onnx-int8", MEASURED)
    model, record = place.folder / "model.onnx", place.folder / "engine.json"
    load: Any = fake
    if fault == "changed":
        model.write_bytes(b"another")
    elif fault == "cut":
        model.write_bytes(b"netw")
    elif fault == "gone":
        model.unlink()
    elif fault == "unreadable":
        record.write_text('{"engine": ')
    elif fault == "other model":
        place = CompiledPlace(place.folder, "def")
    elif fault == "newer":
        record.write_text(json.dumps({**json.loads(record.read_text()), "format": 99}))
    elif fault == "processor":
        load = _refuse
    else:
        load = lambda *_, **__: __import__("no_such_library")  # noqa: E731
    with caplog.at_level(logging.WARNING):
        assert load_compiled(place, threads=1, load=load) is None
    said = fault in {"changed", "cut", "gone", "no library", "processor"}
    assert ("the original serves" in caplog.text) == said


def test_a_kill_between_file_and_record_leaves_no_engine(place: CompiledPlace, tmp_path: Path) -> None:
    write_compiled(place, built(tmp_path), "onnx-int8", MEASURED)

    with pytest.raises(TypeError):
        write_compiled(place, built(tmp_path, b"newer"), "onnx-int8", {"not for JSON": object()})
    assert read_compiled(place) is None
    assert load_compiled(place, threads=1, load=fake) is None
    write_compiled(place, built(tmp_path), "onnx-int8", MEASURED)
    assert load_compiled(place, threads=1, load=fake) is not None


def test_nothing_belongs_to_a_folder_without_manifest(tmp_path: Path) -> None:
    (tmp_path / "intents" / "1").mkdir(parents=True)
    place = place_of(tmp_path / "intents" / "1")
    assert place.folder == tmp_path / "intents" / ".compiled" / "1"
    write_compiled(place, built(tmp_path), "onnx-int8", MEASURED)
    assert load_compiled(place, threads=1, load=fake) is None


def test_encoders_have_places_whatever_they_are_called(tmp_path: Path) -> None:
    assert encoder_place(tmp_path, "org/encoder v2", "x").folder == tmp_path / ".encoders" / "org-encoder-v2"
    assert encoder_place(tmp_path, "../..", "x").folder.parent == tmp_path / ".encoders"
