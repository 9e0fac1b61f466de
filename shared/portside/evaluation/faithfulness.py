"""Whether explanations name the words that the model goes by: the deletion curve against random order.

Words are left out in the order in which a method names them. The sooner the answer's probability falls, the smaller the
area under the curve, the more faithful the method. Source: Petsiuk, Das & Saenko, "RISE: Randomized Input Sampling for
Explanation of Black-box Models", BMVC 2018.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portside.data.words import Word
from portside.errors import DataError
from portside.evaluation.attribution import METHODS, Explanation, Method
from portside.inference.attributor import Attributor, Measure, Variant, levels, without

__all__ = ["Faithfulness", "MethodFaithfulness", "curve_area", "deletion_texts", "measure_faithfulness"]

POINTS = 10
"""Steps of the curve."""
RANDOM_ORDERS = 5
"""Of each text: their mean is what a method is compared with."""
RESAMPLES = 2_000
"""Bootstrap draws of texts for the intervals."""


@dataclass(frozen=True)
class MethodFaithfulness:
    """One method on all texts."""

    method: Method
    area: float
    """Mean area under the deletion curve, of probabilities from 0 to 1: the lower, the more faithful."""
    gain: float
    """How much smaller than with random orders."""
    gain_ci95: tuple[float, float]
    """By bootstrap over texts."""
    curve: tuple[float, ...]
    """Mean level of the answer with 0, 1/10, … all words left out."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {
            "area": self.area,
            "gain": self.gain,
            "gain_ci95": list(self.gain_ci95),
            "curve": list(self.curve),
        }


@dataclass(frozen=True)
class Faithfulness:
    """How faithful a model's explanations are, over n texts."""

    model: str
    n: int
    methods: tuple[MethodFaithfulness, ...]
    random_area: float
    random_curve: tuple[float, ...]
    measure: Measure = "probability"
    """What areas and curves are of."""

    @property
    def sentence(self) -> str:
        """What it means, method by method."""
        parts = []
        for one in self.methods:
            finds = one.gain_ci95[0] > 0
            verdict = (
                "finds the words that the model goes by" if finds else "is not shown to do better than random order"
            )
            parts.append(f"{one.method} {verdict}: {self._kept(one)}")
        return f"On {self.n:,} texts " + "; ".join(parts) + "."

    def _kept(self, one: MethodFaithfulness) -> str:
        low, high = one.gain_ci95
        if self.measure == "cosine":
            return (
                f"leaving words out in its order keeps a cosine of {one.area:.2f} on average, random order "
                f"{self.random_area:.2f} (difference {one.gain:.2f}, 95 % interval {low:.2f} to {high:.2f})"
            )
        return (
            f"leaving words out in its order keeps {100 * one.area:.0f} % of the probability on average, random order "
            f"{100 * self.random_area:.0f} % (difference {100 * one.gain:.0f} points, 95 % interval {100 * low:.0f} to "
            f"{100 * high:.0f})"
        )

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {
            "model": self.model,
            "n": self.n,
            "sentence": self.sentence,
            "random": {"area": self.random_area, "curve": list(self.random_curve)},
            **{one.method.replace("-", "_"): one.to_dict() for one in self.methods},
        }


def deletions(
    words: Sequence[Word], order: Sequence[int], *, points: int = POINTS
) -> list[tuple[tuple[int, int], ...]]:
    """Where the words stand that are left out: none, 1/points, … all of them, in ``order``, shape (points + 1,)."""
    counts = [round(point * len(words) / points) for point in range(points + 1)]
    return [tuple((words[place].start, words[place].end) for place in sorted(order[:count])) for count in counts]


def deletion_texts(text: str, words: Sequence[Word], order: Sequence[int], *, points: int = POINTS) -> list[str]:
    """The text with none, 1/points, … all of its words left out, in ``order``, shape (points + 1,)."""
    return [without(text, gone) for gone in deletions(words, order, points=points)]


def curve_area(curves: NDArray[np.float64]) -> NDArray[np.float64]:
    """Area under each row over shares from 0 to 1, by trapezia; shape (rows, points) to (rows,)."""
    return np.asarray((curves[:, :-1] + curves[:, 1:]).mean(axis=1) / 2)


def measure_faithfulness(model: Attributor, explanations: Sequence[Explanation], *, seed: int = 0) -> Faithfulness:
    """Deletion curves of the explained texts, by each method and in random orders; texts of one word are left out.

    Raises:
        DataError: no text has two words.
    """
    used = [one for one in explanations if len(one.words) > 1]
    if not used:
        raise DataError("Faithfulness is measured on texts of two words or more", seen=f"{len(explanations)} texts")
    rng = np.random.default_rng(seed)
    orders: Mapping[str, list[list[Sequence[int]]]] = {
        **{method: [[_order(one, method)] for one in used] for method in METHODS},
        "random": [[list(rng.permutation(len(one.words))) for _ in range(RANDOM_ORDERS)] for one in used],
    }
    curves = {name: np.stack(list(_curves(model, used, each))) for name, each in orders.items()}
    areas = {name: curve_area(each) for name, each in curves.items()}
    counts = rng.multinomial(len(used), np.full(len(used), 1 / len(used)), size=RESAMPLES)
    found = []
    for method in METHODS:
        gains = areas["random"] - areas[method]
        low, high = np.quantile(counts @ gains / len(used), [0.025, 0.975])
        area, gain = float(areas[method].mean()), float(gains.mean())
        found.append(MethodFaithfulness(method, area, gain, (float(low), float(high)), _mean(curves[method])))
    random_area, random_curve = float(areas["random"].mean()), _mean(curves["random"])
    return Faithfulness(model.model, len(used), tuple(found), random_area, random_curve, model.measure)


def _order(one: Explanation, method: Method) -> Sequence[int]:
    return [int(place) for place in np.argsort(-one.values[method], kind="stable")]


def _curves(
    model: Attributor, used: Sequence[Explanation], orders: Sequence[Sequence[Sequence[int]]]
) -> Iterator[NDArray[np.float64]]:
    """The curve of each text, mean over its orders, shape (POINTS + 1,)."""
    for one, each in zip(used, orders, strict=True):
        text = one.text[: one.read_characters]
        variants = [Variant(text, one.answer, gone) for order in each for gone in deletions(one.words, order)]
        yield levels(model.scores(variants), model.measure).reshape(len(each), -1).mean(axis=0)


def _mean(curves: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(curves.mean(axis=0).tolist())
