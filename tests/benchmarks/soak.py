"""Half an hour of mixed load on the suite: requests, failures and the server's memory, minute by minute.

``PORTSIDE_SOAK_MINUTES`` shortens it.
"""

from __future__ import annotations

import os
from pathlib import Path
from statistics import quantiles

from portside.console import say, table
from tests.benchmarks.load import clients_ask, prepared_suite, routes, server_megabytes

MINUTES = 30
CLIENTS = 10


def run(data: Path, _seeds: int) -> None:
    """Ask the routes in turn, twenty seconds each, and print a line a minute."""
    minutes = int(os.environ.get("PORTSIDE_SOAK_MINUTES", MINUTES))
    rows: list[list[str]] = []
    with prepared_suite() as suite:
        asked = routes(data)
        for minute in range(1, minutes + 1):
            heard = [clients_ask(suite.url, route, CLIENTS, 60 / len(asked)) for route in asked]
            times = [each for one in heard for each in one.milliseconds]
            failed = sum(sum(one.failed.values()) for one in heard)
            megabytes = server_megabytes(suite.url)
            rows.append(
                [
                    str(minute),
                    f"{len(times):,}",
                    f"{quantiles(times, n=100)[98]:,.0f}",
                    str(failed),
                    f"{megabytes:,.0f}",
                ]
            )
            say("  ".join(rows[-1]))
    table(["minute", "requests", "p99 ms", "failed", "server MB"], rows)
