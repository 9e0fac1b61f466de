"""Fine-tune a classifier and register it as a model version."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from portside.encoders import EncoderSource
from portside.evaluation.intervals import wilson
from portside.progress import Progress
from portside.registry import ModelRegistry, ModelVersion
from portside.tasks.classification import ClassificationRecipe, LabelledTexts
from portside.training.datasets import data_identity
from portside.training.material import Material, prepare
from portside.training.reload import ReloadCheck, check_inputs
from portside.training.run import CHECKPOINT_SECONDS, Order, train_task
from portside.training.seen import save_seen

if TYPE_CHECKING:
    from portside.training.adapter import TaskAdapter
    from portside.training.fit import Fitted

__all__ = ["ClassificationRecipe", "ClassificationTask", "make_task", "train_classifier"]


def train_classifier(
    recipe: ClassificationRecipe,
    dataset: LabelledTexts,
    *,
    registry: ModelRegistry,
    name: str,
    runs_dir: Path,
    progress: Progress,
    actor: str,
    reason: str,
    valid: LabelledTexts | None = None,
    promote: bool | None = None,
    resume: bool = False,
    threads: int = 0,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    measure: Callable[[ModelVersion], Mapping[str, Any]] | None = None,
) -> ModelVersion:
    """Fine-tune on ``dataset`` and register the result as the next version of ``name``.

    Without ``valid`` some rows are kept aside, by label. Interrupted at any moment, nothing is registered, and
    ``resume`` goes on from the last checkpoint. ``threads`` 0: all that this process may use. ``measure`` gets the
    saved version before anybody else can see it; what it returns is added to the card.

    Raises:
        DataError: the data cannot be trained on.
        UsageError: another training of ``name`` runs; a resumed one differs; the budget is too short.
        ModelError: memory or the loss gave out, or the saved model does not reload to the same outputs.
        Cancelled: ``progress`` asked to stop.
    """
    task = make_task(recipe, dataset, valid)
    order = Order(
        registry, name, runs_dir, progress, actor, reason, promote, resume, threads, checkpoint_seconds, measure
    )
    return train_task(recipe, task, order)


def make_task(
    recipe: ClassificationRecipe, dataset: LabelledTexts, valid: LabelledTexts | None = None
) -> ClassificationTask:
    """The task for ``train_task``. Without ``valid`` some rows are kept aside, by label.

    Raises:
        DataError: the data cannot be trained on.
    """
    return ClassificationTask(recipe, dataset, valid, prepare(recipe, dataset, valid))


@dataclass(frozen=True)
class ClassificationTask:
    """Texts with one label each, checked and split."""

    recipe: ClassificationRecipe
    dataset: LabelledTexts
    valid: LabelledTexts | None
    material: Material
    name: str = "classification"
    temperature: float | None = None
    """What the logits of a model that learns from every row are divided by; None: some rows are kept aside."""

    def identity(self) -> dict[str, Any]:
        """Hashes of the data."""
        return data_identity(self.dataset, self.valid)

    def adapter(self, source: EncoderSource) -> TaskAdapter:
        """The task for the training loop."""
        from portside.training.classification_adapter import ClassificationAdapter
        from portside.training.few_shot import FewShotAdapter

        material = self.material if self.temperature is None else self.material.everything()
        if self.recipe.method == "few-shot":
            return FewShotAdapter(self.recipe, material, source, temperature=self.temperature or 1.0)
        return ClassificationAdapter(self.recipe, material, source)

    def everything(self, fitted: Fitted, adapter: TaskAdapter) -> ClassificationTask | None:
        """The task with every row to train on, and the temperature that the rows kept aside asked for."""
        from portside.training.closed_form import best_temperature

        material = self.material
        if not (self.recipe.refits and material.kept_aside and material.valid_texts):
            return None
        logits = _logits(fitted, adapter, material.valid_texts).astype(np.float64)
        return replace(self, temperature=best_temperature(logits, np.asarray(material.valid_ids)))

    def save(self, folder: Path, fitted: Fitted, adapter: TaskAdapter) -> Callable[[Path, ReloadCheck], None]:
        """Write the model's files; returns the test that they reload to the outputs of the trained network."""
        from portside.inference.classifier import softmax
        from portside.inference.folder import ModelFile
        from portside.tasks.network_folder import save_network

        material, network = self.material, fitted.network
        model = ModelFile(self.name, adapter.tokens.max_tokens, material.labels)
        save_network(folder, network, adapter.tokens, fitted.config, model)
        learned_last = () if self.temperature is None else material.valid_texts
        save_seen(folder, [*material.texts, *learned_last])
        texts = check_inputs([*material.texts, *material.valid_texts])
        expected = softmax(_logits(fitted, adapter, texts))
        return lambda staged, check: check.compare(staged, texts, material.labels, expected)

    def card(self, fitted: Fitted, adapter: TaskAdapter) -> dict[str, Any]:
        """Labels in their order, what validation measured, what it was trained on."""
        material, dataset, found = self.material, self.dataset, fitted.validation
        everything = self.temperature is not None
        rows = len(material.texts) + (len(material.valid_texts) if everything else 0)
        which = "rows kept aside, before it learned from them too" if everything else "validation rows"
        accuracy = f", {100 * found['accuracy']:.1f} % right on {which}" if found else ""
        counts = Counter(example.label for example in dataset.examples)
        trained = f"fine-tuned on {rows:,} texts{accuracy}"
        return {
            "summary": f"Tells {len(material.labels)} labels apart; {trained}",
            "labels": list(material.labels),
            "metrics": {} if found is None else {"validation": _metrics(found, len(material.valid_texts))},
            "data": {
                "source": dataset.source,
                "content_hash": dataset.content_hash,
                "rows": len(dataset.examples),
                "trained_on": rows,
                "validation": material.validation + ("; then trained anew on all rows" if everything else ""),
                "longer_than_limit": adapter.cut,
                "rows_per_label": {label: counts[label] for label in material.labels},
            },
            "limits": {"max_tokens": adapter.tokens.max_tokens},
        }


def _logits(fitted: Fitted, adapter: TaskAdapter, texts: Sequence[str]) -> NDArray[np.float32]:
    from portside.inference import network as engine

    network = fitted.network
    device = next(network.parameters()).device
    return engine.run(lambda ids, mask: network(ids, mask)["logits"], adapter.tokens, texts, device=device)


def _metrics(validation: dict[str, float], n: int) -> dict[str, Any]:
    low, high = wilson(round(validation["accuracy"] * n), n)
    return {
        "accuracy": validation["accuracy"],
        "accuracy_ci95": [low, high],
        "macro_f1": validation["macro_f1"],
        "loss": validation["loss"],
        "n": n,
    }
