"""Pairs, loss, the loop on a tiny network, and what a training leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from portside.data.matching import load_judged
from portside.data.texts import load_texts
from portside.errors import Cancelled, DataError
from portside.evaluation.held_out import held_out_file
from portside.inference.interfaces import FakeEncoder
from portside.progress import NullProgress, RecordingProgress
from portside.registry import ModelRegistry, ModelVersion
from portside.settings import Settings
from portside_recommend.behaviour import cosine
from portside_recommend.choices import Choices, settle
from portside_recommend.config import EncoderConfig
from portside_recommend.contrastive import fine_tune
from portside_recommend.judging import split
from portside_recommend.learning import Source, learn
from portside_recommend.pairs import false_negatives, pool_pairs
from portside_recommend.records import item_text
from portside_recommend.service import RecommendService
from portside_recommend.train import _keep_for_compiling, prepare_demo, train_recommender

QUICK = EncoderConfig(batch_size=8, max_steps=4, passes=100, frozen_layers=0, min_pairs=8, max_tokens=16)


def choices(*lists: list[int], items: int) -> Choices:
    user = np.array([u for u, own in enumerate(lists) for _ in own], dtype=np.int64)
    item = np.array([i for own in lists for i in own], dtype=np.int64)
    ones = np.ones(len(item), dtype=np.float32)
    return Choices(len(lists), items, user, item, ones, np.zeros(len(item), dtype=np.int64), item, timed=False)


def test_pairs_are_near_of_one_user_and_of_different_texts() -> None:
    texts = np.array([0, 1, 2, 1])
    made = choices([0, 1, 2], [3, 1], items=4)
    pool = pool_pairs(made, texts, cosine(made, neighbours=4), EncoderConfig(window=1))
    assert sorted(zip(pool.first.tolist(), pool.second.tolist(), strict=True)) == [(0, 1), (1, 2)]


def test_popular_items_are_drawn_less() -> None:
    made = choices(*[[0, 1]] * 30, *[[2, 3]] * 3, items=4)

    def rare(power: float) -> float:
        config = EncoderConfig(popularity_power=power)
        drawn, _ = pool_pairs(made, np.arange(4), cosine(made, neighbours=4), config).draw(
            600, np.random.default_rng(1)
        )
        return float(np.isin(drawn, [2, 3]).mean())

    assert rare(0.5) > rare(0.0) + 0.1


def test_strangers_in_one_basket_are_drawn_less_than_companions() -> None:
    made = choices(*[[0, 1]] * 9, [0, 2], *[[2]] * 8, items=3)
    drawn = pool_pairs(made, np.arange(3), cosine(made, neighbours=3), EncoderConfig(window=1))
    first, second = drawn.draw(500, np.random.default_rng(1))
    strangers = np.mean((first == 2) | (second == 2))
    assert 0 < strangers < 0.05, "one pair in ten, and hardly ever drawn"


def test_false_negatives_are_companions_and_twins_but_never_the_pair() -> None:
    likeness = sp.csr_matrix(np.array([[0, 0.9, 0, 0], [0.9, 0, 0, 0], [0, 0, 0, 0.05], [0, 0, 0.05, 0]]))
    first, second = np.array([0, 0, 2]), np.array([2, 1, 3])
    marked = false_negatives(likeness, np.array([0, 1, 2, 3]), first, second, above=0.1)
    assert marked.tolist() == [[False, True, False], [False, False, False], [True, False, False]]


def taught(tiny_encoder: Path, folder: Path, config: EncoderConfig, service: RecommendService, **options):  # type: ignore[no-untyped-def]
    shelf = service.keeper.shelf()
    texts = [item_text(item) for item in shelf.items]
    made = settle(service.log(shelf))
    return fine_tune(tiny_encoder, folder, texts, made, config, **{"progress": NullProgress(), **options})


@pytest.mark.slow
def test_the_same_seed_teaches_the_same(tiny_encoder: Path, service: RecommendService, tmp_path: Path) -> None:
    made = [taught(tiny_encoder, tmp_path / name, QUICK, service) for name in "ab"]
    assert np.allclose(made[0].probe, made[1].probe, atol=1e-5)
    other = taught(tiny_encoder, tmp_path / "c", replace(QUICK, seed=99), service)
    assert np.abs(np.array(other.probe) - np.array(made[0].probe)).max() > 1e-6


def test_the_budget_ends_the_run(tiny_encoder: Path, service: RecommendService, tmp_path: Path) -> None:
    ticks = iter(range(0, 1000, 10))
    config = replace(QUICK, max_steps=50, budget_seconds=25)
    made = taught(tiny_encoder, tmp_path / "a", config, service, seconds=lambda: float(next(ticks)))
    assert 1 <= made.steps < 5


@pytest.mark.slow
def test_frozen_layers_stay_as_pretrained(tiny_encoder: Path, service: RecommendService, tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    taught(tiny_encoder, tmp_path / "a", replace(QUICK, frozen_layers=1), service)
    before, after = load_file(tiny_encoder / "model.safetensors"), load_file(tmp_path / "a" / "model.safetensors")
    moved = {name for name in after if not np.array_equal(before[name.removeprefix("bert.")], after[name])}
    assert moved
    assert all("layer.1." in name for name in moved), moved


@pytest.mark.slow
def test_half_of_what_was_learned_is_kept(tiny_encoder: Path, service: RecommendService, tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    before = load_file(tiny_encoder / "model.safetensors")
    for name, kept in (("all", 1.0), ("half", 0.5)):
        taught(tiny_encoder, tmp_path / name, replace(QUICK, kept=kept), service)
    whole, half = (load_file(tmp_path / name / "model.safetensors") for name in ("all", "half"))
    for name, value in whole.items():
        start = before[name.removeprefix("bert.")]
        assert np.allclose(half[name] - start, (value - start) / 2, atol=1e-6), name


def test_too_little_to_learn_from_leaves_the_encoder(
    tiny_encoder: Path, service: RecommendService, tmp_path: Path
) -> None:
    assert taught(tiny_encoder, tmp_path / "a", replace(QUICK, min_pairs=10_000), service) is None
    assert not (tmp_path / "a").exists()


@pytest.fixture
def tiny_settings(settings: Settings, tiny_encoder: Path) -> Settings:
    return settings.model_copy(update={"encoder": str(tiny_encoder)})


def train(service: RecommendService, registry: ModelRegistry, settings: Settings, **options):  # type: ignore[no-untyped-def]
    arguments = {"progress": NullProgress(), "actor": "ann", "reason": "test", "config": QUICK}
    return train_recommender(service, registry, settings, **{**arguments, **options})


@pytest.mark.slow
def test_training_registers_a_version_that_says_what_it_is(
    service: RecommendService, registry: ModelRegistry, tiny_settings: Settings
) -> None:
    made = train(service, registry, tiny_settings)
    version = registry.resolve("recommend-encoder:1")
    assert made.version == version.ref
    assert version.card["parent"] == "fake-encoder:1"
    assert version.card["recipe"]["batch_size"] == QUICK.batch_size
    assert version.card["metrics"]["validation_users"] > 0
    assert made.promoted == ("champion" in registry.aliases("recommend-encoder")), "promoted only when no worse"
    assert made.lines()


@pytest.mark.slow
def test_a_promoted_encoder_has_its_vectors_on_disk(
    service: RecommendService, registry: ModelRegistry, tiny_settings: Settings
) -> None:
    weak = FakeEncoder(dim=1)  # every list is as good as with this one
    service.keeper._encoder = lambda: weak
    made = train(service, registry, tiny_settings)
    assert made.promoted
    kept = service.library.load_vectors("recommend-encoder:1")
    assert kept is not None
    assert len(kept.index) == 10


def test_an_encoder_keeps_what_was_chosen_next_or_else_its_words(service: RecommendService, tmp_path: Path) -> None:
    shelf = service.keeper.shelf()
    log = service.log(shelf)
    source = Source(shelf.items, log, service.keeper.encoder(), shelf.vectors)
    learned = learn(source, None, service.config, NullProgress())
    (case,) = [one for one in split(log, "time", service.config.evaluation.validation_fraction).cases][:1]
    assert learned.next_items[0] == (int(case.history.items[0]), min(case.wanted))
    folders = [tmp_path / name for name in ("few", "words", "pairs")]
    for folder in folders:
        folder.mkdir()
    _keep_for_compiling(folders[0], source, replace(learned, next_items=((0, 1),)))
    assert held_out_file(folders[0]) is None, "ten items are too few to see a loss by"
    many = tuple(replace(shelf.items[0], item_id=f"i{n}", title=f"cup {n}") for n in range(120))
    wide = replace(source, items=many)
    _keep_for_compiling(folders[1], wide, replace(learned, next_items=((0, 1),)))
    assert load_texts(folders[1] / "held_out.jsonl").texts[0] == item_text(many[0])
    pairs = tuple((n, n + 1) for n in range(119))
    _keep_for_compiling(folders[2], wide, replace(learned, next_items=(*pairs, (5, 5))))
    kept = load_judged(folders[2] / "held_out.jsonl")
    assert (len(kept.judged), kept.queries["q1"]) == (119, item_text(many[0]))


def test_a_stopped_training_changes_nothing(
    service: RecommendService, registry: ModelRegistry, tiny_settings: Settings
) -> None:
    before = service.library.stamp()
    with pytest.raises(Cancelled):
        train(service, registry, tiny_settings, progress=RecordingProgress(cancel_at=0.5))
    assert registry.names() == []
    assert service.library.stamp() == before


def test_a_training_starts_from_a_registered_encoder(
    service: RecommendService,
    registry: ModelRegistry,
    settings: Settings,
    register_encoder: Callable[[ModelRegistry, str], ModelVersion],
) -> None:
    register_encoder(registry, "words")
    progress = RecordingProgress(cancel_at=0.0)
    with pytest.raises(Cancelled):
        train(service, registry, settings.model_copy(update={"encoder": "words"}), progress=progress)
    assert "the adapted encoder words:1" in progress.lines[0]


def test_training_without_events_is_advice(
    empty_service: RecommendService, registry: ModelRegistry, tiny_settings: Settings
) -> None:
    with pytest.raises(DataError, match="ingest"):
        train(empty_service, registry, tiny_settings)


@pytest.mark.slow
def test_the_demo_fills_everything_once(
    tiny_settings: Settings, tmp_path: Path, events: pd.DataFrame, service: RecommendService
) -> None:
    from portside.storage.engine import open_database
    from portside.storage.migrate import upgrade
    from portside_recommend import APP
    from portside_recommend.build import build_service, check_health

    database = open_database(tiny_settings)
    upgrade(database, [APP])
    database.close()
    folder = tmp_path / "samples" / "recommend"
    folder.mkdir(parents=True)
    items = [f"{item.item_id},{item.title},{item.category}" for item in service.keeper.shelf().items]
    (folder / "items.csv").write_text("\n".join(["item_id,title,category", *items]) + "\n")
    rows = [f"{row.user_id},{row.item_id},purchase,,{row.at // 1000}" for row in events.itertuples()]
    (folder / "events.csv.gz").write_text("\n".join(["user_id,item_id,event,value,timestamp", *rows]) + "\n")
    done = prepare_demo(tiny_settings, tmp_path / "samples", NullProgress())
    assert "10 items" in done[0]
    assert prepare_demo(tiny_settings, tmp_path / "samples", NullProgress()) == []
    assert check_health(tiny_settings)["items"] == "ready"
    assert build_service(tiny_settings).recommend_for("u1").known
