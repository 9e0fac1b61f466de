"""Fine-tune a classifier: the task for ``train_task``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from portside.data.parts import origins_of, parts_of_origins
from portside.encoders import EncoderSource
from portside.evaluation.held_out import HeldOut, save_held_out
from portside.evaluation.intervals import wilson
from portside.inference.outside_gate import FEWEST
from portside.said import Said, said
from portside.tasks.classification import ClassificationRecipe, LabelledTexts
from portside.training.datasets import data_identity
from portside.training.holdout import folds
from portside.training.learned_labels import LearnedLabels
from portside.training.material import Material, prepare
from portside.training.reload import ReloadCheck, check_inputs
from portside.training.seen import save_seen

if TYPE_CHECKING:
    from portside.training.adapter import TaskAdapter
    from portside.training.discriminant import LabelStatistics
    from portside.training.fit import Fitted
    from portside.training.rounds import Trained

__all__ = ["ClassificationRecipe", "ClassificationTask", "make_task", "validation_metrics"]


FOLDS = 3
MOST_REFITTED = 4_000
"""Rows up to which a recipe refits unasked, and is measured by folds: beyond, those kept aside are hardly missed."""


def make_task(
    recipe: ClassificationRecipe, dataset: LabelledTexts, valid: LabelledTexts | None = None
) -> ClassificationTask:
    """The task for ``train_task``. Without ``valid`` some rows are kept aside, by label.

    Raises:
        DataError: the data cannot be trained on.
    """
    return ClassificationTask(recipe, dataset, valid, prepare(recipe, dataset, valid))


@dataclass(frozen=True)
class Measured:
    """What the trainings on parts of the rows say of one on all of them."""

    scores: Mapping[str, float]
    n: int
    """Rows that were asked about, each of a network that had not learned from it."""
    trainings: int
    temperature: float
    """What logits have to be divided by to be as sure as they are right."""
    held_out: HeldOut
    """The rows, with logits so divided."""
    outside: NDArray[np.float32] | None = None
    """Logits, so divided, of the texts that none of the labels fits, each of one of those networks."""


@dataclass(frozen=True)
class ClassificationTask:
    """Texts with one label each, checked and split."""

    recipe: ClassificationRecipe
    dataset: LabelledTexts
    valid: LabelledTexts | None
    material: Material
    name: str = "classification"
    judge: Callable[[NDArray[np.bool_]], None] | None = None
    """Gets, before anything is saved, which validation rows of its rounds came out right; may raise."""
    measured: Measured | None = None
    """Given to a task that learns from every row: what those that kept some aside were measured at."""

    def identity(self) -> dict[str, Any]:
        """Hashes of the data."""
        return data_identity(self.dataset, self.valid)

    def adapter(self, source: EncoderSource) -> TaskAdapter:
        """The task for the training loop."""
        from portside.training.classification_adapter import ClassificationAdapter
        from portside.training.few_shot import FewShotAdapter

        adapter = FewShotAdapter if self.recipe.method == "few-shot" else ClassificationAdapter
        temperature = None if self.measured is None else self.measured.temperature
        return adapter(self.recipe, self.material, source, temperature=temperature)

    def rounds(self) -> Sequence[ClassificationTask]:
        """Itself; where the recipe refits, and the rows are not so many, one for each fold of them."""
        if not self._refits or self._rows > MOST_REFITTED:
            return (self,)
        whole = self.material.everything()
        parts = folds(whole.texts, whole.label_ids, FOLDS, seed=self.recipe.seed)
        return [replace(self, material=whole.fold(train, valid)) for train, valid in parts] or (self,)

    def everything(self, measured: Sequence[Trained]) -> ClassificationTask | None:
        """The task with every row to train on, where the recipe refits."""
        if self.judge is None and not self._refits:
            return None
        from portside.training.classification_adapter import logits_of, scores_of
        from portside.training.closed_form import best_temperature

        asked = [task.material for task, _ in zip(self.rounds(), measured, strict=False) if task.material.valid_texts]
        if not asked:
            return None
        found = [
            _as_trained(one, logits_of(one.fitted.network, one.adapter.tokens, material.valid_texts))
            for one, material in zip(measured, asked, strict=False)
        ]
        logits, truth = np.concatenate(found), np.concatenate([material.valid_ids for material in asked])
        if self.judge is not None:
            self.judge(logits.argmax(axis=1) == truth)
        if not self._refits:
            return None
        temperature = best_temperature(logits.astype(np.float64), truth)
        texts = [text for material in asked for text in material.valid_texts]
        parts = self._origins(texts, truth)
        held = HeldOut(texts, truth, (logits / temperature).astype(np.float32), by_model=False, parts=parts)
        strange = self._of_outside(measured)
        strange = None if strange is None else (strange / temperature).astype(np.float32)
        scores = scores_of(held.logits, truth, self.material.labels)
        taken = Measured(scores, len(truth), len(found), temperature, held, strange)
        return replace(self, material=self.material.everything(), measured=taken)

    def _of_outside(self, measured: Sequence[Trained]) -> NDArray[np.float32] | None:
        """Logits of the texts that none of the labels fits, each by one of the networks in turn."""
        from portside.training.classification_adapter import logits_of

        texts, count = self.material.outside_texts, len(measured)
        shares = [(one, texts[place::count]) for place, one in enumerate(measured) if texts[place::count]]
        found = [_as_trained(one, logits_of(one.fitted.network, one.adapter.tokens, some)) for one, some in shares]
        return np.concatenate(found) if found else None

    @property
    def _refits(self) -> bool:
        few = self._rows <= MOST_REFITTED or self.recipe.refit is True
        return self.recipe.refits and self.material.kept_aside and few

    @property
    def _rows(self) -> int:
        return len(self.material.texts) + len(self.material.valid_texts)

    def save(self, folder: Path, fitted: Fitted, adapter: TaskAdapter) -> Callable[[Path, ReloadCheck], None]:
        """Write the model's files; returns the test that they reload to the outputs of the trained network."""
        from portside.inference.classifier import chances
        from portside.inference.folder import ModelFile
        from portside.inference.outside_gate import fit_energy_gate
        from portside.inference.pooling import pooling_options
        from portside.tasks.network_folder import save_network
        from portside.training.classification_adapter import logits_of

        network: Any = fitted.network
        material = self.material
        held = self._held_out(adapter)
        strange = None if self.measured is None else self.measured.outside
        if self.measured is None and material.outside_texts:
            strange = logits_of(network, adapter.tokens, material.outside_texts)
        share = self.recipe.outside_share
        gate = None if held is None else fit_energy_gate(held.logits, outside=strange, share=share)
        options = {**pooling_options(network.pooling), **({} if gate is None else gate.to_options())}
        model = ModelFile(self.name, adapter.tokens.max_tokens, material.labels, options)
        save_network(folder, network, adapter.tokens, fitted.config, model)
        save_seen(folder, material.texts)
        statistics: LabelStatistics | None = getattr(adapter, "statistics", None)
        if statistics is not None:
            statistics.save(folder)
            LearnedLabels.of(material.texts, material.label_ids).save(folder)
        if held is not None and self.recipe.keep_held_out:
            save_held_out(folder, held, material.labels)
        texts = check_inputs([*material.texts, *material.valid_texts])
        expected = chances(logits_of(network, adapter.tokens, texts), gate)
        return lambda staged, check: check.compare(staged, texts, material.labels, expected)

    def _held_out(self, adapter: TaskAdapter) -> HeldOut | None:
        if self.measured is not None:
            return self.measured.held_out
        from portside.training.classification_adapter import ClassificationAdapter

        assert isinstance(adapter, ClassificationAdapter)
        if adapter.valid_logits is None:
            return None
        truth = np.asarray(self.material.valid_ids, dtype=np.int64)
        texts = self.material.valid_texts
        return HeldOut(texts, truth, adapter.valid_logits, parts=self._origins(texts, truth))

    def _origins(self, texts: Sequence[str], truth: Sequence[int] | NDArray[np.int64]) -> dict[str, tuple[str, ...]]:
        """Where these rows come from; of equal ones, as the first of them does."""
        labels = self.material.labels
        asked = [(text, labels[place]) for text, place in zip(texts, truth, strict=True)]
        known: dict[Hashable, dict[str, str]] = {}
        for given in (self.dataset, self.valid):
            if given is not None:
                keys = ((one.text, one.label) for one in given.examples)
                known |= origins_of(keys, getattr(given, "parts", {}), asked)
        return parts_of_origins([known.get(one, {}) for one in asked])

    def card(self, fitted: Fitted, adapter: TaskAdapter) -> dict[str, Any]:
        """Labels in their order, what validation measured, what it was trained on."""
        material, dataset, known = self.material, self.dataset, self.measured
        found, n = (fitted.validation, len(material.valid_texts)) if known is None else (known.scores, known.n)
        rows = len(material.texts)
        counts = Counter(example.label for example in dataset.examples)
        return {
            "summary": _with_outside(_summary(material, found, None if known is None else n), material, n),
            "labels": list(material.labels),
            **_described(material),
            "metrics": {} if found is None else {"validation": validation_metrics(found, n)},
            "data": {
                "source": dataset.source,
                "content_hash": dataset.content_hash,
                "rows": len(dataset.examples),
                "trained_on": rows,
                "validation": material.validation if known is None else _cross_validation(known, rows),
                "longer_than_limit": adapter.cut,
                "rows_per_label": {label: counts[label] for label in material.labels},
                **_outside_rows(self.recipe, material),
            },
            "limits": {"max_tokens": adapter.tokens.max_tokens},
            "calibration": {"temperature": getattr(adapter, "temperature", 1.0)},
        }


