"""Which texts a model was trained on, as hashes beside its weights: an evaluation can then say what it has seen."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Set
from pathlib import Path

import numpy as np

__all__ = ["add_seen", "load_seen", "save_seen", "text_hash"]

FILE_NAME = "training_texts.safetensors"


def text_hash(text: str) -> int:
    """A number for ``text`` that ignores case and spacing; 64 bits: no two of a million texts share one by chance."""
    plain = " ".join(text.casefold().split()).encode("utf-8", errors="replace")
    return int.from_bytes(hashlib.blake2b(plain, digest_size=8).digest(), "little", signed=True)


def save_seen(folder: Path, texts: Iterable[str]) -> None:
    """Write the hashes of ``texts``, sorted, each once."""
    _save(folder, {text_hash(text) for text in texts})


def add_seen(folder: Path, texts: Iterable[str], *, gone: Iterable[str] = ()) -> None:
    """Add the hashes of ``texts`` to those in the folder, without those that are ``gone``; where it has none it does
    not tell, and that stays so.
    """
    known = _hashes(folder)
    if known is not None:
        _save(folder, known - {text_hash(text) for text in gone} | {text_hash(text) for text in texts})


def load_seen(folder: Path) -> Callable[[str], bool] | None:
    """Whether a text was trained on; None where the folder does not tell."""
    hashes = _hashes(folder)
    return None if hashes is None else lambda text: text_hash(text) in hashes


def _save(folder: Path, hashes: Set[int]) -> None:
    from safetensors.numpy import save_file

    save_file({"hashes": np.array(sorted(hashes), dtype=np.int64)}, folder / FILE_NAME)


def _hashes(folder: Path) -> frozenset[int] | None:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return frozenset(load_file(folder / FILE_NAME)["hashes"].tolist())
    except (OSError, KeyError, SafetensorError):
        return None
