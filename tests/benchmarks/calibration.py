"""Whether probabilities can be believed: expected calibration error before and after what validation rows teach."""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import mean, pstdev

import numpy as np

from portside.console import table
from portside.data import Dataset, load_examples
from portside.evaluation.calibration import expected_calibration_error
from portside.evaluation.outside import choose_method, fit_detector, fit_gate, separation
from portside.evaluation.scored import Scored, score_rows
from portside.inference.classifier import load_classifier, softmax
from portside.tasks.classification import ClassificationRecipe
from portside.training.classification import make_task
from portside.training.run import train_task
from tests.benchmarks.scratch import scratch_order

OUTSIDE_LABEL = "oos"
HEAD = ["CLINC150", "in scope", "with out-of-scope", "AUROC", "FPR95 %", "accuracy in scope %"]
PUBLISHED = [
    ["BERT (published)", ".022", ".142", ".942", "–", "96.5-96.9"],
    ["SNGP (published)", ".010", ".080", ".969", "–", "–"],
]


def run(data: Path, seeds: int) -> None:
    """Train on the intents in scope; temperature from in-scope validation rows, what is outside from all of them.

    A model is served with the chance that none of its labels fits by the energy of its logits, learned in training
    from the rows of the training and the validation file that are labelled so. The last line of ours reads the best of
    four scores in its place, chosen on the validation rows.
    """
    raw, cooled, served, gated, found, right = [], [], [], [], [], []
    for seed in range(seeds):
        learned, valid, test, temperature = _scored(data, seed)
        detector = fit_detector(learned.features, learned.truth, len(learned.labels))
        gate = fit_gate(detector, valid, method=choose_method(detector, valid))
        inside = test.inside
        hot = softmax(test.logits * np.float32(temperature)).max(axis=1)
        raw.append((_error(hot[inside], test.right[inside]), _error(hot, test.right)))
        cool = softmax(test.logits).max(axis=1)
        cooled.append((_error(cool[inside], test.right[inside]), _error(cool, test.right)))
        served.append((_error(test.confidence[inside], test.right[inside]), _error(test.confidence, test.right)))
        believed = cool * gate.inside_probability(detector, test)
        gated.append((_error(believed[inside], test.right[inside]), _error(believed, test.right)))
        found.append(separation(detector.scores(test, gate.method), inside))
        right.append(100 * float(test.right[inside].mean()))
        steps = {"as trained": raw, "temperature": cooled, "as served, with the chance that none fits": served}
        rows = [_row(name, pairs) for name, pairs in steps.items()]
        gate_row = _row("that chance by the best of four scores", gated)
        gate_row[3:] = [
            f"{mean(one.auroc for one in found):.4f}",
            f"{100 * mean(one.false_alarms for one in found):.1f}",
            f"{mean(right):.2f} ± {pstdev(right):.2f}",
        ]
        table(HEAD, [*rows, gate_row, *PUBLISHED])  # of the seeds so far


def _row(name: str, pairs: list[tuple[float, float]]) -> list[str]:
    inside, mixed = zip(*pairs, strict=True)
    return [f"{name}, {len(pairs)} seeds", f"{mean(inside):.4f}", f"{mean(mixed):.4f}", "–", "–", "–"]


def _error(confidence: np.ndarray, right: np.ndarray) -> float:  # type: ignore[type-arg]
    return expected_calibration_error(confidence, right)


def _scored(data: Path, seed: int) -> tuple[Scored, Scored, Scored, float]:
    folder = data / "support" / "clinc150"
    train, valid, test = (load_examples(folder / f"{part}.csv", role="test") for part in ("train", "valid", "test"))
    recipe = ClassificationRecipe(method="few-shot", seed=seed, outside=OUTSIDE_LABEL)
    with tempfile.TemporaryDirectory() as home:
        version = train_task(recipe, make_task(recipe, train, valid), scratch_order(Path(home)))
        scorer = load_classifier(version)
        learned, checked, asked = (
            score_rows(scorer, part, outside=[OUTSIDE_LABEL]) for part in (_inside(train), valid, test)
        )
    return learned, checked, asked, float(version.card["calibration"]["temperature"])


def _inside(dataset: Dataset) -> Dataset:
    return dataset.subset([n for n, one in enumerate(dataset.examples) if one.label != OUTSIDE_LABEL])
