from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from portside.errors import ModelError
from portside.evaluation.attribution import explain
from portside.inference.attributor import FolderAttributor
from portside.inference.classifier import FolderClassifier, predictions
from portside.inference.folder import ModelFile, write_model_file

LABELS = ("card", "parcel", "refund")
TEXTS = ["where is my parcel", "my card is lost", "refund, please!", "", "where is the " + "late " * 30]


@pytest.fixture
def attributor(tmp_path: Path, save_random: Callable[..., None]) -> FolderAttributor:
    save_random(tmp_path, LABELS, seed=3)
    return FolderAttributor(tmp_path, model="intents:1")


def test_log_odds_are_those_of_the_classifier(attributor: FolderAttributor, tmp_path: Path) -> None:
    chances = FolderClassifier(tmp_path, model="intents:1").probabilities(TEXTS)
    assert attributor.log_odds(TEXTS) == pytest.approx(np.log(chances / (1 - chances)), abs=1e-4)
    assert attributor.log_odds([]).shape == (0, 3)


def test_its_logits_make_the_answers_that_are_served(attributor: FolderAttributor, tmp_path: Path) -> None:
    served = FolderClassifier(tmp_path, model="intents:1").predict(TEXTS)
    told = predictions(attributor.logits(TEXTS), attributor.labels, attributor.gate, model=attributor.model)
    assert [one.label for one in told] == [one.label for one in served]
    assert [one.confidence for one in told] == pytest.approx([one.confidence for one in served], abs=1e-5)


def test_integrated_gradients_are_complete(attributor: FolderAttributor) -> None:
    for found, label in zip(explain(attributor, TEXTS), attributor.log_odds(TEXTS).argmax(axis=1), strict=True):
        assert found.label == LABELS[label]
        assert found.completeness.gap <= max(0.05 * abs(found.completeness.difference), 1e-4)
        # All that is attributed lands on words: the special tokens stand in the text that says nothing too.
        assert found.values["integrated-gradients"].sum() == pytest.approx(found.completeness.attributed, abs=1e-5)


def test_the_score_that_is_shared_out_is_the_models_own(attributor: FolderAttributor) -> None:
    odds = attributor.log_odds(TEXTS)
    parcel = [one for (one,) in attributor.answers(TEXTS, "parcel")]
    for place, one in enumerate(attributor.integrated_gradients(TEXTS, parcel)):
        assert one.score == pytest.approx(odds[place, 1], abs=1e-4)


def test_texts_together_are_explained_like_one_by_one(attributor: FolderAttributor) -> None:
    together = explain(attributor, TEXTS)
    for text, one in zip(TEXTS, together, strict=True):
        (alone,) = explain(attributor, [text])
        for method in one.values:
            assert one.values[method] == pytest.approx(alone.values[method], abs=1e-5)


def test_a_word_is_left_out_by_hand(attributor: FolderAttributor) -> None:
    (found,) = explain(attributor, ["my lost card"], label="refund")
    odds = attributor.log_odds(["my lost card", " lost card", "my  card", "my lost "])[:, 2]
    assert found.values["occlusion"] == pytest.approx(odds[0] - odds[1:], abs=1e-5)


def test_a_text_longer_than_is_read_ends_where_reading_did(attributor: FolderAttributor) -> None:
    found = explain(attributor, TEXTS)[-1]
    assert found.cut
    assert len(found.words) == 14  # 16 tokens, two of them special
    assert found.words[-1].end == found.read_characters < len(found.text)
    assert not explain(attributor, TEXTS)[0].cut


def test_the_network_that_others_use_is_left_as_it_was(attributor: FolderAttributor, tmp_path: Path) -> None:
    explain(attributor, TEXTS)
    network, _tokens, _device = attributor._ready()
    assert all(parameter.grad is None for parameter in network.parameters())
    assert not network.training


def test_a_tagger_is_refused(tmp_path: Path) -> None:
    write_model_file(tmp_path, ModelFile("tagging", 16, ("O",)))
    with pytest.raises(ModelError, match="for classification is needed"):
        FolderAttributor(tmp_path, model="names:1")


def test_of_several_labels_each_has_its_own_log_odds(attributor: FolderAttributor, tmp_path: Path) -> None:
    chances = FolderClassifier(tmp_path, model="intents:1").probabilities(TEXTS)
    write_model_file(tmp_path, ModelFile("multilabel", 16, LABELS, {"threshold": 0.5}))
    several = FolderAttributor(tmp_path, model="intents:1")
    powers = np.exp(several.log_odds(TEXTS))
    assert powers / powers.sum(axis=1, keepdims=True) == pytest.approx(chances, abs=1e-5)  # the logits themselves
    (found,) = explain(several, TEXTS[:1], label="card")
    assert found.completeness.gap <= max(0.05 * abs(found.completeness.difference), 1e-4)
