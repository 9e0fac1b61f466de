"""Every architecture goes every way there is to train it, and its folder reads again to what was trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from portside.apps import load
from portside.data import Dataset
from portside.data.matching import MatchingDataset
from portside.data.texts import unique_texts
from portside.encoders import resolve_encoder
from portside.inference.folder import task_of
from portside.inference.reload_check import ENCODER_ANSWERS
from portside.progress import NullProgress
from portside.records import Example, Judged
from portside.tasks.classification import ClassificationRecipe
from portside.tasks.matching import MatchingRecipe
from portside.tasks.recipe import TrainingRecipe
from portside.tasks.spec import find_task
from portside.training.adaptation import OBJECTIVES, AdaptationRecipe, AdaptationTask
from portside.training.classification import make_task as make_classification
from portside.training.matching import make_task as make_matching
from portside.training.reload import TOLERANCE, ReloadCheck
from portside.training.run import Task
from portside.training.run_folder import open_run
from portside.training.surroundings import Surroundings

KINDS = ("bert-chinese", "roberta", "mpnet", "deberta-v2", "modernbert", "distilbert", "xlm-roberta")
WORDS = ("card", "parcel", "我的卡")
SHORT: dict[str, Any] = {"epochs": 1, "batch_size": 8, "precision": "fp32", "max_tokens": 32}

Encoders = Callable[[str], Path]


class InThisProcess(ReloadCheck):
    """Reads the folder here: what a fresh process adds is tested with each task, and takes seconds."""

    difference: float = float("nan")
    again: float = float("nan")

    def compare(
        self, folder: Path, inputs: Sequence[Any], labels: Sequence[str], expected: NDArray[np.float64]
    ) -> None:
        task = task_of(folder)
        answers = load(ENCODER_ANSWERS if task == "encoder" else find_task(task).answers)
        found, second = answers(folder, inputs), answers(folder, inputs)
        assert list(found[0]) == list(labels)
        self.difference = float(np.abs(found[1] - expected).max())
        self.again = float(np.abs(found[1] - second[1]).max())


def classification(encoder: Path, **changes: Any) -> tuple[TrainingRecipe, Task]:
    rows = Dataset.of([Example(f"where is my {word} {row}", word) for row in range(6) for word in WORDS])
    recipe = ClassificationRecipe(encoder=str(encoder), **{**SHORT, **changes})
    return recipe, make_classification(recipe, rows, rows)


def matching(encoder: Path, **changes: Any) -> tuple[TrainingRecipe, Task]:
    queries = {f"q{row}": f"where is my {WORDS[row % 3]} {row}" for row in range(12)}
    documents = {word: f"the {word} is late" for word in WORDS}
    judged = tuple(Judged(f"q{row}", WORDS[row % 3], 1.0) for row in range(12))
    dataset = MatchingDataset(documents, queries, judged, "set.csv")
    recipe = MatchingRecipe(encoder=str(encoder), **{**SHORT, **changes})
    return recipe, make_matching(recipe, dataset, dataset)


def adaptation(encoder: Path, **changes: Any) -> tuple[TrainingRecipe, Task]:
    texts = unique_texts([f"where is my {WORDS[row % 3]} {row}" for row in range(40)], "texts.txt")
    recipe = AdaptationRecipe(encoder=str(encoder), **{**SHORT, **changes})
    return recipe, AdaptationTask(recipe, texts)


WAYS: dict[str, Callable[[Path], tuple[TrainingRecipe, Task]]] = {
    "matching": matching,
    "matching-prefixed": lambda encoder: matching(encoder, query_prefix="query: ", document_prefix="passage: "),
    "matching-lora": lambda encoder: matching(encoder, method="lora"),
    "few-shot": lambda encoder: classification(encoder, method="few-shot", refit=False),
    "lora": lambda encoder: classification(encoder, method="lora"),
    "prototype": lambda encoder: classification(encoder, method="prototype", epochs=None),
    **{f"adapt-{way}": lambda encoder, way=way: adaptation(encoder, objective=way) for way in OBJECTIVES},  # type: ignore[misc]
}


def reloaded(recipe: TrainingRecipe, task: Task, home: Path) -> InThisProcess:
    """Train, write the folder, and read it again."""
    from portside.training.rounds import train_rounds

    (home / "made").mkdir()
    with open_run(home / "runs", "m", {}, resume=False) as run, InThisProcess() as check:
        around = Surroundings(run, NullProgress(), lambda: None, 1e9)
        trained = train_rounds(recipe, task, resolve_encoder(recipe.encoder), around)
        fitted, adapter = trained.fitted, trained.adapter
        trained.task.save(home / "made", fitted, adapter)(home / "made", check)
        assert trained.task.card(fitted, adapter)["summary"]
    return check


def each_pair() -> list[Any]:
    """Every architecture with every way. In the fast run each way has one architecture, the next one for the next."""
    quick = {(KINDS[place % len(KINDS)], way) for place, way in enumerate(WAYS)}
    return [
        pytest.param(kind, way, marks=() if (kind, way) in quick else pytest.mark.slow)
        for kind in KINDS
        for way in WAYS
    ]


@pytest.mark.parametrize(("kind", "way"), each_pair())
def test_what_was_trained_is_what_is_read(foreign_encoder: Encoders, tmp_path: Path, kind: str, way: str) -> None:
    check = reloaded(*WAYS[way](foreign_encoder(kind)), tmp_path)
    assert check.again == 0.0
    # What serves adds up the same parts in another order than what was trained; a sharp head enlarges the rounding.
    assert check.difference <= TOLERANCE
