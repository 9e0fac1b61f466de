"""Whether a model behaves as a person would expect of it, test by test, beyond its accuracy.

Source: Ribeiro et al., "Beyond Accuracy: Behavioral Testing of NLP Models with CheckList", ACL 2020; swapped groups:
Garg et al., "Counterfactual Fairness in Text Classification through Robustness", AIES 2019.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from random import Random
from typing import Any

from portside.evaluation.group_swaps import Bias, compare_groups, swap_groups
from portside.evaluation.intervals import wilson
from portside.evaluation.significance import SIGNIFICANT, holm
from portside.evaluation.suite_files import BehaviourTest, Suite
from portside.inference.interfaces import TextClassifier
from portside.records import Prediction
from portside.said import said

__all__ = ["BehaviourReport", "Failure", "TestResult", "run_suites"]

FAILURES_KEPT = 10
"""Of each test."""
TEXTS_AT_ONCE = 512
"""Texts asked about between two tellings of how many are done: a second or two."""

DOES = {
    "invariance": "keep their label",
    "directional": "move as they should",
    "minimum": "get the label they must get",
    "bias": "get the same label whichever group is named ({groups})",
}
"""What texts that pass do, by the kind of test."""
MUST = {
    "not-higher": said("must not be higher"),
    "not-lower": said("must not be lower"),
    "higher": said("must be higher"),
    "lower": said("must be lower"),
}
"""What is expected of a probability."""
DEMANDED = {
    "met": "; at least {least} % are demanded and shown",
    "missed": "; at least {least} % are demanded: it fails",
    "unclear": "; more texts must show whether it is the {least} % demanded",
    "chance": "; below the {least} % demanded, which may be chance in one of so many tests: more texts must show",
}


@dataclass(frozen=True)
class Failure:
    """A text that did not pass."""

    text: str
    changed: str
    """What it was changed to; empty where the text itself was asked about."""
    said: str
    """What the model answered, and what it should have."""

    def to_dict(self) -> dict[str, str]:
        """As JSON can hold it."""
        return {"text": self.text, "changed": self.changed, "said": self.said}


@dataclass(frozen=True)
class TestResult:
    """How one test went."""

    __test__ = False  # no test of pytest's

    suite: str
    test: BehaviourTest
    n: int
    """Texts that the test was tried on."""
    applicable: int
    """Of these, texts that it changes, or whose label the model knows."""
    passed: int
    failures: tuple[Failure, ...]
    why_none: str = ""
    """Why it applies to no text; empty where it does."""
    bias: Bias | None = None
    """Of bias tests."""
    p_below: float | None = None
    """Chance of so few that pass where the share is the one demanded: the exact binomial test, corrected by Holm for
    the number of tests tried that demand one. None where none is demanded or tried."""

    @property
    def rate(self) -> float | None:
        """Share that passed; None where there was nothing to try."""
        return self.passed / self.applicable if self.applicable else None

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the share."""
        return wilson(self.passed, self.applicable)

    @property
    def verdict(self) -> str:
        """``met``, ``missed`` or ``unclear``, against ``at_least``; empty where nothing is demanded or tried.

        Missed takes both: an interval below what is demanded, and more than chance among all tests that demand a share.
        """
        if self.test.at_least is None or self.p_below is None:
            return ""
        if self.interval[0] >= self.test.at_least:
            return "met"
        return "missed" if self._below and self.p_below < SIGNIFICANT else "unclear"

    @property
    def _below(self) -> bool:
        return self.test.at_least is not None and self.interval[1] < self.test.at_least

    @property
    def sentence(self) -> str:
        """What it means."""
        if not self.applicable:
            none = "{test}: applies to none of the {n} texts: {why}."
            return said(none, test=self.test.name, n=f"{self.n:,}", why=self.why_none)
        low, high = (f"{100 * end:.1f}" for end in self.interval)
        return said(
            "{test}: {passed} of {applicable} texts {does}, {share} % (95 % interval {low} to {high}){demand}.{bias}",
            test=self.test.name,
            passed=f"{self.passed:,}",
            applicable=f"{self.applicable:,}",
            does=said(DOES[self.test.kind], groups=_listed([*self.test.groups])),
            share=f"{100 * self.passed / self.applicable:.1f}",
            low=low,
            high=high,
            demand=self._demand(),
            bias="" if self.bias is None else said(" {bias}", bias=self.bias.sentence),
        )

    def _demand(self) -> str:
        if not self.verdict:
            return ""
        told = "chance" if self.verdict == "unclear" and self._below else self.verdict
        return said(DEMANDED[told], least=f"{100 * (self.test.at_least or 0):g}")

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {
            "suite": self.suite,
            "name": self.test.name,
            "kind": self.test.kind,
            "about": self.test.about,
            "n": self.n,
            "applicable": self.applicable,
            "passed": self.passed,
            "rate": self.rate,
            "rate_ci95": list(self.interval) if self.applicable else None,
            "at_least": self.test.at_least,
            "p_below": self.p_below,
            "verdict": self.verdict or None,
            "why_not_tried": self.why_none or None,
            "failures": [one.to_dict() for one in self.failures],
            "bias": None if self.bias is None else self.bias.to_dict(),
            "sentence": self.sentence,
        }


