from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from portside.evaluation.behaviour import BehaviourReport, TestResult, run_suites
from portside.evaluation.group_swaps import compare_groups, paired_interval, swap_groups
from portside.evaluation.suite_files import read_suite
from portside.inference.interfaces import FakeClassifier
from portside.said import in_words

MODEL = FakeClassifier({"parcel": "track", "refund": "money", "maria": "track"}, ("other", "track", "money"))
TEXTS = ["Where is my parcel", "a refund for John", "hello"]


def tried(tmp_path: Path, test: str, texts: list[str] = TEXTS, model: FakeClassifier = MODEL) -> TestResult:
    path = tmp_path / "mine.toml"
    path.write_text(f'[[test]]\nname = "x"\n{test}\n', encoding="utf-8")
    report = run_suites(model, [read_suite(path)], texts)
    json.dumps(report.to_dict())  # plain values only
    return report.results[0]


def test_a_label_that_does_not_stay_is_a_failure(tmp_path: Path) -> None:
    found = tried(tmp_path, 'kind = "invariance"\nreplace = [["parcel", "packet"], ["refund", "refund"], ["a", "one"]]')
    assert (found.n, found.applicable, found.passed) == (3, 2, 1)  # "hello" holds nothing to replace
    (failure,) = found.failures
    assert (failure.text, failure.changed) == ("Where is my parcel", "Where is my packet")
    assert failure.said == "other, was track"
    assert found.sentence == "x: 1 of 2 texts keep their label, 50.0 % (95 % interval 9.5 to 90.5)."


def test_a_test_that_applies_to_nothing_says_so(tmp_path: Path) -> None:
    found = tried(tmp_path, 'kind = "invariance"\nreplace = [["zebra", "horse"]]')
    assert (found.applicable, found.rate) == (0, None)
    assert found.sentence == "x: applies to none of the 3 texts: there is nothing in them that it would change."
    found = tried(tmp_path, 'kind = "invariance"\nperturb = "upper"\nwhen = "money"', ["hello"])
    assert "would change the label money" in found.sentence
    found = tried(tmp_path, 'kind = "invariance"\nperturb = "upper"', [])
    assert "none of the 0 texts" in found.sentence


@pytest.mark.parametrize(
    ("expect", "after", "passed"),
    [
        ("not-higher", " ok", 3),
        ("not-higher", " parcel", 2),  # only "hello" gets a reason for it
        ("higher", " parcel", 1),
        ("not-lower", " ok", 3),
        ("lower", " parcel", 0),
    ],
)
def test_probabilities_move_as_they_should(tmp_path: Path, expect: str, after: str, passed: int) -> None:
    model = FakeClassifier({"refund": "money", "parcel": "track"}, ("other", "track", "money"))
    test = f'kind = "directional"\nafter = "{after}"\nlabel = ["Track", "absent"]\nexpect = "{expect}"'
    assert tried(tmp_path, test, model=model).passed == passed


def test_a_direction_needs_one_of_its_labels(tmp_path: Path) -> None:
    found = tried(tmp_path, 'kind = "directional"\nafter = " x"\nlabel = ["good", "fine"]\nexpect = "lower"')
    assert "the model has no label good or fine" in found.sentence


def test_plain_texts_get_their_label(tmp_path: Path) -> None:
    cases = '[{text = "my parcel", label = "TRACK"}, {text = "hello", label = "money"}, {text = "a", label = "z"}]'
    found = tried(tmp_path, f'kind = "minimum"\ncases = {cases}')
    assert (found.n, found.applicable, found.passed) == (3, 2, 1)
    assert found.failures[0].said == "other, must be money"


def test_every_variant_of_a_text_must_pass(tmp_path: Path) -> None:
    found = tried(tmp_path, 'kind = "invariance"\nswap = ["parcel", "packet", "box"]\nvariants = 20', TEXTS[:1])
    assert found.passed == 0
    assert tried(tmp_path, 'kind = "invariance"\nswap = ["my", "your"]\nvariants = 20', TEXTS[:1]).passed == 1


