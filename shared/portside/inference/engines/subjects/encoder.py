"""A sentence encoder: its rankings, and the cosine of its vectors to the original's. Imports torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from portside.inference.encoder_network import load_network
from portside.inference.engines.subject import Subject, ask_texts, least_cosine, nearest_kept, some
from portside.inference.engines.subjects.matching import judged
from portside.inference.prefixes import prefixes_of

if TYPE_CHECKING:
    from portside.data.matching import MatchingDataset

__all__ = ["judged_subject", "subject"]

MOST_QUERIES = 500
"""Each with a document or more: as many texts as are taken where nothing is known of them."""


def subject(folder: Path, texts: Sequence[str]) -> Subject:
    """The encoder in ``folder``. Nobody said which texts belong together: its lists of nearest texts must stay those of
    the original, as far as the original itself holds one text for nearer than another.
    """
    network, tokens, file = load_network(folder)
    asked = some(texts)
    return Subject(
        network,
        ("vectors",),
        rows=len(asked),
        ask=ask_texts(tokens.after(prefixes_of(file).document), asked),
        agreement=least_cosine,
        nearest=nearest_kept,
        measure="NDCG@10 of nearest texts",
    )


def judged_subject(folder: Path, dataset: MatchingDataset) -> Subject:
    """The encoder in ``folder``, judged by how well it finds the documents of ``dataset`` that answer its queries."""
    network, tokens, file = load_network(folder)
    return judged(network, tokens, dataset.subset(some(list(dataset.queries), MOST_QUERIES)), prefixes_of(file))
