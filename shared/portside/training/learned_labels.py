"""Under which label a model learned each text, as hashes beside its weights: a label can then be split later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from portside.training.seen import text_hash

__all__ = ["LearnedLabels"]

FILE_NAME = "training_labels.safetensors"


@dataclass(frozen=True)
class LearnedLabels:
    """The labels of the rows that were learned from, by the hash of their text."""

    by_hash: Mapping[int, tuple[int, ...]]
    """Places of labels, one for each row with such a text."""

    @classmethod
    def of(cls, texts: Sequence[str], label_ids: Sequence[int]) -> Self:
        """Of rows of text and the place of their label."""
        return cls(_joined({}, (text_hash(text) for text in texts), label_ids))

    def __getitem__(self, text: str) -> tuple[int, ...]:
        return self.by_hash.get(text_hash(text), ())

    def changed(self, gone: Iterable[str], texts: Sequence[str], label_ids: Sequence[int]) -> LearnedLabels:
        """Without one row for each text that is ``gone``, then with further rows."""
        left = dict(self.by_hash)
        for text in gone:
            left[text_hash(text)] = left.get(text_hash(text), ())[1:]
        return LearnedLabels(_joined(left, (text_hash(text) for text in texts), label_ids))

    def save(self, folder: Path) -> None:
        """Write them beside a model's weights."""
        from safetensors.numpy import save_file

        rows = sorted((number, place) for number, places in self.by_hash.items() for place in places)
        table = np.array(rows, dtype=np.int64).reshape(len(rows), 2)
        save_file({"hashes": table[:, 0].copy(), "labels": table[:, 1].copy()}, folder / FILE_NAME)

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """What ``save`` wrote; None where there is nothing that can be read."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            found = load_file(folder / FILE_NAME)
            return cls(_joined({}, found["hashes"].tolist(), found["labels"].tolist()))
        except (OSError, KeyError, ValueError, SafetensorError):
            return None


def _joined(
    known: Mapping[int, tuple[int, ...]], hashes: Iterable[int], label_ids: Sequence[int]
) -> dict[int, tuple[int, ...]]:
    joined = dict(known)
    for number, place in zip(hashes, label_ids, strict=True):
        joined[number] = (*joined.get(number, ()), place)
    return joined
