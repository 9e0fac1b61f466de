"""A classifier of several labels: micro-F1, and the same sets of labels. Imports torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from portside.inference.engines.subject import Answers, Subject, ask_texts, some
from portside.inference.logits import OUTPUTS
from portside.inference.multilabel import sigmoid
from portside.tasks.classification_network import load_multilabel_network
from portside.tasks.multilabel import truth_of

if TYPE_CHECKING:
    from portside.data.multilabel import MultiLabelDataset
    from portside.registry import ModelVersion

__all__ = ["subject"]


def subject(version: ModelVersion, dataset: MultiLabelDataset) -> Subject:
    """The classifier in ``version``, judged on the rows of ``dataset``."""
    network, tokens, file = load_multilabel_network(version.folder)
    threshold = float(file.options.get("threshold", 0.5))
    examples = some(dataset.examples)
    truth = truth_of(examples, file.labels)

    def given(answers: Answers) -> NDArray[np.bool_]:
        return sigmoid(np.asarray(answers)[:, : len(file.labels)]) >= threshold

    def micro_f1(answers: Answers) -> float:
        found = given(answers)
        return float(2 * (found & truth).sum() / max(found.sum() + truth.sum(), 1))

    return Subject(
        network,
        OUTPUTS,
        rows=len(truth),
        ask=ask_texts(tokens, [one.text for one in examples]),
        agreement=lambda found, original: float((given(found) == given(original)).all(axis=1).mean()),
        quality=micro_f1,
        measure="micro-F1",
    )
