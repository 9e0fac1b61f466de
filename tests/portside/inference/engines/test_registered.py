from __future__ import annotations

from pathlib import Path

from portside.inference.engines.choice import Measured
from portside.inference.engines.compile import Compilation
from portside.inference.engines.registered import with_record
from portside.inference.engines.store import CompiledPlace, read_compiled

ORIGINAL = Measured("original", 100.0, 10.0, agreement=1.0, alone=1.0, megabytes=90.0)
ENGINE = Measured("onnx-int8", 400.0, 2.5, agreement=0.9, alone=1.0, megabytes=23.0)


def test_that_the_original_serves_is_kept_with_the_reasons(tmp_path: Path) -> None:
    place = CompiledPlace(tmp_path / ".compiled" / "1", "abc")
    made = Compilation(ORIGINAL, [ENGINE], {}, None, 50, refused={"onnx-int8": "agrees with the original to 90.0 %"})
    kept = with_record(place, made)
    record = read_compiled(place)
    assert record is not None
    assert (record, record.engine, record.sha256) == (kept.record, "original", "")
    assert record.measured["refused"] == made.refused


def test_a_chosen_engine_has_its_record_already(tmp_path: Path) -> None:
    place = CompiledPlace(tmp_path / ".compiled" / "1", "abc")
    made = Compilation(ORIGINAL, [ENGINE], {}, ENGINE, 50)
    assert with_record(place, made) is made
    assert read_compiled(place) is None
