"""How fast a classifier answers, as a ratio to ``transformers.pipeline`` in the same run, on the same texts.

A model is trained on BANKING77 and compiled; every engine of this machine is shown with what it loses on the model's
own validation rows, then the one that serves is timed on texts that it has never seen.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

from portside.console import table
from portside.data import load_examples
from portside.encoders import bundled_folder
from portside.evaluation.classification import evaluate_classifier
from portside.inference.classifier import FolderClassifier, load_classifier
from portside.inference.engines.store import MODEL_FILE, place_of
from portside.inference.threads import usable_cores
from portside.inference.tokens import Tokens
from portside.registry import ModelVersion
from portside.training.classification import ClassificationRecipe, make_task
from portside.training.run import train_task
from tests.benchmarks.matmul_peak import measured_peaks
from tests.benchmarks.operator_profile import PRODUCTS, Profile, profile
from tests.benchmarks.scratch import compiled, scratch_order

if TYPE_CHECKING:
    from portside.inference.engines.compile import Compilation

TRAINING_SECONDS = 240.0
SINGLE = 300
"""Texts asked one by one."""
BATCHES = (8, 32, 64, 128)
"""Of the pipeline, on texts sorted by length: the best counts."""
ROUNDS = 3
"""Times that each side is timed, in turn; the fastest counts: what disturbs a machine only ever slows it down."""
PROFILED = 1_000
"""Texts of the profile by operator."""
Timed = Callable[[], Sequence[float]]
"""Asks something; returns the seconds of each call."""
PIPELINE = "transformers.pipeline"
SHORTER_NUMBERS = ("int8", "bf16")
"""As engines are named after them; the others compute in 32-bit floats."""


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
        made = compiled(version)
        _show_engines(made)
        served = load_classifier(version)
        engine = made.original.engine if made.chosen is None else made.chosen.engine
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
        verdict = made.refused.get(one.engine, "" if one is made.original else "may serve")
        if made.chosen is not None and made.chosen.engine == one.engine:
            verdict = "serves"
        right = "" if one.quality is None else f"{100 * one.quality:.2f}"
        figures = [f"{one.texts_per_second:,.0f}", f"{one.single_ms:.2f}", right, f"{100 * one.agreement:.1f}"]
        rows.append([one.engine, *figures, f"{one.megabytes:.0f}", verdict])
    table([f"engine, on {made.rows:,} validation rows", "texts/s", "p50 ms", "right %", "agreement %", "MB", ""], rows)
    for name, why in made.failed.items():
        print(f"  {name}: {why}")


def fastest(
    contenders: Mapping[str, Callable[[], Sequence[float]]], rounds: int = ROUNDS
) -> dict[str, Sequence[float]]:
    """Of each contender the seconds of its fastest round; they take turns, so that what disturbs one disturbs all."""
    found: dict[str, Sequence[float]] = {}
    for _ in range(rounds):
        for name, ask in contenders.items():
            seconds = ask()
            if name not in found or sum(seconds) < sum(found[name]):
                found[name] = seconds
    return found


def _show_speed(name: str, texts: list[str], pipeline: Any, ours: dict[str, FolderClassifier]) -> dict[str, float]:
    """Print both tables; returns the ratios of the last of ``ours``."""
    for classifier in ours.values():
        classifier.predict(texts[:64])
    # Of the whole file: its first rows may be longer than the rest.
    alone = _one_by_one(name, texts[:: max(1, len(texts) // SINGLE)][:SINGLE], pipeline, ours)
    last = list(ours)[-1]
    base = median(alone[PIPELINE])
    one_by_one = sum(alone[PIPELINE]) / len(alone[PIPELINE]) * len(texts)
    best, bulk = _in_bulk(name, texts, pipeline, ours, one_by_one)
    return {
        f"{name}, one by one": base / median(alone[last]),
        f"{name}, all, against one by one": one_by_one / bulk[last],
        f"{name}, all, against best batches": best / bulk[last],
    }


def _one_by_one(
    name: str, texts: Sequence[str], pipeline: Any, ours: dict[str, FolderClassifier]
) -> dict[str, Sequence[float]]:
    """Seconds of each text alone; prints them."""
    asks: dict[str, Timed] = {PIPELINE: partial(_each, [partial(pipeline, text) for text in texts])}
    for which, classifier in ours.items():
        asks[which] = partial(_each, [partial(classifier.predict, [text]) for text in texts])
    alone = fastest(asks)
    base = median(alone[PIPELINE])
    rows = [
        [which, f"{1e3 * median(times):.2f}", f"{1e3 * quantiles(times, n=20)[-1]:.2f}", f"{base / median(times):.1f}"]
        for which, times in alone.items()
    ]
    table([f"{name}, one by one", "p50 ms", "p95 ms", "times as fast"], rows)
    return alone


def _in_bulk(
    name: str, texts: list[str], pipeline: Any, ours: dict[str, FolderClassifier], one_by_one: float
) -> tuple[float, dict[str, float]]:
    """Seconds of all texts at once: of the pipeline with its best batches, and of each of ``ours``; prints them."""
    ordered = sorted(texts, key=len)
    asks: dict[str, Timed] = {
        f"{PIPELINE}, sorted, batches of {size}": partial(_each, [partial(pipeline, ordered, batch_size=size)])
        for size in BATCHES
    }
    for which, classifier in ours.items():
        asks[which] = partial(_each, [partial(classifier.predict, texts)])
    bulk = {which: sum(seconds) for which, seconds in fastest(asks).items()}
    best = min(seconds for which, seconds in bulk.items() if which not in ours)
    shown = {f"{PIPELINE}, one by one": one_by_one, **bulk}
    rows = [
        [which, f"{len(texts) / seconds:,.0f}", f"{one_by_one / seconds:.1f}", f"{best / seconds:.1f}"]
        for which, seconds in shown.items()
    ]
    table([f"{len(texts):,} {name}", "texts/s", "× one by one", "× best batches"], rows)
    return best, bulk


def _show_peak(made: Compilation, version: ModelVersion, texts: Sequence[str]) -> None:
    """Which share of the machine's matrix products the engines reach, tokenising and all else included."""
    tokens = Tokens(version.folder, max_tokens=256)
    of_a_text = _operations(version.folder, tokens, texts)
    peaks = measured_peaks()
    rows = []
    for one in (made.original, *made.engines):
        kind = _number_type(one.engine)
        reached = one.texts_per_second * of_a_text / 1e9
        rows.append(
            [one.engine, kind, f"{peaks[kind]:,.0f}", f"{reached:,.0f}", f"{100 * reached / peaks[kind]:.0f} %"]
        )
    table(["engine", "products in", "peak, billion operations/s", "reached", "share"], rows)
    file = place_of(version.folder).folder / MODEL_FILE
    if made.chosen is None or not made.chosen.engine.startswith("onnx"):
        print("no profile by operator: the engine that serves is not run by ONNX Runtime")
        return
    few = list(texts[:PROFILED])
    one_core = peaks[_number_type(made.chosen.engine)] / usable_cores()
    _show_profile(made.chosen.engine, profile(file, tokens, few), _operations(version.folder, tokens, few), one_core)


