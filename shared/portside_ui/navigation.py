"""All pages of all apps in one navigation, each behind the same guard against errors."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from typing import Any

import streamlit as st

from portside.apps import AppSpec, PageSpec, app_service, load
from portside.errors import PortsideError
from portside_ui import home_page, models_page, system_page
from portside_ui.frame import error_state, incident_state
from portside_ui.runtime import Runtime, current
from portside_ui.visits import begin_visit
from portside_ui.words import LANGUAGE_KEY, LANGUAGES, _, language

__all__ = ["draw_suite"]

log = logging.getLogger(__name__)
LANGUAGE_PARAMETER = "lang"


def draw_suite() -> None:
    """Draw the page that the URL names, in the session's language."""
    _choose_language()
    st.set_page_config(page_title="Portside", page_icon=":material/sailing:", layout="wide")
    runtime = current()
    pages = {app.name: [_app_page(app, page, runtime) for page in app.pages] for app in runtime.apps}

    def draw_home(runtime: Runtime) -> None:
        home_page.render(runtime, {name: drawn[0] for name, drawn in pages.items()})

    sections: dict[str, list[Any]] = {"": [_page(_("Home"), ":material/home:", "", draw_home, runtime)]}
    sections |= {_(app.title): pages[app.name] for app in runtime.apps}
    sections[_("Suite")] = [
        _page(_("Models"), ":material/model_training:", "models", models_page.render, runtime),
        _page(_("System"), ":material/monitor_heart:", "system", system_page.render, runtime),
    ]
    chosen = st.navigation(sections, expanded=True)
    _language_switch()
    begin_visit("page", chosen.url_path)
    chosen.run()


def _page(title: str, icon: str, path: str, render: Callable[[Runtime], None], runtime: Runtime) -> Any:
    return st.Page(
        _guarded(lambda: render(runtime), path or "home"),
        title=title,
        icon=icon,
        url_path=path or None,
        default=not path,
    )


def _app_page(app: AppSpec, page: PageSpec, runtime: Runtime) -> Any:
    def draw() -> None:
        render = load(page.render)
        render(app_service(app, runtime.settings))

    path = f"{app.name}-{page.slug}"
    return st.Page(_guarded(draw, path), title=_(page.title), icon=page.icon, url_path=path)


def _guarded(draw: Callable[[], None], name: str) -> Callable[[], None]:
    def guarded() -> None:
        try:
            draw()
        except PortsideError as error:
            error_state(error)
        except Exception:  # a defect: the log keeps the traceback, the user gets an id to name it by
            incident = secrets.token_hex(4)
            log.exception("incident %s on page %s", incident, name)
            incident_state(incident)

    guarded.__name__ = f"page_{name.replace('-', '_')}"
    return guarded


def _choose_language() -> None:
    # The URL decides, then what was chosen before, then the browser.
    asked = st.query_params.get(LANGUAGE_PARAMETER)
    if asked in LANGUAGES:
        st.session_state[LANGUAGE_KEY] = asked
    elif LANGUAGE_KEY not in st.session_state:
        st.session_state[LANGUAGE_KEY] = "zh" if (st.context.locale or "").lower().startswith("zh") else "en"


def _language_switch() -> None:
    def change() -> None:
        st.session_state[LANGUAGE_KEY] = st.session_state["portside-language-choice"]
        st.query_params[LANGUAGE_PARAMETER] = st.session_state["portside-language-choice"]

    codes = list(LANGUAGES)
    st.sidebar.segmented_control(
        "Language · 语言",
        codes,
        default=language(),
        format_func=LANGUAGES.__getitem__,
        key="portside-language-choice",
        on_change=change,
        required=True,
    )
