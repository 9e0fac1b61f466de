"""Fine-tune a classifier that gives several labels, for ``train_task``."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from portside.data.parts import origins_of
from portside.encoders import EncoderSource
from portside.evaluation.held_out import save_rows
from portside.said import said
from portside.tasks.multilabel import MultiLabelRecipe, MultiLabelTexts, label_order
from portside.training.datasets import check_known, data_identity
from portside.training.holdout import holdout_size
from portside.training.reload import ReloadCheck, check_inputs
from portside.training.run import OneRound
from portside.training.seen import save_seen

if TYPE_CHECKING:
    from portside.training.adapter import TaskAdapter
    from portside.training.fit import Fitted
    from portside.training.multilabel_adapter import MultiLabelMaterial

__all__ = ["MultiLabelRecipe", "MultiLabelTask", "make_task"]


def make_task(
    recipe: MultiLabelRecipe, dataset: MultiLabelTexts, valid: MultiLabelTexts | None = None
) -> MultiLabelTask:
    """The task for ``train_task``. Without ``valid`` some texts are kept aside.

    Raises:
        DataError: there is nothing to tell apart, or validation has a label that training does not have.
    """
    labels = label_order(dataset)
    if valid is not None:
        found = [(one.text, one.labels) for one in valid.examples]
        check_known("label", labels, found, valid.source, getattr(valid, "rows", None))
    return MultiLabelTask(recipe, dataset, valid, labels)


@dataclass(frozen=True)
class MultiLabelTask(OneRound):
    """Texts with any number of labels, checked."""

    recipe: MultiLabelRecipe
    dataset: MultiLabelTexts
    valid: MultiLabelTexts | None
    labels: tuple[str, ...]
    name: str = "multilabel"

    def identity(self) -> dict[str, Any]:
        """Hashes of the data."""
        return data_identity(self.dataset, self.valid)

    @cached_property
    def material(self) -> MultiLabelMaterial:
        """Texts to train and to validate on."""
        from portside.training.multilabel_adapter import MultiLabelMaterial

        examples = self.dataset.examples
        if self.valid is not None:
            given = f"{self.valid.source}, given by the user"
            return MultiLabelMaterial(self.labels, examples, self.valid.examples, given)
        places = list(range(len(examples)))
        random.Random(self.recipe.seed).shuffle(places)
        held = set(places[: holdout_size(len(examples))])
        train = [one for place, one in enumerate(examples) if place not in held]
        seen = {one.text for one in train}
        valid = [one for place, one in enumerate(examples) if place in held and one.text not in seen]
        words = f"{len(valid)} of {len(examples)} training rows, kept aside with seed {self.recipe.seed}"
        return MultiLabelMaterial(self.labels, train, valid, words if valid else "none: too few rows to keep any aside")

    def adapter(self, source: EncoderSource) -> TaskAdapter:
        """The task for the training loop."""
        from portside.training.multilabel_adapter import MultiLabelAdapter

        return MultiLabelAdapter(self.recipe, self.material, source)

    def save(self, folder: Path, fitted: Fitted, adapter: TaskAdapter) -> Callable[[Path, ReloadCheck], None]:
        """Write the model's files; returns the test that they reload to the outputs of the trained network."""
        from portside.inference import network as engine
        from portside.inference.folder import ModelFile
        from portside.inference.multilabel import sigmoid
        from portside.inference.pooling import pooling_options
        from portside.tasks.network_folder import save_network

        network: Any = fitted.network
        material = self.material
        options = {"threshold": getattr(adapter, "threshold", 0.5), **pooling_options(network.pooling)}
        model = ModelFile(self.name, adapter.tokens.max_tokens, self.labels, options)
        save_network(folder, network, adapter.tokens, fitted.config, model)
        save_seen(folder, [one.text for one in material.train])
        if self.recipe.keep_held_out and material.valid:
            given = self.valid or self.dataset
            origins = origins_of(map(id, given.examples), getattr(given, "parts", {}), map(id, material.valid))
            save_rows(
                folder,
                ({**origins.get(id(one), {}), "text": one.text, "labels": list(one.labels)} for one in material.valid),
            )
        texts = check_inputs(one.text for one in self.dataset.examples)
        device = next(network.parameters()).device
        logits = engine.run(lambda ids, mask: network(ids, mask)["logits"], adapter.tokens, texts, device=device)
        expected = sigmoid(logits)
        return lambda staged, check: check.compare(staged, texts, self.labels, expected)

    def card(self, fitted: Fitted, adapter: TaskAdapter) -> dict[str, Any]:
        """Labels in their order, what validation measured, what it was trained on."""
        found, material = fitted.validation, self.material
        if found is not None:
            # That of the probabilities as they are adjusted.
            found = {**found, "threshold": getattr(adapter, "threshold", 0.5)}
        summary = said(
            "Gives any of {labels} labels; fine-tuned on {n} texts",
            labels=len(self.labels),
            n=f"{len(material.train):,}",
        )
        if found:
            summary = said("{made}, micro-F1 {f1} on validation rows", made=summary, f1=f"{found['micro_f1']:.3f}")
        return {
            "summary": summary,
            "labels": list(self.labels),
            "metrics": {} if found is None else {"validation": {**found, "n": len(material.valid)}},
            "data": {
                "source": self.dataset.source,
                "content_hash": self.dataset.content_hash,
                "rows": len(self.dataset.examples),
                "trained_on": len(material.train),
                "validation": material.validation,
                "longer_than_limit": adapter.cut,
                "rows_per_label": {
                    label: sum(label in one.labels for one in self.dataset.examples) for label in self.labels
                },
            },
            "limits": {"max_tokens": adapter.tokens.max_tokens},
            "calibration": {"temperature": getattr(adapter, "temperature", 1.0)},
        }
