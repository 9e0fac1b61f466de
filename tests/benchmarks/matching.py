"""Finding the help article: StackFAQ over its whole corpus, with the released recipe.

Weights, and which ranking a model answers with, are chosen on training queries that were kept aside; test judgements
are read once, at the end.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from portside.console import table
from portside.data.matching import MatchingDataset, load_judged
from portside.evaluation.matching import SystemFigures, evaluate_matcher, score_rankings
from portside.inference.encoder import BundledEncoder
from portside.inference.matcher import load_matcher, rank_all
from portside.inference.ranking import Ranker
from portside.tasks.matching import System
from portside.training.matching import MatchingRecipe, make_task
from portside.training.run import train_task
from tests.benchmarks.scratch import scratch_order

PUBLISHED = {"BM25": "Elasticsearch .7615", "fine-tuned vectors": "BERT re-ranker .8360-.8511 (.9893 with paraphrases)"}
"""NDCG@3 in the README of BERT-FAQ: all 1,249 queries, another split."""
HEAD = ["StackFAQ test queries", "NDCG@3", "95 %", "NDCG@10", "MAP", "recall@10", "seconds", "published NDCG@3"]


def run(data: Path, seeds: int) -> None:
    """Rank for every test query without training, then after each of ``seeds`` trainings, and print the table."""
    folder = data / "support" / "stackfaq"
    train, test = load_judged(folder), load_judged(folder, test=True)
    rows = list(_untuned(test))
    table(HEAD, rows)  # so far: the rest takes a while
    for seed in range(seeds):
        rows += _tuned(train, test, seed)
    table(HEAD, rows)
    print(f"   {len(test):,} queries, {len(test.documents):,} documents; fine-tuned: seconds of the whole training")


def _untuned(test: MatchingDataset) -> Iterator[list[object]]:
    encoder = BundledEncoder()
    started = time.monotonic()
    queries, documents = encoder.encode(list(test.queries.values())), encoder.encode(list(test.documents.values()))
    encoded = time.monotonic() - started
    ranker = Ranker(tuple(test.documents), tuple(test.documents.values()))
    rankings = rank_all(ranker, test, queries, documents).orders
    ranked = time.monotonic() - started - encoded
    names: dict[System, str] = {"keywords": "BM25", "vectors": "untuned vectors", "hybrid": "untuned hybrid"}
    for system, name in names.items():
        yield _row(name, score_rankings(rankings[system], test), ranked if system == "keywords" else encoded + ranked)


def _tuned(train: MatchingDataset, test: MatchingDataset, seed: int) -> list[list[object]]:
    recipe = MatchingRecipe(seed=seed)
    with tempfile.TemporaryDirectory() as home:
        started = time.monotonic()
        version = train_task(recipe, make_task(recipe, train), scratch_order(Path(home)))
        seconds = time.monotonic() - started
        report = evaluate_matcher(load_matcher(version), test)
    chosen = {report.system: " (chosen by validation)"}
    names: tuple[System, ...] = ("vectors", "hybrid")
    suffix = f", seed {seed}" if seed else ""
    return [_row(f"fine-tuned {name}{suffix}", report.systems[name], seconds, chosen.get(name, "")) for name in names]


def _row(name: str, found: SystemFigures, seconds: float, note: str = "") -> list[object]:
    low, high = found.ci95["ndcg_at_3"]
    figures = [found.ndcg_at_3, f"{low:.4f}-{high:.4f}", found.ndcg_at_10, found.map, found.recall_at_10]
    return [name + note, *figures, f"{seconds:.0f}", PUBLISHED.get(name, "")]
