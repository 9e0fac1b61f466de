"""Whether a model behaves as a person would expect of it, test by test, beyond its accuracy.

Source: Ribeiro et al., "Beyond Accuracy: Behavioral Testing of NLP Models with CheckList", ACL 2020; swapped groups:
Garg et al., "Counterfactual Fairness in Text Classification through Robustness", AIES 2019.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from portside.evaluation.group_swaps import Bias, compare_groups, swap_groups
from portside.evaluation.intervals import wilson
from portside.evaluation.suite_files import BehaviourTest, Suite
from portside.inference.interfaces import TextClassifier
from portside.records import Prediction

__all__ = ["BehaviourReport", "Failure", "TestResult", "run_suites"]

FAILURES_KEPT = 10
"""Of each test."""
TEXTS_AT_ONCE = 2_048


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
        """``met``, ``missed`` or ``unclear``, against ``at_least``; empty where nothing is demanded or tried."""
        if self.test.at_least is None or not self.applicable:
            return ""
        low, high = self.interval
        return "met" if low >= self.test.at_least else "missed" if high < self.test.at_least else "unclear"

    @property
    def sentence(self) -> str:
        """What it means."""
        if not self.applicable:
            return f"{self.test.name}: applies to none of the {self.n:,} texts: {self.why_none}."
        low, high = self.interval
        does = {
            "invariance": "keep their label",
            "directional": "move as they should",
            "minimum": "get the label they must get",
            "bias": f"get the same label whichever group is named ({', '.join(self.test.groups)})",
        }[self.test.kind]
        shares = (
            f"{self.test.name}: {self.passed:,} of {self.applicable:,} texts {does}, "
            f"{100 * self.passed / self.applicable:.1f} % (95 % interval {100 * low:.1f} to {100 * high:.1f})"
        )
        demand = {
            "": "",
            "met": f"; at least {100 * (self.test.at_least or 0):g} % are demanded and shown",
            "missed": f"; at least {100 * (self.test.at_least or 0):g} % are demanded: it fails",
            "unclear": f"; more texts must show whether it is the {100 * (self.test.at_least or 0):g} % demanded",
        }[self.verdict]
        return f"{shares}{demand}." + ("" if self.bias is None else f" {self.bias.sentence}")

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
            return f"None of the {len(self.results)} tests applies to these texts."
        weakest = sorted(tried, key=lambda one: (one.rate, one.test.name))[:2]
        named = " and ".join(f"{one.test.name} ({100 * (one.rate or 0):.0f} %)" for one in weakest)
        unequal = [one.test.name for one in tried if one.bias is not None and one.bias.shown]
        groups = f" Groups are treated differently in: {', '.join(unequal)}." if unequal else ""
        failed = [one.test.name for one in tried if one.verdict == "missed"]
        missed = f" Below what is demanded: {', '.join(failed)}." if failed else ""
        return f"{len(tried)} of {len(self.results)} tests could be tried; the weakest: {named}.{missed}{groups}"

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
    results = tuple(
        _judge(suite.name, test, cases, answers, labels=tuple(model.labels), n=len(test.texts or unique))
        for suite, test, cases in planned
    )
    return BehaviourReport(model.model, data, len(unique), results)


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
        why = f"the model has no label {' or '.join(test.labels)}"
        return TestResult(suite, test, n, 0, 0, (), why)
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
    if test.kind == "bias" and tried:
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
        return "the model has none of the labels that they must get"
    if changed:
        return f"the model gives none of those it would change the label {' or '.join(test.when)}"
    return "none holds a word of the groups" if test.kind == "bias" else "there is nothing in them that it would change"


def _changed_label(case: _Case, answers: Mapping[str, Prediction]) -> Failure | None:
    before = answers[case.text].label
    for changed in case.asked:
        after = answers[changed].label
        if after != before:
            return Failure(case.text, changed, f"{after}, was {before}")
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
            wanted = test.expect.replace("-", " ")
            return Failure(case.text, changed, f"{' + '.join(labels)} {after:.3f}, was {before:.3f}: must be {wanted}")
    return None


def _wrong_label(case: _Case, answers: Mapping[str, Prediction], of_folded: Mapping[str, str]) -> Failure | None:
    found, expected = answers[case.text].label, of_folded[case.label.casefold()]
    return None if found == expected else Failure(case.text, "", f"{found}, must be {expected}")


def _different_labels(case: _Case, answers: Mapping[str, Prediction], groups: Sequence[str]) -> Failure | None:
    found = [answers[one].label for one in case.asked]
    if len(set(found)) == 1:
        return None
    other = next(place for place, label in enumerate(found) if label != found[0])
    said = f"{found[other]} for {groups[other]}, {found[0]} for {groups[0]}"
    return Failure(case.asked[0], case.asked[other], said)
