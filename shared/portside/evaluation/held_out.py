"""The rows a model was measured on but never learned from, beside its weights; with them what a classifier said.

A report, a comparison and a calibration can then be made at any time without asking for the file again. The texts are
the user's own and stay where the model stays; ``keep_held_out=false`` in the recipe leaves them out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portside.data.parts import origin_of, parts_of_origins
from portside.errors import UsageError
from portside.said import said

__all__ = ["MOST_ROWS", "HeldOut", "held_out_file", "load_held_out", "none_kept", "save_held_out", "save_rows"]

ROWS_FILE = "held_out.jsonl"
LOGITS_FILE = "held_out.safetensors"
MOST_ROWS = 5_000
"""Rows kept: enough for intervals of one point, a few megabytes."""


@dataclass(frozen=True)
class HeldOut:
    """Rows with one label each."""

    texts: Sequence[str]
    truth: NDArray[np.int64]
    """Places of the true labels, shape (rows,)."""
    logits: NDArray[np.float32]
    """What was said of them by a network that had not learned from them, shape (rows, labels)."""
    by_model: bool = True
    """Whether that network is the model itself; else those that measured it, each trained on a part of the rows."""
    parts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Where each row comes from, by column of the file it was in: source, language and the like."""

    def some(self, most: int = MOST_ROWS, *, seed: int = 0) -> HeldOut:
        """At most ``most`` of the rows, drawn by chance, in their order."""
        if len(self.texts) <= most:
            return self
        places = np.sort(np.random.default_rng(seed).choice(len(self.texts), most, replace=False))
        return HeldOut(
            [self.texts[place] for place in places],
            self.truth[places],
            self.logits[places],
            self.by_model,
            {name: [values[place] for place in places] for name, values in self.parts.items()},
        )


def save_held_out(folder: Path, held: HeldOut, labels: Sequence[str]) -> None:
    """Write at most ``MOST_ROWS`` of the rows as text, label and where they come from, and their logits."""
    from safetensors.numpy import save_file

    kept = held.some()
    rows = enumerate(zip(kept.texts, kept.truth, strict=True))
    origins = kept.parts.items()
    save_rows(
        folder,
        (
            {**{name: values[place] for name, values in origins}, "text": text, "label": labels[label]}
            for place, (text, label) in rows
        ),
    )
    arrays: dict[str, NDArray[Any]] = {
        "logits": np.ascontiguousarray(kept.logits),
        "truth": np.ascontiguousarray(kept.truth),
    }
    save_file(arrays, folder / LOGITS_FILE, metadata={"by_model": str(kept.by_model).lower()})


def save_rows(folder: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write the first ``MOST_ROWS`` of the rows as JSON lines, by the names under which the task reads them."""
    with (folder / ROWS_FILE).open("w", encoding="utf-8", errors="replace", newline="\n") as stream:
        for row in islice(rows, MOST_ROWS):
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")


def held_out_file(folder: Path) -> Path | None:
    """The file of the rows, which the model's task can read; None where none were kept."""
    path = folder / ROWS_FILE
    return path if path.is_file() and path.stat().st_size else None


def none_kept(version: str) -> UsageError:
    """What is said where a report is asked for on rows that ``version`` does not keep."""
    return UsageError(
        "A report is made from rows that the model has not learned from",
        seen=said(
            "{model} keeps none: it was trained without validation rows, with keep_held_out=false, or by an earlier "
            "Portside",
            model=version,
        ),
        remedy=said("Name a labelled file: portside report {model} --data FILE", model=version),
    )


def load_held_out(folder: Path) -> HeldOut | None:
    """The rows; None where the folder has none that can be read."""
    from safetensors import SafetensorError, safe_open

    try:
        with (folder / ROWS_FILE).open(encoding="utf-8") as stream:
            rows = [json.loads(line) for line in stream]
        texts = [str(row["text"]) for row in rows]
        parts = parts_of_origins([origin_of(row) for row in rows])
        with safe_open(folder / LOGITS_FILE, framework="numpy") as file:
            logits, truth = file.get_tensor("logits"), file.get_tensor("truth")
            by_model = (file.metadata() or {}).get("by_model") == "true"
    except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError):
        return None
    if not len(texts) == len(truth) == len(logits) or not texts:
        return None
    return HeldOut(texts, truth, logits, by_model, parts)
