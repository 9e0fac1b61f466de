"""A classifier of one label: accuracy, and the same decisions. Imports torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from portside.inference.engines.subject import Answers, Subject, ask_texts, some
from portside.inference.logits import OUTPUTS
from portside.tasks.classification_network import load_network

if TYPE_CHECKING:
    from portside.data import Dataset
    from portside.registry import ModelVersion

__all__ = ["subject"]


def subject(version: ModelVersion, dataset: Dataset) -> Subject:
    """The classifier in ``version``, judged on the rows of ``dataset``."""
    network, tokens, file = load_network(version.folder)
    place_of = {label: place for place, label in enumerate(file.labels)}
    examples = some(dataset.examples)
    truth = np.array([place_of.get(one.label, -1) for one in examples])

    def decisions(answers: Answers) -> NDArray[np.int64]:
        return np.asarray(np.asarray(answers)[:, : len(file.labels)].argmax(axis=1), dtype=np.int64)

    return Subject(
        network,
        OUTPUTS,
        rows=len(truth),
        ask=ask_texts(tokens, [one.text for one in examples]),
        agreement=lambda found, original: float((decisions(found) == decisions(original)).mean()),
        quality=lambda found: float((decisions(found) == truth).mean()),
        measure="accuracy",
    )