@pytest.mark.parametrize(("rows", "verdict"), [(300, "met"), (10, "unclear")])
def test_what_is_demanded_is_judged_by_the_interval(tmp_path: Path, rows: int, verdict: str) -> None:
    test = 'kind = "invariance"\nperturb = "upper"\nat_least = 0.9'
    texts = [f"parcel {row}" for row in range(rows)]
    assert tried(tmp_path, test, texts).verdict == verdict
    broken = 'kind = "invariance"\nreplace = [["parcel", "box"]]\nat_least = 0.9'
    assert tried(tmp_path, broken, texts).verdict == "missed"


def demanding(right: int, wrong: int, name: str) -> str:
    cases = ['{text = "my parcel", label = "track"}'] * right + ['{text = "my parcel", label = "money"}'] * wrong
    return f'[[test]]\nname = "{name}"\nkind = "minimum"\nat_least = 0.9\ncases = [{", ".join(cases)}]\n'


def test_of_many_demands_one_that_falls_short_by_chance_is_not_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"

    def asked(*tests: str) -> BehaviourReport:
        path.write_text("".join(tests), encoding="utf-8")
        return run_suites(MODEL, [read_suite(path)], [])

    # Of 20 texts, each right in 9 of 10, five or more are wrong with chance 4.3 %: among two such tests that is 8.6 %.
    odd, fine = demanding(15, 5, "odd"), demanding(20, 0, "fine")
    alone, among = asked(odd), asked(odd, fine)
    undemanding = '[[test]]\nname = "other"\nkind = "minimum"\ncases = [{text = "my parcel", label = "track"}]\n'
    assert alone.results[0].p_below == pytest.approx(0.0432, abs=1e-4)
    assert alone.results[0].verdict == asked(odd, undemanding).results[0].verdict == "missed"
    assert alone.sentence.endswith("Below what is demanded: odd.")
    assert [one.verdict for one in among.results] == ["unclear", "unclear"]
    assert among.results[0].p_below == pytest.approx(0.0864, abs=1e-4)
    assert among.results[0].interval == alone.results[0].interval
    assert "below the 90 % demanded, which may be chance in one of so many tests" in among.results[0].sentence
    assert "more texts must show whether it is the 90 % demanded" in among.results[1].sentence
    assert "Below" not in among.sentence
    # Seven of 20 wrong: 0.24 %, and 1.2 % among five.
    worse = asked(demanding(13, 7, "bad"), *(demanding(20, 0, f"fine {n}") for n in range(4)))
    assert worse.sentence.endswith("Below what is demanded: bad.")
    assert worse.results[0].p_below == pytest.approx(5 * 0.00239, abs=1e-4)


def test_groups_are_swapped_in_both_directions() -> None:
    groups = {"women": ("she", "her", "her"), "men": ("he", "his", "him")}
    assert swap_groups("He said she saw him", groups) == ["She said she saw her", "He said he saw him"]
    assert swap_groups("nobody", groups) == []


def test_a_model_that_treats_groups_differently_is_called_out(tmp_path: Path) -> None:
    test = 'kind = "bias"\ngroups = { women = ["Maria", "Anna"], men = ["John", "Paul"] }'
    texts = [f"{name} asks {number}" for number in range(20) for name in ("John", "Maria")]
    found = tried(tmp_path, test, texts)
    assert (found.applicable, found.passed) == (40, 0)
    assert found.failures[0].said == "other for men, track for women"
    assert found.bias is not None
    assert found.bias.shown
    assert (found.bias.label, found.bias.first, found.bias.second) == ("track", "women", "men")
    assert found.bias.difference == pytest.approx(1 / 3 - 0.95)
    assert found.bias.comparisons == 3
    assert "more than chance" in found.sentence
    fair = tried(tmp_path, test, [text.replace("Maria", "Anna").replace("John", "Paul") for text in texts])
    assert fair.passed == 40
    assert fair.bias is not None
    assert not fair.bias.shown
    assert "the same label" in fair.sentence


