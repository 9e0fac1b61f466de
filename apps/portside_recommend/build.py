"""The one place where the recommender's real collaborators are put together."""

from __future__ import annotations

from portside.clock import utc_now
from portside.inference.encoder import BundledEncoder, ServedEncoder
from portside.registry import ModelRegistry
from portside.settings import Settings
from portside.storage.engine import open_database
from portside_recommend.config import RecommendConfig
from portside_recommend.library import Library
from portside_recommend.records import item_text
from portside_recommend.service import RecommendService
from portside_recommend.store import RecommendStore

__all__ = ["build_service", "check_health", "encoder_texts"]


def build_service(settings: Settings) -> RecommendService:
    """The recommender as it runs: the suite's database, the registry's champion, the files of the home folder."""
    config = RecommendConfig()
    registry = ModelRegistry(settings.models_dir)
    pretrained = BundledEncoder(settings.encoder, registry, threads=settings.threads, compiled=settings.models_dir)
    served = ServedEncoder(registry, config.encoder.name, fallback=pretrained, threads=settings.threads)
    return RecommendService(
        store=RecommendStore(open_database(settings)),
        library=Library(settings.indexes_dir / "recommend"),
        encoder=served.current,
        pretrained=pretrained,
        config=config,
        clock=utc_now,
    )


def encoder_texts(settings: Settings, most: int) -> list[str]:
    """At most so many items' words, as the pretrained encoder reads them; none where a fine-tuned one serves."""
    registry, name = ModelRegistry(settings.models_dir), RecommendConfig().encoder.name
    if name in registry.names() and "champion" in registry.aliases(name):
        return []
    database = open_database(settings)
    try:
        return [item_text(item) for item in RecommendStore(database).some_items(most)]
    finally:
        database.close()


def check_health(settings: Settings) -> dict[str, str]:
    """What is ready and what is missing."""
    config = RecommendConfig()
    database = open_database(settings)
    try:
        counts = RecommendStore(database).counts()
    finally:
        database.close()
    trained = config.encoder.name in ModelRegistry(settings.models_dir).names()
    learned = Library(settings.indexes_dir / "recommend").stamp() is not None
    ingest, train = "portside recommend ingest", "portside recommend train"
    return {
        "items": "ready" if counts.items else f"missing: run {ingest} --items FILE",
        "events": "ready" if counts.events else f"missing: run {ingest} --events FILE",
        "behaviour": "ready" if learned else f"missing: run {train}",
        "encoder": "ready" if trained else f"missing: run {train}; until then the pretrained encoder serves",
    }
