"""Which engine serves: the fastest whose answers are the original's. Pure decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import sqrt
from typing import Any

from portside.said import said

__all__ = ["LEAST_AGREEMENT", "MOST_LOSS", "Measured", "choose", "refusal", "speed_up"]

MOST_LOSS = 0.003
"""Quality that may be lost, as a share: 0.3 points."""
LEAST_AGREEMENT = 0.99
"""Share of decisions that must be the original's; for vectors, their cosine to the original's."""
LEAST_ALONE = 0.9995
"""The same, of answers to texts alone against those to texts together: who else asks at the time must not matter. Less
than 1 as sums of another order differ in their last digits."""
WORTHWHILE = 1.05
"""Times as fast as the original that an engine must be."""


@dataclass(frozen=True)
class Measured:
    """One engine on rows that the model has not learned from."""

    engine: str
    texts_per_second: float
    """All of them at once."""
    single_ms: float
    """Median of one text by itself."""
    agreement: float
    """Share of decisions that are the original's, or the least cosine to its vectors."""
    alone: float
    """The same, of answers to rows asked one by one against those to all rows at once."""
    megabytes: float
    quality: float | None = None
    """Accuracy, F1 or NDCG; None where nobody said what would be right."""
    nearest: float | None = None
    """Where nobody said so of vectors: NDCG@10 of each text's list of the nearest others, which the original knows."""

    @property
    def figure(self) -> float | None:
        """The one of ``quality`` and ``nearest`` that was measured."""
        return self.nearest if self.quality is None else self.quality

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)


def speed_up(one: Measured, original: Measured) -> float:
    """Times as fast, for texts in bulk and alone alike: the geometric mean of the two."""
    return sqrt(one.texts_per_second / original.texts_per_second * original.single_ms / one.single_ms)


def refusal(one: Measured, original: Measured, rows: int) -> str:
    """Why an engine may not serve; empty where it may. Both were measured on so many ``rows``.

    A single row may be lost: of fewer than 334 rows one is more than 0.3 points. That is not said of ``nearest``, where
    two texts that are as good as equally near may change places for nothing.
    """
    loss, most = _loss(one.quality, original.quality), max(MOST_LOSS, 1.001 / rows)
    if one.quality is None:
        loss, most = _loss(one.nearest, original.nearest), MOST_LOSS
    if loss > most > MOST_LOSS:
        return said("loses {loss} points: more than one of {rows} rows", loss=f"{100 * loss:.2f}", rows=str(rows))
    if loss > most:
        return said(
            "loses {loss} points, at most {most} are allowed", loss=f"{100 * loss:.2f}", most=f"{100 * MOST_LOSS:g}"
        )
    if one.agreement < LEAST_AGREEMENT:
        return said(
            "agrees with the original to {share} %, {least} % are needed",
            share=f"{100 * one.agreement:.1f}",
            least=f"{100 * LEAST_AGREEMENT:g}",
        )
    if one.alone < LEAST_ALONE:
        return said(
            "answers differently when texts are asked together ({share} % the same)", share=f"{100 * one.alone:.1f}"
        )
    if speed_up(one, original) < WORTHWHILE:
        return said("is no faster than the original")
    return ""


def _loss(one: float | None, original: float | None) -> float:
    return 0.0 if one is None or original is None else original - one


def choose(original: Measured, engines: Sequence[Measured], rows: int) -> Measured | None:
    """The fastest that may serve; None: the original goes on serving."""
    allowed = [one for one in engines if not refusal(one, original, rows)]
    return max(allowed, key=lambda one: speed_up(one, original), default=None)
