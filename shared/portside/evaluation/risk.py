"""A promise on mistakes: answer only what is sure enough for at most a share ``risk`` of the answers to be wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import ceil, log, log1p
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portside.errors import UsageError
from portside.said import said

__all__ = [
    "RISKS",
    "RiskCoverage",
    "RiskPromise",
    "TextPromise",
    "promise_risk",
    "promise_texts",
    "risk_coverage",
    "rows_needed",
    "together",
]

RISKS = (0.02, 0.05, 0.10)
"""Shares of mistakes that are tried where nobody asks for others."""
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
class TextPromise:
    """What can be promised of answers of which a text may have several, from n texts that have any."""

    risk: float
    """Share of the texts with answers that may have a wrong one among them."""
    certainty: float
    """Chance that the promise is true, over the draw of the texts: 1 - delta."""
    threshold: float | None
    """Give answers of at least this confidence; None: nothing can be promised."""
    kept: float
    """Share of the answers that reach it."""
    wrong: float
    """Share of the texts which keep an answer that have a wrong one, on the same texts."""
    n: int
    needed: int
    """Texts without any mistake that the promise takes at the least."""

    def sentence(self, answers: str) -> str:
        """What is promised, to whom relies on it; ``answers`` is what they are called: names, labels."""
        risk, n = f"{100 * self.risk:g}", f"{self.n:,}"
        if self.threshold is None and self.n < HEAD_START * self.needed:
            return said(
                "'Wrong {answers} in at most {risk} % of texts' cannot be promised: {n} texts that get any are too "
                "few, it takes at least {needed} that the model has not learned from.",
                answers=answers,
                risk=risk,
                n=n,
                needed=f"{HEAD_START * self.needed:,}",
            )
        if self.threshold is None:
            return said(
                "'Wrong {answers} in at most {risk} % of texts' cannot be promised: the model is wrong too often even "
                "where it is surest.",
                answers=answers,
                risk=risk,
            )
        return said(
            "Giving only {answers} of which it is at least {sure} % sure, the model gives {kept} % of those it finds; "
            "at most {risk} % of the texts that get any have a wrong one among them (certain to {certainty} %, "
            "n = {n}).",
            answers=answers,
            sure=f"{100 * self.threshold:.1f}",
            kept=f"{100 * self.kept:.0f}",
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


def together(promises: Sequence[RiskPromise | TextPromise]) -> str | None:
    """How certain it is that all of ``promises``, made from the same rows, hold at once; None of fewer than two.

    Each tests its own share of mistakes and spends its own delta: the promise of 2 % may fail where that of 5 % holds,
    and the other way round, so that by Boole's inequality the chances of failing add up. What was tried counts,
    promised or not: which of them can be promised is only known from the rows.
    """
    if sum(one.threshold is not None for one in promises) < 2:
        return None
    failing = sum(1 - one.certainty for one in promises)
    return said(
        "Each of these promises by itself is certain to {certainty} %; that all of them hold at once is certain to "
        "{together} % at least.",
        certainty=f"{100 * min(one.certainty for one in promises):g}",
        together=f"{100 * max(0.0, 1 - failing):g}",
    )


def rows_needed(risk: float, delta: float) -> int:
    """Rows, all answered rightly, from which a share of mistakes up to ``risk`` can be promised at all."""
    return ceil(log(delta) / log1p(-risk))


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
    claimed, hit = np.asarray(confidence, dtype=np.float64), np.asarray(right, dtype=bool)
    n, needed = len(claimed), rows_needed(_share("risk", risk), _share("delta", delta))
    found = _lowest(claimed, claimed[~hit], risk, delta)
    if found is None:
        return RiskPromise(risk, 1 - delta, None, 0.0, 0.0, n, needed)
    threshold, answered, wrong = found
    return RiskPromise(risk, 1 - delta, threshold, answered / n, wrong / answered, n, needed)


def promise_texts(
    confidence: NDArray[np.floating],
    right: NDArray[np.bool_],
    text: NDArray[np.integer],
    *,
    risk: float,
    delta: float = 0.05,
) -> TextPromise:
    """The lowest threshold that keeps the share of texts with a wrong answer to ``risk``, with chance 1 - ``delta``.

    Of answers of which a text may have several, all arrays of shape (answers,); ``text`` says whose each is. Answers to
    one text are not independent, texts are: so a text that keeps an answer counts once, as wrong where one of those
    that it keeps is wrong. Tested as in ``promise_risk``.

    Raises:
        UsageError: ``risk`` or ``delta`` is no share between 0 and 1.
    """
    claimed, hit = np.asarray(confidence, dtype=np.float64), np.asarray(right, dtype=bool)
    names, whose = np.unique(np.asarray(text), return_inverse=True)
    n, needed = len(names), rows_needed(_share("risk", risk), _share("delta", delta))
    surest, slip = np.full(n, -np.inf), np.full(n, -np.inf)
    np.maximum.at(surest, whose, claimed)
    np.maximum.at(slip, whose[~hit], claimed[~hit])
    found = _lowest(surest, slip[np.isfinite(slip)], risk, delta)
    if found is None:
        return TextPromise(risk, 1 - delta, None, 0.0, 0.0, n, needed)
    threshold, given, wrong = found
    return TextPromise(risk, 1 - delta, threshold, float((claimed >= threshold).mean()), wrong / given, n, needed)


def _share(name: str, value: float) -> float:
    if not 0 < value < 1:
        raise UsageError(f"{name} is a share between 0 and 1", seen=str(value), remedy="For 5 % say 0.05")
    return value


def _lowest(
    surest: NDArray[np.float64], slips: NDArray[np.float64], risk: float, delta: float
) -> tuple[float, int, int] | None:
    """Threshold, units that reach it, and the wrong ones of these; None where nothing can be promised.

    A unit is answered from ``surest`` on; ``slips`` has, of each unit that is ever wrong, from where on it is.
    """
    from scipy.stats import binom

    n, least = len(surest), HEAD_START * rows_needed(risk, delta)
    falling, wrong_from = np.sort(-surest), np.sort(-slips)
    found = None
    for step in range(1, STEPS + 1):
        asked = ceil(n * step / STEPS)
        if asked < least:
            continue
        # Equally sure answers are given together.
        threshold = float(-falling[asked - 1])
        answered = int(np.searchsorted(falling, -threshold, side="right"))
        wrong = int(np.searchsorted(wrong_from, -threshold, side="right"))
        if float(binom.cdf(wrong, answered, risk)) > delta:
            break
        found = threshold, answered, wrong
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
