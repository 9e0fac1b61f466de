"""Labels that are wrong on purpose: how many of the first hundred rows that are named are among them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from portside.console import table
from portside.data import load_examples
from portside.evaluation.intervals import wilson
from portside.evaluation.label_faults import suspect_labels
from portside.inference.encoder import BundledEncoder
from portside.training.cross_predictions import cross_predict

PLANTED = 0.05
"""Share of the rows that get a wrong label."""
LOOKED_AT = 100
SEEDS = 5
"""At least: they take a second each."""
HEAD = ["BANKING77, wrong labels planted", "precision@100", "95 %", "named", "precision of all", "recall"]


def run(data: Path, seeds: int) -> None:
    """Plant wrong labels in BANKING77's training rows by chance, or those that are confused most easily."""
    dataset = load_examples(data / "support" / "banking77" / "train.csv")
    vectors = BundledEncoder().encode(dataset.texts)
    truth, labels = np.asarray(dataset.label_ids, dtype=np.int64), len(dataset.labels)
    means = np.stack([vectors[truth == label].mean(axis=0) for label in range(labels)])
    likeness = means @ means.T
    np.fill_diagonal(likeness, -1.0)
    nearest = likeness.argmax(axis=1)
    rows = []
    for name in ("any other label", "the label nearest in meaning"):
        found = []
        for seed in range(max(seeds, SEEDS)):
            random = np.random.default_rng(seed)
            changed = random.choice(len(truth), int(PLANTED * len(truth)), replace=False)
            given = truth.copy()
            other = (truth[changed] + random.integers(1, labels, len(changed))) % labels
            given[changed] = other if name == "any other label" else nearest[truth[changed]]
            found.append(_found(list(dataset.texts), vectors, given, labels, given != truth))
        hits = sum(one[0] for one in found)
        low, high = wilson(hits, LOOKED_AT * len(found))
        named, right, planted = (sum(one[at] for one in found) for at in (1, 2, 3))
        share = f"{hits / LOOKED_AT / len(found):.3f}"
        rows.append([name, share, f"{low:.3f}-{high:.3f}", named // len(found), right / named, right / planted])
    table(HEAD, rows)


def _found(
    texts: list[str], vectors: NDArray[np.float32], given: NDArray[np.int64], labels: int, wrong: NDArray[np.bool_]
) -> tuple[int, int, int, int]:
    """Of the first hundred that are named: wrong ones; then named, wrong among them, wrong in all."""
    places, probabilities = cross_predict(texts, vectors, given, labels)
    named = [int(places[one.place]) for one in suspect_labels(probabilities, given[places])]
    return int(wrong[named[:LOOKED_AT]].sum()), len(named), int(wrong[named].sum()), int(wrong.sum())