def _summary(material: Material, found: Mapping[str, float] | None, unseen: int | None) -> Said:
    rows = f"{len(material.texts):,}"
    made = said("Tells {labels} labels apart; fine-tuned on {rows} texts", labels=len(material.labels), rows=rows)
    if not found:
        return made
    share = f"{100 * found['accuracy']:.1f} %"
    if unseen is None:
        return said("{made}, {share} right on validation rows", made=made, share=share)
    which = f"{unseen:,}"
    return said(
        "{made}, {share} right on {n} of them by networks that had not seen these", made=made, share=share, n=which
    )


def _with_outside(made: Said, material: Material, measured: int) -> Said:
    """The summary ``made``; with it, where texts from outside taught nothing, that they did not."""
    if not material.outside_texts or measured >= FEWEST:
        return made
    return said(
        "{made}; from {n} texts that none of them fits it learned nothing: that takes {needed} validation rows, not "
        "{measured} (give more rows, or a validation file)",
        made=made,
        n=f"{len(material.outside_texts):,}",
        needed=FEWEST,
        measured=measured,
    )


def _as_trained(one: Trained, logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """``logits`` before they were divided by what that network's own validation rows told: one temperature for all."""
    return logits * np.float32(getattr(one.adapter, "temperature", 1.0))


def _outside_rows(recipe: ClassificationRecipe, material: Material) -> dict[str, Any]:
    texts = len(material.outside_texts)
    return {"outside": {"label": recipe.outside, "texts": texts, "share": recipe.outside_share}} if texts else {}


def _described(material: Material) -> dict[str, Any]:
    pairs = zip(material.labels, material.descriptions, strict=False)
    return {"descriptions": dict(pairs)} if material.descriptions else {}


def _cross_validation(known: Measured, rows: int) -> str:
    one = known.trainings == 1
    who = "by a network" if one else f"each by one of {known.trainings} networks"
    return (
        f"{known.n:,} of {rows:,} training rows, {who} that had not learned from {'them' if one else 'it'}; "
        "the model was then trained on all rows"
    )


def validation_metrics(validation: Mapping[str, float], n: int) -> dict[str, Any]:
    """What ``scores_of`` says of ``n`` validation rows, as the card has it."""
    low, high = wilson(round(validation["accuracy"] * n), n)
    return {
        "accuracy": validation["accuracy"],
        "accuracy_ci95": [low, high],
        "macro_f1": validation["macro_f1"],
        "loss": validation["loss"],
        "n": n,
    }
