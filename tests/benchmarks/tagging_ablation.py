"""What the parts of the tagger's recipe are worth: each left out alone, judged on validation sentences.

The weights of the best pass are chosen on the same sentences, for every line alike: lines compare, they do not predict.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, pstdev
from typing import Any

from portside.console import table
from portside.data.tagged import load_tagged
from portside.evaluation.tagging import TaggingReport, evaluate_tagger
from portside.inference.tagger import load_tagger
from portside.training.run import train_task
from portside.training.tagging import TaggingRecipe, make_task
from tests.benchmarks.asked import named
from tests.benchmarks.scratch import scratch_order
from tests.benchmarks.tagging import SETS


@dataclass(frozen=True)
class Variant:
    """One line of the table."""

    name: str
    changes: dict[str, Any] = field(default_factory=dict)


VARIANTS = (
    Variant("as released"),
    Variant("case_feature=false", {"case_feature": False}),
    Variant("context=0", {"context": 0}),
    Variant("case_feature=false context=0", {"case_feature": False, "context": 0}),
)
HEAD = ["set and recipe", "validation entity F1", "95 % (seed 0)", "beside the released", "sentences", "train s"]


def run(data: Path, seeds: int, *, only: str = "", encoder: str = "") -> None:
    """Train each variant on each set ``seeds`` times and print the table; ``only``: part of "set: recipe"."""
    pairs = [(of, variant) for of in SETS for variant in VARIANTS]
    released: dict[str, float] = {}
    rows = []
    for of, variant in named(pairs, only, lambda pair: f"{pair[0]}: {pair[1].name}"):
        runs = [
            _once(data / "ner" / of, TaggingRecipe(seed=seed, encoder=encoder, **variant.changes))
            for seed in range(seeds)
        ]
        scores, (low, high) = [report.entity.f1 for report, _ in runs], runs[0][0].entity_f1_ci95
        if not variant.changes:
            released[of] = mean(scores)
        rows.append(
            [
                f"{of}: {variant.name}",
                f"{mean(scores):.4f}" + (f" ± {pstdev(scores):.4f}" if seeds > 1 else ""),
                f"{low:.4f}-{high:.4f}",
                f"{mean(scores) - released[of]:+.4f}" if of in released else "",
                f"{runs[0][0].n:,}",
                f"{mean(seconds for _, seconds in runs):.0f}",
            ]
        )
        table(HEAD, rows)  # so far: the rest takes a while


def _once(folder: Path, recipe: TaggingRecipe) -> tuple[TaggingReport, float]:
    train, valid = load_tagged(next(folder.glob("train.txt*"))), load_tagged(folder / "valid.txt")
    with tempfile.TemporaryDirectory() as home:
        started = time.monotonic()
        version = train_task(recipe, make_task(recipe, train, valid), scratch_order(Path(home)))
        seconds = time.monotonic() - started
        return evaluate_tagger(load_tagger(version), valid), seconds
