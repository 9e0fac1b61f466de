from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from portside.errors import UsageError
from portside.training.plan import plan_run
from portside.training.run_folder import CHECKPOINT_FILES, open_run

IDENTITY: dict[str, Any] = {"recipe": {"epochs": 2, "seed": 0}, "training_data": "abc"}


def leave_checkpoint(run: Path, step: int, *, without: str = "", state: str | None = None) -> Path:
    folder = run / f"checkpoint-{step}"
    folder.mkdir()
    for name in CHECKPOINT_FILES:
        if name != without:
            (folder / name).write_bytes(b"x")
    (folder / "trainer_state.json").write_text(json.dumps({"global_step": step}) if state is None else state)
    return folder


def test_what_is_remembered_of_the_machine_outlives_every_run(tmp_path: Path) -> None:
    with open_run(tmp_path, "intents", IDENTITY, resume=False) as run:
        assert run.memory == run.inner("round-1").memory == tmp_path / "precision.json"


def test_a_new_run_clears_what_an_earlier_one_left(tmp_path: Path) -> None:
    with open_run(tmp_path, "intents", IDENTITY, resume=False) as run:
        leave_checkpoint(run.path, 5)
    with open_run(tmp_path, "intents", IDENTITY, resume=False) as run:
        assert not run.resumed
        assert run.discarded
        assert run.checkpoint is None
        assert not list(run.path.glob("checkpoint-*"))


def test_resuming_finds_the_newest_whole_checkpoint(tmp_path: Path) -> None:
    with open_run(tmp_path, "intents", IDENTITY, resume=False) as run:
        whole = leave_checkpoint(run.path, 9)
        leave_checkpoint(run.path, 10, without="optimizer.pt")
        leave_checkpoint(run.path, 11, state='{"global_st')
        leave_checkpoint(run.path, 12, state='{"global_step": 10}')
        (run.path / "checkpoint-x").mkdir()
    with open_run(tmp_path, "intents", IDENTITY, resume=True) as run:
        assert run.resumed
        assert run.checkpoint == whole


def test_a_run_with_another_recipe_or_data_is_not_resumed(tmp_path: Path) -> None:
    with open_run(tmp_path, "intents", IDENTITY, resume=False):
        pass
    other = {"recipe": {"epochs": 3, "seed": 0}, "training_data": "xyz"}
    with (
        pytest.raises(UsageError, match=r"epochs \(2 then, 3 now\), the training data"),
        open_run(tmp_path, "intents", other, resume=True),
    ):
        pass


def test_resuming_nothing_starts_anew(tmp_path: Path) -> None:
    with open_run(tmp_path, "intents", IDENTITY, resume=True) as run:
        assert not run.resumed


def test_a_plan_survives(tmp_path: Path) -> None:
    plan = plan_run(rows=64, batch_size=32, epochs=2, step_seconds=0.1, validate_seconds=0.1, seconds=100)
    with open_run(tmp_path, "intents", IDENTITY, resume=False) as run:
        assert run.saved_plan() is None
        run.save_plan(plan, "bf16")
    with open_run(tmp_path, "intents", IDENTITY, resume=True) as run:
        assert run.saved_plan() == plan
        assert run.saved_precision() == "bf16"


def test_one_training_of_a_name_at_a_time(tmp_path: Path) -> None:
    with open_run(tmp_path, "intents", IDENTITY, resume=False):
        with (
            pytest.raises(UsageError, match="Only one training of 'intents'"),
            open_run(tmp_path, "intents", IDENTITY, resume=False),
        ):
            pass
        with open_run(tmp_path, "topics", IDENTITY, resume=False):
            pass
