"""What a search found: for the card of the winner, and as pictures beside its weights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portside.registry import ModelVersion
from portside.training.search_pictures import draw_history, draw_importance
from portside.training.study import SearchStudy
from portside.training.trials import Trial, finished

__all__ = ["HISTORY_FILE", "IMPORTANCE_FILE", "Found", "card_of", "write_pictures"]

HISTORY_FILE, IMPORTANCE_FILE = "search-history.svg", "search-importance.svg"


@dataclass(frozen=True)
class Found:
    """The outcome of a search."""

    version: ModelVersion
    """The winner, registered."""
    trials: Sequence[Trial]
    best: Trial
    importance: Mapping[str, float]
    """Share of each searched field, the largest first; empty where the trials are too few to tell."""
    fresh: bool
    """It was registered by this call, not by an earlier one."""


def card_of(
    study: SearchStudy, trials: Sequence[Trial], best: Trial, importance: Mapping[str, float]
) -> dict[str, Any]:
    """The part ``search`` of the winner's card."""
    counts = Counter(one.state for one in trials)
    first = next((one for one in trials if one.wanted and one.retry_of is None), None)
    return {
        "study_id": study.id,
        "study_file": str(study.path),
        "trials": len(finished(trials)),
        "completed": counts["complete"],
        "pruned": counts["pruned"],
        "failed": counts["failed"],
        "interrupted": counts["interrupted"],
        "metric": best.facts["metric"],
        "best_trial": best.number,
        "best_score": best.score,
        "default_score": _outcome(first, trials),
        "best_parameters": dict(best.values),
        "importance": {name: round(share, 4) for name, share in importance.items()},
        "space": {name: str(dimension) for name, dimension in study.space.items()},
        "seconds": round(sum(one.seconds for one in trials), 1),
        "failures": list(dict.fromkeys(one.reason for one in trials if one.state == "failed")),
    }


def _outcome(first: Trial | None, trials: Sequence[Trial]) -> float | None:
    """The score of the recipe itself; it may have been interrupted and tried again."""
    retried = {one.retry_of: one for one in trials if one.retry_of is not None}
    while first is not None and first.number in retried:
        first = retried[first.number]
    return first.score if first is not None and first.state == "complete" else None


def write_pictures(
    folder: Path, trials: Sequence[Trial], importance: Mapping[str, float], metric: str
) -> dict[str, str]:
    """Draw into ``folder``; what was drawn, and its file there."""
    drawn = {"history": (HISTORY_FILE, draw_history(trials, metric))}
    if importance:
        drawn["importance"] = (IMPORTANCE_FILE, draw_importance(importance))
    for name, picture in drawn.values():
        (folder / name).write_text(picture, encoding="utf-8")
    return {what: name for what, (name, _) in drawn.items()}
