"""Entity F1 on public test sets, with the released recipe; weights are chosen on the validation file only.

Beside it whether a name's confidence can be believed: the expected calibration error over the names found in the test
set, 15 bins of equal mass, as the network was trained, with the temperature that the validation sentences gave, and as
it is served. Few names are never right just as often as they claim, in each bin: the last of these columns is the error
of names that are right with just the chance that is served, mean over ``DRAWS`` draws.

Below it what came of promises on the names of each training, as ``guarantees`` has it: "at most x % of the sentences
that get names have a wrong one", made on random halves of the test sentences and checked on the others.
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
from portside.evaluation.answers import Answers
from portside.evaluation.calibration import expected_calibration_error
from portside.evaluation.report.tagging import TaggedRows, answers_of, fresh_answers, tag_rows
from portside.evaluation.tagging import TaggingReport, evaluate_tagger
from portside.inference.name_reading import names_in
from portside.inference.spans import tempered
from portside.inference.tagger import load_tagger
from portside.training.run import train_task
from portside.training.seen import load_seen
from portside.training.tagging import TaggingRecipe, make_task
from tests.benchmarks.asked import named
from tests.benchmarks.kept import TEXTS_HEAD, text_rows
from tests.benchmarks.scratch import scratch_order

SETS = {"conll2003": "BERT-base 92.4 (110 M, document context), LSTM-CRF 90.9", "wnut17": "no figure of this size"}
DRAWS = 200
HEAD = [
    "set",
    "entity F1",
    "95 % (seed 0)",
    "token weighted F1",
    "token macro F1",
    "span ECE as trained",
    "span ECE with temperature",
    "span ECE as served",
    "by chance alone",
    "names found",
    "sentences",
    "train s",
    "published",
]


@dataclass(frozen=True)
class Believed:
    """Expected calibration errors of the names found."""

    hot: float
    """Without the temperature."""
    cooled: float
    """With it alone."""
    served: float
    chance: float
    """Of names that are right with just the chance that is served."""
    names: int


@dataclass(frozen=True)
class Trained:
    """One training, judged on the test file."""

    report: TaggingReport
    believed: Believed
    seconds: float
    promisable: Answers
    """The names that a report promises about."""
    texts: Sequence[str]
    """The test sentences."""


def run(data: Path, seeds: int, *, only: str = "", encoder: str = "") -> None:
    """Train each set ``seeds`` times and print the tables."""
    rows: list[list[str]] = []
    promises: list[list[object]] = []
    for name in named(SETS, only):
        runs: list[Trained] = []
        for seed in range(seeds):
            runs.append(train_and_judge(data / "ner" / name, TaggingRecipe(seed=seed, encoder=encoder)))
            say(f"{name}, seed {seed}: entity F1 {runs[-1].report.entity.f1:.4f}, {runs[-1].seconds:.0f} s")
        rows.append(_row(name, runs))
        table(HEAD, rows)  # so far: the rest takes a while
        for seed, one in enumerate(runs):
            promises += text_rows(f"{name}, seed {seed}", one.promisable, one.texts)
        table(TEXTS_HEAD, promises)


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
        *(f"{mean(getattr(one.believed, name) for one in runs):.4f}" for name in ("hot", "cooled", "served", "chance")),
        f"{runs[0].believed.names:,}",
        f"{reports[0].n:,}",
        f"{mean(one.seconds for one in runs):.0f}",
        SETS[name],
    ]


def train_and_judge(folder: Path, recipe: TaggingRecipe) -> Trained:
    """Train on the training file of ``folder``, with its validation file, and judge on its test file."""
    train = load_tagged(next(folder.glob("train.txt*")))
    valid, test = (load_tagged(folder / f"{part}.txt") for part in ("valid", "test"))
    with tempfile.TemporaryDirectory() as home:
        started = time.monotonic()
        version = train_task(recipe, make_task(recipe, train, valid), scratch_order(Path(home)))
        seconds = time.monotonic() - started
        tagger = load_tagger(version)
        asked = tag_rows(tagger, test)
        answers = answers_of(asked)
        believed = believed_of(asked, answers, float(version.card["calibration"]["temperature"]))
        fresh = fresh_answers(asked, answers, load_seen(version.folder))
        texts = [" ".join(words) for words in asked.sentences]
        return Trained(evaluate_tagger(tagger, test), believed, seconds, fresh, texts)


def believed_of(asked: TaggedRows, served: Answers, temperature: float) -> Believed:
    """Whether the confidence of the names found, ``served``, can be believed; the logits were divided by
    ``temperature``.
    """
    if not len(served):
        return Believed(math.nan, math.nan, math.nan, math.nan, 0)
    hot = [tempered(each, 1 / temperature) for each in asked.rows]
    before, after = (span_outcomes(asked.truth, rows, asked.names) for rows in (hot, asked.rows))
    errors = [expected_calibration_error(*each) for each in (before, after, (served.confidence, served.right))]
    return Believed(*errors, by_chance(served.confidence), len(served))


def span_outcomes(
    truth: Sequence[Sequence[str]], rows: Sequence[NDArray[np.float64]], names: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Of each name found: how sure its words' probabilities are, and whether just these words are that name."""
    found = names_in(truth, rows, names)
    return found.confidence, found.right


def by_chance(confidence: NDArray[np.float64], *, seed: int = 0) -> float:
    """The expected calibration error of answers that are right with just the chance claimed, shape (answers,)."""
    random = np.random.default_rng(seed)
    draws = [random.random(len(confidence)) < confidence for _ in range(DRAWS)]
    return float(np.mean([expected_calibration_error(confidence, right) for right in draws]))
