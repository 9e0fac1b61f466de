"""The evaluation as a whole: learn before the cut, make lists as they are served, judge them against simple rivals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from portside.progress import Progress
from portside.said import said
from portside_recommend.choices import settle
from portside_recommend.config import RecommendConfig
from portside_recommend.judging import Interval, Outcome, Split, judge, outcome, paired_gain, rival_lists, split
from portside_recommend.learning import Learned, Source, Teacher, learn, make_shelf
from portside_recommend.rules import best_rows

__all__ = ["OURS", "measure"]

OURS = "Portside"
REPORT_EVERY = 50
"""Cases between two reports of progress."""


def measure(
    source: Source, protocol: str, teach: Teacher | None, config: RecommendConfig, progress: Progress
) -> dict[str, Any]:
    """The report of one evaluation, as JSON.

    Everything that is learned (encoder, weights, behaviour, popularity) is learned from the events before the cut.

    Raises:
        DataError: the events cannot be split so.
    """
    held = split(source.log, protocol, config.evaluation.test_fraction)
    known = replace(source, log=held.train)
    learned = learn(known, teach, config, progress)
    shelf = make_shelf(known, learned.behaviour, learned.vectors, learned.weights, "evaluation")
    k = config.evaluation.k
    lists = []
    for place, case in enumerate(held.cases):
        if place % REPORT_EVERY == 0:
            progress.update(place, len(held.cases), said("making the list of user {place}", place=f"{place + 1:,}"))
        history = case.history.newest(config.history_length)
        lists.append(best_rows(shelf, history, config, top=k, diversity=config.diversity).rows)
    results = {OURS: outcome(lists, held.cases, k)}
    for name, rival in rival_lists(settle(held.train), held.cases, k):
        progress.update(1, 1, said("judging {name}", name=name))
        results[name] = outcome(rival, held.cases, k)
    return _report(source, held, learned, results, config)


def _report(
    source: Source, held: Split, learned: Learned, results: dict[str, Outcome], config: RecommendConfig
) -> dict[str, Any]:
    options = {"resamples": config.evaluation.resamples, "seed": config.evaluation.seed}
    judge_one: Callable[[Outcome], Any] = lambda result: judge(result, len(source.items), **options)  # noqa: E731
    methods = {
        name: {metric: _triple(value) for metric, value in vars(judge_one(result)).items()}
        for name, result in results.items()
    }
    gains = {name: paired_gain(results[OURS], rival, **options) for name, rival in results.items() if name != OURS}
    timed = held.protocol == "time"
    return {
        "protocol": held.protocol,
        "cut": datetime.fromtimestamp(held.cut / 1000, tz=UTC).isoformat() if timed else None,
        "k": config.evaluation.k,
        "cases": len(held.cases),
        "items": len(source.items),
        "events_before": len(held.train),
        "events": len(source.log),
        "model": _model(source, learned),
        "fine_tuned": learned.fine_tuned_wins,
        "training": asdict(learned.trained) if learned.trained else None,
        "weights": learned.weights.to_dict(),
        "validation": _validation(learned),
        "behaviour": learned.behaviour.method,
        "diversity": config.diversity,
        "methods": methods,
        "gains": {name: {"ndcg": _triple(verdict.gain), "better": verdict.better} for name, verdict in gains.items()},
    }


def _model(source: Source, learned: Learned) -> str:
    if learned.fine_tuned_wins:
        return f"{source.encoder.model}, fine-tuned on the events before the cut"
    return source.encoder.model


def _validation(learned: Learned) -> dict[str, Any] | None:
    if learned.tuned is None:
        return None
    return {
        "ndcg": learned.tuned.ndcg,
        "ndcg_before": learned.tuned.before,
        "ndcg_other_encoder": learned.rival_ndcg,
        "cases": learned.tuned.cases,
        "tried": learned.tuned.tried,
    }


def _triple(interval: Interval) -> list[float]:
    return [interval.value, interval.low, interval.high]
