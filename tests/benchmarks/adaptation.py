"""PhraseBank with and without an encoder that was adapted to Reuters headlines, on the same splits and seeds.

Both sides are fine-tuned in the same way, so that the paired difference is what the adaptation is worth. The headlines
are a sample: one adaptation a method, within ``BUDGET_SECONDS``.
"""

from __future__ import annotations

import math
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev

from portside.console import table
from portside.data import Dataset, load_examples, split
from portside.data.texts import Texts, load_texts, unique_texts
from portside.evaluation.classification import evaluate_classifier
from portside.inference.classifier import load_classifier
from portside.tasks.classification import ClassificationRecipe
from portside.training.adaptation import OBJECTIVES, AdaptationRecipe, Objective, adapt_encoder
from portside.training.classification import make_task
from portside.training.run import train_task
from tests.benchmarks.scratch import scratch_order

HEADLINES = 30_000
BUDGET_SECONDS = 300.0
FEW = 300
"""Labelled rows of the second comparison: there, what an encoder knows beforehand weighs more."""
HEAD = ["start", "labelled rows", "accuracy", "difference", "95 % of it", "loss before", "loss after", "adapt s"]
T_95 = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78, 6: 2.57, 7: 2.45, 8: 2.36, 9: 2.31, 10: 2.26}
"""Quantiles of Student's t by number of pairs; about 2 for more."""


@dataclass(frozen=True)
class Start:
    """What the fine-tuning starts from."""

    name: str
    encoder: str = ""
    losses: tuple[str, str] = ("", "")
    seconds: str = ""


def run(data: Path, seeds: int) -> None:
    """Adapt once a method, fine-tune ``seeds`` times from each start, and print the table as it grows."""
    rows: list[list[object]] = []
    plain: dict[int | None, list[float]] = {}
    with tempfile.TemporaryDirectory() as home:
        headlines = _headlines(data)
        starts = (_adapted(headlines, objective, Path(home) / objective) for objective in OBJECTIVES)
        for start in (Start("bundled encoder"), *starts):
            for limit in (None, FEW):
                scores = [_accuracy(data, start.encoder, seed, limit) for seed in range(seeds)]
                plain.setdefault(limit, scores)
                rows.append(_row(start, limit, scores, plain[limit]))
            table(HEAD, rows)  # so far: the rest takes a while


def _row(start: Start, limit: int | None, scores: Sequence[float], plain: Sequence[float]) -> list[object]:
    spread = f" ± {stdev(scores):.4f}" if len(scores) > 1 else ""
    gain, interval = paired(scores, plain) if start.encoder else ("", "")
    labelled = "all" if limit is None else str(limit)
    return [start.name, labelled, f"{mean(scores):.4f}{spread}", gain, interval, *start.losses, start.seconds]


def paired(scores: Sequence[float], plain: Sequence[float]) -> tuple[str, str]:
    """Mean difference of the pairs and its 95 % interval by Student's t; empty for a single pair."""
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
    shown = f"{losses['loss_before']:.3f}", f"{losses['loss']:.3f}"
    return Start(f"adapted by {objective}", str(version.folder), shown, f"{time.monotonic() - began:.0f}")


def _accuracy(data: Path, encoder: str, seed: int, limit: int | None) -> float:
    whole = load_examples(data / "finance" / "phrasebank" / "phrasebank.csv", text="text", label="sentiment")
    parts = split(whole, [0.8, 0.2], seed=seed)
    train = parts.train if limit is None else _few(parts.train, limit, seed)
    recipe = ClassificationRecipe(encoder=encoder, seed=seed)
    with tempfile.TemporaryDirectory() as home:
        version = train_task(recipe, make_task(recipe, train), scratch_order(Path(home)))
        return evaluate_classifier(load_classifier(version), parts.valid).accuracy


def _few(train: Dataset, count: int, seed: int) -> Dataset:
    return train.subset(sorted(random.Random(seed).sample(range(len(train)), count)))
