"""``--method auto`` for classification: prototypes first, then the dearer method, if it proves better."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from portside.encoders import EncoderSource, resolve_encoder
from portside.errors import UsageError
from portside.evaluation.significance import mcnemar
from portside.inference.threads import prepare_threads
from portside.registry import ModelVersion
from portside.said import said
from portside.tasks.classification import ClassificationRecipe, LabelledTexts
from portside.training.auto import with_verdict
from portside.training.classification import ClassificationTask, make_task
from portside.training.ladder import Rung, Verdict, dearer_rung, kept_unasked, verdict
from portside.training.material import Material
from portside.training.plan import BudgetTooShort
from portside.training.run import Declined, Order, train_task

__all__ = ["kept_free", "train"]

CHEAP_SHARE = 0.08
"""Of the budget, at most, for the prototypes that the dearer method is compared with."""
FIRST_TEXTS = 64
"""Read to learn this machine's speed."""
REGISTERING_SHARE = 0.05
"""Of the budget, kept free at least for registering prototypes, should the dearer method not be better."""


def train(
    recipe: ClassificationRecipe, dataset: LabelledTexts, valid: LabelledTexts | None, order: Order
) -> ModelVersion:
    """Compare prototypes with few-shot or full fine-tuning, and register the better.

    Raises:
        DataError, UsageError, ModelError, Cancelled: as of ``train_task``.
    """
    began = time.monotonic()
    known = Counter(example.label for example in dataset.examples if example.label != recipe.outside)
    rung = dearer_rung(list(known.values()) or [0])
    try:
        dear, plain = replace(recipe, method=rung.method), _prototypes_of(recipe)
    except UsageError as error:
        said = kept_unasked(recipe.method, f"no other method knows what the recipe asks for ({error.seen})")
        return _register(recipe, make_task(recipe, dataset, valid), order, said)
    fallback = make_task(plain, dataset, valid)
    task = make_task(dear, dataset, valid)
    order.progress.log("Method auto: prototypes first, in seconds")
    cheap = _Prototypes(task, order).measured(recipe.budget_seconds)
    if cheap is None:
        said = kept_unasked("prototype", "there are too few rows to compare methods by")
        return _register(plain, fallback, order, said)
    if recipe.budget_seconds is not None:
        spent = time.monotonic() - began
        texts = len(dataset.examples) + (0 if valid is None else len(valid.examples))
        left = recipe.budget_seconds - spent - kept_free(recipe.budget_seconds, texts, cheap.text_seconds)
        dear = replace(dear, budget_seconds=max(left, 1.0))
    judge = _Judge(rung, cheap.right)
    order.progress.log(f"Now {rung.method}: {rung.because}")
    try:
        return train_task(dear, replace(task, recipe=dear, judge=judge), with_verdict(order, lambda: judge.said))
    except Declined:
        said = judge.said
    except BudgetTooShort as error:
        said = kept_unasked("prototype", f"there is no time to train more ({error.seen})")
    return _register(plain, fallback, replace(order, resume=False), said)


def kept_free(budget: float, texts: int, text_seconds: float) -> float:
    """Seconds of ``budget`` that the dearer method must not use: in them prototypes read all ``texts``, of which each
    takes ``text_seconds``, should it not be better. Saving has its own time in every plan.
    """
    return max(REGISTERING_SHARE * budget, texts * text_seconds)


def _prototypes_of(recipe: ClassificationRecipe) -> ClassificationRecipe:
    """``recipe`` by prototypes, which know nothing of how to train.

    Raises:
        UsageError: it weighs labels, which prototypes cannot.
    """
    return ClassificationRecipe(
        method="prototype",
        encoder=recipe.encoder,
        max_tokens=recipe.max_tokens,
        seed=recipe.seed,
        class_weights=recipe.class_weights,
        outside=recipe.outside,
        outside_share=recipe.outside_share,
    )


def _register(recipe: ClassificationRecipe, task: ClassificationTask, order: Order, said: Verdict) -> ModelVersion:
    order.progress.log(f"Method {said.sentence}")
    return train_task(recipe, task, with_verdict(order, lambda: said))


@dataclass
class _Judge:
    """Declines what is not significantly better than prototypes."""

    rung: Rung
    cheap: NDArray[np.bool_]
    said: Verdict = field(default_factory=lambda: kept_unasked("prototype", "nothing else was trained"))

    def __call__(self, right: NDArray[np.bool_]) -> None:
        # Where the budget cut the rounds short, only those rows are compared that were asked about.
        first, second = self.cheap[: len(right)].tolist(), right.tolist()
        self.said = verdict(self.rung, first, second, mcnemar(first, second))
        if self.said.method != self.rung.method:
            raise Declined


@dataclass(frozen=True)
class _Cheap:
    """How the cheap rung did."""

    right: NDArray[np.bool_]
    """Whether each validation row of each of the task's rounds, in order, came out right."""
    text_seconds: float
    """What reading a text takes here."""


@dataclass(frozen=True)
class _Prototypes:
    """The cheap rung: heads in closed form, each measured on rows that it has not seen."""

    task: ClassificationTask
    order: Order

    def measured(self, budget: float | None) -> _Cheap | None:
        """How they do on the validation rows; None: there are none."""
        parts = [part.material for part in self.task.rounds() if part.material.valid_texts]
        if not parts:
            return None
        source = resolve_encoder(self.task.recipe.encoder, self.order.registry)
        prepare_threads()
        from portside.inference.network import use_threads

        use_threads(self.order.threads)
        return self._measured(parts, source, budget)

    def _measured(self, parts: Sequence[Material], source: EncoderSource, budget: float | None) -> _Cheap:
        from portside.encoders import hidden_size, load_backbone
        from portside.inference.pooling import pooling_of
        from portside.inference.tokens import Tokens
        from portside.tasks.classification_network import ClassificationNetwork
        from portside.training.discriminant import linear_discriminant
        from portside.training.head_start import MOST_ROWS, pooled_vectors, some_rows

        tokens = Tokens(source.folder, max_tokens=self.task.recipe.max_tokens)
        labels, seed = len(parts[0].labels), self.task.recipe.seed
        width, pooling = hidden_size(tokens.config), pooling_of(source.folder)
        network = ClassificationNetwork(load_backbone(source.folder), width, labels, pooling=pooling).eval()
        began = time.monotonic()
        pooled_vectors(network, tokens, parts[0].texts[:FIRST_TEXTS])
        seconds = (time.monotonic() - began) / min(FIRST_TEXTS, len(parts[0].texts))
        most = MOST_ROWS if budget is None else min(MOST_ROWS, int(CHEAP_SHARE * budget / seconds))
        out = []
        vectors: dict[str, NDArray[np.float32]] = {}
        reading = 0.0
        for part in parts:
            sample = some_rows(part, seed=seed, most=most)
            unknown = [text for text in dict.fromkeys([*sample.texts, *part.valid_texts]) if text not in vectors]
            if unknown:
                began = time.monotonic()
                vectors.update(zip(unknown, pooled_vectors(network, tokens, unknown), strict=True))
                reading += time.monotonic() - began
            ids = np.asarray(sample.label_ids, dtype=np.int64)
            weights, bias = linear_discriminant(np.stack([vectors[text] for text in sample.texts]), ids, labels)
            asked = np.stack([vectors[text] for text in part.valid_texts])
            out.append((asked @ weights.T + bias).argmax(axis=1) == np.asarray(part.valid_ids))
            self.order.progress.update(0, 1, said("measuring prototypes"))
        # Of all that was read: the first texts wait for whatever a process does only once.
        return _Cheap(np.concatenate(out), reading / len(vectors))
