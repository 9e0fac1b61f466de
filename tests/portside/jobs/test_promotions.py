"""What is promoted is queued for compilation: once, one at a time, and not against the user's wish."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from portside.apps import AppSpec
from portside.inference.classifier import ServedClassifier
from portside.inference.engines.store import keep_as_trained, place_of, read_compiled, write_compiled
from portside.inference.shared import SharedClassifier
from portside.jobs import Job, JobQueue, Worker
from portside.jobs.encoders import Encoders
from portside.jobs.promotions import COMPILE, Promotions
from portside.jobs.rules import Ending
from portside.jobs.worker import _chores
from portside.registry import ModelRegistry, ModelVersion
from portside.settings import Settings
from portside.storage.engine import Database
from tests.portside.jobs.test_queue import Report, TickingClock, claims_of

Register = Callable[..., ModelVersion]
ROWS = '{"text": "where is my card", "label": "a"}\n'


@pytest.fixture
def register(registry: ModelRegistry, save_random: Callable[..., None]) -> Register:
    """Registers a classifier with ``rows`` beside it."""

    def made(name: str = "intents", *, rows: str = ROWS, promote: bool = True) -> ModelVersion:
        with registry.staging(name) as folder:
            save_random(folder, ("a", "b"), seed=1)
            (folder / "held_out.jsonl").write_text(rows)
            return registry.register(name, folder, {}, actor="ann", reason="r", promote=promote, check=lambda _: None)

    return made


@pytest.fixture
def queue(sqlite_database: Database) -> JobQueue:
    return JobQueue(sqlite_database, TickingClock())


@pytest.fixture
def look(registry: ModelRegistry, queue: JobQueue) -> Promotions:
    return Promotions(registry, queue, quiet_seconds=0)


def queued(queue: JobQueue) -> list[Job]:
    return queue.recent([COMPILE])


def finish(database: Database, state: str = "succeeded") -> None:
    claims = claims_of(database, "w:1", TickingClock())
    job = claims.claim()
    assert job is not None
    claims.finish(job.id, Ending("failed" if state == "failed" else "succeeded", {}, None), Report())


def test_a_promotion_queues_one_job_however_often_is_looked(
    register: Register, registry: ModelRegistry, queue: JobQueue, look: Promotions, sqlite_database: Database
) -> None:
    register()
    register(promote=False)
    look()
    look()
    Promotions(registry, queue, quiet_seconds=0)()  # that of another worker
    (job,) = queued(queue)
    assert (job.params, job.actor) == ({"model": "intents:1"}, "ann")
    finish(sqlite_database)
    look()
    assert len(queued(queue)) == 1
    registry.promote("intents", 2, actor="bo", reason="better")
    look()
    assert [(one.params["model"], one.actor) for one in queued(queue)] == [("intents:2", "bo"), ("intents:1", "ann")]


def test_models_take_turns(register: Register, queue: JobQueue, look: Promotions, sqlite_database: Database) -> None:
    for name in ("sentiment", "topics"):
        register(name)
    look()
    look()
    assert [job.params["model"] for job in queued(queue)] == ["sentiment:1"]
    finish(sqlite_database)
    look()
    assert [job.params["model"] for job in queued(queue)] == ["topics:1", "sentiment:1"]


def test_what_failed_is_not_tried_again_by_itself_and_goes_on_serving(
    register: Register, registry: ModelRegistry, queue: JobQueue, look: Promotions, sqlite_database: Database
) -> None:
    register()
    served = ServedClassifier(registry, "intents")
    before = served.current()
    look()
    finish(sqlite_database, "failed")
    look()
    Promotions(registry, queue, quiet_seconds=0)()
    assert [job.state for job in queued(queue)] == ["failed"]
    assert served.current() is before


def test_a_real_job_that_fails_leaves_what_serves(
    register: Register, registry: ModelRegistry, queue: JobQueue, settings: Settings, sqlite_database: Database
) -> None:
    version = register(rows='{"text": "cut sho')
    served = ServedClassifier(registry, "intents")
    before = served.current()
    settings.home.mkdir()
    (settings.home / "models").symlink_to(registry.root)
    Promotions(registry, queue, quiet_seconds=0)()
    assert Worker(settings, [], database=sqlite_database).run_once()
    assert [job.state for job in queued(queue)] == ["failed"]
    assert served.current() is before
    assert not place_of(version.folder).folder.exists()


@pytest.mark.slow
def test_from_promotion_to_what_serves(
    register: Register, registry: ModelRegistry, queue: JobQueue, settings: Settings, sqlite_database: Database
) -> None:
    version = register(rows="".join(f'{{"text": "where is my card {row}", "label": "a"}}\n' for row in range(20)))
    served = ServedClassifier(registry, "intents")
    before = served.current()
    settings.home.mkdir()
    (settings.home / "models").symlink_to(registry.root)
    Promotions(registry, queue, quiet_seconds=0)()
    assert Worker(settings, [], database=sqlite_database).run_once()
    (job,) = queued(queue)
    assert job.state == "succeeded", job
    record = read_compiled(place_of(version.folder))
    assert record is not None
    assert job.result is not None
    assert job.result["serves"] == record.engine
    after = served.current()
    assert after is not before
    assert after.predict(["where is my card"])[0].model == "intents:1"


@pytest.mark.parametrize("why", ["no rows kept", "measured", "as trained", "another task", "not promoted"])
def test_nothing_is_queued_where_nothing_is_to_be_done(
    register: Register, queue: JobQueue, look: Promotions, why: str
) -> None:
    version = register(rows="" if why == "no rows kept" else ROWS, promote=why != "not promoted")
    place = place_of(version.folder)
    if why == "measured":
        write_compiled(place, None, "original", {})
    elif why == "as trained":
        keep_as_trained(place)
    elif why == "another task":
        path = version.folder / "model.json"
        path.write_text(path.read_text().replace('"classification"', '"juggling"'))
    look()
    assert queued(queue) == []


def test_what_is_compiled_by_the_user_again_is_not_as_trained_any_more(register: Register, tmp_path: Path) -> None:
    place = place_of(register().folder)
    keep_as_trained(place)
    write_compiled(place, None, "original", {})
    assert [path.name for path in place.folder.iterdir()] == ["engine.json"]


def test_the_pages_come_first(register: Register, registry: ModelRegistry, queue: JobQueue) -> None:
    register()
    now = [100.0]
    look = Promotions(registry, queue, quiet_seconds=20, seconds=lambda: now[0])
    now[0] = 119.0
    look()
    assert queued(queue) == []
    now[0] = 120.0
    look()
    assert len(queued(queue)) == 1


def test_the_worker_looks_unless_the_setting_says_no(settings: Settings, sqlite_database: Database) -> None:
    assert [type(one) for one in _chores(settings, sqlite_database, [])] == [Promotions, Encoders]
    off = settings.model_copy(update={"compile_on_promotion": False})
    assert _chores(off, sqlite_database, []) == []


def test_a_chore_that_fails_is_told_once_and_stops_no_job(
    settings: Settings, sqlite_database: Database, yard: AppSpec, caplog: pytest.LogCaptureFixture
) -> None:
    from portside.jobs.rules import Timing

    def chore() -> None:
        raise RuntimeError("the registry is damaged")

    JobQueue(sqlite_database).submit("yard.add", {"a": 1, "b": 2}, actor="ann")
    timing = Timing(idle=0.05, beat=0.05, sweep=0.0)
    with caplog.at_level(logging.ERROR):
        assert Worker(settings, [yard], database=sqlite_database, timing=timing, chores=[chore]).run_once()
    assert [job.state for job in JobQueue(sqlite_database).recent(["yard.add"])] == ["succeeded"]
    assert len([one for one in caplog.records if "left undone" in one.message]) == 1


def test_a_version_that_is_gone_waits_for_nothing(register: Register, queue: JobQueue, look: Promotions) -> None:
    shutil.rmtree(register().folder)
    look()
    assert queued(queue) == []


def test_running_apps_take_up_what_was_compiled(
    register: Register, registry: ModelRegistry, queue: JobQueue, look: Promotions
) -> None:
    """The finance and the support app serve their classifiers so."""
    version = register()
    served = ServedClassifier(registry, "intents")
    shared = SharedClassifier("intents", served.current)
    before, said = served.current(), shared.predict(["where is my card"])
    look()
    write_compiled(place_of(version.folder), None, "torch-bf16", {})  # what the job leaves
    after = served.current()
    assert after is not before
    assert after._logits._ready.decided
    assert shared.predict(["and my parcel"])[0].model == said[0].model == "intents:1"
