"""Which texts a model was trained on, as hashes beside its weights: an evaluation can then say what it has seen."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

__all__ = ["load_seen", "save_seen", "text_hash"]

FILE_NAME = "training_texts.safetensors"


def text_hash(text: str) -> int:
    """A number for ``text`` that ignores case and spacing; 64 bits: no two of a million texts share one by chance."""
    plain = " ".join(text.casefold().split()).encode("utf-8", errors="replace")
    return int.from_bytes(hashlib.blake2b(plain, digest_size=8).digest(), "little", signed=True)


def save_seen(folder: Path, texts: Iterable[str]) -> None:
    """Write the hashes of ``texts``, sorted, each once."""
    from safetensors.numpy import save_file

    hashes = np.array(sorted({text_hash(text) for text in texts}), dtype=np.int64)
    save_file({"hashes": hashes}, folder / FILE_NAME)


def load_seen(folder: Path) -> Callable[[str], bool] | None:
    """Whether a text was trained on; None where the folder does not tell."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        hashes = frozenset(load_file(folder / FILE_NAME)["hashes"].tolist())
    except (OSError, KeyError, SafetensorError):
        return None
    return lambda text: text_hash(text) in hashes