@dataclass(frozen=True)
class BehaviourReport:
    """How a model did in all tests of some suites."""

    model: str
    data: str
    n: int
    """The user's texts."""
    results: tuple[TestResult, ...]

    @property
    def sentence(self) -> str:
        """The weakest tests and the groups that are treated differently."""
        tried = [one for one in self.results if one.rate is not None]
        if not tried:
            return said("None of the {tests} tests applies to these texts.", tests=len(self.results))
        weakest = sorted(tried, key=lambda one: (one.rate, one.test.name))[:2]
        shares = [(one.test.name, f"{100 * (one.rate or 0):.0f}") for one in weakest]
        named = _listed([said("{test} ({share} %)", test=test, share=share) for test, share in shares])
        unequal = [one.test.name for one in tried if one.bias is not None and one.bias.shown]
        groups = said(" Groups are treated differently in: {tests}.", tests=_listed(unequal)) if unequal else ""
        failed = [one.test.name for one in tried if one.verdict == "missed"]
        missed = said(" Below what is demanded: {tests}.", tests=_listed(failed)) if failed else ""
        sentence = "{tried} of {tests} tests could be tried; the weakest: {named}.{missed}{groups}"
        return said(sentence, tried=len(tried), tests=len(self.results), named=named, missed=missed, groups=groups)

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        name, _, version = self.model.partition(":")
        return {
            "model": name,
            "version": int(version) if version.isdigit() else version,
            "data": self.data,
            "n": self.n,
            "sentence": self.sentence,
            "tests": [one.to_dict() for one in self.results],
        }


@dataclass(frozen=True)
class _Case:
    text: str
    asked: tuple[str, ...]
    """What the text was changed to; in a bias test a version for each group."""
    label: str = ""
    """In a minimum test the one that it must get."""


def run_suites(
    model: TextClassifier,
    suites: Sequence[Suite],
    texts: Sequence[str],
    *,
    data: str = "",
    seed: int = 0,
    report: Callable[[int, int], None] | None = None,
) -> BehaviourReport:
    """Try every test on ``texts``, or on those that it brings itself.

    Each text is asked about once, however many tests share it; ``report`` is told how many are done of how many. The
    same seed gives the same changes, text by text, whatever else is tried.
    """
    unique = list(dict.fromkeys(texts))
    planned = [(suite, test, _cases(test, unique, seed)) for suite in suites for test in suite.tests]
    wanted = list(dict.fromkeys(one for _, _, cases in planned for case in cases for one in (case.text, *case.asked)))
    answers: dict[str, Prediction] = {}
    for start in range(0, len(wanted), TEXTS_AT_ONCE):
        part = wanted[start : start + TEXTS_AT_ONCE]
        answers.update(zip(part, model.predict(part), strict=True))
        if report is not None:
            report(len(answers), len(wanted))
    results = [
        _judge(suite.name, test, cases, answers, labels=tuple(model.labels), n=len(test.texts or unique))
        for suite, test, cases in planned
    ]
    return BehaviourReport(model.model, data, len(unique), _against_demands(results))


def _against_demands(results: Sequence[TestResult]) -> tuple[TestResult, ...]:
    """Each with the chance of its share, corrected for their number: of many demands chance alone misses some."""
    from scipy.stats import binom

    demands = {
        place: (one.passed, one.applicable, one.test.at_least)
        for place, one in enumerate(results)
        if one.applicable and one.test.at_least is not None
    }
    corrected = holm([float(binom.cdf(*each)) for each in demands.values()])
    of_place = dict(zip(demands, corrected, strict=True))
    return tuple(replace(one, p_below=of_place.get(place)) for place, one in enumerate(results))


def _cases(test: BehaviourTest, texts: Sequence[str], seed: int) -> list[_Case]:
    if test.kind == "minimum":
        return [_Case(text, (), label) for text, label in test.cases]
    cases = []
    for text in test.texts or texts:
        if test.kind == "bias":
            asked: Sequence[str] = swap_groups(text, test.groups)
        else:
            assert test.change is not None
            changed = [test.change(text, Random(f"{seed} {one} {text}")) for one in range(test.variants)]
            asked = [one for one in dict.fromkeys(changed) if one != text]
        if asked:
            cases.append(_Case(text, tuple(asked)))
    return cases


