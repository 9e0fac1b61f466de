"""The real support desk: which database, model, encoder and index stand behind it. The one place that knows."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from portside.errors import ModelError, PortsideError
from portside.registry import ModelRegistry
from portside.settings import Settings
from portside.storage.engine import Database, open_database
from portside_support.config import SupportConfig
from portside_support.knowledge import KnowledgeBase, searchable
from portside_support.records import Trust
from portside_support.service import Stores, SupportService
from portside_support.store import SupportStore
from portside_support.store_content import ContentStore
from portside_support.store_figures import FigureStore
from portside_support.store_tickets import TicketStore

__all__ = [
    "build_knowledge",
    "build_service",
    "build_stores",
    "check_health",
    "encoder_texts",
    "ready_database",
    "trust_reader",
]


def build_service(settings: Settings) -> SupportService:
    """The desk on the database and models that the settings name. Models are read when first asked.

    Raises:
        StorageError: the database does not answer.
    """
    from portside.inference.classifier import ServedClassifier
    from portside.inference.shared import SharedClassifier

    config = SupportConfig()
    registry = ModelRegistry(settings.models_dir)
    stores = build_stores(ready_database(settings))
    served = ServedClassifier(registry, config.model_name, threads=settings.threads)
    classifier = SharedClassifier("support intents", served.current, threads=settings.threads)
    knowledge = build_knowledge(settings, stores.content, config)
    return SupportService(stores, classifier, knowledge, trust_of=trust_reader(registry), config=config)


def ready_database(settings: Settings) -> Database:
    """The database with this app's tables up to date.

    Raises:
        StorageError: it does not answer, or is newer than the program.
    """
    from portside.apps import find_apps
    from portside.storage.migrate import upgrade

    database = open_database(settings)
    upgrade(database, find_apps())
    return database


def build_stores(database: Database) -> Stores:
    """The desk's stores on one database."""
    return Stores(SupportStore(database), TicketStore(database), ContentStore(database), FigureStore(database))


def build_knowledge(settings: Settings, content: ContentStore, config: SupportConfig) -> KnowledgeBase:
    """The knowledge base, its index below the home folder."""
    from portside.inference.encoder import BundledEncoder
    from portside.inference.shared import SharedEncoder

    registry, models = ModelRegistry(settings.models_dir), settings.models_dir
    encoder = BundledEncoder(settings.encoder, registry, threads=settings.threads, compiled=models)
    shared = SharedEncoder("support questions", lambda: encoder, threads=settings.threads)
    return KnowledgeBase(content, shared, settings.indexes_dir / "support", candidates=config.candidates)


def trust_reader(registry: ModelRegistry) -> Callable[[str], Trust | None]:
    """Reads from a version's card what validation measured; a version never changes, so once is enough."""

    @lru_cache(maxsize=64)
    def read(model: str) -> Trust | None:
        try:
            card = registry.resolve(model).card
        except PortsideError:
            return None
        measured = card.get("thresholds", {})
        value = measured.get("confidence")
        return Trust(float(value), float(measured.get("temperature", 1.0))) if isinstance(value, int | float) else None

    return read


def encoder_texts(settings: Settings, most: int) -> list[str]:
    """At most so many passages of the knowledge base, from all over it, as the pretrained encoder reads them."""
    database = ready_database(settings)
    try:
        passages = list(build_stores(database).content.passages().values())
    finally:
        database.close()
    taken = min(len(passages), most)
    return [searchable(passages[place * len(passages) // taken]) for place in range(taken)]


def check_health(settings: Settings) -> dict[str, str]:
    """What the desk has and what it lacks."""
    config = SupportConfig()
    database = ready_database(settings)
    try:
        counts = build_stores(database).content.counts()
    finally:
        database.close()
    try:
        model = ModelRegistry(settings.models_dir).resolve(config.model_name).ref
    except ModelError:
        model = ""
    return {
        "intent model": f"ready: {model}" if model else "missing: portside support train --data FILE",
        "answers": _counted(counts["templates"], "portside support import-templates FILE"),
        "articles": _counted(counts["articles"], "portside support import-kb FOLDER"),
    }


def _counted(count: int, command: str) -> str:
    return f"ready: {count}" if count else f"missing: {command}"
