"""How fast a classifier answers, as a ratio to ``transformers.pipeline`` in the same run, on the same texts."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from portside.console import table
from portside.data import load_examples
from portside.encoders import bundled_folder
from portside.inference.classifier import load_classifier
from portside.training.classification import ClassificationRecipe, make_task
from portside.training.run import train_task
from tests.benchmarks.scratch import scratch_order

SINGLE = 200
"""Texts asked one by one."""
PIPELINE_BATCH = 32


def run(data: Path, _seeds: int) -> None:
    """Time one text at a time and all at once. Speed does not depend on what the weights say: they train a minute."""
    texts = list(load_examples(data / "support" / "banking77" / "test.csv", role="test").texts)
    with tempfile.TemporaryDirectory() as folder:
        ours = load_classifier(_quick_model(data, Path(folder)))
        ours.predict(texts[:32])
        pipeline = _pipeline(len(ours.labels))
        pipeline(texts[:8])
        single_base = [_seconds(lambda text=text: pipeline(text)) for text in texts[:SINGLE]]
        single_ours = [_seconds(lambda text=text: ours.predict([text])) for text in texts[:SINGLE]]
        ordered = sorted(texts, key=len)
        bulk = {
            "transformers.pipeline, one by one": sum(single_base) / SINGLE * len(texts),
            "transformers.pipeline, sorted, batch 32": _seconds(lambda: pipeline(ordered, batch_size=PIPELINE_BATCH)),
            "portside predictor": _seconds(lambda: ours.predict(texts)),
        }
    rows = [
        [name, 1000 * median(times), 1000 * quantiles(times, n=20)[-1], median(single_base) / median(times)]
        for name, times in (("transformers.pipeline", single_base), ("portside predictor", single_ours))
    ]
    table(["one text", "p50 ms", "p95 ms", "times as fast"], rows)
    base = bulk["transformers.pipeline, one by one"]
    table(
        [f"{len(texts):,} texts", "texts/s", "times as fast"],
        [[name, len(texts) / seconds, base / seconds] for name, seconds in bulk.items()],
    )


def _quick_model(data: Path, folder: Path) -> Any:
    recipe = ClassificationRecipe(budget_seconds=60)
    dataset = load_examples(data / "support" / "banking77" / "train_10shot.csv")
    return train_task(recipe, make_task(recipe, dataset), scratch_order(folder))


def _pipeline(labels: int) -> Any:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

    folder = bundled_folder()
    model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=labels, local_files_only=True)
    return pipeline("text-classification", model=model, tokenizer=AutoTokenizer.from_pretrained(folder), device=-1)


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