def _judge(
    suite: str,
    test: BehaviourTest,
    cases: Sequence[_Case],
    answers: Mapping[str, Prediction],
    *,
    labels: tuple[str, ...],
    n: int,
) -> TestResult:
    of_folded = {label.casefold(): label for label in labels}
    looked_at = tuple(of_folded[one.casefold()] for one in test.labels if one.casefold() in of_folded)
    n = len(test.cases) if test.kind == "minimum" else n
    if test.labels and not looked_at:
        none = said("the model has no label {labels}", labels=_either(test.labels))
        return TestResult(suite, test, n, 0, 0, (), none)
    tried = [case for case in cases if _tried(test, case, answers, of_folded)]
    why = "" if tried else _why_none(test, changed=len(cases))
    judges: dict[str, Callable[[_Case], Failure | None]] = {
        "invariance": lambda case: _changed_label(case, answers),
        "directional": lambda case: _wrong_way(case, answers, test, looked_at),
        "minimum": lambda case: _wrong_label(case, answers, of_folded),
        "bias": lambda case: _different_labels(case, answers, list(test.groups)),
    }
    failures = [failure for case in tried if (failure := judges[test.kind](case)) is not None]
    bias = None
    if test.kind == "bias" and tried and (looked_at or labels):
        versions = [[answers[one].probabilities for one in case.asked] for case in tried]
        bias = compare_groups(versions, list(test.groups), looked_at or labels)
    passed = len(tried) - len(failures)
    return TestResult(suite, test, n, len(tried), passed, tuple(failures[:FAILURES_KEPT]), why, bias)


def _tried(test: BehaviourTest, case: _Case, answers: Mapping[str, Prediction], of_folded: Mapping[str, str]) -> bool:
    if test.kind == "minimum":
        return case.label.casefold() in of_folded
    return not test.when or answers[case.text].label.casefold() in {one.casefold() for one in test.when}


def _why_none(test: BehaviourTest, *, changed: int) -> str:
    if test.kind == "minimum":
        return said("the model has none of the labels that they must get")
    if changed:
        return said("the model gives none of those it would change the label {labels}", labels=_either(test.when))
    if test.kind == "bias":
        return said("none holds a word of the groups")
    return said("there is nothing in them that it would change")


def _listed(names: Sequence[str]) -> str:
    return reduce(lambda some, last: said("{some}, {last}", some=some, last=last), names) if names else ""


def _either(labels: Sequence[str]) -> str:
    return reduce(lambda some, last: said("{some} or {last}", some=some, last=last), labels)


def _changed_label(case: _Case, answers: Mapping[str, Prediction]) -> Failure | None:
    before = answers[case.text].label
    for changed in case.asked:
        after = answers[changed].label
        if after != before:
            return Failure(case.text, changed, said("{after}, was {before}", after=after, before=before))
    return None


def _wrong_way(
    case: _Case, answers: Mapping[str, Prediction], test: BehaviourTest, labels: Sequence[str]
) -> Failure | None:
    before = sum(answers[case.text].probabilities[label] for label in labels)
    for changed in case.asked:
        after = sum(answers[changed].probabilities[label] for label in labels)
        rise, slack = after - before, test.tolerance
        good = {
            "not-higher": rise <= slack,
            "not-lower": rise >= -slack,
            "higher": rise > slack,
            "lower": rise < -slack,
        }[test.expect]
        if not good:
            slots = {"labels": " + ".join(labels), "after": f"{after:.3f}", "before": f"{before:.3f}"}
            told = said("{labels} {after}, was {before}: {must}", **slots, must=MUST[test.expect])
            return Failure(case.text, changed, told)
    return None


def _wrong_label(case: _Case, answers: Mapping[str, Prediction], of_folded: Mapping[str, str]) -> Failure | None:
    found, expected = answers[case.text].label, of_folded[case.label.casefold()]
    if found == expected:
        return None
    return Failure(case.text, "", said("{found}, must be {expected}", found=found, expected=expected))


def _different_labels(case: _Case, answers: Mapping[str, Prediction], groups: Sequence[str]) -> Failure | None:
    found = [answers[one].label for one in case.asked]
    if len(set(found)) == 1:
        return None
    other = next(place for place, label in enumerate(found) if label != found[0])
    told = said(
        "{other} for {their_group}, {first} for {its_group}",
        other=found[other],
        their_group=groups[other],
        first=found[0],
        its_group=groups[0],
    )
    return Failure(case.asked[0], case.asked[other], told)
