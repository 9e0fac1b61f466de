"""How fast training is, as a ratio to a plain transformers ``Trainer`` in the same run, on the same rows."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from portside.console import table
from portside.data import Dataset, load_examples
from portside.encoders import bundled_folder
from portside.training.classification import ClassificationRecipe, make_task
from portside.training.run import train_task
from tests.benchmarks.scratch import scratch_order

ROWS = 2_000
MOST_TOKENS = 128


def run(data: Path, _seeds: int) -> dict[str, float]:
    """One pass over the same rows in three ways: the loops alone, without reading the model."""
    dataset = load_examples(data / "support" / "banking77" / "train.csv")
    dataset = dataset.subset(range(0, len(dataset), max(1, len(dataset) // ROWS))[:ROWS])
    padded = _plain(dataset, padding="max_length")
    dynamic = _plain(dataset, padding="longest")
    ours = _ours(dataset)
    rows = [
        ["plain Trainer, fp32, padded to 128", ROWS / padded, 1.0],
        ["plain Trainer, fp32, dynamic padding", ROWS / dynamic, padded / dynamic],
        ["portside", ours, ours * padded / ROWS],
    ]
    table(["one pass", "samples/s", "times as fast"], rows)
    return {"padded to the maximum": ours * padded / ROWS, "dynamic padding": ours * dynamic / ROWS}


def _plain(dataset: Dataset, padding: str) -> float:
    """Seconds that transformers' own classes need with their defaults."""
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        Trainer,
        TrainingArguments,
    )

    folder = bundled_folder()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(
        folder, num_labels=len(dataset.labels), local_files_only=True
    )
    rows: list[dict[str, Any]] = []
    for text, label in zip(dataset.texts, dataset.label_ids, strict=True):
        encoded = tokenizer(text, truncation=True, max_length=MOST_TOKENS, padding=padding == "max_length" and padding)
        rows.append({**encoded, "labels": label})
    with tempfile.TemporaryDirectory() as scratch:
        arguments = TrainingArguments(
            output_dir=scratch, per_device_train_batch_size=32, num_train_epochs=1, use_cpu=True, report_to=[],
            save_strategy="no", logging_strategy="no", disable_tqdm=True,
        )  # fmt: skip
        collator = DataCollatorWithPadding(tokenizer, padding="longest")
        trainer = Trainer(model=model, args=arguments, train_dataset=rows, data_collator=collator)  # type: ignore[arg-type]
        started = time.perf_counter()
        trainer.train()
        return time.perf_counter() - started


def _ours(dataset: Dataset) -> float:
    """Samples a second of our own loop, as its card has it."""
    with tempfile.TemporaryDirectory() as folder:
        recipe = ClassificationRecipe(epochs=1)
        version = train_task(recipe, make_task(recipe, dataset), scratch_order(Path(folder)))
        speed: float = version.card["training"]["texts_per_second"]
        return speed
