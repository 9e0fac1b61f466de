"""What every app in the suite must do, checked for each app that is found; a fourth app is checked the same way."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from portside.apps import AppSpec, PageSpec, app_service, find_app, find_apps, load
from portside.errors import UsageError
from portside.settings import Settings
from portside.storage.migrate import schema_differences
from portside_api.application import build_api
from portside_ui.server import warm
from portside_ui.words import catalogue
from tests.drawn_pages import page_test

APPS = find_apps()
PAGES = [(app, page) for app in APPS for page in app.pages]
each_app = pytest.mark.parametrize("app", APPS, ids=lambda app: app.name)


def test_there_are_apps() -> None:
    assert {app.name for app in APPS} >= {"support", "finance", "recommend"}


def test_an_unknown_app_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="finance"):
        find_app("no-such-app")


@each_app
def test_every_address_leads_somewhere(app: AppSpec) -> None:
    pages = [page.render for page in app.pages]
    for address in (
        app.build,
        app.router,
        app.commands,
        app.tables,
        app.demo,
        app.health,
        app.warm,
        app.texts,
        *app.jobs.values(),
        *pages,
    ):
        if address:
            assert load(address) is not None
            assert address.startswith(app.package), f"{address} lies outside {app.package}"


@each_app
def test_warming_a_fresh_installation_harms_nothing(app: AppSpec, empty_home: Settings) -> None:
    warm(empty_home, [app], delay_seconds=0.0)


@each_app
def test_names_are_the_apps_own(app: AppSpec) -> None:
    assert re.fullmatch(r"[a-z]+", app.name)
    assert all(kind.startswith(f"{app.name}.") for kind in app.jobs)
    assert all(table.startswith(f"{app.name}_") for table in load(app.tables).tables)
    assert len({page.slug for page in app.pages}) == len(app.pages)
    assert all(icon.startswith(":material/") for icon in (app.icon, *(page.icon for page in app.pages)))


@each_app
def test_tables_match_migrations(app: AppSpec, database: Any) -> None:
    del app
    assert schema_differences(database, APPS) == []


@each_app
def test_health_of_a_fresh_installation_says_what_is_missing(app: AppSpec, empty_home: Settings) -> None:
    health = load(app.health)(empty_home)
    assert health, "a health check names at least one part"
    assert all(state.startswith(("ready", "missing")) for state in health.values()), health
    assert any(state.startswith("missing") for state in health.values()), health
    chinese = catalogue("zh")
    assert all(chinese.gettext(part) != part for part in health), f"translate in {app.package}: {list(health)}"


@each_app
def test_a_fresh_installation_has_no_texts_for_the_encoder(app: AppSpec, empty_home: Settings) -> None:
    assert not app.texts or list(load(app.texts)(empty_home, 3)) == []


@each_app
def test_service_is_built_without_models(app: AppSpec, empty_home: Settings) -> None:
    assert app_service(app, empty_home) is app_service(app, empty_home)


@each_app
def test_commands_have_help_all_the_way_down(app: AppSpec) -> None:
    commands = load(app.commands)
    ran = CliRunner().invoke(commands, ["--help"])
    assert ran.exit_code == 0, ran.output
    names = [command.name or command.callback.__name__.replace("_", "-") for command in commands.registered_commands]
    for name in names:
        detail = CliRunner().invoke(commands, [name, "--help"])
        assert detail.exit_code == 0, f"{name}: {detail.output}"
    assert names


def draw(address: str, app_name: str, settings: object, language: str) -> None:
    """Runs inside AppTest, which copies this function's source."""
    import streamlit as st

    from portside.apps import app_service, find_app, find_apps, load
    from portside_ui.runtime import configure
    from portside_ui.words import LANGUAGE_KEY

    st.session_state[LANGUAGE_KEY] = language
    configure(settings, find_apps())
    load(address)(app_service(find_app(app_name), settings))


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(("app", "page"), PAGES, ids=[f"{app.name}-{page.slug}" for app, page in PAGES])
def test_pages_draw_their_empty_state(app: AppSpec, page: PageSpec, language: str, empty_home: Settings) -> None:
    arguments = {"address": page.render, "app_name": app.name, "settings": empty_home, "language": language}
    drawn = page_test(draw, arguments).run()
    assert not drawn.exception, drawn.exception
    assert drawn.title, "a page opens with its title"
    assert drawn.caption, "a page says which question it answers"
    assert bool(re.search(r"[\u4e00-\u9fff]", drawn.title[0].value)) == (language == "zh"), drawn.title[0].value


def test_api_answers_health_and_describes_every_app(empty_home: Settings) -> None:
    client = TestClient(build_api(empty_home, APPS))
    health = client.get("/health").json()
    assert health["status"] == "ok"
    assert set(health["apps"]) == {app.name for app in APPS}
    paths = client.get("/openapi.json").json()["paths"]
    for app in APPS:
        routes = [path for path in paths if path.startswith(f"/{app.name}/")]
        assert routes, f"{app.name} has no route"
        for route in routes:
            for verb in paths[route].values():
                assert verb.get("summary"), f"{route} needs a summary"


def test_a_new_app_is_found_by_its_folder_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from portside.apps import _checkout_packages

    folder = tmp_path / "apps" / "portside_fourth"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("APP = None\n")
    monkeypatch.syspath_prepend(str(tmp_path / "apps"))
    assert _checkout_packages([str(tmp_path / "apps")]) == ["portside_fourth"]
