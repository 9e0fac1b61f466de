"""What a run trains and validates on: texts with label numbers, checked and split."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from portside.data.descriptions import load_descriptions
from portside.errors import DataError
from portside.inference.outside_gate import FEWEST_OUTSIDE
from portside.said import said
from portside.tasks.classification import ClassificationRecipe, LabelledTexts, label_order, row_number
from portside.training.holdout import hold_out

__all__ = ["Material", "prepare"]

MOST_OUTSIDE = 5_000
"""Texts from outside that the chance of being one is learned from: more would only take time."""


@dataclass(frozen=True)
class Material:
    """Texts and label numbers; a number is a place in ``labels``."""

    labels: tuple[str, ...]
    texts: Sequence[str]
    label_ids: Sequence[int]
    valid_texts: Sequence[str]
    valid_ids: Sequence[int]
    validation: str
    """Where the validation rows come from, in words."""
    kept_aside: bool = False
    """Whether the validation rows are training rows that were kept aside; else the user gave them."""
    descriptions: tuple[str, ...] = ()
    """What each label means, in the order of ``labels``; empty where nobody said it."""
    outside_texts: tuple[str, ...] = ()
    """That none of the labels fits; none of them is trained on."""

    def fold(self, train: Sequence[int], valid: Sequence[int]) -> Material:
        """The training rows at the places ``train`` to train on, those at ``valid`` to validate on."""
        return replace(
            self,
            texts=[self.texts[place] for place in train],
            label_ids=[self.label_ids[place] for place in train],
            valid_texts=[self.texts[place] for place in valid],
            valid_ids=[self.label_ids[place] for place in valid],
        )

    def everything(self) -> Material:
        """The same with the validation rows among those to train on, and none left to validate."""
        return replace(
            self,
            texts=[*self.texts, *self.valid_texts],
            label_ids=[*self.label_ids, *self.valid_ids],
            valid_texts=(),
            valid_ids=(),
        )


def prepare(recipe: ClassificationRecipe, dataset: LabelledTexts, valid: LabelledTexts | None) -> Material:
    """Number the labels and set validation rows apart where the user gave none.

    Raises:
        DataError: fewer than two labels, a row without one, a validation label that training does not have,
            descriptions that are not of these labels; too few rows from outside where some are announced.
    """
    labels = label_order(dataset, outside=recipe.outside)
    strange = _outside_texts(recipe, dataset, valid)
    described = load_descriptions(recipe.descriptions, labels) if recipe.descriptions else ()
    number = {label: place for place, label in enumerate(labels)}
    texts, label_ids = _numbered(dataset, number)
    if valid is not None:
        _check_valid(valid, number, recipe.outside)
        valid_texts, valid_ids = _numbered(valid, number)
        given = f"{valid.source}, given by the user"
        return Material(
            labels, texts, label_ids, valid_texts, valid_ids, given, descriptions=described, outside_texts=strange
        )
    train, held = hold_out(texts, label_ids, seed=recipe.seed)
    words = f"{len(held)} of {len(texts)} training rows, kept aside by label with seed {recipe.seed}"
    return Material(
        labels=labels,
        texts=[texts[place] for place in train],
        label_ids=[label_ids[place] for place in train],
        valid_texts=[texts[place] for place in held],
        valid_ids=[label_ids[place] for place in held],
        validation=words if held else "none: too few rows to keep any aside",
        kept_aside=True,
        descriptions=described,
        outside_texts=strange,
    )


def _numbered(dataset: LabelledTexts, number: dict[str, int]) -> tuple[list[str], list[int]]:
    """Texts and label numbers of the rows that have one of the labels."""
    known = [example for example in dataset.examples if example.label in number]
    return [example.text for example in known], [number[example.label] for example in known]


def _outside_texts(
    recipe: ClassificationRecipe, dataset: LabelledTexts, valid: LabelledTexts | None
) -> tuple[str, ...]:
    """The texts that none of the labels fits, each once, of both files; at most ``MOST_OUTSIDE``, drawn by chance."""
    if not recipe.outside:
        return ()
    given = [dataset] if valid is None else [dataset, valid]
    strange = [one.text for part in given for one in part.examples if one.label == recipe.outside]
    found = list(dict.fromkeys(strange))
    if len(found) < FEWEST_OUTSIDE:
        raise DataError(
            said("It takes {n} texts that none of the labels fits to learn how likely such a one is", n=FEWEST_OUTSIDE),
            seen=said("{n} different texts with the label '{label}'", n=len(found), label=recipe.outside),
            remedy="Add such rows, correct the label's name, or leave the setting 'outside' out",
            file=dataset.source,
        )
    if len(found) > MOST_OUTSIDE:
        found = random.Random(recipe.seed).sample(found, MOST_OUTSIDE)
    return tuple(found)


def _check_valid(valid: LabelledTexts, number: dict[str, int], outside: str) -> None:
    if all(example.label == outside for example in valid.examples):
        raise DataError(
            "A validation file must have rows", seen=said("none"), remedy="Leave --valid out", file=valid.source
        )
    for place, example in enumerate(valid.examples):
        if example.label not in number and example.label != outside:
            raise DataError(
                "Every validation label must occur in the training data",
                seen=f"'{example.label}'",
                remedy="Remove those rows, correct the label, or add training rows with it",
                file=valid.source,
                row=row_number(valid, place),
            )
