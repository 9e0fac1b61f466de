"""The real server in a process of its own, and Chromium in front of it: for browser tests and page benchmarks."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
CHROMIUM_FLAGS += ["--disable-background-networking", "--disable-component-update"]


@dataclass(frozen=True)
class Suite:
    """A running suite."""

    url: str
    home: Path


@contextmanager
def served(home: Path, words: Sequence[str], *, patience_seconds: float) -> Iterator[Suite]:
    """Run ``portside`` with ``words``, wait until its API answers, and stop it afterwards.

    Raises:
        RuntimeError: it ended, or did not answer in time; with the end of its log.
    """
    port = _free_port()
    quiet = {"PORTSIDE_COMPILE_ON_PROMOTION": "false"}  # pages are timed and clicked: nothing else is to compute
    environment = {**quiet, **os.environ, "PORTSIDE_HOME": str(home), "PORTSIDE_PORT": str(port), "NO_COLOR": "1"}
    log = home / "server.log"
    with log.open("wb") as out:
        server = subprocess.Popen(
            [sys.executable, "-m", "portside.cli", *words],
            cwd=ROOT, env=environment, stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip
    try:
        _wait_for(f"http://127.0.0.1:{port}/api/health", server, log, patience_seconds)
        yield Suite(f"http://127.0.0.1:{port}", home)
    finally:
        _stop(server)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path, patience_seconds: float) -> None:
    limit = time.monotonic() + patience_seconds
    why = "did not answer"
    while time.monotonic() < limit:
        if server.poll() is not None:
            why = "ended"
            break
        try:
            if httpx.get(url, timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise RuntimeError(f"the suite {why}: {log.read_text(errors='replace')[-3000:]}")


def _stop(server: subprocess.Popen[bytes]) -> None:
    if server.poll() is not None:
        return
    os.killpg(server.pid, signal.SIGTERM)
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium.

    Raises:
        RuntimeError: it is not installed.
    """
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        raise RuntimeError("Chromium is needed: apt-get install chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield started
        started.close()


def wait_until_drawn(page: Page) -> None:
    """Wait until Streamlit has run the script and shows the page's title."""
    page.wait_for_selector("h1", state="visible")
    page.wait_for_function("() => !document.querySelector('[data-testid=\"stStatusWidget\"]')")
