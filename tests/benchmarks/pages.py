"""How long pages take with the whole outlet stream (53,251 headlines) in the store, in a real browser."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
from playwright.sync_api import sync_playwright

from portside.apps import find_apps
from portside.console import say, table

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync", "--no-first-run"]


def run(data: Path, _seeds: int) -> None:
    """Prepare the demo, ingest the stream by the released command, then load every page twice."""
    with tempfile.TemporaryDirectory() as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        environment = {**os.environ, "PORTSIDE_HOME": folder, "PORTSIDE_PORT": str(port)}
        stream = str(data / "finance" / "streams" / "outlets_2017_2020.csv.gz")
        for command in (["demo", "--no-serve"], ["finance", "ingest", stream]):
            started = time.monotonic()
            subprocess.run([sys.executable, "-m", "portside.cli", *command], env=environment, check=True)
            say(f"portside {' '.join(command)}: {time.monotonic() - started:.0f} s")
        server = subprocess.Popen([sys.executable, "-m", "portside_ui"], env=environment, start_new_session=True)
        try:
            started = time.monotonic()
            while not _answers(f"http://127.0.0.1:{port}/api/health"):
                time.sleep(0.1)
            say(f"server answers after {time.monotonic() - started:.1f} s")
            table(["page", "first s", "again s"], _times(f"http://127.0.0.1:{port}"))
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(30)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def _times(url: str) -> list[list[object]]:
    paths = ["/", "/models", "/system", *(f"/{app.name}-{page.slug}" for app in find_apps() for page in app.pages)]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        rows: list[list[object]] = []
        for path in paths:
            seconds = []
            for _visit in range(2):
                page = browser.new_context().new_page()
                started = time.monotonic()
                page.goto(url + path)
                page.wait_for_selector("h1", state="visible", timeout=60_000)
                page.wait_for_function("() => !document.querySelector('[data-testid=\"stStatusWidget\"]')")
                seconds.append(time.monotonic() - started)
                page.context.close()
            rows.append([path, *seconds])
        browser.close()
    return rows
