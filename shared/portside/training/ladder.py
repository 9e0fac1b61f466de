"""Which method ``auto`` tries after the cheapest one, whether it keeps it, and how it says so. Pure decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Literal

from portside.evaluation.significance import Paired

__all__ = ["SIGNIFICANT", "Rung", "Verdict", "dearer_rung", "kept_unasked", "verdict"]

FEW_TEXTS = 200
"""Texts of a typical label up to which few-shot training is the dearer method; above it is full fine-tuning. On rows
kept aside from BANKING77 (110 a label) it reaches in two passes 93.5 %, full fine-tuning in five 92.9 %; on those of
PhraseBank (1,000 a label) the two are alike."""
MOST_FEW_ROWS = 20_000
"""Rows above which there is enough to fine-tune on, however many labels they are spread over."""
SIGNIFICANT = 0.05
"""Chance of so good a result for an equally good method, under which the dearer one is taken."""


@dataclass(frozen=True)
class Rung:
    """A method to try, and why this one."""

    method: Literal["few-shot", "full"]
    because: str


@dataclass(frozen=True)
class Verdict:
    """The method that is kept, and why in a sentence."""

    method: str
    sentence: str
    tried: Sequence[dict[str, Any]] = ()
    """Method and accuracy of each, on the same rows."""
    paired: Paired | None = None

    def to_card(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {
            "chosen": self.method,
            "sentence": self.sentence,
            "tried": list(self.tried),
            "paired": None if self.paired is None else asdict(self.paired),
        }


def dearer_rung(rows_per_label: Sequence[int]) -> Rung:
    """The method that is worth its time on so many rows of each label."""
    typical, rows = median(rows_per_label), sum(rows_per_label)
    if typical <= FEW_TEXTS and rows <= MOST_FEW_ROWS:
        return Rung("few-shot", f"with {typical:.0f} texts a label every one counts")
    return Rung("full", f"{rows:,} texts are enough to fine-tune all weights on")


def verdict(rung: Rung, cheap: Sequence[bool], dear: Sequence[bool], paired: Paired) -> Verdict:
    """Keep the prototype unless ``rung`` is significantly better; both answered the same rows."""
    shares = [sum(one) / max(len(one), 1) for one in (cheap, dear)]
    tried = [
        {"method": method, "accuracy": share, "n": len(cheap)}
        for method, share in zip(("prototype", rung.method), shares, strict=True)
    ]
    said = f"{100 * shares[1]:.1f} % against {100 * shares[0]:.1f} % of {len(cheap):,} rows right"
    if paired.p_better < SIGNIFICANT:
        because = f"{rung.because}, and it is significantly better than prototype ({said}, p = {paired.p_better:.3f})"
        return Verdict(rung.method, f"{rung.method}: {because}", tried, paired)
    because = f"{rung.method} is not significantly better ({said}, p = {paired.p_better:.3f}) and takes longer to train"
    return Verdict("prototype", f"prototype: {because}", tried, paired)


def kept_unasked(method: str, why: str) -> Verdict:
    """A verdict where two methods could not be compared."""
    return Verdict(method, f"{method}: {why}")
