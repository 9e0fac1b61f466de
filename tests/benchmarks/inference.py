"""How fast a classifier answers, as a ratio to ``transformers.pipeline`` in the same run, on the same texts.

A model is trained on BANKING77 and compiled; every engine of this machine is shown with what it loses on the model's
own validation rows, then the one that serves is timed on texts that it has never seen.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from portside.console import table
from portside.data import load_examples
from portside.encoders import bundled_folder
from portside.evaluation.classification import evaluate_classifier
from portside.evaluation.held_out import held_out_file
from portside.inference.classifier import FolderClassifier, load_classifier
from portside.inference.engines.compile import ORIGINAL, Compilation, compile_model
from portside.inference.engines.store import place_of
from portside.inference.engines.subjects.classification import subject
from portside.inference.tokens import Tokens
from portside.registry import ModelVersion
from portside.training.classification import ClassificationRecipe, make_task
from portside.training.run import train_task
from tests.benchmarks.matmul_peak import measured_peaks
from tests.benchmarks.scratch import scratch_order

TRAINING_SECONDS = 240.0
SINGLE = 300
"""Texts asked one by one."""
BATCHES = (8, 32, 64, 128)
"""Of the pipeline, on texts sorted by length: the best counts."""
ROUNDS = 3
FLOATS = {"int8": "int8", "bf16": "bf16"}


def run(data: Path, _seeds: int) -> dict[str, float]:
    """Train, compile, time."""
    banking = data / "support" / "banking77"
    test = load_examples(banking / "test.csv", role="test")
    phrases = load_examples(data / "finance" / "phrasebank" / "phrasebank.csv", text="text", label="sentiment")
    with tempfile.TemporaryDirectory() as folder:
        version = _trained(banking, Path(folder))
        original = load_classifier(version)
        original.predict(test.texts[:64])
        before = evaluate_classifier(original, test).accuracy
        kept = held_out_file(version.folder)
        assert kept is not None
        made = compile_model(subject(version, load_examples(kept, role="test")), place_of(version.folder))
        _show_engines(made)
        served = load_classifier(version)
        engine = ORIGINAL if made.chosen is None else made.chosen.engine
        after = evaluate_classifier(served, test).accuracy
        both = zip(original.predict(test.texts), served.predict(test.texts), strict=True)
        same = [one.label == other.label for one, other in both]
        print(
            f"on the {len(test):,} test queries: torch fp32 {100 * before:.2f} % right, {engine} {100 * after:.2f} %, "
            f"{100 * sum(same) / len(same):.2f} % of the labels the same"
        )
        ratios: dict[str, float] = {}
        pipeline = _pipeline(len(original.labels))
        for name, texts in (("BANKING77 queries", test.texts), ("PhraseBank sentences", phrases.texts)):
            ours = {"portside, torch fp32": original, f"portside, {engine}": served}
            ratios |= _show_speed(name, list(texts), pipeline, ours)
        _show_peak(made, version, list(test.texts))
    return ratios


def _trained(banking: Path, folder: Path) -> ModelVersion:
    recipe = ClassificationRecipe(budget_seconds=TRAINING_SECONDS)
    return train_task(recipe, make_task(recipe, load_examples(banking / "train.csv")), scratch_order(folder))


def _show_engines(made: Compilation) -> None:
    rows: list[list[Any]] = []
    for one in (made.original, *made.engines):
        verdict = made.refused.get(one.engine, "" if one.engine == ORIGINAL else "may serve")
        if made.chosen is not None and made.chosen.engine == one.engine:
            verdict = "serves"
        right = "" if one.quality is None else f"{100 * one.quality:.2f}"
        figures = [f"{one.texts_per_second:,.0f}", f"{one.single_ms:.2f}", right, f"{100 * one.agreement:.1f}"]
        rows.append([one.engine, *figures, f"{one.megabytes:.0f}", verdict])
    table([f"engine, on {made.rows:,} validation rows", "texts/s", "p50 ms", "right %", "agreement %", "MB", ""], rows)
    for name, why in made.failed.items():
        print(f"  {name}: {why}")


def _show_speed(name: str, texts: list[str], pipeline: Any, ours: dict[str, FolderClassifier]) -> dict[str, float]:
    """Print both tables; returns the ratios of the last of ``ours``."""
    alone = {"transformers.pipeline": [_seconds(lambda text=text: pipeline(text)) for text in texts[:SINGLE]]}
    for which, classifier in ours.items():
        classifier.predict(texts[:64])
        alone[which] = [_seconds(lambda text=text, ask=classifier: ask.predict([text])) for text in texts[:SINGLE]]
    base = median(alone["transformers.pipeline"])
    table(
        [f"{name}, one by one", "p50 ms", "p95 ms", "times as fast"],
        [
            [
                which,
                *(f"{1e3 * at:.2f}" for at in (median(times), quantiles(times, n=20)[-1])),
                f"{base / median(times):.1f}",
            ]
            for which, times in alone.items()
        ],
    )
    ordered = sorted(texts, key=len)
    one_by_one = sum(alone["transformers.pipeline"]) / SINGLE * len(texts)
    tried = {size: _seconds(lambda size=size: pipeline(ordered, batch_size=size)) for size in BATCHES}
    best = min(tried, key=lambda size: tried[size])
    theirs = "transformers.pipeline"
    bulk = {f"{theirs}, one by one": one_by_one, f"{theirs}, sorted, batches of {best}": tried[best]}
    for which, classifier in ours.items():
        bulk[which] = min(_seconds(lambda classifier=classifier: classifier.predict(texts)) for _ in range(ROUNDS))
    table(
        [f"{len(texts):,} {name}", "texts/s", "× one by one", "× best batches"],
        [
            [which, f"{len(texts) / seconds:,.0f}", f"{one_by_one / seconds:.1f}", f"{tried[best] / seconds:.1f}"]
            for which, seconds in bulk.items()
        ],
    )
    last = list(ours)[-1]
    return {
        f"{name}, one by one": base / median(alone[last]),
        f"{name}, all, against one by one": one_by_one / bulk[last],
        f"{name}, all, against best batches": tried[best] / bulk[last],
    }


def _show_peak(made: Compilation, version: ModelVersion, texts: Sequence[str]) -> None:
    """Which share of the machine's matrix products the engines reach, tokenising and all else included."""
    import json

    config = json.loads((version.folder / "config.json").read_text(encoding="utf-8"))
    lengths = [len(ids) for ids in Tokens(version.folder, max_tokens=256)(texts).ids]
    width, inner, layers = (int(config[key]) for key in ("hidden_size", "intermediate_size", "num_hidden_layers"))
    of_a_token = 2 * layers * (4 * width**2 + 2 * width * inner)
    of_a_text = sum(count * of_a_token + 4 * layers * width * count**2 for count in lengths) / len(lengths)
    peaks = measured_peaks()
    rows = []
    for one in (made.original, *made.engines):
        kind = next((name for mark, name in FLOATS.items() if mark in one.engine), "fp32")
        reached = one.texts_per_second * of_a_text / 1e9
        rows.append(
            [one.engine, kind, f"{peaks[kind]:,.0f}", f"{reached:,.0f}", f"{100 * reached / peaks[kind]:.0f} %"]
        )
    table(["engine", "products in", "peak, billion operations/s", "reached", "share"], rows)
    print(
        f"the rest: products of {width} × {width} and {width} × {inner} on {sum(lengths) / len(lengths):.0f} tokens a "
        "text are too small to fill the units;\nsoftmax, GELU and layer norms run in 32-bit floats; 8-bit inputs are "
        "converted before and after each product; a few per cent is tokenising"
    )


def _pipeline(labels: int) -> Any:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

    folder = bundled_folder()
    model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=labels, local_files_only=True)
    made = pipeline("text-classification", model=model, tokenizer=AutoTokenizer.from_pretrained(folder), device=-1)
    made(["ready"] * 8)
    return made


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
