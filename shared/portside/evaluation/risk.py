"""A promise on mistakes: answer only what is sure enough for at most a share ``risk`` of the answers to be wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import ceil, log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portside.errors import UsageError
from portside.said import said

__all__ = ["RiskCoverage", "RiskPromise", "promise_risk", "risk_coverage", "rows_needed"]

STEPS = 20
"""Thresholds tried, at equal shares of the rows."""
HEAD_START = 2
"""Times as many rows as a promise takes without any mistake, before a threshold is tried: one may then be wrong."""
CURVE_POINTS = 200


@dataclass(frozen=True)
class RiskPromise:
    """What can be promised, from n labelled rows that the model has not learned from."""

    risk: float
    """Share of the answers that may be wrong."""
    certainty: float
    """Chance that the promise is true, over the draw of the rows: 1 - delta."""
    threshold: float | None
    """Answer where the confidence is at least this; None: nothing can be promised."""
    answered: float
    """Share of the rows that reach it."""
    wrong: float
    """Share of those that are wrong, on the same rows: less than ``risk``, by a margin for bad luck."""
    n: int
    needed: int
    """Rows without any mistake that the promise takes at the least."""

    @property
    def sentence(self) -> str:
        """What is promised, to whom relies on it."""
        risk, n = f"{100 * self.risk:g}", f"{self.n:,}"
        if self.threshold is None and self.n < HEAD_START * self.needed:
            return said(
                "'At most {risk} % wrong' cannot be promised: {n} labelled rows are too few, it takes at least "
                "{needed} that the model has not learned from.",
                risk=risk,
                n=n,
                needed=f"{HEAD_START * self.needed:,}",
            )
        if self.threshold is None:
            return said(
                "'At most {risk} % wrong' cannot be promised: the model is wrong too often even where it is surest.",
                risk=risk,
            )
        return said(
            "Answering only where it is at least {sure} % sure, the model answers {answered} % of texts like these, at "
            "most {risk} % wrong among them (certain to {certainty} %, n = {n}).",
            sure=f"{100 * self.threshold:.1f}",
            answered=f"{100 * self.answered:.0f}",
            risk=risk,
            certainty=f"{100 * self.certainty:g}",
            n=n,
        )

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)


@dataclass(frozen=True)
class RiskCoverage:
    """How many answers are wrong, by the share of texts that is answered, the surest first."""

    answered: Sequence[float]
    wrong: Sequence[float]
    area: float
    """Under the whole curve (AURC): the mean share of wrong answers over all shares answered."""


def rows_needed(risk: float, delta: float) -> int:
    """Rows, all answered rightly, from which a share of mistakes up to ``risk`` can be promised at all."""
    return ceil(log(delta) / log(1 - risk))


def promise_risk(
    confidence: NDArray[np.floating], right: NDArray[np.bool_], *, risk: float, delta: float = 0.05
) -> RiskPromise:
    """The lowest threshold that keeps the share of wrong answers to ``risk``, with chance 1 - ``delta``.

    Both arrays have the shape (n,); a text from outside counts as wrong when it is answered. From the surest on, each
    threshold is tested against "more than ``risk`` of its answers are wrong" by the exact binomial tail, that is
    Clopper and Pearson's bound, and the first that cannot be refuted ends the search: fixed-sequence testing, which
    spends ``delta`` once however many thresholds are tried. Source: Angelopoulos et al., "Learn then Test", 2021.

    Raises:
        UsageError: ``risk`` or ``delta`` is no share between 0 and 1.
    """
    from scipy.stats import binom

    for name, value in (("risk", risk), ("delta", delta)):
        if not 0 < value < 1:
            raise UsageError(f"{name} is a share between 0 and 1", seen=str(value), remedy="For 5 % say 0.05")
    claimed, hit = np.asarray(confidence, dtype=np.float64), np.asarray(right, dtype=bool)
    n, needed = len(claimed), rows_needed(risk, delta)
    order = np.argsort(-claimed, kind="stable")
    claimed, mistakes = claimed[order], np.cumsum(~hit[order])
    found = RiskPromise(risk, 1 - delta, None, 0.0, 0.0, n, needed)
    for step in range(1, STEPS + 1):
        asked = ceil(n * step / STEPS)
        if asked < HEAD_START * needed:
            continue
        # Equally sure answers are given together.
        threshold = float(claimed[asked - 1])
        answered = int(np.searchsorted(-claimed, -threshold, side="right"))
        wrong = int(mistakes[answered - 1])
        if float(binom.cdf(wrong, answered, risk)) > delta:
            break
        found = RiskPromise(risk, 1 - delta, threshold, answered / n, wrong / answered, n, needed)
    return found


def risk_coverage(confidence: NDArray[np.floating], right: NDArray[np.bool_]) -> RiskCoverage:
    """The risk-coverage curve, at most ``CURVE_POINTS`` of its points (El-Yaniv and Wiener, JMLR 2010).

    Raises:
        UsageError: there are no rows.
    """
    n = len(confidence)
    if not n:
        raise UsageError("A risk-coverage curve is drawn from rows", seen="none")
    order = np.argsort(-np.asarray(confidence, dtype=np.float64), kind="stable")
    answered = np.arange(1, n + 1)
    wrong = np.cumsum(~np.asarray(right, dtype=bool)[order]) / answered
    shown = np.unique(np.linspace(0, n - 1, min(n, CURVE_POINTS)).astype(int))
    return RiskCoverage((answered[shown] / n).tolist(), wrong[shown].tolist(), float(wrong.mean()))
