"""Promoting is safe under load: no request fails, and no answer carries another version's name."""

from __future__ import annotations

import threading
from collections.abc import Callable

from portside.inference.classifier import ServedClassifier
from portside.inference.shared import SharedClassifier
from portside.records import Prediction
from portside.registry import ModelRegistry, ModelVersion

LABELS = {"intents:1": ("card", "parcel"), "intents:2": ("refund", "money", "late")}
TEXTS = ("where is my card", "refund please", "the parcel is late", "money back", "")
PROMOTIONS = 50


def test_many_ask_while_versions_are_promoted_back_and_forth(
    registry: ModelRegistry, register_random: Callable[..., ModelVersion]
) -> None:
    for seed, labels in enumerate(LABELS.values()):
        register_random(registry, labels, seed=seed)
    shared = SharedClassifier("t", ServedClassifier(registry, "intents", threads=1).current)
    shared.predict(TEXTS)
    promoted = threading.Event()
    calls: list[list[Prediction]] = []
    failed: list[BaseException] = []

    def ask(number: int) -> None:
        step = 0
        while not promoted.is_set():
            step += 1
            try:
                # Some asked before, some new: answers from memory and from the model share a call.
                calls.append(shared.predict([*TEXTS[: step % 5 + 1], f"card {number} {step}"]))
            except BaseException as error:
                failed.append(error)
                return

    askers = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for asker in askers:
        asker.start()
    try:
        for number in range(PROMOTIONS):
            before = len(calls)
            registry.promote("intents", number % 2 + 1, alias="champion", actor="a", reason="r")
            while len(calls) < before + 4 and not failed:
                promoted.wait(0.001)
    finally:
        promoted.set()
        for asker in askers:
            asker.join(30)
    assert not failed
    assert {call[0].model for call in calls} == set(LABELS)
    for call in calls:
        assert len({one.model for one in call}) == 1
        assert all(one.label in LABELS[one.model] for one in call)
        assert all(tuple(one.probabilities) == LABELS[one.model] for one in call)
