"""Entity F1 on public test sets, with the released recipe; weights are chosen on the validation file only."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from statistics import mean, pstdev

from portside.console import table
from portside.data.tagged import load_tagged
from portside.evaluation.tagging import TaggingReport, evaluate_tagger
from portside.inference.tagger import load_tagger
from portside.training.run import train_task
from portside.training.tagging import TaggingRecipe, make_task
from tests.benchmarks.scratch import scratch_order

SETS = {"conll2003": "BERT-base 92.4 (110 M, document context), LSTM-CRF 90.9", "wnut17": "no figure of this size"}
HEAD = ["set", "entity F1", "95 % (seed 0)", "token weighted F1", "token macro F1", "sentences", "train s", "published"]


def run(data: Path, seeds: int) -> None:
    """Train each set ``seeds`` times and print the table."""
    rows = []
    for name, published in SETS.items():
        runs = [_once(data / "ner" / name, seed) for seed in range(seeds)]
        reports = [report for report, _ in runs]
        scores = [report.entity.f1 for report in reports]
        low, high = reports[0].entity_f1_ci95
        rows.append(
            [
                name,
                f"{mean(scores):.4f}" + (f" ± {pstdev(scores):.4f}" if seeds > 1 else ""),
                f"{low:.4f}-{high:.4f}",
                f"{mean(report.token_report['weighted avg']['f1-score'] for report in reports):.4f}",
                f"{mean(report.token_report['macro avg']['f1-score'] for report in reports):.4f}",
                f"{reports[0].n:,}",
                f"{mean(seconds for _, seconds in runs):.0f}",
                published,
            ]
        )
        table(HEAD, rows)  # so far: the rest takes a while


def _once(folder: Path, seed: int) -> tuple[TaggingReport, float]:
    train = load_tagged(next(folder.glob("train.txt*")))
    valid, test = (load_tagged(folder / f"{part}.txt") for part in ("valid", "test"))
    recipe = TaggingRecipe(seed=seed)
    with tempfile.TemporaryDirectory() as home:
        started = time.monotonic()
        version = train_task(recipe, make_task(recipe, train, valid), scratch_order(Path(home)))
        seconds = time.monotonic() - started
        return evaluate_tagger(load_tagger(version), test), seconds