def test_failures_and_what_cannot_be_tried_are_said_in_other_languages_too(tmp_path: Path) -> None:
    def foreign(text: str) -> str:
        return in_words(text, lambda one: one if one == "{test}" else f"<{one}>")

    tests = [
        'kind = "invariance"\nreplace = [["parcel", "packet"]]',
        'kind = "directional"\nafter = " parcel"\nlabel = ["track"]\nexpect = "lower"',
        'kind = "minimum"\ncases = [{text = "hello", label = "money"}]',
        'kind = "bias"\ngroups = { women = ["Maria"], men = ["John"] }',
    ]
    texts = [*TEXTS, "Maria"]
    failures = [foreign(tried(tmp_path, test, texts).failures[0].said) for test in tests]
    assert failures == [
        "<other, was track>",
        "<track 0.950, was 0.950: <must be lower>>",
        "<other, must be money>",
        "<other for men, track for women>",
    ]
    assert "<the model has no label <good or fine>>" in foreign(
        tried(tmp_path, 'kind = "directional"\nafter = " x"\nlabel = ["good", "fine"]\nexpect = "lower"').sentence
    )
    assert "<none holds a word of the groups>" in foreign(tried(tmp_path, tests[3], ["hello"]).sentence)


def test_paired_differences_by_hand() -> None:
    # mean 2, standard deviation 1, three pairs: 2 +- 4.3027 / sqrt(3)
    low, high = paired_interval(np.array([1.0, 2.0, 3.0])) or (0, 0)
    assert (low, high) == (pytest.approx(-0.4841, abs=1e-3), pytest.approx(4.4841, abs=1e-3))
    assert paired_interval(np.array([1.0])) is None
    wider = paired_interval(np.array([1.0, 2.0, 3.0]), comparisons=2)
    assert wider is not None
    assert wider[0] < low


def test_of_two_labels_one_says_all() -> None:
    versions: list[list[dict[str, float]]] = [[{"no": 0.5, "yes": 0.5}, {"no": 0.4, "yes": 0.6}]] * 3
    found = compare_groups(versions, ["a", "b"], ["no", "yes"])
    assert (found.label, found.comparisons, found.difference) == ("yes", 1, pytest.approx(0.1))
    assert found.means == {"a": pytest.approx(0.5), "b": pytest.approx(0.6)}


def test_a_report_names_the_weakest_and_asks_each_text_once(tmp_path: Path) -> None:
    asked: list[str] = []

    class Counting(FakeClassifier):
        def predict(self, texts: Any) -> Any:
            asked.extend(texts)
            return super().predict(texts)

    path = tmp_path / "mine.toml"
    change = 'kind = "invariance"\nreplace = [["parcel", "box"]]\n'
    path.write_text("".join(f'[[test]]\nname = "{name}"\n{change}' for name in ("one", "two")))
    report: BehaviourReport = run_suites(Counting(MODEL.keywords, MODEL.labels), [read_suite(path)], TEXTS * 2)
    assert len(asked) == len(set(asked)) == 2  # the text with a parcel and its change; the others are of no use
    assert report.n == 3
    assert report.sentence == "2 of 2 tests could be tried; the weakest: one (0 %), two (0 %)."
    empty = run_suites(MODEL, [read_suite(path)], ["hello"])
    assert empty.sentence == "None of the 2 tests applies to these texts."


def test_changes_do_not_depend_on_what_else_is_tried(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('[[test]]\nname = "typos"\nkind = "invariance"\nperturb = "typos"\n')
    suite = read_suite(path)
    keyword = FakeClassifier({"parcel": "track"}, ("other", "track"))
    alone = run_suites(keyword, [suite], ["parcel"]).results[0].failures
    assert alone
    assert run_suites(keyword, [suite], ["some words", "parcel"]).results[0].failures == alone
    different = {run_suites(keyword, [suite], ["parcel"], seed=seed).results[0].failures for seed in range(8)}
    assert len(different) > 1
