"""Two versions on rows that neither has learned from, without a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from portside.errors import UsageError
from portside.evaluation.held_out import HeldOut, save_held_out
from portside.evaluation.report.pairing import compare_held_out, paired_held_out
from portside.evaluation.scored import OUTSIDE, Scorer
from portside.inference.folder import ModelFile, write_model_file
from portside.inference.interfaces import FakeClassifier, FakeScorer
from portside.inference.outside_gate import EnergyGate, InsideReading
from portside.registry import ModelRegistry, ModelVersion
from portside.training.seen import save_seen


def register(
    home: Path,
    labels: Sequence[str],
    kept: dict[str, str],
    *,
    wrong: Sequence[str] = (),
    seen: Sequence[str] = (),
    by_model: bool = True,
    gate: EnergyGate | None = None,
) -> ModelVersion:
    """A version that answers the rows it ``kept`` rightly but for ``wrong`` ones."""
    registry = ModelRegistry(home)
    truth = np.array([labels.index(label) for label in kept.values()])
    said = [(place + 1) % len(labels) if text in wrong else place for text, place in zip(kept, truth, strict=True)]
    with registry.staging("m") as folder:
        write_model_file(
            folder, ModelFile("classification", 16, tuple(labels), {} if gate is None else gate.to_options())
        )
        logits = np.eye(len(labels), dtype=np.float32)[said]
        save_held_out(folder, HeldOut(list(kept), truth, logits, by_model), labels)
        save_seen(folder, seen)
        return registry.register("m", folder, {"task": "classification"}, actor="a", reason="r", check=lambda _: None)


def nobody() -> Scorer:
    raise AssertionError("no network is needed")


def test_rows_that_both_keep_need_no_network(tmp_path: Path) -> None:
    rows = {"a": "x", "b": "y", "c": "x"}
    old = register(tmp_path, ["x", "y"], rows, wrong=["a", "b"])
    new = register(tmp_path, ["x", "y"], rows, wrong=["c"])
    found = compare_held_out(new, old, nobody)
    assert found.details is not None
    assert (found.details["mended"], found.details["newly_wrong"]) == (2, 1)


def test_rows_that_the_older_one_learned_from_do_not_count(tmp_path: Path) -> None:
    old = register(tmp_path, ["x", "y"], {"a": "x"}, seen=["B "])
    new = register(tmp_path, ["x", "y"], {"a": "x", "b": "y"})
    after, before, truth, _refitted = paired_held_out(new, old, nobody)
    assert after.texts == before.texts == ("a",)
    assert truth == ["x"]


def test_rows_that_are_new_to_the_older_one_are_asked(tmp_path: Path) -> None:
    old = register(tmp_path, ["x", "y"], {"a": "x"})
    new = register(tmp_path, ["x", "y", "z"], {"a": "x", "b": "z"})
    after, before, truth, _refitted = paired_held_out(
        new, old, lambda: FakeScorer(FakeClassifier({"b": "y"}, ("x", "y")))
    )
    assert after.texts == ("a", "b")
    assert truth == ["x", "z"]
    assert before.truth.tolist() == [0, OUTSIDE], "the older one does not know z"
    assert before.right.tolist() == [True, False]


def test_rows_kept_aside_that_stand_in_training_too_do_not_count(tmp_path: Path) -> None:
    rows = {"a": "x", "b": "y", "c": "x", "d": "y"}
    old = register(tmp_path, ["x", "y"], rows, seen=["A"])
    new = register(tmp_path, ["x", "y"], rows, seen=["b"])
    assert paired_held_out(new, old, nobody).after.texts == ("c", "d")


def test_both_are_as_sure_as_they_serve(tmp_path: Path) -> None:
    """Of two versions with one and the same gate neither may be shown without it."""
    rows = {"a": "x", "b": "y"}
    gate = EnergyGate(-0.1, 0.05, 100, InsideReading(0.0, 1.0, 2.0, -3.0, 0.1, 40))
    old, new = (register(tmp_path, ["x", "y"], rows, gate=gate) for _ in range(2))
    after, before, _truth, _refitted = paired_held_out(new, old, nobody)
    assert before.gate == gate
    assert before.confidence.tolist() == after.confidence.tolist()


def test_nothing_in_common_is_advice(tmp_path: Path) -> None:
    old = register(tmp_path, ["x", "y"], {"a": "x"}, seen=["b"])
    new = register(tmp_path, ["x", "y"], {"b": "y"})
    with pytest.raises(UsageError, match="neither has learned"):
        compare_held_out(new, old, nobody)


def test_a_version_that_learned_from_all_rows_afterwards_is_named(tmp_path: Path) -> None:
    rows = {"a": "x", "b": "y", "c": "x"}
    old = register(tmp_path, ["x", "y"], rows)
    new = register(tmp_path, ["x", "y"], rows, seen=list(rows), by_model=False)
    assert compare_held_out(old, old, nobody).sentences[-1] == (
        "Compared on 3 rows that neither version has learned from."
    )
    assert "m:2 learned from all rows afterwards" in compare_held_out(new, old, nobody).sentences[-1]
    assert "m:2 learned from all rows afterwards" in compare_held_out(old, new, nobody).sentences[-1]
