from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from portside.errors import ModelDamaged, ModelError
from portside.inference.classifier import FolderClassifier, ServedClassifier, softmax
from portside.inference.shared import SharedClassifier
from portside.registry import ModelRegistry, ModelVersion

LABELS = ("zeta", "alpha", "mid")
SaveRandom = Callable[..., None]
RegisterRandom = Callable[..., ModelVersion]
TEXTS = ["where is my card", "refund", "", "my parcel is late please", "card " * 30]


@pytest.fixture
def folder(save_random: SaveRandom, tmp_path: Path) -> Path:
    path = tmp_path / "classifier"
    path.mkdir()
    save_random(path, LABELS, seed=1)
    return path


def test_predictions_are_in_the_models_own_label_order(folder: Path) -> None:
    classifier = FolderClassifier(folder, model="intents:1")
    assert classifier.labels == LABELS
    found = classifier.predict(TEXTS)
    for row, prediction in zip(classifier.probabilities(TEXTS), found, strict=True):
        assert tuple(prediction.probabilities) == LABELS
        assert list(prediction.probabilities.values()) == pytest.approx(row.tolist())
        assert sum(prediction.probabilities.values()) == pytest.approx(1.0, abs=1e-12)
        assert prediction.label == max(prediction.probabilities, key=prediction.probabilities.__getitem__)
        assert prediction.confidence == max(prediction.probabilities.values())
        assert prediction.model == "intents:1"


def test_company_in_the_batch_does_not_matter(folder: Path) -> None:
    classifier = FolderClassifier(folder, model="intents:1")
    alone = np.concatenate([classifier.probabilities([text]) for text in TEXTS])
    assert np.abs(classifier.probabilities(TEXTS) - alone).max() < 1e-6
    assert np.abs(alone[0] - alone[1]).max() > 1e-3


def test_no_texts_give_no_predictions(folder: Path) -> None:
    assert FolderClassifier(folder, model="x").predict([]) == []


def test_softmax_does_not_overflow() -> None:
    assert softmax(np.array([[1e4, 0.0], [0.0, 0.0]])).tolist() == [[1.0, 0.0], [0.5, 0.5]]


def test_weights_that_do_not_fit_the_labels_are_damage(folder: Path, save_random: SaveRandom, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    save_random(other, ("a", "b"), seed=1)
    (folder / "model.safetensors").write_bytes((other / "model.safetensors").read_bytes())
    with pytest.raises(ModelDamaged, match="must fit"):
        FolderClassifier(folder, model="x").predict(["card"])


def test_an_encoder_is_no_classifier(tiny_encoder: Path) -> None:
    with pytest.raises(ModelError):
        FolderClassifier(tiny_encoder, model="x")


def test_a_promoted_version_answers_without_restart(registry: ModelRegistry, register_random: RegisterRandom) -> None:
    served = ServedClassifier(registry, "intents")
    register_random(registry, LABELS, seed=1)
    first = served.predict(TEXTS)
    assert served.model == "intents:1"
    register_random(registry, ("x", "y"), seed=2)
    assert served.labels == ("x", "y")
    assert {one.model for one in served.predict(TEXTS)} == {"intents:2"}
    registry.rollback("intents", actor="a", reason="r")
    assert served.predict(TEXTS) == first


@pytest.mark.parametrize("shared", [False, True], ids=["alone", "in common batches"])
def test_one_call_is_answered_by_one_version_while_others_promote(
    registry: ModelRegistry, register_random: RegisterRandom, *, shared: bool
) -> None:
    register_random(registry, LABELS, seed=1)
    register_random(registry, ("x", "y"), seed=2)
    alone = ServedClassifier(registry, "intents")
    served = SharedClassifier("test", alone.current) if shared else alone
    wrong: list[str] = []

    def ask() -> None:
        for _ in range(30):
            found = served.predict(TEXTS)
            models = {one.model for one in found}
            known = {one.model: set(one.probabilities) for one in found}
            right = {"intents:1": set(LABELS), "intents:2": {"x", "y"}}
            if len(models) != 1 or any(right[model] != labels for model, labels in known.items()):
                wrong.append(str(known))

    threads = [Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(20):
        registry.promote("intents", number % 2 + 1, actor="a", reason="r")
    for thread in threads:
        thread.join()
    assert wrong == []
