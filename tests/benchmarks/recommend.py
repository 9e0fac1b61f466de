"""Recall@10 and NDCG@10 by the released commands: full catalogue, nothing chosen on the rows that are asked."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

SETS = {"online_retail": "time", "amazon_industrial": "last"}
"""Public set -> what is held back: the newest events, or each user's last one."""


def run(data: Path, _seeds: int) -> None:
    """Ingest each set into a home of its own and print the command's own table."""
    for name, protocol in SETS.items():
        folder = data / "recommend" / name
        with tempfile.TemporaryDirectory() as home:
            environment = {**os.environ, "PORTSIDE_HOME": home}
            files = ["--items", f"{folder}/items.csv.gz", "--events", f"{folder}/interactions.csv.gz"]
            for command in (["ingest", *files], ["evaluate", "--no-fine-tune", "--protocol", protocol]):
                words = [sys.executable, "-m", "portside.cli", "recommend", *command]
                subprocess.run(words, env=environment, check=True)
