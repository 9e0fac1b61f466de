from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from portside.inference.engines.interface import TORCH_BF16, FakeEngine
from portside.inference.engines.machine import Machine, graphics_of, library, processor_of, this_machine
from portside.inference.engines.store import (
    CompiledPlace,
    encoder_place,
    load_compiled,
    made_elsewhere,
    place_of,
    read_compiled,
    remove_compiled,
    write_compiled,
)

MEASURED = {"rows": 3}
HERE = Machine("x86_64 avx2 avx512_vnni", "1.20.0")


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
    "fault",
    ["changed", "cut", "gone", "unreadable", "other model", "newer", "no library", "processor", "cannot run", "NaN"],
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
    elif fault == "cannot run":
        load = lambda *_, **__: _refuse  # noqa: E731
    elif fault == "NaN":
        load = lambda *_, **__: lambda ids, mask: ids * np.nan  # noqa: E731
    else:
        load = lambda *_, **__: __import__("no_such_library")  # noqa: E731
    with caplog.at_level(logging.WARNING):
        assert load_compiled(place, threads=1, load=load) is None
    said = fault in {"changed", "cut", "gone", "no library", "processor", "cannot run", "NaN"}
    assert ("the original serves" in caplog.text) == said


@pytest.mark.parametrize(
    ("machine", "what"),
    [(replace(HERE, processor="x86_64 avx2"), "processor"), (replace(HERE, onnxruntime="0.1"), "ONNX Runtime")],
)
def test_what_was_compiled_for_another_machine_is_not_used_but_the_advice_is_given(
    place: CompiledPlace, tmp_path: Path, machine: Machine, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    write_compiled(place, built(tmp_path), "onnx-int8", MEASURED, machine=HERE)
    assert made_elsewhere(place, HERE) == ""
    with caplog.at_level(logging.WARNING):
        assert load_compiled(place, threads=1, load=fake, machine=machine) is None
    assert len(caplog.records) == 1
    assert f"compiled for another {'version of ' * (what != 'processor')}{what}" in caplog.text
    assert f"run portside compile {tmp_path.name}:1 again" in caplog.text
    assert read_compiled(place, machine) is None
    assert read_compiled(place, HERE) is not None


def test_records_of_earlier_versions_do_not_say_the_machine(place: CompiledPlace, tmp_path: Path) -> None:
    write_compiled(place, built(tmp_path), "onnx-int8", MEASURED)
    path = place.folder / "engine.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps({key: record[key] for key in record if key not in {"processor", "onnxruntime"}}))
    assert load_compiled(place, threads=1, load=fake) is None
    assert "again" in made_elsewhere(place)


@pytest.mark.parametrize(
    ("change", "what"), [({"torch": "2.9.1+cpu"}, "version of PyTorch"), ({"graphics": "NVIDIA H100"}, "GPU")]
)
@pytest.mark.parametrize("engine", [TORCH_BF16, "onnx-int8", "original"])
def test_what_torch_runs_depends_on_torch_and_the_gpu_and_nothing_else_does(
    place: CompiledPlace, engine: str, change: dict[str, str], what: str
) -> None:
    here = replace(HERE, torch="2.9.0+cpu")
    write_compiled(place, None, engine, MEASURED, machine=here)
    now = replace(here, **change)
    assert read_compiled(place, here) is not None
    assert (read_compiled(place, now) is None) == (engine == TORCH_BF16)
    assert made_elsewhere(place, now).startswith(f"compiled for another {what}:" if engine == TORCH_BF16 else "")


def test_this_machine_names_its_libraries_and_gpus(tmp_path: Path) -> None:
    assert this_machine().torch == library("torch") != ""
    assert graphics_of(tmp_path) == ""
    for number, model in enumerate(("NVIDIA L4", "NVIDIA H100")):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "information").write_text(f"Model: \t\t {model}\nIRQ: 12\n")
    assert graphics_of(tmp_path) == "NVIDIA H100, NVIDIA L4"


def test_the_instructions_that_matter_are_read() -> None:
    intel = "processor : 0\nflags\t\t: fpu avx2 avx512_vnni amx_int8 sse4_2\nbugs : spectre\n"
    assert processor_of(intel * 2, "x86_64") == "x86_64 amx_int8 avx2 avx512_vnni"
    assert processor_of("Features\t: fp asimd i8mm bf16\n", "aarch64") == "aarch64 bf16 i8mm"
    assert processor_of("", "arm64") == "arm64"


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


def test_another_openvino_puts_aside_what_it_runs_and_nothing_else(place: CompiledPlace, tmp_path: Path) -> None:
    old, new = replace(HERE, openvino="2026.1"), replace(HERE, openvino="2026.2")
    write_compiled(place, built(tmp_path), "openvino-bf16", MEASURED, machine=old)
    assert load_compiled(place, threads=2, load=fake, machine=old) is not None
    assert load_compiled(place, threads=2, load=fake, machine=new) is None
    assert "another version of OpenVINO" in made_elsewhere(place, new)
    write_compiled(place, None, "original", MEASURED, machine=old)
    assert read_compiled(place, new) is None, "the new one may be faster: it is measured again"
    for engine in ("onnx-int8", TORCH_BF16):
        write_compiled(place, built(tmp_path), engine, MEASURED, machine=old)
        assert (read_compiled(place, new) is not None, made_elsewhere(place, new)) == (True, "")


def test_a_record_that_names_no_openvino_is_not_of_one(place: CompiledPlace, tmp_path: Path) -> None:
    here = replace(HERE, openvino="2026.1")
    write_compiled(place, built(tmp_path), "openvino-bf16", MEASURED, machine=here)
    path = place.folder / "engine.json"
    record = json.loads(path.read_text())
    assert record.pop("openvino") == "2026.1"
    path.write_text(json.dumps(record))
    assert read_compiled(place, here) is None


def test_a_library_that_is_not_installed_has_no_version() -> None:
    assert library("no-such-library") == ""
    assert library("numpy")
