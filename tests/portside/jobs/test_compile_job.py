from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from portside.errors import ModelNotFound, UsageError
from portside.inference.engines.store import place_of, read_compiled
from portside.jobs import JobContext
from portside.jobs.compile import run_compiling
from portside.progress import NullProgress
from portside.registry import ModelRegistry, ModelVersion
from portside.settings import Settings


@pytest.fixture
def context(settings: Settings) -> JobContext:
    return JobContext(settings, NullProgress(), "id", "ann")


def test_a_model_without_kept_rows_is_advice(
    context: JobContext, settings: Settings, register_random: Callable[..., ModelVersion]
) -> None:
    register_random(ModelRegistry(settings.models_dir), ("a", "b"), seed=1)
    with pytest.raises(UsageError, match="rows that it has not learned from"):
        run_compiling(context, model="intents")
    with pytest.raises(ModelNotFound):
        run_compiling(context, model="nobody")


@pytest.mark.slow
@pytest.mark.models
def test_the_job_says_what_serves_from_now_on(context: JobContext, settings: Settings, trained_intents: str) -> None:
    found = run_compiling(context, model=trained_intents)
    version = ModelRegistry(settings.models_dir).resolve(trained_intents)
    record = read_compiled(place_of(version.folder))
    assert found["model"] == version.ref
    assert found["serves"] == ("original" if record is None else record.engine)
    assert version.ref in found["summary"]


@pytest.fixture
def trained_intents(context: JobContext, tmp_path: Path) -> str:
    from portside.jobs.train import run_training

    rows = [f"where is my parcel number {n},tracking\nplease refund order {n},refund\n" for n in range(60)]
    path = tmp_path / "questions.csv"
    path.write_text("text,label\n" + "".join(rows), encoding="utf-8")
    run_training(context, data=str(path), name="intents", epochs=1, seed=1, promote=True)
    return "intents"
