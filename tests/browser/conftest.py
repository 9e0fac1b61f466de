"""A real suite for the browser tests: trained on the samples once, served by the real server, driven by Chromium."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.served_suite import Suite, chromium, served, wait_until_drawn

DEMO_SECONDS = 510
"""The first start trains three apps, perhaps on a busy machine."""
PAGE_MILLISECONDS = 30_000


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    """The whole suite, trained on ``data_samples/`` by the released command and served by it."""
    home = Path(os.environ.get("PORTSIDE_TEST_HOME") or tmp_path_factory.mktemp("suite"))
    with served(home, ["demo", "--no-open"], patience_seconds=DEMO_SECONDS) as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    with chromium() as started:
        yield started


@pytest.fixture
def open_page(browser: Browser, suite: Suite) -> Iterator[Callable[..., Page]]:
    """Opens a page of the suite in a fresh session and waits until it is drawn."""
    contexts = []

    def opened(path: str, *, width: int = 1280, height: int = 900, scheme: str = "light", lang: str = "en") -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, timezone_id="Europe/Berlin"
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PAGE_MILLISECONDS)
        joint = "&" if "?" in path else "?"
        page.goto(f"{suite.url}{path}{joint}lang={lang}")
        wait_until_drawn(page)
        return page

    yield opened
    for context in contexts:
        context.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how long each page took: a look, not a verdict."""
    seen = [
        value
        for report in terminalreporter.getreports("passed")
        for name, value in report.user_properties
        if name == "page load"
    ]
    if seen:
        terminalreporter.section("page load times, fresh session, from navigation to drawn")
        for line in seen:
            terminalreporter.write_line(str(line))
