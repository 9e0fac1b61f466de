"""Pages drawn without a browser, by Streamlit's own test runner."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from streamlit.components.v2.component_manager import BidiComponentManager
from streamlit.testing.v1 import AppTest

PATIENCE_SECONDS = 30


def page_test(draw: Callable[..., None], arguments: dict[str, Any]) -> AppTest:
    """``draw(**arguments)`` as a page, not yet run. Streamlit copies the function's source without its module."""
    test = AppTest.from_function(draw, kwargs=arguments, default_timeout=PATIENCE_SECONDS)
    # Else Streamlit looks for components in the metadata of every installed package, again for each page of each test:
    # that took longer than drawing the page.
    test._bidi_component_manager = _components()
    return test


@cache
def _components() -> BidiComponentManager:
    found = BidiComponentManager()
    found.discover_and_register_components(start_file_watching=False)
    return found
