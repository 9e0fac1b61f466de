"""A deliberately broken model is called out in words, and a sound one is not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from portside.data import Dataset
from portside.evaluation.report.build import report_on
from portside.evaluation.report.parts import Report
from portside.inference.outside_gate import EnergyGate
from portside.records import Example
from portside.registry import ModelVersion

LABELS = ("card", "fee", "parcel")
RANDOM = np.random.default_rng(1)
TEXTS = [f"{'word ' * int(size)}about {LABELS[n % 3]} {n}" for n, size in enumerate(RANDOM.integers(1, 20, 300))]
TRUTH = [LABELS[n % 3] for n in range(300)]


@dataclass
class Model:
    """Answers as ``answer`` says, wrong in every tenth text, always as sure as ``confidence``."""

    answer: Callable[[str], str]
    confidence: float = 0.9
    labels: tuple[str, ...] = LABELS
    model: str = "intents:3"
    gate: EnergyGate | None = None

    def scores(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        out = np.full((len(texts), len(self.labels)), (1 - self.confidence) / (len(self.labels) - 1))
        for row, text in enumerate(texts):
            place = self.labels.index(self.answer(text))
            wrong = text.endswith("7")
            out[row, (place + 1) % len(self.labels) if wrong else place] = self.confidence
        return np.log(out).astype(np.float32), np.zeros((len(texts), 2), dtype=np.float32)


def subject(text: str) -> str:
    return text.split()[-2]


def report(model: Model, truth: Sequence[str] = TRUTH, seen: Callable[[str], bool] = lambda text: False) -> Report:
    data = Dataset.of([Example(text, label) for text, label in zip(TEXTS, truth, strict=True)], source="test.csv")
    version = ModelVersion("intents", 3, Path("nowhere"), {"summary": "tells intents apart"})
    return report_on(version, model, data, seen=seen)


def test_a_sound_model_has_no_fault() -> None:
    assert report(Model(subject)).warnings == []


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (lambda: report(Model(subject), truth=RANDOM.permutation(TRUTH).tolist()), "no better than always answering"),
        (
            lambda: report(Model(subject), seen=lambda text: text.endswith(("1", "2"))),
            "60 of 300 rows have a text that",
        ),
        (lambda: report(Model(subject, confidence=0.999)), "surer than it is right"),
        (lambda: report(Model(subject), truth=["charge" if one == "fee" else one for one in TRUTH]), "know as 'fee'"),
        (lambda: report(Model(lambda text: LABELS[min(len(text) // 35, 2)])), "how long a text is"),
    ],
    ids=["shuffled labels", "leaked test rows", "over-confident scores", "a renamed class", "only looks at length"],
)
def test_each_fault_is_called_out(broken: Callable[[], Report], words: str) -> None:
    assert any(words in warning for warning in broken().warnings)


def test_every_row_of_unknown_labels_still_makes_a_report() -> None:
    found = report(Model(subject), truth=["weather"] * 300)
    assert [section.key for section in found.sections] == ["rows"]
    assert "does not know the label 'weather' (300 rows)" in found.warnings[0]


@pytest.mark.parametrize(("leaked", "left"), [(300, 0), (200, 100)])
def test_nothing_is_promised_from_texts_that_were_trained_on(leaked: int, left: int) -> None:
    """All right where it was trained on, wrong elsewhere: whoever counts both promises what does not hold."""
    known = set(TEXTS[:leaked])
    made = report(Model(lambda text: subject(text) if text in known else "fee"), seen=known.__contains__)
    (promised,) = [one for one in made.sections if one.key == "guarantee"]
    assert all("cannot be promised" in one for one in promised.sentences[:3])
    assert [one["n"] for one in promised.details["promises"]] == [left] * 3
    assert any(
        f"{leaked} rows whose text the model was trained on do not count here" in one for one in promised.sentences
    )
    assert bool(promised.charts) == bool(left)
