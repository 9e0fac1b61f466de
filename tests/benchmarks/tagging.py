"""Entity F1 on public test sets, with the released recipe; weights are chosen on the validation file only.

Beside it whether a name's confidence can be believed: the expected calibration error over the names found in the test
set, 15 bins of equal mass, as the network was trained and with the temperature that the validation sentences gave.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, pstdev

import numpy as np
from numpy.typing import NDArray

from portside.console import say, table
from portside.data.tagged import load_tagged
from portside.evaluation.calibration import expected_calibration_error
from portside.evaluation.tagging import TaggingReport, evaluate_tagger
from portside.inference.spans import found_spans, span_confidence, tempered
from portside.inference.tagger import FolderTagger, load_tagger
from portside.tasks.tagging import TaggedSentences
from portside.tasks.tags import spans
from portside.training.run import train_task
from portside.training.tagging import TaggingRecipe, make_task
from tests.benchmarks.asked import named
from tests.benchmarks.scratch import scratch_order

SETS = {"conll2003": "BERT-base 92.4 (110 M, document context), LSTM-CRF 90.9", "wnut17": "no figure of this size"}
HEAD = [
    "set",
    "entity F1",
    "95 % (seed 0)",
    "token weighted F1",
    "token macro F1",
    "span ECE as trained",
    "span ECE with temperature",
    "names found",
    "sentences",
    "train s",
    "published",
]


@dataclass(frozen=True)
class Trained:
    """One training, judged on the test file."""

    report: TaggingReport
    hot: float
    """Expected calibration error of the names found without the temperature."""
    cooled: float
    """With it, as the tagger serves."""
    names: int
    seconds: float


def run(data: Path, seeds: int, *, only: str = "", encoder: str = "") -> None:
    """Train each set ``seeds`` times and print the table."""
    rows: list[list[str]] = []
    for name in named(SETS, only):
        runs: list[Trained] = []
        for seed in range(seeds):
            runs.append(_once(data / "ner" / name, TaggingRecipe(seed=seed, encoder=encoder)))
            say(f"{name}, seed {seed}: entity F1 {runs[-1].report.entity.f1:.4f}, {runs[-1].seconds:.0f} s")
        table(HEAD, [*rows, _row(name, runs)])  # so far: the rest takes a while
        rows.append(_row(name, runs))


def _row(name: str, runs: Sequence[Trained]) -> list[str]:
    reports = [one.report for one in runs]
    scores = [report.entity.f1 for report in reports]
    low, high = reports[0].entity_f1_ci95
    return [
        name,
        f"{mean(scores):.4f}" + (f" ± {pstdev(scores):.4f}" if len(runs) > 1 else ""),
        f"{low:.4f}-{high:.4f}",
        f"{mean(report.token_report['weighted avg']['f1-score'] for report in reports):.4f}",
        f"{mean(report.token_report['macro avg']['f1-score'] for report in reports):.4f}",
        f"{mean(one.hot for one in runs):.4f}",
        f"{mean(one.cooled for one in runs):.4f}",
        f"{runs[0].names:,}",
        f"{reports[0].n:,}",
        f"{mean(one.seconds for one in runs):.0f}",
        SETS[name],
    ]


def _once(folder: Path, recipe: TaggingRecipe) -> Trained:
    train = load_tagged(next(folder.glob("train.txt*")))
    valid, test = (load_tagged(folder / f"{part}.txt") for part in ("valid", "test"))
    with tempfile.TemporaryDirectory() as home:
        started = time.monotonic()
        version = train_task(recipe, make_task(recipe, train, valid), scratch_order(Path(home)))
        seconds = time.monotonic() - started
        tagger = load_tagger(version)
        hot, cooled, names = _calibration(tagger, test, float(version.card["calibration"]["temperature"]))
        return Trained(evaluate_tagger(tagger, test), hot, cooled, names, seconds)


def _calibration(tagger: FolderTagger, test: TaggedSentences, temperature: float) -> tuple[float, float, int]:
    """Expected calibration errors without and with the temperature that the tagger has, and how many names it finds."""
    rows = tagger.probabilities(
        [one.tokens for one in test.sentences], documents=[one.document for one in test.sentences]
    )
    truth = [one.tags for one in test.sentences]
    hot = [tempered(each, 1 / temperature) for each in rows]
    before, after = (span_outcomes(truth, each, tagger.tags) for each in (hot, rows))
    if not len(after[0]):
        return math.nan, math.nan, 0
    return expected_calibration_error(*before), expected_calibration_error(*after), len(after[0])


def span_outcomes(
    truth: Sequence[Sequence[str]], rows: Sequence[NDArray[np.float64]], names: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Of each name found: how sure the tagger is, and whether just these words are that name."""
    found = [
        (span_confidence(each, span, names), span in there)
        for wanted, each in zip(truth, rows, strict=True)
        for there in [set(spans(wanted))]
        for span in found_spans(each, names)
    ]
    return np.array([sure for sure, _ in found]), np.array([right for _, right in found], dtype=bool)
