"""A sentence encoder: the cosine of its vectors to the original's. Imports torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from portside.inference.encoder_network import load_network
from portside.inference.engines.subject import Subject, ask_texts, least_cosine, some

__all__ = ["subject"]


def subject(folder: Path, texts: Sequence[str]) -> Subject:
    """The encoder in ``folder``; nobody said which texts are alike, so that only its vectors are compared."""
    network, tokens, _file = load_network(folder)
    asked = some(texts)
    return Subject(network, ("vectors",), rows=len(asked), ask=ask_texts(tokens, asked), agreement=least_cosine)
