"""How far a report, its explanations and its small changes are, while they are made."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from portside.data.columns import Columns
from portside.evaluation.held_out import HeldOut, save_held_out
from portside.evaluation.report.asking import CountingAttributor, questions
from portside.evaluation.report.behaviour import tried_on
from portside.evaluation.report.explanations import explained_on
from portside.evaluation.report.fault_files import faults_of_files
from portside.evaluation.report.fault_tasks import set_faults_of_files
from portside.evaluation.report.making import Asked, report_of
from portside.evaluation.report.parts import Report
from portside.evaluation.report.passes import both_passes
from portside.inference.attributor import FakeAttributor
from portside.inference.interfaces import FakeClassifier, FakeEncoder
from portside.progress import RecordingProgress
from portside.registry import ModelRegistry, ModelVersion
from portside.settings import Settings
from portside.training.seen import save_seen
from tests.portside.conftest import save_random, save_task

__all__ = ["save_random", "save_task"]

TEXTS = [f"the film was {word} and long {number}" for number in range(20) for word in ("good", "bad", "dull")]
Told = list[tuple[int, int]]


def recorded(told: Told) -> Callable[[int, int], None]:
    return lambda done, of: told.append((done, of))


def check(told: Told, *, steps: int) -> None:
    """It moves on, often enough, to the end of one whole."""
    assert len(told) >= steps
    assert all(before < after for (before, _), (after, _) in pairwise(told)), told
    assert told[-1][0] == told[-1][1], told[-1]


def test_explaining_tells_how_many_questions_are_answered() -> None:
    model, told = FakeAttributor({"good": 4.0, "bad": -4.0, "dull": -3.0}), Told()
    assert explained_on(model, TEXTS, progress=recorded(told)) == explained_on(model, TEXTS)
    check(told, steps=100)
    assert len({of for _, of in told}) == 1, "what is to be done is known from the beginning"


def test_the_questions_of_a_short_text_are_counted_beforehand() -> None:
    told = Told()
    model = CountingAttributor(FakeAttributor({"good": 1.0}), total=10**6, report=recorded(told))
    explained_on(model, ["a good film"])
    assert told[-1][0] == questions(["a good film"], 1)


def test_no_more_is_told_than_was_expected() -> None:
    told = Told()
    model = CountingAttributor(FakeAttributor({}), total=20, report=recorded(told))
    answers = [one for (one,) in model.answers(["a", "b"])]
    model.integrated_gradients(["a", "b"], answers)
    assert told == [(20, 20)]


def test_trying_small_changes_tells_how_many_texts_are_answered(tmp_path: Path) -> None:
    model, told = FakeClassifier({"film": "film"}, ("film", "other")), Told()
    tried_on(model, TEXTS, tmp_path, progress=recorded(told))
    check(told, steps=2)


def test_two_passes_are_one_whole() -> None:
    told = Told()
    progress = both_passes(recorded(told))
    for done, of in ((2, 4), (4, 4), (2, 4), (4, 4)):
        progress(done, of)
    assert told == [(2, 8), (4, 8), (6, 8), (8, 8)]


def test_passes_of_one_step_and_of_different_length_are_told_apart() -> None:
    told = Told()
    progress = both_passes(recorded(told))
    progress(4, 4)
    progress(4, 6)
    progress(6, 6)
    assert told == [(4, 8), (8, 10), (10, 10)]


ROWS = {
    "classification": "text,label\n"
    + "".join(f"my parcel {n} is late,{'card' if n % 2 else 'parcel'}\n" for n in range(9)),
    "multilabel": "text,label\n" + "".join(f"my parcel {n} is late,card\n" for n in range(9)),
    "matching": "query,document\n" + "".join(f"where is parcel {n},my parcel\n" for n in range(9)),
    "tagging": "".join(f"where O\nis O\nBerlin{n} B-LOC\n\n" for n in range(9)),
}


@pytest.mark.parametrize("task", ROWS)
@pytest.mark.parametrize("against", [False, True])
def test_a_report_on_a_file_tells_how_far_it_is(
    task: str, against: bool, tmp_path: Path, save_task: Callable[[Path, str], None]
) -> None:
    registry = ModelRegistry(tmp_path / "models")
    for _turn in range(2):
        with registry.staging("m") as folder:
            save_task(folder, task)
            registry.register("m", folder, {"task": task}, actor="a", reason="r", check=lambda _folder: None)
    file = tmp_path / ("rows.conll" if task == "tagging" else "rows.csv")
    file.write_text(ROWS[task], encoding="utf-8")
    old, new = registry.versions("m")
    told = Told()
    report_of(Asked(new, file), against=old if against else None, progress=recorded(told))
    check(told, steps=1 + against)


@pytest.mark.parametrize("look", [faults_of_files, set_faults_of_files])
def test_a_bar_is_not_full_while_the_texts_that_were_read_are_looked_at(
    look: Callable[..., Report], tmp_path: Path
) -> None:
    file, progress = tmp_path / "rows.csv", RecordingProgress()
    file.write_text(
        "text,label\n" + "".join(f"parcel {n} is late,{'yes' if n % 2 else 'no'}\n" for n in range(600)),
        encoding="utf-8",
    )
    look(file, None, Columns(), Settings(home=tmp_path), progress, encoder=FakeEncoder())
    *read, looked = progress.updates
    assert [one[2] for one in read] == ["512 of 600 texts read", "600 of 600 texts read"]
    assert looked == (600, 1200, "models are asked about the texts that they have not learned from")


def keeping(registry: ModelRegistry, save_random: Callable[..., None], texts: list[str]) -> ModelVersion:
    with registry.staging("m") as folder:
        save_random(folder, ("no", "yes"), seed=len(texts))
        save_held_out(
            folder,
            HeldOut(texts, np.zeros(len(texts), int), np.eye(2, dtype=np.float32)[[0] * len(texts)]),
            ("no", "yes"),
        )
        save_seen(folder, [])
        return registry.register(
            "m", folder, {"task": "classification"}, actor="a", reason="r", check=lambda _folder: None
        )


def test_the_other_version_is_told_of_where_it_is_asked_about_kept_rows(
    tmp_path: Path, save_random: Callable[..., None]
) -> None:
    registry, told = ModelRegistry(tmp_path), Told()
    old, new = (keeping(registry, save_random, texts) for texts in (["a card"], ["a card", "a fee", "a parcel"]))
    report_of(Asked(new), against=old, progress=recorded(told))
    assert told == [(2, 2)], "the rows that the other one does not keep"
