from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from portside.errors import Cancelled, ModelDamaged, StorageError
from portside.inference.interfaces import FakeEncoder
from portside.progress import NullProgress, RecordingProgress
from portside.registry import ModelRegistry, ModelVersion
from portside.settings import Settings
from portside.storage.engine import open_database
from portside_support.articles import parse_article
from portside_support.build import build_knowledge, build_stores, encoder_texts
from portside_support.config import SupportConfig
from portside_support.knowledge import KnowledgeBase, searchable
from portside_support.records import Article
from portside_support.service import Stores


def article(slug: str, text: str) -> Article:
    return parse_article(f"---\ntitle: About {slug}\nslug: {slug}\n---\n{text}", file=f"{slug}.md", passage_words=50)


@pytest.fixture
def base(stores: Stores, tmp_path: Path) -> KnowledgeBase:
    return KnowledgeBase(stores.content, FakeEncoder(dim=128), tmp_path / "index", candidates=10)


def test_nothing_is_found_before_the_first_import(base: KnowledgeBase) -> None:
    assert base.search("zips", 3) == ()


def test_the_likest_passage_stands_first_with_its_cosine(base: KnowledgeBase) -> None:
    base.replace([article("zips", "broken zips and seams"), article("post", "stamps and parcels")], NullProgress())
    hits = base.search("broken zips and seams about zips", 5)
    assert hits[0].passage.slug == "zips"
    assert 0.9 < hits[0].similarity <= 1.0
    assert hits[0].similarity == max(hit.similarity for hit in hits)
    assert len(base.search("broken", 1)) == 1


def test_a_question_is_read_as_one_where_the_encoder_tells_it_from_an_article(stores: Stores, tmp_path: Path) -> None:
    encoder = FakeEncoder(dim=128, query_prefix="query ")
    base = KnowledgeBase(stores.content, encoder, tmp_path / "index", candidates=10)
    base.replace([article("zips", "broken zips")], NullProgress())
    (hit,) = base.search("broken zips", 1)
    passage = encoder.encode([searchable(hit.passage)])[0]
    assert hit.similarity == pytest.approx(float(passage @ encoder.encode_queries(["broken zips"])[0]), abs=1e-5)
    assert hit.similarity != pytest.approx(float(passage @ encoder.encode(["broken zips"])[0]), abs=1e-3)


def test_an_import_replaces_the_articles_for_every_reader(base: KnowledgeBase, stores: Stores, tmp_path: Path) -> None:
    reader = KnowledgeBase(stores.content, FakeEncoder(dim=128), tmp_path / "index", candidates=10)
    for round_ in range(4):
        base.replace([article(f"a{round_}", f"tents number {round_}")], NullProgress())
        assert [hit.passage.slug for hit in reader.search("tents", 3)] == [f"a{round_}"]
    assert len(list((tmp_path / "index").iterdir())) == 1


def test_articles_that_were_taken_out_are_gone_from_the_disk(base: KnowledgeBase, tmp_path: Path) -> None:
    base.replace([article("old", "the zanzibar warehouse"), article("post", "stamps")], NullProgress())
    base.search("stamps", 1)
    base.replace([article("post", "stamps")], NullProgress())
    assert base.search("stamps", 1)
    assert not [path for path in (tmp_path / "index").rglob("*") if path.is_file() and b"zanzibar" in path.read_bytes()]


def test_what_a_killed_import_left_goes_when_the_index_is_read(base: KnowledgeBase, tmp_path: Path) -> None:
    base.replace([article("post", "stamps")], NullProgress())
    before = tmp_path / "index" / "before"
    before.mkdir()
    os.utime(before, (0, 0))
    assert base.search("stamps", 1)
    assert not before.exists()


def test_an_index_that_another_import_is_about_to_name_stays(base: KnowledgeBase, tmp_path: Path) -> None:
    (tmp_path / "index" / "fresh").mkdir(parents=True)
    killed = tmp_path / "index" / "killed"
    killed.mkdir()
    os.utime(killed, (0, 0))
    base.replace([article("post", "stamps")], NullProgress())
    assert (tmp_path / "index" / "fresh").exists()
    assert not killed.exists()


def test_an_import_that_is_stopped_changes_nothing(base: KnowledgeBase) -> None:
    base.replace([article("old", "tents")], NullProgress())
    with pytest.raises(Cancelled):
        base.replace([article("new", "boots")], RecordingProgress(cancel_at=0.0))
    assert [hit.passage.slug for hit in base.search("tents", 3)] == ["old"]


def test_another_encoder_needs_a_new_import(base: KnowledgeBase, stores: Stores, tmp_path: Path) -> None:
    base.replace([article("old", "tents")], NullProgress())
    other = KnowledgeBase(stores.content, FakeEncoder(128, "other:1"), tmp_path / "index", candidates=10)
    with pytest.raises(StorageError, match="import-kb"):
        other.search("tents", 3)


def test_a_damaged_index_is_named(base: KnowledgeBase, stores: Stores, tmp_path: Path) -> None:
    base.replace([article("old", "tents")], NullProgress())
    for path in (tmp_path / "index").rglob("*.npy"):
        path.write_bytes(path.read_bytes()[:-1] + b"x")
    fresh = KnowledgeBase(stores.content, FakeEncoder(dim=128), tmp_path / "index", candidates=10)
    with pytest.raises(ModelDamaged):
        fresh.search("tents", 3)


def test_a_registered_encoder_is_found_by_its_name(
    stores: Stores, settings: Settings, register_encoder: Callable[[ModelRegistry, str], ModelVersion]
) -> None:
    register_encoder(ModelRegistry(settings.models_dir), "words")
    named = settings.model_copy(update={"encoder": "words@champion"})
    base = build_knowledge(named, stores.content, SupportConfig())
    base.replace([article("post", "where is my parcel")], NullProgress())
    assert base.search("my parcel", 1)[0].passage.slug == "post"
    state = stores.content.knowledge_state()
    assert state is not None
    assert state.encoder == "words:1"


def test_passages_are_offered_for_the_encoder_as_it_reads_them(empty_home: Settings) -> None:
    database = open_database(empty_home)
    kept = build_stores(database).content
    articles = [article(f"a{number}", f"tents number {number}") for number in range(6)]
    kept.replace_knowledge(articles, generation="g", encoder="e")
    database.close()
    every = [searchable(passage) for one in articles for passage in one.passages]
    assert encoder_texts(empty_home, 3) == every[::2]
    assert encoder_texts(empty_home, 99) == every
    assert every[0].startswith("About a0")
