"""The bundled encoder: the published weights, the same vectors as transformers gives, and a model that learns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from portside.data import Dataset
from portside.encoders import BUNDLED_NAME, bundled_folder, load_backbone, resolve_encoder
from portside.evaluation.classification import evaluate_classifier
from portside.inference.classifier import load_classifier
from portside.inference.encoder import BundledEncoder
from portside.progress import RecordingProgress
from portside.records import Example
from portside.registry import ModelRegistry
from portside.tasks.classification import ClassificationRecipe
from portside.training.classification import make_task
from portside.training.run import Order, train_task

pytestmark = [pytest.mark.models, pytest.mark.slow]

TEXTS = ["Where is my card?", "My card has not arrived", "The weather is fine", "", "卡在哪里", "word " * 300]

INTENTS = {
    "card_arrival": ["where is my card", "card not here yet", "when will the card come", "still waiting for my card"],
    "refund": ["i want my money back", "please refund me", "how do i get a refund", "return the payment to me"],
    "close_account": ["close my account", "delete my profile", "i want to leave the bank", "cancel my membership"],
}
UNSEEN = [
    ("has my card been sent", "card_arrival"),
    ("give me the money back please", "refund"),
    ("how can i shut my account", "close_account"),
    ("my new card is late", "card_arrival"),
    ("i would like a refund for this", "refund"),
    ("remove my account", "close_account"),
]


def test_the_default_is_the_published_encoder() -> None:
    found = resolve_encoder()
    assert (found.kind, found.name, found.folder) == ("bundled", BUNDLED_NAME, bundled_folder())
    assert "checksum" in found.note


def test_vectors_are_those_of_transformers() -> None:
    import torch
    from transformers import AutoTokenizer

    encoder = BundledEncoder()
    found = encoder.encode(TEXTS)
    assert found.shape == (len(TEXTS), 384) == (len(TEXTS), encoder.dim)
    model, tokenizer = load_backbone(bundled_folder()), AutoTokenizer.from_pretrained(bundled_folder())
    batch = tokenizer(TEXTS, padding=True, truncation=True, max_length=256, return_tensors="pt")
    with torch.no_grad():
        hidden = model(**batch)[0]
    mask = batch["attention_mask"].unsqueeze(-1).float()
    expected = torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1)).numpy()
    assert np.abs(found - expected).max() < 1e-5
    assert found[0] @ found[1] > found[0] @ found[2] + 0.3


def test_twelve_sentences_are_enough_to_learn_three_intents(tmp_path: Path, registry: ModelRegistry) -> None:
    rows = [Example(text, intent) for intent, texts in INTENTS.items() for text in texts]
    recipe = ClassificationRecipe(epochs=12, batch_size=4, encoder_lr=1e-4, head_lr=5e-3)
    order = Order(registry, "intents", tmp_path / "runs", RecordingProgress(), actor="ann", reason="a test")
    version = train_task(recipe, make_task(recipe, Dataset.of(rows)), order)
    assert version.card["encoder"]["name"] == BUNDLED_NAME
    classifier = load_classifier(version)
    assert classifier.labels == ("card_arrival", "close_account", "refund")
    report = evaluate_classifier(classifier, Dataset.of([Example(text, intent) for text, intent in UNSEEN]))
    assert report.accuracy >= 5 / 6
