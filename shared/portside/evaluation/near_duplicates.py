"""Texts that are almost the same: a typo, a sign, another case or one more word apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Twin", "near_twins", "plain_text"]

LIKENESS = 0.9
"""Share of characters two texts have in common, in order, from which they are near copies."""
NEIGHBOURS = 6
"""Texts nearest in meaning that each text is compared with, letter by letter."""
FEWEST_CHARACTERS = 12
"""Shorter texts are like each other by chance: "thank you" and "thank u"."""


@dataclass(frozen=True)
class Twin:
    """Two texts that are almost the same."""

    first: int
    """Place of the one."""
    second: int
    """Place of the other, among the known texts where there are such."""
    likeness: float
    """From ``LIKENESS`` to 1, case, signs and spacing aside."""


def near_twins(
    texts: Sequence[str],
    vectors: NDArray[np.float32],
    known: Sequence[str] | None = None,
    known_vectors: NDArray[np.float32] | None = None,
    *,
    least: float = LIKENESS,
) -> list[Twin]:
    """For each text the most alike of ``known``; without these, pairs among the texts themselves, each once.

    ``vectors`` (texts, width), of length 1, tell which texts may be alike; letters decide. The most alike come first.
    """
    from rapidfuzz.distance import Indel

    among = known is None or known_vectors is None
    others = texts if known is None or known_vectors is None else known
    other_vectors = vectors if known_vectors is None or known is None else known_vectors
    if not len(texts) or not len(others):
        return []
    plain, plain_others = [plain_text(text) for text in texts], [plain_text(text) for text in others]
    found: dict[tuple[int, int], float] = {}
    for first, row in enumerate(_nearest(vectors, other_vectors, NEIGHBOURS + among)):
        best = None
        for second in row.tolist():
            if second < 0 or (among and second == first) or len(plain[first]) < FEWEST_CHARACTERS:
                continue
            likeness = Indel.normalized_similarity(plain[first], plain_others[second], score_cutoff=least)
            if likeness >= least and (best is None or likeness > best[1]):
                best = second, likeness
        if best is not None:
            pair = (min(first, best[0]), max(first, best[0])) if among else (first, best[0])
            found[pair] = best[1]
    return [Twin(*pair, likeness) for pair, likeness in sorted(found.items(), key=lambda item: (-item[1], item[0]))]


def plain_text(text: str) -> str:
    """Without case, signs and repeated spacing: what is left of a text when only its words count."""
    return " ".join(re.sub(r"[\W_]+", " ", text.casefold()).split())


def _nearest(vectors: NDArray[np.float32], others: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """Places in ``others``, shape (rows, count); -1 where there are not as many."""
    import faiss

    index = faiss.IndexFlatIP(others.shape[1])
    index.add(np.ascontiguousarray(others, dtype=np.float32))
    _scores, places = index.search(np.ascontiguousarray(vectors, dtype=np.float32), min(count, len(others)))
    return np.asarray(places, dtype=np.int64)
