"""The report on what is wrong with labelled files: read, encode with the frozen encoder, look."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from portside.data.columns import Columns
from portside.evaluation.report.faults import LabelledRowsOf, faults_report
from portside.evaluation.report.parts import Report
from portside.inference.interfaces import TextEncoder
from portside.progress import Progress
from portside.settings import Settings

__all__ = ["faults_of_files"]

TEXTS_AT_ONCE = 2_048


def faults_of_files(
    file: Path,
    test: Path | None,
    columns: Columns,
    settings: Settings,
    progress: Progress,
    *,
    encoder: TextEncoder | None = None,
) -> Report:
    """What is wrong with ``file``; with ``test`` also which of its rows stand in ``file``.

    Raises:
        DataError: a file cannot be read as texts with one label each.
    """
    from portside.data.dataset import read
    from portside.inference.encoder import BundledEncoder
    from portside.registry import ModelRegistry
    from portside.tasks.classification import row_number
    from portside.training.cross_predictions import cross_predict, learning_curve

    datasets = [read(path, columns, test=path is test) for path in (file, test) if path is not None]
    if encoder is None:
        encoder = BundledEncoder(settings.encoder, ModelRegistry(settings.models_dir), threads=settings.threads)
    total, done = sum(len(dataset) for dataset in datasets), 0
    made: list[LabelledRowsOf] = []
    for dataset in datasets:
        parts = []
        for start in range(0, len(dataset), TEXTS_AT_ONCE):
            parts.append(encoder.encode(dataset.texts[start : start + TEXTS_AT_ONCE]))
            done += len(parts[-1])
            progress.update(done, total, f"{done:,} of {total:,} texts read")
        labels = [example.label for example in dataset.examples]
        rows = [row_number(dataset, place) for place in range(len(dataset))]
        name = Path(dataset.source).name
        made.append(LabelledRowsOf(name, dataset.texts, labels, rows, np.concatenate(parts)))
    return faults_report(made[0], cross_predict, learning_curve, made[1] if len(made) > 1 else None)
