"""The labels of a text as one answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from portside.errors import ModelError
from portside.inference.folder import ModelFile, write_model_file
from portside.inference.one_answer import LabelsAsOne, load_one_answer
from portside.records import LabelSet, Prediction
from portside.registry import ModelRegistry, ModelVersion

CHANCES = {"late": 0.9, "broken": 0.7, "new": 0.1}


class ByWords:
    """Gives the labels that the text names."""

    labels = ("late", "broken", "new")
    model = "topics:1"

    def predict(self, texts: Sequence[str]) -> list[LabelSet]:
        return [LabelSet(tuple(one for one in self.labels if one in text), CHANCES, self.model) for text in texts]


def test_the_labels_of_a_text_are_one_answer_whatever_their_order() -> None:
    both, none = LabelsAsOne(ByWords()).predict(["late and broken", "fine"])
    assert both == Prediction("broken + late", 0.9, CHANCES, "topics:1")
    assert (none.label, none.confidence) == ("(none)", 0.0)


@pytest.mark.parametrize(
    ("task", "answers"),
    [
        ("classification", {"late", "broken"}),
        ("multilabel", {"late", "broken", "broken + late", "(none)"}),
        ("tagging", None),
    ],
)
def test_a_model_is_opened_by_its_task(
    task: str, answers: set[str] | None, tmp_path: Path, save_random: Callable[..., None]
) -> None:
    version = registered(tmp_path, task, save_random)
    if answers is None:
        with pytest.raises(ModelError, match="tried on classification"):
            load_one_answer(version)
        return
    (found,) = load_one_answer(version).predict(["it is late"])
    assert found.label in answers
    assert found.model == "m:1"


def registered(home: Path, task: str, save_random: Callable[..., None]) -> ModelVersion:
    registry = ModelRegistry(home)
    with registry.staging("m") as folder:
        save_random(folder, ("late", "broken"), seed=1)
        write_model_file(folder, ModelFile(task, 16, ("late", "broken")))
        return registry.register("m", folder, {"task": task}, actor="a", reason="r", check=lambda _: None)
