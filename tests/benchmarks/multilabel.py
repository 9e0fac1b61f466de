"""Several intents a query: NLU++ with the released recipe. Folds 16 to 19 of each domain are the test set."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

from portside.console import table
from portside.data.multilabel import MultiLabelDataset, load_multilabelled
from portside.evaluation.multilabel import evaluate_multilabeller
from portside.inference.multilabel import load_multilabeller
from portside.training.multilabel import MultiLabelRecipe, make_task
from portside.training.run import train_task
from tests.benchmarks.scratch import scratch_order

DOMAINS = ("banking", "hotels")
TEST_FOLDS = range(16, 20)
HEAD = ["set", "micro-F1", "95 %", "macro-F1", "mAP", "exactly right %", "test rows", "train s"]


def run(data: Path, seeds: int) -> None:
    """Train both domains ``seeds`` times and print a line for each training."""
    rows = []
    for domain in DOMAINS:
        train, test = split(data, domain)
        for seed in range(seeds):
            recipe = MultiLabelRecipe(seed=seed)
            with tempfile.TemporaryDirectory() as home:
                started = time.monotonic()
                version = train_task(recipe, make_task(recipe, train), scratch_order(Path(home)))
                seconds = time.monotonic() - started
                report = evaluate_multilabeller(load_multilabeller(version), test)
            low, high = report.micro_f1_ci95
            interval = f"{low:.3f}-{high:.3f}"
            figures = [report.micro_f1, interval, report.macro_f1, report.map, 100 * report.exact, report.n, seconds]
            rows.append([f"NLU++ {domain}, seed {seed}", *figures])
    table(HEAD, rows)


def split(data: Path, domain: str) -> tuple[MultiLabelDataset, MultiLabelDataset]:
    """Training and test texts of a domain of NLU++."""
    path = data / "support" / "nlupp" / f"{domain}.jsonl"
    whole = load_multilabelled(path, label="intents")
    folds = [json.loads(line)["fold"] for line in path.read_text(encoding="utf-8").splitlines()]
    train, test = (
        whole.subset([place for place, fold in enumerate(folds) if (fold in TEST_FOLDS) == wanted])
        for wanted in (False, True)
    )
    return train, test
