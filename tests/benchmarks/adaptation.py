"""PhraseBank with and without an encoder that was adapted to Reuters headlines, on the same splits and seeds.

Both sides are trained in the same way, so that the paired difference is what the adaptation is worth: once with a
logistic regression on the encoder's vectors as they are, once fine-tuned. One adaptation a method, within
``BUDGET_SECONDS``, to a sample of the headlines.
"""

from __future__ import annotations

import math
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from statistics import mean, stdev

import numpy as np

from portside.console import table
from portside.data import Dataset, load_examples, split
from portside.data.texts import Texts, load_texts, unique_texts
from portside.encoders import bundled_folder
from portside.evaluation.classification import evaluate_classifier
from portside.inference.classifier import load_classifier
from portside.inference.encoder import load_encoder
from portside.tasks.classification import ClassificationRecipe
from portside.training.adaptation import OBJECTIVES, AdaptationRecipe, Objective, adapt_encoder
from portside.training.classification import make_task
from portside.training.run import train_task
from tests.benchmarks.scratch import scratch_order

HEADLINES = 30_000
BUDGET_SECONDS = 300.0
EPOCHS = 3
"""Of fine-tuning, with one look at each row: fewer than the released recipe takes, as it is done many times over; the
same on both sides."""
HEAD = ["start", "trained", "accuracy", "difference", "95 % of it", "loss before", "loss after", "adapt s"]
T_95 = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78, 6: 2.57, 7: 2.45, 8: 2.36, 9: 2.31, 10: 2.26}
"""Quantiles of Student's t by number of pairs; about 2 for more."""


@dataclass(frozen=True)
class Start:
    """What the training starts from."""

    name: str
    folder: Path
    adapted: bool = True
    facts: tuple[str, ...] = ("", "", "")
    """Loss before and after on held-out headlines, and seconds."""


def run(data: Path, seeds: int) -> None:
    """Adapt once a method, train ``seeds`` times from each start, and print the table as it grows."""
    rows: list[list[object]] = []
    plain: dict[str, list[float]] = {}
    whole = load_examples(data / "finance" / "phrasebank" / "phrasebank.csv", text="text", label="sentiment")
    with tempfile.TemporaryDirectory() as home:
        headlines = _headlines(data)
        adapted = (_adapted(headlines, objective, Path(home) / objective) for objective in OBJECTIVES)
        for start in chain([Start("bundled encoder", bundled_folder(), adapted=False)], adapted):
            tuned = [_fine_tuned(whole, start.folder, seed) for seed in range(seeds)]
            for how, scores in {"frozen": _frozen(whole, start.folder, seeds), "fine-tuned": tuned}.items():
                rows.append(_row(start, how, scores, plain.setdefault(how, scores)))
            table(HEAD, rows)  # so far: the rest takes a while


def _row(start: Start, how: str, scores: Sequence[float], plain: Sequence[float]) -> list[object]:
    spread = f" ± {stdev(scores):.4f}" if len(scores) > 1 else ""
    gain = paired(scores, plain) if start.adapted else ("", "")
    return [start.name, how, f"{mean(scores):.4f}{spread}", *gain, *start.facts]


def paired(scores: Sequence[float], plain: Sequence[float]) -> tuple[str, str]:
    """Mean difference of the pairs and its 95 % interval by Student's t; no interval for a single pair."""
    differences = [one - other for one, other in zip(scores, plain, strict=True)]
    middle = mean(differences)
    if len(differences) < 2:
        return f"{middle:+.4f}", ""
    half = T_95.get(len(differences), 2.0) * stdev(differences) / math.sqrt(len(differences))
    return f"{middle:+.4f}", f"{middle - half:+.4f} to {middle + half:+.4f}"


def _headlines(data: Path) -> Texts:
    whole = load_texts(data / "finance" / "streams" / "reuters_2010h1.csv.gz", text="headline")
    return unique_texts(random.Random(0).sample(list(whole.texts), HEADLINES), whole.source)


def _adapted(headlines: Texts, objective: Objective, home: Path) -> Start:
    began = time.monotonic()
    recipe = AdaptationRecipe(objective=objective, budget_seconds=BUDGET_SECONDS)
    version = adapt_encoder(recipe, headlines, scratch_order(home))
    losses = version.validation
    facts = f"{losses['loss_before']:.3f}", f"{losses['loss']:.3f}", f"{time.monotonic() - began:.0f}"
    return Start(f"adapted by {objective}", version.folder, facts=facts)


def _frozen(whole: Dataset, folder: Path, seeds: int) -> list[float]:
    from sklearn.linear_model import LogisticRegression

    vectors = load_encoder(folder).encode(whole.texts)
    truth = np.array([example.label for example in whole.examples])
    place = {row: at for at, row in enumerate(whole.rows)}
    scores = []
    for seed in range(seeds):
        parts = split(whole, [0.8, 0.2], seed=seed)
        train, test = ([place[row] for row in part.rows] for part in (parts.train, parts.valid))
        model = LogisticRegression(C=30, max_iter=300).fit(vectors[train], truth[train])
        scores.append(float(model.score(vectors[test], truth[test])))
    return scores


def _fine_tuned(whole: Dataset, folder: Path, seed: int) -> float:
    parts = split(whole, [0.8, 0.2], seed=seed)
    recipe = ClassificationRecipe(encoder=str(folder), seed=seed, epochs=EPOCHS, consistency=0.0)
    with tempfile.TemporaryDirectory() as home:
        version = train_task(recipe, make_task(recipe, parts.train), scratch_order(Path(home)))
        return evaluate_classifier(load_classifier(version), parts.valid).accuracy
