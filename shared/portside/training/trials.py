"""The trials of a search as plain records, and what is decided about them. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from portside.training.space import Value

__all__ = ["Trial", "best_of", "finished", "is_lost", "ordinal", "tenths"]

FINISHED = ("complete", "pruned", "failed")
TENTHS = 10
STALE_SECONDS = 900.0
"""A process on another machine that said nothing for so long is taken for dead; it speaks every half minute."""


@dataclass(frozen=True)
class Trial:
    """One recipe that was tried, or is to be."""

    number: int
    state: str
    """``complete``, ``pruned``, ``failed``, ``interrupted`` (tried again under another number), ``running`` or
    ``waiting``."""
    score: float | None = None
    """On validation rows; of a pruned trial the last that was measured."""
    values: Mapping[str, Value] = field(default_factory=dict)
    reason: str = ""
    """Why it failed or was interrupted."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What else was kept with it."""

    @property
    def owner(self) -> str:
        """The process that does it, as ``ProcessMark`` writes it."""
        return str(self.facts.get("owner", ""))

    @property
    def beat(self) -> float:
        """When that process was last heard of, in seconds since 1970."""
        return float(self.facts.get("beat", 0.0))

    @property
    def kills(self) -> int:
        """How often a process died in it, this one's predecessors included."""
        return int(self.facts.get("kills", 0))

    @property
    def retry_of(self) -> int | None:
        """The trial in whose place this one is."""
        found = self.facts.get("retry_of")
        return None if found is None else int(found)

    @property
    def wanted(self) -> Mapping[str, Value]:
        """Values it was to take whatever the sampler says."""
        return dict(self.facts.get("wanted", {}))

    @property
    def seconds(self) -> float:
        """Time it took; 0 where it did not come to its end."""
        return float(self.facts.get("seconds", 0.0))


def finished(trials: Sequence[Trial]) -> list[Trial]:
    """Those that count: completed, pruned, or failed through their own fault."""
    return [one for one in trials if one.state in FINISHED]


def best_of(trials: Sequence[Trial]) -> Trial | None:
    """The completed trial with the highest score, the first of equals; None where none was completed."""
    scored = [one for one in trials if one.state == "complete" and one.score is not None]
    return max(scored, key=lambda one: (one.score or 0.0, -one.number), default=None)


def ordinal(trials: Sequence[Trial]) -> int:
    """The place of the next trial among those that count or will, whatever was interrupted in between."""
    return len(finished(trials)) + sum(one.state == "running" for one in trials)


def is_lost(alive: bool | None, silent_seconds: float) -> bool:
    """Whether a running trial's process is gone; ``alive`` None: it cannot be looked up from here."""
    return silent_seconds > STALE_SECONDS if alive is None else not alive


def tenths(before: Mapping[int, float], share: float, score: float) -> dict[int, float]:
    """Scores to note after ``share`` of a training, by tenth: ``score``, and the last one for the tenths between.

    ``before`` holds what was noted already; a tenth that has its score keeps it.
    """
    now = min(TENTHS, int(TENTHS * share + 1e-9))
    last = max(before, default=0)
    between = {tenth: before[last] for tenth in range(last + 1, now)} if before else {}
    return {**between, now: score} if now > last else {}
