"""How fast training is, as a ratio to a plain transformers ``Trainer`` in the same run, on the same rows.

Each contender has a process of its own, so that its peak memory is its own, and is judged on the same rows that none of
them was given. Ours keeps some of its rows aside to validate on; the others learn from all.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portside.console import table
from portside.data import Dataset, load_examples, split
from portside.encoders import bundled_folder
from portside.evaluation.intervals import wilson
from portside.inference.classifier import load_classifier
from portside.training.classification import ClassificationRecipe, make_task
from portside.training.run import train_task
from tests.benchmarks.apart import apart, peak_megabytes
from tests.benchmarks.asked import named
from tests.benchmarks.scratch import scratch_order

ROWS = 2_000
JUDGED = 1_000
"""Rows that the contenders are judged on."""
MOST_TOKENS = 128
HEAD = ["one pass", "samples/s", "times as fast", "whole s", "peak MB", "of its memory", "right %", "95 %"]


@dataclass(frozen=True)
class Reached:
    """What one contender needed, and how good it is then."""

    samples_per_second: float
    """Of the training loop alone."""
    seconds: float
    """From reading the model to a model that can be asked."""
    peak: float
    """Megabytes."""
    right: int
    n: int


def run(data: Path, _seeds: int, *, only: str = "") -> dict[str, float]:
    """One pass over the same rows in three ways; the first is the baseline of those printed after it."""
    found: dict[str, Reached] = {}
    for name in named(CONTENDERS, only):
        work, *options = CONTENDERS[name]
        found[name] = apart(work, data, *options)
        table(HEAD, [shown(each, found) for each in found])  # so far: the rest takes a while
    ours = found.get(PORTSIDE)
    if ours is None:
        return {}
    faster = {SHORT[name]: ours.samples_per_second / one.samples_per_second for name, one in found.items()}
    smaller = {f"{SHORT[name]}, memory": one.peak / ours.peak for name, one in found.items()}
    return {name: ratio for name, ratio in {**faster, **smaller}.items() if PORTSIDE not in name}


def shown(name: str, found: Mapping[str, Reached]) -> list[object]:
    """One line of the table, of which ``found`` is what there is so far."""
    one, base = found[name], next(iter(found.values()))
    low, high = wilson(one.right, one.n)
    return [
        name,
        f"{one.samples_per_second:.1f}",
        f"{one.samples_per_second / base.samples_per_second:.2f}",
        f"{one.seconds:.1f}",
        f"{one.peak:,.0f}",
        f"{100 * one.peak / base.peak:.0f} %",
        f"{100 * one.right / one.n:.2f}",
        f"{100 * low:.1f}-{100 * high:.1f}",
    ]


def parts(data: Path) -> tuple[Dataset, Dataset]:
    """``ROWS`` rows to train on and ``JUDGED`` others, both from all over BANKING77's training file."""
    whole = load_examples(data / "support" / "banking77" / "train.csv")
    share = JUDGED / (ROWS + JUDGED)
    cut = split(whole, [1 - share, share], seed=0)
    return _some(cut.train, ROWS), _some(cut.valid, JUDGED)


def _some(dataset: Dataset, most: int) -> Dataset:
    count = min(most, len(dataset))
    return dataset.subset([place * len(dataset) // count for place in range(count)])


def _plain(data: Path, padding: str) -> Reached:
    """What transformers' own classes need with their defaults."""
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        Trainer,
        TrainingArguments,
    )

    began = time.perf_counter()
    dataset, judged = parts(data)
    folder = bundled_folder()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(
        folder, num_labels=len(dataset.labels), local_files_only=True
    )
    pad = padding == "max_length" and padding
    number = {label: place for place, label in enumerate(dataset.labels)}

    def encoded(rows: Dataset) -> list[dict[str, Any]]:
        return [
            {**tokenizer(one.text, truncation=True, max_length=MOST_TOKENS, padding=pad), "labels": number[one.label]}
            for one in rows.examples
        ]

    with tempfile.TemporaryDirectory() as scratch:
        arguments = TrainingArguments(
            output_dir=scratch, per_device_train_batch_size=32, num_train_epochs=1, use_cpu=True, report_to=[],
            save_strategy="no", logging_strategy="no", disable_tqdm=True,
        )  # fmt: skip
        collator = DataCollatorWithPadding(tokenizer, padding="longest")
        rows: Any = encoded(dataset)  # a list is data set enough
        trainer = Trainer(model=model, args=arguments, train_dataset=rows, data_collator=collator)
        started = time.perf_counter()
        trainer.train()
        ended = time.perf_counter()
        peak = peak_megabytes()
        asked: Any = encoded(judged)
        answers: Any = trainer.predict(asked)
    right = int((answers.predictions.argmax(axis=1) == answers.label_ids).sum())
    return Reached(len(dataset) / (ended - started), ended - began, peak, right, len(judged))


def _ours(data: Path) -> Reached:
    """Our own loop, its speed as its card has it."""
    began = time.perf_counter()
    dataset, judged = parts(data)
    with tempfile.TemporaryDirectory() as folder:
        recipe = ClassificationRecipe(epochs=1)
        version = train_task(recipe, make_task(recipe, dataset), scratch_order(Path(folder)))
        seconds, peak = time.perf_counter() - began, peak_megabytes()
        answers = load_classifier(version).predict(judged.texts)
    right = sum(one.label == example.label for one, example in zip(answers, judged.examples, strict=True))
    return Reached(version.card["training"]["texts_per_second"], seconds, peak, right, len(judged))


PORTSIDE = "portside"
CONTENDERS: dict[str, tuple[Any, ...]] = {
    "plain Trainer, fp32, padded to 128": (_plain, "max_length"),
    "plain Trainer, fp32, dynamic padding": (_plain, "longest"),
    PORTSIDE: (_ours,),
}
SHORT = dict(zip(CONTENDERS, ("padded to the maximum", "dynamic padding", PORTSIDE), strict=True))
"""What the ratios to each are called."""
