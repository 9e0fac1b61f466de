"""Two versions of a tagger, a matcher or a model of several labels are compared on rows that are new to both."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from portside.evaluation.report.versus import Changed, shown_worse, versus_on_new_rows
from portside.registry import ModelVersion
from portside.training.seen import save_seen

TEXTS = [f"text {row}" for row in range(40)]
FIRST, LAST = (np.array([[float((row < 20) == first), 1.0] for row in range(40)]) for first in (True, False))
CHANGED = [Changed(row + 1, text, "x", "y", "x", worse=-1) for row, text in enumerate(TEXTS)]


def version(home: Path, number: int, seen: Sequence[str] | None) -> ModelVersion:
    folder = home / str(number)
    folder.mkdir()
    if seen is not None:
        save_seen(folder, seen)
    return ModelVersion("m", number, folder, {})


def test_rows_that_either_learned_from_do_not_count(tmp_path: Path) -> None:
    """The older version knows the first 20 rows by heart, and is wrong on each of the other 20."""
    versions = version(tmp_path, 2, ["another"]), version(tmp_path, 1, TEXTS[:20])
    made = versus_on_new_rows("F1", versions, (LAST, FIRST), TEXTS, changed=CHANGED, groups=np.arange(40))
    assert made.sentences[0].startswith("m:2 is better: F1 differs by +100.0 points on 20 rows")
    assert made.sentences[-1] == "Compared on the 20 of 40 rows that neither version has learned from."
    assert made.tables[0].title == "Answers that changed (20 of 20)"
    assert [row[0] for row in made.tables[0].rows] == list(range(21, 41))
    assert not made.warnings


def test_where_all_rows_are_new_nothing_is_said_of_it(tmp_path: Path) -> None:
    versions = version(tmp_path, 2, []), version(tmp_path, 1, [])
    (verdict,) = versus_on_new_rows("F1", versions, (LAST, FIRST), TEXTS).sentences
    assert "neither is shown to be better" in verdict


def test_where_no_row_is_new_it_is_a_warning(tmp_path: Path) -> None:
    made = versus_on_new_rows("F1", (version(tmp_path, 2, TEXTS), version(tmp_path, 1, [])), (LAST, FIRST), TEXTS)
    assert made.warnings[0].startswith("There is no row that neither version has learned from")
    assert "on 40 rows" in made.sentences[0]


def test_a_version_that_does_not_tell_what_it_learned_from_is_named(tmp_path: Path) -> None:
    versions = version(tmp_path, 2, TEXTS[:10]), version(tmp_path, 1, None)
    said = versus_on_new_rows("F1", versions, (LAST, FIRST), TEXTS).sentences[-1]
    assert said.startswith("Compared on 30 of 40 rows; which of them m:1 has learned from is not known")


@pytest.mark.parametrize(("rows", "worse"), [(5, False), (6, True)])
def test_worse_takes_six_rows(rows: int, worse: bool) -> None:
    right, wrong = np.ones((rows, 2)), np.tile([0.0, 1.0], (rows, 1))
    assert shown_worse(wrong, right) is worse
    assert not shown_worse(right, right)
