"""The suite under load over HTTP: each app's main route with 1, 10, 50 and 200 clients that ask without a pause.

Server and clients share this machine, so that the figures are lower than those of a server alone. The models are those
of the demo, compiled. Nothing may fail, and the server's memory is told before and after.
"""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import quantiles
from typing import Any

import httpx

from portside.console import say, table
from portside.data import load_examples
from portside.data.texts import load_texts
from portside.errors import PortsideError
from tests.benchmarks.asked import named
from tests.served_suite import Suite, served

CLIENTS = (1, 10, 50, 200)
SECONDS = 12.0
"""Of each line of the table."""
START_SECONDS = 120
TIMEOUT_SECONDS = 60
TEXTS = 2_000
HEAD = ["route", "clients", "requests/s", "p50 ms", "p95 ms", "p99 ms", "failed", "server MB"]


@dataclass(frozen=True)
class Route:
    """Requests of one kind; the bodies and paths are asked in turn."""

    name: str
    method: str
    paths: Sequence[str]
    bodies: Sequence[Any] = (None,)


@dataclass(frozen=True)
class Heard:
    """What clients saw."""

    seconds: float
    milliseconds: Sequence[float]
    """Of each request."""
    failed: dict[str, int]
    """Requests by status or error, other than success."""


def run(data: Path, _seeds: int, *, only: str = "") -> dict[str, float]:
    """Prepare the demo, serve it, ask each route with each number of clients.

    The ratios: requests a second with the most clients against one alone.
    """
    rows: list[list[Any]] = []
    ratios: dict[str, float] = {}
    asked = named(routes(data), only, lambda route: route.name)
    with prepared_suite() as suite:
        for route in asked:
            speeds = []
            for clients in CLIENTS:
                heard = clients_ask(suite.url, route, clients, SECONDS)
                speeds.append(len(heard.milliseconds) / heard.seconds)
                rows.append([route.name, clients, *_figures(heard), f"{server_megabytes(suite.url):,.0f}"])
                table(HEAD, rows[-1:])  # at once
            if speeds[0]:
                ratios[f"{route.name}, {CLIENTS[-1]} clients against one"] = speeds[-1] / speeds[0]
        table(HEAD, rows)
        say(f"{repeats(suite.url)}")
    return ratios


@contextmanager
def prepared_suite() -> Iterator[Suite]:
    """The demo with compiled models, served by the released command; ``PORTSIDE_LOAD_HOME`` names one made before."""
    given = os.environ.get("PORTSIDE_LOAD_HOME", "")
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(given or scratch)
        if not given:
            for words in (["demo", "--no-serve"], ["compile", "support-intents"], ["compile", "finance-sentiment"]):
                done = _portside(home, words)
                say(f"portside {' '.join(words)}: {done:.0f} s")
        with served(home, ["ui"], patience_seconds=START_SECONDS) as suite:
            yield suite


def _portside(home: Path, words: Sequence[str]) -> float:
    began = time.monotonic()
    environment = {**os.environ, "PORTSIDE_HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-m", "portside.cli", *words], env=environment, check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise PortsideError(f"portside {' '.join(words)} must succeed", seen=done.stderr[-500:])
    return time.monotonic() - began


def routes(data: Path) -> list[Route]:
    """Real questions and headlines; users of the sample log."""
    questions = list(load_examples(data / "support" / "banking77" / "test.csv", role="test").texts)[:TEXTS]
    headlines = load_texts(data / "finance" / "streams" / "reuters_2010h1.csv.gz", text="headline").texts[:TEXTS]
    events = Path(__file__).parents[2] / "data_samples" / "recommend" / "events.csv.gz"
    with gzip.open(events, "rt", encoding="utf-8") as lines:
        users = sorted({line.split(",")[0] for line in lines} - {"user_id"})
    return [
        Route("support: ask", "POST", ["/api/support/ask"], [{"text": text} for text in questions]),
        Route("finance: score", "POST", ["/api/finance/score"], [{"texts": [text]} for text in headlines]),
        Route("recommend: for a user", "GET", [f"/api/recommend/for/{user}" for user in users]),
    ]


def clients_ask(url: str, route: Route, clients: int, seconds: float) -> Heard:
    """So many clients, in a process of their own, ask without a pause."""
    asked = json.dumps({"url": url, "route": asdict(route), "clients": clients, "seconds": seconds})
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.load"], input=asked, check=True, capture_output=True, text=True
    )
    return Heard(**json.loads(done.stdout))


def server_megabytes(url: str) -> float:
    """Resident memory of the server's process, as its metrics tell."""
    return _metric(url, "process_resident_memory_bytes") / 1e6


def repeats(url: str) -> str:
    """How many of the texts were answered from memory."""
    asked, known = _metric(url, "portside_texts_total"), _metric(url, "portside_texts_repeated_total")
    return f"{known:,.0f} of {asked:,.0f} texts were answered from memory"


def _metric(url: str, name: str) -> float:
    lines = httpx.get(f"{url}/api/metrics", timeout=TIMEOUT_SECONDS).text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))


def _figures(heard: Heard) -> list[str]:
    times, failed = heard.milliseconds, sum(heard.failed.values())
    cuts = quantiles(times, n=100) if len(times) > 1 else [0.0] * 99
    why = f" ({', '.join(heard.failed)})" if failed else ""
    points = [f"{cuts[at - 1]:,.1f}" for at in (50, 95, 99)]
    return [f"{len(times) / heard.seconds:,.0f}", *points, f"{failed}{why}"]


async def _ask_all(url: str, route: Route, clients: int, seconds: float) -> Heard:
    turns = itertools.count()
    times: list[float] = []
    failed: Counter[str] = Counter()
    end = time.perf_counter() + seconds

    async def one_client() -> None:
        # A client of its own each: a pool of 200 connections takes longer to choose one than the server to answer.
        async with httpx.AsyncClient(base_url=url, verify=False, timeout=TIMEOUT_SECONDS) as http:
            while time.perf_counter() < end:
                turn = next(turns)
                path, body = route.paths[turn % len(route.paths)], route.bodies[turn % len(route.bodies)]
                began = time.perf_counter()
                try:
                    answer = await http.request(route.method, path, json=body)
                    if not answer.is_success:
                        failed[str(answer.status_code)] += 1
                except httpx.HTTPError as error:
                    failed[type(error).__name__] += 1
                times.append(1000 * (time.perf_counter() - began))

    began = time.perf_counter()
    await asyncio.gather(*(one_client() for _ in range(clients)))
    return Heard(time.perf_counter() - began, times, dict(failed))


def _client() -> None:
    asked = json.loads(sys.stdin.read())
    heard = asyncio.run(_ask_all(asked["url"], Route(**asked["route"]), asked["clients"], asked["seconds"]))
    json.dump(asdict(heard), sys.stdout)


if __name__ == "__main__":
    _client()
