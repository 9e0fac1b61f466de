"""What is real: the one composition root."""

from __future__ import annotations

from portside.registry import ModelRegistry
from portside.registry.actor import current_actor
from portside.settings import Settings
from portside.storage.engine import open_database
from portside_finance.config import load_config
from portside_finance.fetch import HttpFetcher
from portside_finance.service import FinanceService
from portside_finance.store import FinanceStore
from portside_finance.sureness import sureness_reader

__all__ = ["build_service", "check_health"]


def build_service(settings: Settings) -> FinanceService:
    """The service over the settings' database and models. Loads no model; they load on first use.

    Raises:
        StorageError: the database does not answer.
        UsageError: ``finance.toml`` in the home folder holds what cannot be.
    """
    from portside.inference.classifier import ServedClassifier
    from portside.inference.shared import SharedClassifier

    config = load_config(settings.home)
    registry = ModelRegistry(settings.models_dir)

    def shared(name: str, model: str) -> SharedClassifier:
        served = ServedClassifier(registry, model, threads=settings.threads)
        return SharedClassifier(name, served.current, threads=settings.threads)

    return FinanceService(
        store=FinanceStore(open_database(settings)),
        sentiment=shared("headline sentiment", config.score.sentiment_model),
        topic=shared("headline topics", config.score.topic_model),
        fetcher=HttpFetcher(config.feeds),
        config=config,
        uploads=settings.home / "uploads" / "finance",
        actor=current_actor(settings),
        sureness_of=sureness_reader(registry, config.score.sentiment_model),
    )


def check_health(settings: Settings) -> dict[str, str]:
    """What is ready and what is missing, in a word each."""
    config = load_config(settings.home)
    registry = ModelRegistry(settings.models_dir)
    health = {
        "sentiment model": _ready("champion" in registry.aliases(config.score.sentiment_model)),
        "topic model": _ready("champion" in registry.aliases(config.score.topic_model)),
    }
    database = open_database(settings)
    try:
        totals = FinanceStore(database).totals()
    finally:
        database.close()
    health["headlines"] = _ready(totals["headlines"] > 0)
    health["companies"] = _ready(totals["companies"] > 0)
    return health


def _ready(there: bool) -> str:
    return "ready" if there else "missing"
