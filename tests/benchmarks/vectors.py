"""Finding by vectors: recall, queries a second, memory and build time of 10 thousand, 100 thousand and a million.

The rows are headlines' vectors by the bundled encoder; beyond 100,000, points between a headline and one of its
neighbours with a little noise, so that the million crowds as more headlines of the same news would. The queries are
headlines that are not among the rows.
"""

from __future__ import annotations

import random
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portside.console import table
from portside.data.texts import load_texts, unique_texts
from portside.encoders import bundled_folder
from portside.inference.encoder import load_encoder
from portside.retrieval.finder_choice import SIZES, build_finder
from portside.retrieval.finders import Finder
from portside.retrieval.vectors import VectorIndex

REAL, QUERIES = 100_000, 1_000
SIZES_SHOWN = (10_000, 100_000, 1_000_000)
HEAD = ["rows", "index", "recall@10", "p50 ms", "queries/s", "times as fast", "build s", "MB beside vectors"]


def run(data: Path, _seeds: int) -> dict[str, float]:
    """Build each size the way that is chosen for it, and exact search beside it."""
    whole, queries = _headlines(data)
    rows: list[list[Any]] = []
    ratios: dict[str, float] = {}
    for size in SIZES_SHOWN:
        vectors = _so_many(whole, size)
        kind = SIZES.kind(size)
        exact = build_finder(vectors, "flat").finder
        _, truth = exact.search(queries, 10)
        base = _seconds(exact, queries)
        rows.append([f"{size:,}", "flat", "1", *_speed(base, base), "", "0"])
        del exact
        if kind != "flat":
            began = time.monotonic()
            made = build_finder(vectors, kind)
            built = time.monotonic() - began
            _, found = made.finder.search(queries, 10)
            recall = float(np.mean([len(set(one) & set(other)) / 10 for one, other in zip(found, truth, strict=True)]))
            megabytes = made.finder.to_bytes(np.ones(size, dtype=np.bool_)).nbytes / 1e6
            ratios[f"{size:,} rows by {kind}"] = base / (seconds := _seconds(made.finder, queries))
            speed = _speed(seconds, base)
            rows.append([f"{size:,}", kind, f"{recall:.4f}", *speed, f"{built:.0f}", f"{megabytes:.0f}"])
        table(HEAD, rows)  # so far: the rest takes a while
    _from_disk(vectors, queries)
    return ratios


def _speed(seconds: float, base: float) -> list[str]:
    return [f"{1e3 * seconds:.2f}", f"{1 / seconds:,.0f}", f"{base / seconds:.1f}"]


def _seconds(finder: Finder, queries: NDArray[np.float32]) -> float:
    """Of one query, the median."""
    times = []
    for query in queries[:300]:
        began = time.perf_counter()
        finder.search(query[None, :], 10)
        times.append(time.perf_counter() - began)
    return float(np.median(times))


def _from_disk(vectors: NDArray[np.float32], queries: NDArray[np.float32]) -> None:
    """What a process needs that opens the largest index and answers."""
    index = VectorIndex(vectors.shape[1])
    index.add([str(row) for row in range(len(vectors))], vectors)
    index.speed_up()
    with tempfile.TemporaryDirectory() as folder:
        index.save(Path(folder) / "index")
        del index
        before, began = _own_megabytes(), time.monotonic()
        again = VectorIndex.load(Path(folder) / "index")
        loaded = time.monotonic() - began
        again.search(queries, 10)
        print(
            f"opened from disk in {loaded:.1f} s (checksums included); {_own_megabytes() - before:,.0f} MB of its own "
            f"for {len(again):,} rows, whose vectors ({vectors.nbytes / 1e6:,.0f} MB) stay in the file"
        )


def _own_megabytes() -> float:
    """Memory of this process that is no mapped file."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon")) / 1024


def _headlines(data: Path) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    texts = load_texts(data / "finance" / "streams" / "reuters_2010h1.csv.gz", text="headline").texts
    unique = list(unique_texts(list(texts), "headlines").texts)
    random.Random(0).shuffle(unique)
    vectors = load_encoder(bundled_folder()).encode(unique[: REAL + QUERIES])
    return vectors[:REAL], vectors[REAL:]


def _so_many(whole: NDArray[np.float32], size: int, *, seed: int = 0) -> NDArray[np.float32]:
    if size <= len(whole):
        return whole[:size]
    rng = np.random.default_rng(seed)
    _, near = build_finder(whole, "hnsw").finder.search(whole, 8)
    parts = [whole]
    while (left := size - sum(map(len, parts))) > 0:
        chosen = rng.permutation(len(whole))[:left]
        other = near[chosen, rng.integers(1, 8, len(chosen))]
        share = rng.uniform(0.3, 0.7, (len(chosen), 1))
        made = share * whole[chosen] + (1 - share) * whole[other] + rng.normal(0, 0.02, (len(chosen), whole.shape[1]))
        parts.append((made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32))
    return np.concatenate(parts)
