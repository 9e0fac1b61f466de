"""How an encoder's engines are judged: by known matches where there are some, else by the lists of nearest texts."""

from __future__ import annotations

import json
from math import log2
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from portside.data.matching import load_judged
from portside.inference.engines.registered import Compilable
from portside.inference.engines.store import CompiledPlace
from portside.inference.engines.subject import nearest_kept
from portside.inference.engines.subjects.encoder import judged_subject


def unit(rows: Any) -> Any:
    vectors = np.array(rows, dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_the_same_vectors_give_the_same_lists() -> None:
    vectors = unit(np.random.default_rng(0).normal(size=(30, 8)))
    assert nearest_kept(vectors, vectors) == 1.0
    assert nearest_kept(vectors[:1], vectors[:1]) == 1.0


def test_what_lists_lose_by_hand() -> None:
    # Cosines by the original: 0-1 and 2-3 are 0.8, all others 0.
    original = unit([[1, 0, 0, 0], [0.8, 0.6, 0, 0], [0, 0, 1, 0], [0, 0, 0.8, 0.6]])
    # By the engine 0 is nearest to 2, and then to 1; the other way round the lists of 1 and 3 stay right.
    found = unit([[0.6, 0, 0.79, 0.1], [0.8, 0.6, 0, 0], [0, 0, 1, 0], [0, 0, 0.8, 0.6]])
    listed = np.argsort(-(found @ found.T - 2 * np.eye(4)), axis=1)[:, :3]
    assert [row.tolist().index(partner) for row, partner in zip(listed, (1, 0, 3, 2), strict=True)] == [2, 0, 0, 0]
    # Only the partner is nearer than the mean: third, it is worth 1 / log2(4) of what it is worth as first.
    assert nearest_kept(found, original) == pytest.approx((1 / log2(4) + 3) / 4)


def test_texts_as_good_as_equally_near_change_places_for_nothing() -> None:
    original = unit([[1, 0, 0], [1, 0.100, 0], [1, 0.101, 0], [0, 0, 1]])
    found = unit([[1, 0, 0], [1, 0.101, 0], [1, 0.100, 0], [0, 0, 1]])
    assert 0.999 < nearest_kept(found, original) < 1.0


def test_known_matches_decide_where_there_are_some(tiny_encoder: Path, tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps({"query": f"my card {n}", "document": f"lost card {n}"}) + "\n" for n in "abc"))
    subject = judged_subject(tiny_encoder, load_judged(path))
    assert (subject.rows, subject.measure, subject.nearest) == (6, "NDCG@10", None)
    right = np.concatenate([np.eye(3), np.eye(3)])
    assert subject.quality is not None
    assert subject.quality(right) == 1.0
    # Every match second of three.
    assert subject.quality(np.concatenate([np.eye(3), 2 * np.roll(np.eye(3), 1, axis=0) + np.eye(3)])) == pytest.approx(
        1 / log2(3)
    )


@pytest.mark.parametrize(
    ("file", "content", "measure"),
    [
        ("rows.jsonl", '{{"query": "my card {n}", "document": "lost card {n}"}}\n', "NDCG@10"),
        ("rows.jsonl", '{{"text": "my card {n}"}}\n', "NDCG@10 of nearest texts"),
        ("rows.txt", "my card {n}\n", "NDCG@10 of nearest texts"),
    ],
)
def test_the_file_says_what_is_known(tiny_encoder: Path, tmp_path: Path, file: str, content: str, measure: str) -> None:
    (tmp_path / file).write_text("".join(content.format(n=n) for n in range(100)))
    asked = Compilable("tiny", tiny_encoder, CompiledPlace(tmp_path, "abc"))
    assert asked._subject(tmp_path / file).measure == measure
