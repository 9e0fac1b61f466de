"""A real suite for the browser tests: trained on the samples once, served by the real server, driven by Chromium."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 90
PAGE_MILLISECONDS = 30_000
CHROMIUM_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
CHROMIUM_FLAGS += ["--disable-background-networking", "--disable-component-update"]


@dataclass(frozen=True)
class Suite:
    """A running suite."""

    url: str
    home: Path


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    """The whole suite, trained on ``data_samples/`` by the released command and served by it."""
    home = Path(os.environ.get("PORTSIDE_TEST_HOME") or tmp_path_factory.mktemp("suite"))
    port = _free_port()
    environment = {**os.environ, "PORTSIDE_HOME": str(home), "PORTSIDE_PORT": str(port), "NO_COLOR": "1"}
    with (home / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "portside.cli", "demo", "--no-open"],
            cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        _wait_for(f"http://127.0.0.1:{port}/api/health", server, home / "server.log")
        yield Suite(f"http://127.0.0.1:{port}", home)
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    # The first start trains three apps; after that the server must be up quickly.
    limit = time.monotonic() + 420 + START_SECONDS
    while time.monotonic() < limit:
        if server.poll() is not None:
            pytest.fail(f"the suite ended: {log.read_text(errors='replace')[-3000:]}")
        try:
            if httpx.get(url, timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.5)
    pytest.fail(f"the suite did not answer: {log.read_text(errors='replace')[-3000:]}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.fail("the browser tests need Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield started
        started.close()


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


def wait_until_drawn(page: Page) -> None:
    """Wait until Streamlit has run the script and shows the page's title."""
    page.wait_for_selector("h1", state="visible")
    page.wait_for_function("() => !document.querySelector('[data-testid=\"stStatusWidget\"]')")


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
