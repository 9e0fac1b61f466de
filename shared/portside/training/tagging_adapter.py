"""Tagging for the training loop. Imports torch: import it lazily."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import Dataset as TorchDataset

from portside.encoders import EncoderSource
from portside.evaluation.tagging import count_entities, entity_scores
from portside.inference.name_reading import NameReading
from portside.inference.network import as_forward
from portside.inference.spans import named, span_temperature, tempered
from portside.inference.tagging import pad_windows, tag_probabilities
from portside.inference.tokens import Tokens
from portside.inference.words import WordWindow, cut_windows, pieces_read
from portside.records import Tagged
from portside.tasks.tagging import TaggingRecipe
from portside.tasks.tagging_network import IGNORED, TaggingNetwork
from portside.tasks.tags import tag_names
from portside.training.name_reading import fit_name_reading

__all__ = ["TaggingAdapter", "TaggingMaterial"]

PAD_MULTIPLE = 8


@dataclass(frozen=True)
class TaggingMaterial:
    """Sentences to train on and to validate on."""

    types: tuple[str, ...]
    train: Sequence[Tagged]
    valid: Sequence[Tagged]
    validation: str
    """Where the validation sentences come from, in words."""


class WindowRows(TorchDataset[dict[str, Any]]):
    """Windows with the number of each word's tag."""

    def __init__(self, windows: Sequence[WordWindow], tags: Sequence[int]) -> None:
        self.windows, self.tags = windows, tags
        self.lengths = [len(window.ids) for window in windows]

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, place: int) -> dict[str, Any]:
        return {"window": self.windows[place], "tags": [self.tags[word] for word in self.windows[place].words]}


class TaggingAdapter:
    """Each word gets a tag."""

    metric = "entity F1"
    saving_count = 0
    head_start_rows = 0

    def __init__(self, recipe: TaggingRecipe, material: TaggingMaterial, source: EncoderSource) -> None:
        self._recipe, self._material = recipe, material
        self.names = tag_names(material.types)
        number = {name: place for place, name in enumerate(self.names)}
        self.tokens = Tokens(source.folder, max_tokens=recipe.max_tokens)
        windows, cut = cut_windows(
            material.train, self.tokens, documents=[one.document for one in material.train], context=0
        )
        self.cut = len(cut)
        longest = max((len(word) for _, word in cut), default=0)
        self.cut_note = (
            f"Of {len(cut):,} training words only the first {pieces_read(self.tokens)} tokens are read "
            f"(the longest has {longest:,} characters)"
        )
        self.temperature = 1.0
        self.reading = NameReading()
        self._valid_rows: list[NDArray[np.float64]] = []
        self.rows = WindowRows(windows, [number[tag] for one in material.train for tag in one.tags])
        words = sum(len(one.tokens) for one in material.train)
        # In windows, as the rows are: validation sentences are read with their context, which takes half as much again.
        self.valid_count = round(1.5 * len(windows) * sum(len(one.tokens) for one in material.valid) / max(words, 1))

    def network(self, encoder: nn.Module, hidden: int) -> nn.Module:
        """Encoder with cases, linear head."""
        recipe = self._recipe
        return TaggingNetwork(
            encoder,
            hidden,
            len(self.names),
            case=recipe.case_feature,
            dropout=recipe.dropout,
            consistency=recipe.consistency,
        )

    def collate(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
        """Ids, mask, cases and labels, all (rows, tokens)."""
        windows = [row["window"] for row in rows]
        names, arrays = (
            ("input_ids", "attention_mask", "cases"),
            pad_windows(self.tokens, windows, multiple=PAD_MULTIPLE),
        )
        batch = {name: torch.from_numpy(array) for name, array in zip(names, arrays, strict=True)}
        labels = np.full(arrays[0].shape, IGNORED, dtype=np.int64)
        for place, row in enumerate(rows):
            labels[place, row["window"].places] = row["tags"]
        return {**batch, "labels": torch.from_numpy(labels)}

    def closed_form(self, network: nn.Module, method: str) -> None:
        """Tagging knows of no such method: its recipe refuses them."""

    def finish(self, network: nn.Module) -> None:
        """As sure of a name as the validation sentences bear out: the tags stay, their probabilities move, and how a
        name's confidence is read from them is learned.
        """
        if not self._valid_rows:
            return
        assert isinstance(network, TaggingNetwork)
        valid = self._material.valid
        truth = [one.tags for one in valid]
        self.temperature = span_temperature(truth, self._valid_rows, self.names)
        rows = [tempered(each, self.temperature) for each in self._valid_rows]
        self.reading = fit_name_reading(truth, rows, self.names, [one.document for one in valid])
        with torch.no_grad():
            network.head.weight.div_(self.temperature)
            network.head.bias.div_(self.temperature)

    def head_start(self, network: nn.Module, precision: str) -> None:
        """Tagging has none: a new head learns from every word."""

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Entity F1, its parts, and the mean loss of a word."""
        network.eval()
        valid, names = self._material.valid, self.names
        rows = tag_probabilities(
            as_forward(network, ("logits",), device=next(network.parameters()).device),
            self.tokens,
            [one.tokens for one in valid],
            documents=[one.document for one in valid],
            context=self._recipe.context,
        )
        self._valid_rows = rows
        found = [named(each, names) for each in rows]
        score = entity_scores(count_entities([one.tags for one in valid], found))[""]
        number = {name: place for place, name in enumerate(names)}
        truth = np.array([number[tag] for one in valid for tag in one.tags])
        flat = np.concatenate(rows)
        loss = float(-np.log(np.maximum(flat[np.arange(len(truth)), truth], 1e-12)).mean())
        figures = {"entity_f1": score.f1, "precision": score.precision, "recall": score.recall}
        return {"loss": loss, "score": score.f1, **figures, "support": float(score.support)}
