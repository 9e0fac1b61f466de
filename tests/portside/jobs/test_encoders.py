"""The apps' encoder is queued for compilation on their own texts: once, one at a time, not against the user's wish."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from portside.apps import AppSpec
from portside.encoders import BUNDLED_NAME, BUNDLED_SHA256
from portside.inference.engines.machine import this_machine
from portside.inference.engines.store import CompiledPlace, encoder_place, keep_as_trained, write_compiled
from portside.jobs.encoders import FEWEST, MOST, Encoders, texts_by_app
from portside.jobs.promotions import COMPILE
from portside.jobs.records import Job, JobState
from portside.registry import ModelRegistry, ModelVersion
from portside.settings import Settings


@dataclass
class FakeQueue:
    """Keeps what was submitted; ``state`` is that of every job."""

    jobs: list[tuple[dict[str, Any], str]] = field(default_factory=list)
    state: JobState = "queued"
    others: list[Job] = field(default_factory=list)

    def recent(self, kinds: Sequence[str] | None = None, limit: int = 20) -> list[Job]:
        assert kinds == [COMPILE]
        return [*self.others, *(made_job(self.state) for _ in self.jobs)]

    def submit_once(self, kind: str, params: Mapping[str, Any], *, actor: str, key: str) -> str | None:
        if key in [known for _, known in self.jobs]:
            return None
        self.jobs.append((dict(params), key))
        return key


def made_job(state: JobState) -> Job:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return Job("id", COMPILE, {}, state, 0.0, 0.0, "", None, None, [], now, None, None, "", 1)


@pytest.fixture
def app(yard: AppSpec) -> AppSpec:
    return replace(yard, texts="texts_for_tests:offered")


@pytest.fixture
def place(settings: Settings) -> CompiledPlace:
    return encoder_place(settings.models_dir, BUNDLED_NAME, BUNDLED_SHA256)


def offer(settings: Settings, many: int) -> None:
    settings.home.mkdir(parents=True, exist_ok=True)
    lines = [f"where is parcel number {number}" for number in range(many)]
    (settings.home / "texts.txt").write_text("\n".join(lines), encoding="utf-8")


def look(settings: Settings, app: AppSpec, queue: FakeQueue) -> Encoders:
    return Encoders(settings, [app], queue, quiet_seconds=0, look_seconds=0)


def test_enough_texts_queue_one_job_however_often_is_looked(
    settings: Settings, app: AppSpec, place: CompiledPlace
) -> None:
    queue = FakeQueue()
    chore = look(settings, app, queue)
    chore()
    offer(settings, FEWEST - 1)
    chore()
    assert queue.jobs == []
    offer(settings, FEWEST)
    chore()
    chore()
    assert queue.jobs == [({"model": BUNDLED_NAME, "apps": ["yard"]}, f"{place.made_from} {this_machine()}")]


def test_texts_that_are_the_same_count_once(settings: Settings, app: AppSpec) -> None:
    offer(settings, FEWEST - 1)
    path = settings.home / "texts.txt"
    path.write_text(path.read_text() + "\nWhere is parcel number 0\n\n   \n")
    assert texts_by_app([app], settings) == {}
    offer(settings, MOST + 50)
    assert {name: len(texts) for name, texts in texts_by_app([app], settings).items()} == {"yard": MOST}


@pytest.mark.parametrize("state", ["failed", "cancelled", "succeeded"])
def test_what_was_tried_is_not_tried_again_by_another_worker_or_after_a_restart(
    settings: Settings, app: AppSpec, state: JobState
) -> None:
    offer(settings, FEWEST)
    queue = FakeQueue()
    look(settings, app, queue)()
    queue.state = state
    again = look(settings, app, queue)
    again()
    again()
    assert len(queue.jobs) == 1


def test_one_job_at_a_time(settings: Settings, app: AppSpec) -> None:
    offer(settings, FEWEST)
    queue = FakeQueue(others=[made_job("running")])
    chore = look(settings, app, queue)
    chore()
    assert queue.jobs == []
    queue.others = [made_job("failed")]
    chore()
    assert len(queue.jobs) == 1


@pytest.mark.parametrize("why", ["measured", "as trained", "no app has texts read", "not on this machine"])
def test_nothing_is_queued_where_nothing_is_to_be_done(
    settings: Settings, app: AppSpec, yard: AppSpec, place: CompiledPlace, why: str
) -> None:
    offer(settings, FEWEST)
    if why == "measured":
        write_compiled(place, None, "original", {})
    elif why == "as trained":
        keep_as_trained(place)
    elif why == "no app has texts read":
        app = yard
    else:
        settings = settings.model_copy(update={"encoder": "nobody/has-downloaded-this"})
    queue = FakeQueue()
    look(settings, app, queue)()
    assert queue.jobs == []


def test_weights_in_a_folder_are_queued_by_the_name_that_the_setting_gives(
    settings: Settings, app: AppSpec, tiny_encoder: Path
) -> None:
    offer(settings, FEWEST)
    queue = FakeQueue()
    look(settings.model_copy(update={"encoder": str(tiny_encoder)}), app, queue)()
    assert [params["model"] for params, _ in queue.jobs] == [str(tiny_encoder)]


def test_a_registered_encoder_is_queued_as_the_version_that_serves(
    settings: Settings, app: AppSpec, register_encoder: Callable[[ModelRegistry, str], ModelVersion]
) -> None:
    offer(settings, FEWEST)
    registry = ModelRegistry(settings.models_dir)
    register_encoder(registry, "ours")
    registry.promote("ours", 1, actor="a", reason="r")
    queue = FakeQueue()
    look(settings.model_copy(update={"encoder": "ours"}), app, queue)()
    assert [params["model"] for params, _ in queue.jobs] == ["ours:1"]


def test_the_pages_come_first_and_texts_are_read_now_and_then(settings: Settings, app: AppSpec) -> None:
    now, queue = [100.0], FakeQueue()
    chore = Encoders(settings, [app], queue, quiet_seconds=20, look_seconds=60, seconds=lambda: now[0])
    offer(settings, FEWEST - 1)
    now[0] = 120.0
    chore()
    offer(settings, FEWEST)
    now[0] = 179.0
    chore()
    assert queue.jobs == []
    now[0] = 180.0
    chore()
    assert len(queue.jobs) == 1