def _operations(folder: Path, tokens: Tokens, texts: Sequence[str]) -> float:
    """Of the matrix products for a text, on average; a product and a sum are two."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    lengths = [len(ids) for ids in tokens(texts).ids]
    width, inner, layers = (int(config[key]) for key in ("hidden_size", "intermediate_size", "num_hidden_layers"))
    of_a_token = 2 * layers * (4 * width**2 + 2 * width * inner)
    return sum(count * of_a_token + 4 * layers * width * count**2 for count in lengths) / len(lengths)


def _number_type(engine: str) -> str:
    return next((name for name in SHORTER_NUMBERS if name in engine), "fp32")


def _show_profile(engine: str, found: Profile, of_a_text: float, one_core: float) -> None:
    """Where its time goes, and by that why it stays below ``one_core``, the peak in billions of operations a second."""
    rows = [[kind, f"{seconds:.3f}", f"{100 * found.share(kind):.1f} %"] for kind, seconds in found.seconds.items()]
    table([f"{engine}, {PROFILED:,} texts on one core", "seconds", "share of the time"], rows)
    print(why_below(found, of_a_text * PROFILED / 1e9, one_core))


def why_below(found: Profile, billions: float, one_core: float) -> str:
    """The two parts of what is missing to the peak: time without products, and products slower than the peak's."""
    products = found.seconds.get(PRODUCTS, 0.0)
    within = billions / products / one_core if products else 0.0
    others = [kind for kind in found.seconds if kind != PRODUCTS][:3]
    dearest = ", ".join(f"{kind} {100 * found.share(kind):.0f} %" for kind in others)
    return (
        f"{100 * found.share(PRODUCTS):.0f} % of the time is matrix products, which reach {100 * within:.0f} % of a "
        f"core's peak\n(what is fused into them included); the rest is no product: {dearest}"
    )


def _pipeline(labels: int) -> Any:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

    folder = bundled_folder()
    model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=labels, local_files_only=True)
    made = pipeline("text-classification", model=model, tokenizer=AutoTokenizer.from_pretrained(folder), device=-1)
    made(["ready"] * 8)
    return made


def _each(works: Sequence[Callable[[], object]]) -> list[float]:
    return [_seconds(work) for work in works]


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
