"""What an app offers the suite, and how apps are found.

An app is a package with an ``APP`` of type ``AppSpec`` in its ``__init__``. What costs time to import is
named by an address ``package.module:attribute`` and imported when needed. The suite composes what ``find_apps``
returns and knows no app by name.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module, metadata
from operator import attrgetter
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from portside.errors import UsageError

if TYPE_CHECKING:  # reading settings costs more start-up than `portside --help` may take
    from portside.settings import Settings

__all__ = ["AppSpec", "PageSpec", "app_service", "find_app", "find_apps", "load"]

ENTRY_POINTS = "portside.apps"


@dataclass(frozen=True)
class PageSpec:
    """One page: ``render`` is the address of ``render(service) -> None``, which only draws."""

    slug: str
    """Last part of the page's URL, unique in its app: the page answers at ``/<app>-<slug>``."""
    title: str
    """English title, translated by the app's catalogue."""
    icon: str
    """A Material symbol, ``:material/name:``."""
    render: str


@dataclass(frozen=True)
class AppSpec:
    """All that the suite needs to know of an app."""

    name: str
    title: str
    summary: str
    """One sentence: what the app does for whom."""
    icon: str
    pages: tuple[PageSpec, ...]
    build: str
    """``build_service(settings: Settings) -> Service``: the app's one composition root."""
    router: str
    """``build_router(service: Callable[[], Service]) -> fastapi.APIRouter``, mounted at ``/api/<name>``."""
    commands: str
    """A ``typer.Typer``, mounted at ``portside <name>``."""
    tables: str
    """A ``sqlalchemy.MetaData`` with the app's tables, all named ``<name>_…``."""
    demo: str
    """``prepare_demo(settings, samples: Path, progress) -> list[str]``: trains and fills the app from its samples.

    Does nothing where it was done before; returns one line for each thing it did."""
    health: str
    """``check_health(settings) -> dict[str, str]``: what is ready and what is missing, in a word each."""
    migrations: str = "migrations"
    """Folder of Alembic revisions inside the app's package."""
    locale: str = "locale"
    """Folder of ``<language>.po`` catalogues inside the app's package."""
    warm: str = ""
    """``warm(service) -> None``: load what the first request would wait for; called in the background of a server.

    Empty where nothing is worth loading ahead. It may raise: a missing model is told by the page that needs it."""
    texts: str = ""
    """``texts(settings, most: int) -> Iterable[str]``: at most so many of the texts that the app has the pretrained
    encoder (``settings.encoder``) read, from all over them; a faster engine for it is checked on them.

    Empty where the app has none read; it yields none while another encoder serves the app."""
    jobs: Mapping[str, str] = field(default_factory=dict)
    """Kind of job -> address of ``run(context: JobContext, **params) -> dict[str, Any]``."""

    @property
    def package(self) -> str:
        """The app's package, by convention of its addresses."""
        return self.build.split(":")[0].split(".")[0]

    @property
    def folder(self) -> Path:
        """Where the app's package lies."""
        found = import_module(self.package).__file__
        assert found is not None
        return Path(found).parent


def load(address: str) -> Any:
    """Import what ``package.module:attribute`` names; an attribute may be dotted, as in ``Service.method``."""
    module, _, attribute = address.partition(":")
    return attrgetter(attribute)(import_module(module))


@lru_cache(maxsize=1)
def find_apps() -> tuple[AppSpec, ...]:
    """Every app that is installed or lies in the checkout's ``apps/``, by name, each once."""
    packages = {point.value.split(":")[0] for point in metadata.entry_points(group=ENTRY_POINTS)}
    packages |= set(_checkout_packages(sys.path))
    modules = [import_module(package) for package in sorted(packages)]
    apps: list[AppSpec] = [module.APP for module in modules if hasattr(module, "APP")]
    return tuple(sorted(apps, key=lambda app: app.name))


def _checkout_packages(search_path: Sequence[str]) -> list[str]:
    # In a checkout, an app's folder in apps/ is enough: no re-install before a new app is seen.
    folders = [Path(entry) for entry in search_path if Path(entry).name == "apps"]
    return [
        init.parent.name
        for folder in folders
        for init in folder.glob("portside_*/__init__.py")
        if "APP" in init.read_text(encoding="utf-8")
    ]


def find_app(name: str) -> AppSpec:
    """The app of that name.

    Raises:
        UsageError: there is none; names those there are.
    """
    for app in find_apps():
        if app.name == name:
            return app
    known = ", ".join(app.name for app in find_apps())
    raise UsageError("No app of that name", seen=name, remedy=f"Use one of: {known}")


_services: dict[tuple[str, Settings], Any] = {}
_services_lock = Lock()


def app_service(app: AppSpec, settings: Settings) -> Any:
    """The app's service, built once for each process and settings, shared by pages and API."""
    key = (app.name, settings)
    with _services_lock:
        if key not in _services:
            build: Callable[[Settings], Any] = load(app.build)
            _services[key] = build(settings)
        return _services[key]
