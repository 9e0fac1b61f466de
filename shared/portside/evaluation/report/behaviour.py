"""How the model bears typos, negation and other names: a section from the suites that were tried."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

from portside.evaluation.behaviour import BehaviourReport, TestResult, run_suites
from portside.evaluation.report.parts import Bar, Cell, Chart, Section, Table, percent
from portside.evaluation.suite_files import find_suites
from portside.inference.interfaces import TextClassifier
from portside.said import said

__all__ = ["behaviour_section", "tried_on"]

TEXTS = 100
"""Texts that the suites are tried on, drawn at random."""


def tried_on(
    model: TextClassifier,
    texts: Sequence[str],
    home: Path,
    *,
    seed: int = 0,
    suites: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Section:
    """Try all suites, the built-in ones and those in ``home``, on some of the texts; ``suites`` names others.

    ``progress`` is told how many texts, changed ones too, the model has answered of how many.

    Raises:
        DataError: a suite's file breaks a rule.
    """
    chosen = sorted(Random(seed).sample(range(len(texts)), min(TEXTS, len(texts))))
    some = [texts[place] for place in chosen]
    return behaviour_section(run_suites(model, find_suites(suites, home), some, seed=seed, report=progress))


def behaviour_section(found: BehaviourReport) -> Section:
    """Pass rates with their intervals, what fell short of what is demanded, and groups that are treated otherwise."""
    tried = [one for one in found.results if one.rate is not None]
    tried.sort(key=lambda one: (one.rate or 0.0, one.test.name))
    biased = [one.bias.sentence for one in tried if one.bias is not None and one.bias.shown]
    section = Section(
        key="behaviour",
        title="How it bears small changes",
        sentences=[said("Tried on {n} texts. {found}", n=f"{found.n:,}", found=found.sentence)],
        warnings=biased,
    )
    if not tried:
        return section
    failures: list[list[Cell]] = [
        [one.test.name, failure.text[:120], failure.changed[:120], failure.said]
        for one in tried
        for failure in one.failures
    ]
    weakest = tried[0]
    return Section(
        key=section.key,
        title=section.title,
        sentences=section.sentences,
        warnings=section.warnings,
        charts=[
            Chart(
                title="Texts that pass, by test",
                summary=said(
                    "The weakest test is {test}: {share} pass; a line shows the 95 % interval.",
                    test=weakest.test.name,
                    share=percent(weakest.rate or 0.0, 0),
                ),
                x_title="texts that pass",
                y_title="test",
                bars=[
                    Bar(
                        said("{test} ({n})", test=one.test.name, n=f"{one.applicable:,}"),
                        one.rate or 0.0,
                        *one.interval,
                        one.verdict == "missed",
                    )
                    for one in tried
                ],
            )
        ],
        tables=[*_explained(tried), *([_failed(failures)] if failures else [])],
    )


def _explained(tried: Sequence[TestResult]) -> list[Table]:
    told: list[list[Cell]] = [[one.test.name, one.test.about] for one in tried if one.test.about]
    return [Table("What each test does", ["test", "what it does"], told)] if told else []


def _failed(failures: Sequence[Sequence[Cell]]) -> Table:
    title = said("Texts that did not pass ({n})", n=len(failures))
    return Table(title, ["test", "text", "changed to", "said"], failures)
