"""Fine-tune a tagger and register it as a model version."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from portside.data.identity import text_key
from portside.data.parts import origins_of
from portside.encoders import EncoderSource
from portside.evaluation.held_out import save_rows
from portside.records import Tagged
from portside.said import said
from portside.tasks.tagging import TaggedSentences, TaggingRecipe, type_order
from portside.tasks.tags import entity_types, spans, tag_names
from portside.training.datasets import check_known, data_identity
from portside.training.holdout import holdout_size
from portside.training.reload import ReloadCheck, check_inputs
from portside.training.run import OneRound
from portside.training.seen import save_seen

if TYPE_CHECKING:
    from portside.inference.name_reading import NameReading
    from portside.training.adapter import TaskAdapter
    from portside.training.fit import Fitted
    from portside.training.tagging_adapter import TaggingMaterial

__all__ = ["TaggingRecipe", "TaggingTask", "make_task"]

BLOCK = 20
"""Sentences that are kept aside together where documents are not told apart: neighbours tell of each other."""


def make_task(recipe: TaggingRecipe, dataset: TaggedSentences, valid: TaggedSentences | None = None) -> TaggingTask:
    """The task for ``train_task``. Without ``valid`` some sentences are kept aside.

    Raises:
        DataError: the data has no entities, or validation has a type that training does not have.
    """
    types = type_order(dataset)
    if valid is not None:
        found = [(" ".join(one.tokens), entity_types([one.tags])) for one in valid.sentences]
        check_known("type", types, found, valid.source, None)
    return TaggingTask(recipe, dataset, valid, types)


@dataclass(frozen=True)
class TaggingTask(OneRound):
    """Tagged sentences, checked."""

    recipe: TaggingRecipe
    dataset: TaggedSentences
    valid: TaggedSentences | None
    types: tuple[str, ...]
    name: str = "tagging"

    def identity(self) -> dict[str, Any]:
        """Hashes of the data."""
        return data_identity(self.dataset, self.valid)

    @cached_property
    def material(self) -> TaggingMaterial:
        """Sentences to train and to validate on."""
        from portside.training.tagging_adapter import TaggingMaterial

        sentences = self.dataset.sentences
        if self.valid is not None:
            return TaggingMaterial(
                self.types, sentences, self.valid.sentences, f"{self.valid.source}, given by the user"
            )
        train, held = _hold_out(sentences, seed=self.recipe.seed)
        kept = {kind for one in train for kind in (span.type for span in spans(one.tags))}
        learned = {text_key(" ".join(one.tokens)) for one in train}
        held = [
            one
            for one in held
            if text_key(" ".join(one.tokens)) not in learned and all(span.type in kept for span in spans(one.tags))
        ]
        words = f"{len(held)} of {len(sentences)} training sentences, kept aside with seed {self.recipe.seed}"
        return TaggingMaterial(self.types, train, held, words if held else "none: too few sentences to keep any aside")

    def adapter(self, source: EncoderSource) -> TaskAdapter:
        """The task for the training loop."""
        from portside.training.tagging_adapter import TaggingAdapter

        return TaggingAdapter(self.recipe, self.material, source)

    def save(self, folder: Path, fitted: Fitted, adapter: TaskAdapter) -> Callable[[Path, ReloadCheck], None]:
        """Write the model's files; returns the test that they reload to the outputs of the trained network."""
        from portside.inference.folder import ModelFile
        from portside.inference.network import as_forward
        from portside.inference.tagging import tag_probabilities
        from portside.tasks.network_folder import save_network

        recipe, names = self.recipe, tag_names(self.types)
        reading = _reading(adapter).to_options()
        options = {"case_feature": recipe.case_feature, "context": recipe.context, **reading}
        model = ModelFile(self.name, adapter.tokens.max_tokens, names, options)
        save_network(folder, fitted.network, adapter.tokens, fitted.config, model)
        save_seen(folder, [" ".join(one.tokens) for one in self.material.train])
        if recipe.keep_held_out and self.material.valid:
            given = self.valid or self.dataset
            kept = self.material.valid
            origins = origins_of(map(id, given.sentences), getattr(given, "parts", {}), map(id, kept))
            save_rows(
                folder,
                (
                    {**origins.get(id(one), {}), "tokens": one.tokens, "tags": one.tags, "document": one.document}
                    for one in kept
                ),
            )
        sentences = check_inputs(one.tokens for one in self.dataset.sentences)
        rows = tag_probabilities(
            as_forward(fitted.network, ("logits",), device=next(fitted.network.parameters()).device),
            adapter.tokens,
            sentences,
            documents=range(len(sentences)),
            context=recipe.context,
        )
        asked = [list(sentence) for sentence in sentences]
        return lambda staged, check: check.compare(staged, asked, names, np.concatenate(rows))

    def card(self, fitted: Fitted, adapter: TaskAdapter) -> dict[str, Any]:
        """Tags in their order, what validation measured, what it was trained on."""
        found, sentences = fitted.validation, self.dataset.sentences
        material = self.material
        counts = Counter(span.type for one in sentences for span in spans(one.tags))
        rows = f"{len(material.train):,}"
        summary = said("Finds {n} types of names; fine-tuned on {rows} sentences", n=len(self.types), rows=rows)
        if found:
            f1 = f"{found['entity_f1']:.3f}"
            summary = said("{made}, entity F1 {f1} on validation sentences", made=summary, f1=f1)
        return {
            "summary": summary,
            "labels": list(tag_names(self.types)),
            "metrics": {} if found is None else {"validation": {**found, "n": len(material.valid)}},
            "data": {
                "source": self.dataset.source,
                "content_hash": self.dataset.content_hash,
                "sentences": len(sentences),
                "trained_on": len(material.train),
                "validation": material.validation,
                "words_cut": adapter.cut,
                "entities_per_type": {kind: counts[kind] for kind in self.types},
            },
            "limits": {"max_tokens": adapter.tokens.max_tokens, "context": self.recipe.context},
            "calibration": {"temperature": getattr(adapter, "temperature", 1.0), "names": _reading(adapter).sentence},
        }


def _reading(adapter: TaskAdapter) -> NameReading:
    from portside.inference.name_reading import NameReading

    return getattr(adapter, "reading", NameReading())


def _hold_out(sentences: Sequence[Tagged], *, seed: int) -> tuple[list[Tagged], list[Tagged]]:
    groups = [list(group) for _, group in groupby(range(len(sentences)), key=lambda place: sentences[place].document)]
    wanted = holdout_size(len(sentences))
    size = min(BLOCK, max(1, wanted // 5))
    blocks = [group[at : at + size] for group in groups for at in range(0, len(group), size)]
    random.Random(seed).shuffle(blocks)
    held: set[int] = set()
    for block in blocks:
        if len(held) + len(block) <= wanted:
            held.update(block)
    train = [one for place, one in enumerate(sentences) if place not in held]
    return train, [one for place, one in enumerate(sentences) if place in held]
