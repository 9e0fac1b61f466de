"""The report on what is wrong with labelled files: read, encode with the frozen encoder, look."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from portside.data.columns import Columns
from portside.evaluation.report.faults import LabelledRowsOf, faults_report
from portside.evaluation.report.parts import Report
from portside.inference.interfaces import TextEncoder
from portside.progress import Progress
from portside.said import said
from portside.settings import Settings

__all__ = ["encoded_files", "faults_of_files", "told_read"]

TEXTS_AT_ONCE = 512
"""Texts asked about between two tellings of how many are done: a second or two."""


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
    from portside.tasks.classification import row_number
    from portside.training.cross_predictions import cross_predict, learning_curve

    datasets = [read(path, columns, test=path is test) for path in (file, test) if path is not None]
    texts = [dataset.texts for dataset in datasets]
    vectors = encoded_files(texts, settings, progress, encoder=encoder, more=len(texts[0]))
    made = []
    for dataset, found in zip(datasets, vectors, strict=True):
        labels = [example.label for example in dataset.examples]
        rows = [row_number(dataset, place) for place in range(len(dataset))]
        made.append(LabelledRowsOf(Path(dataset.source).name, dataset.texts, labels, rows, found))
    told_read(made, progress)
    return faults_report(made[0], cross_predict, learning_curve, made[1] if len(made) > 1 else None)


def told_read(files: Sequence[LabelledRowsOf], progress: Progress) -> None:
    """Every text was read. To look at those of the first file takes as long again, and has no steps to count."""
    n = sum(len(one.texts) for one in files)
    progress.update(
        n, n + len(files[0].texts), said("models are asked about the texts that they have not learned from")
    )


def encoded_files(
    files: Sequence[Sequence[str]],
    settings: Settings,
    progress: Progress,
    *,
    encoder: TextEncoder | None = None,
    more: int = 0,
) -> list[NDArray[np.float32]]:
    """A vector for each text of each file, shape (texts, width); ``more`` texts are to be read after these.

    None for ``encoder``: that of the settings, as it was pretrained.
    """
    from portside.inference.encoder import BundledEncoder
    from portside.registry import ModelRegistry

    if encoder is None:
        encoder = BundledEncoder(settings.encoder, ModelRegistry(settings.models_dir), threads=settings.threads)
    total, done = sum(map(len, files)), 0
    out = []
    for texts in files:
        parts = []
        for start in range(0, len(texts), TEXTS_AT_ONCE):
            parts.append(encoder.encode(texts[start : start + TEXTS_AT_ONCE]))
            done += len(parts[-1])
            progress.update(
                done, total + more, said("{done} of {total} texts read", done=f"{done:,}", total=f"{total:,}")
            )
        out.append(np.concatenate(parts))
    return out
