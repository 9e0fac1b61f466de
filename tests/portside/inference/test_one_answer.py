"""What a model of any task says of a text, as one answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from portside.errors import ModelError
from portside.evaluation.behaviour import run_suites
from portside.evaluation.suite_files import find_suites
from portside.inference.folder import ModelFile, write_model_file
from portside.inference.interfaces import TextClassifier
from portside.inference.one_answer import FirstAsOne, LabelsAsOne, NamesAsOne, load_one_answer
from portside.records import Entity, LabelSet, Match, Prediction
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


class Capitals:
    """Takes words in capitals for companies and other capitalised ones for persons."""

    model = "names:1"

    def entities(self, texts: Sequence[str]) -> list[list[Entity]]:
        return [
            [
                Entity("ORG" if word.isupper() else "PER", text.index(word), text.index(word) + len(word), word, 0.9)
                for word in text.split()
                if word[0].isupper()
            ]
            for text in texts
        ]


class Shelf:
    """Finds the document that has a word of the query."""

    model = "answers:1"
    documents = ("parcels take a week", "refunds take a day")

    def match(self, queries: Sequence[str], k: int = 3) -> list[list[Match]]:
        return [
            [Match(one, one, 0.8, self.model) for one in self.documents if set(one.split()) & set(query.split())][:k]
            for query in queries
        ]


def test_the_types_of_the_names_found_are_one_answer_and_the_names_may_change() -> None:
    one, other, none = NamesAsOne(Capitals(), ("ORG", "PER")).predict(["Ann left IBM", "Bob left SAP", "she left"])
    assert one == other == Prediction("PER + ORG", 0.9, {"ORG": 0.9, "PER": 0.9}, "names:1")
    assert none == Prediction("(none)", 0.0, {"ORG": 0.0, "PER": 0.0}, "names:1")


def test_the_document_ranked_first_is_the_answer() -> None:
    found, none = FirstAsOne(Shelf()).predict(["where are my parcels", "hello"])
    assert (found.label, found.confidence) == ("parcels take a week", 0.8)
    assert none.label == "(none)"


@pytest.mark.parametrize("model", [NamesAsOne(Capitals(), ("ORG", "PER")), FirstAsOne(Shelf())], ids=["names", "first"])
def test_all_suites_can_be_tried_on_models_without_labels_of_texts(model: TextClassifier, tmp_path: Path) -> None:
    texts = ["Ann wants refunds from IBM", "where are my parcels, Bob?", "he is not in Germany"]
    made = run_suites(model, find_suites(None, tmp_path), texts)
    assert sum(one.applicable for one in made.results) > 10
    assert made.sentence


@pytest.mark.parametrize(
    ("task", "answers"),
    [
        ("classification", {"late", "broken"}),
        ("multilabel", {"late", "broken", "broken + late", "(none)"}),
        ("encoder", None),
    ],
)
def test_a_model_is_opened_by_its_task(
    task: str, answers: set[str] | None, tmp_path: Path, save_random: Callable[..., None]
) -> None:
    version = registered(tmp_path, task, save_random)
    if answers is None:
        with pytest.raises(ModelError, match="tried on classifiers"):
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
