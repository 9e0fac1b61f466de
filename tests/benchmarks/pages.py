"""How long pages take with the whole outlet stream (53,251 headlines) in the store, in a real browser."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from portside.apps import find_apps
from portside.console import say, table
from tests.served_suite import chromium, served, wait_until_drawn

START_SECONDS = 60


def run(data: Path, _seeds: int) -> None:
    """Prepare the demo, ingest the stream by the released command, then load every page twice."""
    stream = str(data / "finance" / "streams" / "outlets_2017_2020.csv.gz")
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PORTSIDE_HOME": folder}
        for command in (["demo", "--no-serve"], ["finance", "ingest", stream]):
            started = time.monotonic()
            subprocess.run([sys.executable, "-m", "portside.cli", *command], env=environment, check=True)
            say(f"portside {' '.join(command)}: {time.monotonic() - started:.0f} s")
        started = time.monotonic()
        with served(Path(folder), ["ui"], patience_seconds=START_SECONDS) as suite:
            say(f"the server answers after {time.monotonic() - started:.1f} s")
            table(["page", "first s", "again s"], _times(suite.url))


def _times(url: str) -> list[list[object]]:
    paths = ["/", "/models", "/system", *(f"/{app.name}-{page.slug}" for app in find_apps() for page in app.pages)]
    rows: list[list[object]] = []
    with chromium() as browser:
        for path in paths:
            seconds = []
            for _visit in range(2):
                page = browser.new_context().new_page()
                started = time.monotonic()
                page.goto(url + path)
                wait_until_drawn(page)
                seconds.append(time.monotonic() - started)
                page.context.close()
            rows.append([path, *seconds])
    return rows
