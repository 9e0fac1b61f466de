"""How faithful explanations are (deletion curve against random order), and what one costs on one thread."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from random import Random
from statistics import mean, median

from portside.console import say, table
from portside.data import load_examples
from portside.evaluation.attribution import Explanation, explain
from portside.evaluation.faithfulness import Faithfulness, measure_faithfulness
from portside.inference.attributor import Attributor, load_attributor
from portside.tasks.classification import ClassificationRecipe
from portside.training.classification import make_task
from portside.training.run import train_task
from tests.benchmarks.scratch import scratch_order

SETS = {
    "BANKING77, 10 a label": ("support/banking77", "train_10shot.csv"),
    "CLINC150, 5 a label": ("support/clinc150", "train_5shot.csv"),
}
TEXTS = 200
"""Test texts explained of each set, drawn by the seed."""
TIMED = 20
SENTENCE = (
    "I ordered a new card about three weeks ago and it has still not arrived at my home, "
    "so could you please tell me where it is right now, thanks?"
)
"""Of 30 words."""


def run(data: Path, seeds: int) -> None:
    """Train with ``few-shot``, explain test texts, and print the table; then the time of one explanation."""
    rows = []
    for name, (folder, train) in SETS.items():
        for seed in range(seeds):
            with tempfile.TemporaryDirectory() as home:
                recipe = ClassificationRecipe(method="few-shot", seed=seed, budget_seconds=120)
                dataset = load_examples(data / folder / train)
                version = train_task(recipe, make_task(recipe, dataset), scratch_order(Path(home)))
                texts = [
                    one.text
                    for one in load_examples(data / folder / "test.csv", role="test").examples
                    if one.label != "oos"
                ]
                attributor = load_attributor(version, threads=1)
                began = time.perf_counter()
                explained = explain(attributor, Random(seed).sample(texts, TEXTS))
                each = 1000 * (time.perf_counter() - began) / TEXTS
                rows += _rows(f"{name}, seed {seed}", measure_faithfulness(attributor, explained, seed=seed))
                table(["set", "order", "n", "area", "smaller by", "95 %"], rows)
                say(f"{each:.0f} ms each, {TEXTS} texts together; {_doubts(explained)}")
                if len(rows) == 3:
                    say(_one(attributor))


def _rows(name: str, found: Faithfulness) -> list[list[object]]:
    rows: list[list[object]] = [
        [name, one.method, found.n, one.area, one.gain, "{:.4f} to {:.4f}".format(*one.gain_ci95)]
        for one in found.methods
    ]
    return [*rows, [name, "random", found.n, found.random_area, None, ""]]


def _doubts(explained: list[Explanation]) -> str:
    shares = [one.completeness.gap / max(abs(one.completeness.difference), 1e-9) for one in explained]
    alike = [one.agreement.rank_correlation for one in explained if one.agreement.rank_correlation is not None]
    shared = sum(one.agreement.shared for one in explained) / sum(one.agreement.top for one in explained)
    return (
        f"sums off by {100 * median(shares):.1f} % (median), {100 * max(shares):.1f} % at most; "
        f"methods: rank correlation {mean(alike):.2f}, {100 * shared:.0f} % of the strongest words shared"
    )


def _one(attributor: Attributor) -> str:
    explain(attributor, [SENTENCE])
    walls, busy = [], []
    for _ in range(TIMED):
        wall, cpu = time.perf_counter(), time.process_time()
        explain(attributor, [SENTENCE])
        walls.append(1000 * (time.perf_counter() - wall))
        busy.append(1000 * (time.process_time() - cpu))
    return (
        f"one sentence of {len(SENTENCE.split())} words, one thread: {median(walls):.0f} ms ({median(busy):.0f} ms CPU)"
    )
