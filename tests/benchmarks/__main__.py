"""``make bench``: print the benchmark tables. Each is a command of its own, nothing here passes or fails.

python -m tests.benchmarks [TABLE …] --data-dir DIR [--seeds 1] [--only NAME] [--encoder PATH] [--store]

``--only`` prints the lines with that in their name, ``--encoder`` starts from other weights (a folder, a hub id, or
``mpnet``), where a table knows them. Tables that measure speed give their ratios back; those below the ones of the last
release are named at the end.
"""

from __future__ import annotations

import argparse
import io
import platform
import sys
import time
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from portside.console import advise
from portside.errors import PortsideError
from tests.benchmarks.asked import options_of
from tests.benchmarks.larger_encoder import encoder_of
from tests.benchmarks.ratios import Release, compared, processor, read_release, write_release

TABLES = {
    "accuracy": "test accuracy and macro-F1 of the intents, sentiment and topic sets",
    "few_shot": "test accuracy with 5 and 10 texts a label, by method",
    "auto": "test accuracy of --method auto and of each single method on ten sets, two minutes each",
    "guarantees": "wrong answers where at most 2, 5 and 10 % are promised, and label sets, over 100 random halves",
    "calibration": "expected calibration error of CLINC150 in scope and with out-of-scope texts",
    "outside": "AUROC and FPR95 of texts from outside the intents, by score",
    "label_errors": "wrong labels planted in BANKING77, NLU++ and WNUT-17: how many of the rows named are among them",
    "adapters": "LoRA and DoRA against fine-tuning all weights: validation accuracy, speed, memory, size",
    "tagging": "entity F1 of CoNLL-2003 and WNUT-17, and whether the confidence of a name can be believed",
    "tagging_ablation": "entity F1 on validation sentences without the case of words, and without their neighbours",
    "multilabel": "micro-F1 of NLU++, several intents a query",
    "matching": "NDCG, MAP and recall of StackFAQ by words, vectors and both, untuned and fine-tuned",
    "adaptation": "PhraseBank with and without an encoder adapted to Reuters headlines",
    "explanations": "faithfulness of explanations by the deletion curve against random order, milliseconds for one",
    "inference": "texts a second and latency, against transformers.pipeline",
    "startup": "seconds of a new process to its first answer, and its peak memory, against transformers.pipeline",
    "vectors": "finding by vectors: recall@10, queries a second, memory and build time of 10 k, 100 k and 1 M rows",
    "load": "requests a second and latency of each app over HTTP with 1 to 200 clients",
    "soak": "half an hour of load: failures, and memory minute by minute",
    "training": "samples a second, peak memory and accuracy, against a plain transformers Trainer",
    "memory": "peak memory and seconds of a million rows: read, prepared for training, labelled",
    "recommend": "Recall@10 and NDCG@10 over the full catalogue, against popularity and item-kNN",
    "alerts": "false alarms on simulated news without surges, against the budget set",
    "pages": "load times of the pages with 53,251 headlines in the store",
}


def main() -> int:
    """Print the tables asked for, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "tables", nargs="*", choices=[*TABLES, []], help="; ".join(f"{k}: {v}" for k, v in TABLES.items())
    )
    parser.add_argument("--data-dir", type=Path, default=Path("../shared/data"), help="folder of the public data sets")
    parser.add_argument("--seeds", type=int, default=1, help="trainings for each accuracy figure")
    parser.add_argument("--store", action="store_true", help="keep this run's ratios as those of the release")
    parser.add_argument("--only", default="", help="of a table's lines those with this in their name")
    parser.add_argument("--encoder", default="", help="weights to start from: a folder, a hub id or mpnet")
    asked = parser.parse_args()
    if not asked.data_dir.is_dir():
        print(
            f"The benchmarks need the public data sets.\n  seen: no folder {asked.data_dir}\n"
            "  next: name it, for example DATA_DIR=/path/to/data make bench",
            file=sys.stderr,
        )
        return 2
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # in a file or pipe, too, each line at once
    print(f"{processor()}, {platform.python_implementation()} {platform.python_version()}")
    try:
        ratios = _print_tables(asked)
    except PortsideError as error:
        advise(error)
        return 2
    _compare(ratios, [] if asked.only else asked.tables or list(TABLES), store=asked.store)
    return 0


def _print_tables(asked: argparse.Namespace) -> dict[str, float]:
    """The ratios of all tables asked for."""
    given = {"only": asked.only, "encoder": encoder_of(asked.encoder)}
    tables = asked.tables or list(TABLES)
    if any(given.values()):
        for name in tables:  # before the first begins: the last may be hours away
            options_of(name, _run_of(name), given)
    ratios: dict[str, float] = {}
    for name in tables:
        started = time.monotonic()
        print(f"\n== {name}: {TABLES[name]}")
        run = _run_of(name)
        found = run(asked.data_dir, asked.seeds, **options_of(name, run, given)) or {}
        ratios |= {f"{name}: {line}": round(value, 3) for line, value in found.items()}
        print(f"   ({time.monotonic() - started:.0f} s)")
    return ratios


def _run_of(table: str) -> Callable[..., dict[str, float] | None]:
    """Imported when its turn comes: some load torch, which the tables before must do in their own way."""
    run: Callable[..., dict[str, float] | None] = import_module(f"tests.benchmarks.{table}").run
    return run


def _compare(ratios: dict[str, float], tables: list[str], *, store: bool) -> None:
    """Say what got slower since the last release; with ``store`` this run is the next one's."""
    before = read_release()
    lines = compared(ratios, before, processor(), tables) if before is not None else []
    if lines:
        print("\n" + "\n".join(lines))
    if store:
        write_release(Release(version("portside"), processor(), ratios))


if __name__ == "__main__":
    sys.exit(main())
