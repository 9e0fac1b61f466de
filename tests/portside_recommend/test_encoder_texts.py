"""The encoder is compiled on the catalogue's own words: what is offered, and a whole way from items to what serves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from portside.encoders import resolve_encoder
from portside.inference.encoder import BundledEncoder
from portside.inference.engines.store import encoder_place, read_compiled
from portside.jobs import JobQueue, Worker
from portside.jobs.encoders import FEWEST, Encoders
from portside.registry import ModelRegistry, ModelVersion
from portside.settings import Settings
from portside.storage.engine import Database, open_database
from portside_recommend import APP
from portside_recommend.build import encoder_texts
from portside_recommend.config import RecommendConfig
from portside_recommend.records import Item, item_text
from portside_recommend.store import RecommendStore


@pytest.fixture
def shop(empty_home: Settings, items: list[Item]) -> Iterator[Database]:
    database = open_database(empty_home)
    RecommendStore(database).put_items(items)
    yield database
    database.close()


@pytest.mark.usefixtures("shop")
def test_items_are_offered_as_the_encoder_reads_them(empty_home: Settings, items: list[Item]) -> None:
    assert encoder_texts(empty_home, 3) == [item_text(item) for item in items[:3]]
    assert len(encoder_texts(empty_home, 99)) == len(items)


@pytest.mark.usefixtures("shop")
def test_where_a_fine_tuned_encoder_serves_none_are_offered(
    empty_home: Settings, register_encoder: Callable[[ModelRegistry, str], ModelVersion]
) -> None:
    registry, name = ModelRegistry(empty_home.models_dir), RecommendConfig().encoder.name
    assert encoder_texts(empty_home, 3)
    register_encoder(registry, name)
    assert registry.aliases(name)["champion"] == 1
    assert encoder_texts(empty_home, 3) == []


@pytest.mark.slow
def test_from_items_to_what_a_running_app_is_served_by(
    empty_home: Settings, shop: Database, items: list[Item], tiny_encoder: Path
) -> None:
    settings = empty_home.model_copy(update={"encoder": str(tiny_encoder), "threads": 1})
    many = [replace(items[n % 10], item_id=f"N{n}", title=f"{items[n % 10].title} {n}") for n in range(FEWEST)]
    RecommendStore(shop).put_items(many)
    running = BundledEncoder(settings.encoder, threads=1, compiled=settings.models_dir)
    texts = [item_text(item) for item in many[:20]]
    before, name, engine = running.encode(texts), running.model, running._loaded()
    queue = JobQueue(shop, logs=settings.jobs_dir)
    Encoders(settings, [APP], queue, quiet_seconds=0)()
    assert Worker(settings, [APP], database=shop).run_once()
    (job,) = queue.recent(["core.compile"])
    assert job.state == "succeeded", (job.error, job.log_tail)
    source = resolve_encoder(settings.encoder)
    record = read_compiled(encoder_place(settings.models_dir, source.name, source.sha256))
    assert record is not None
    assert job.result is not None
    assert (job.result["serves"], job.result["rows"]) == (record.engine, FEWEST + len(items))
    after = running.encode(texts)
    assert running._loaded() is not engine
    assert running.model == name
    assert float(np.sum(after * before, axis=1).min()) >= 0.99
