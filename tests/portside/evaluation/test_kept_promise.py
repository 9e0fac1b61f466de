from __future__ import annotations

from pathlib import Path

import pytest

from portside.evaluation.held_out import load_held_out
from portside.evaluation.kept_promise import promise_on_kept
from portside.inference.folder import ModelFile, write_model_file
from portside.training.seen import save_seen
from tests.kept_rows import LABELS, kept_rows


def test_what_can_be_promised_is_measured_on_the_rows_the_model_kept(tmp_path: Path) -> None:
    write_model_file(tmp_path, ModelFile("classification", 64, LABELS))
    assert promise_on_kept(tmp_path, risk=0.05) is None
    kept_rows(tmp_path, 500)
    found = promise_on_kept(tmp_path, risk=0.05)
    assert found is not None
    assert (found.promise.risk, found.promise.n, found.promise.wrong, found.by_model) == (0.05, 500, 0.0, True)
    assert found.promise.threshold == pytest.approx(0.9993, abs=1e-3)
    kept_rows(tmp_path, 50, by_model=False)
    few = promise_on_kept(tmp_path, risk=0.05)
    assert few is not None
    assert (few.promise.threshold, few.by_model) == (None, False)


def test_a_promise_of_familiar_texts_leaves_the_others_out_and_one_of_all_does_not(tmp_path: Path) -> None:
    kept_rows(tmp_path, 500, wrong=20, gate=True)
    of_all = promise_on_kept(tmp_path, risk=0.05)
    familiar = promise_on_kept(tmp_path, risk=0.05, familiar=True)
    assert of_all is not None
    assert familiar is not None
    assert (of_all.promise.threshold, of_all.promise.n) == (None, 500)
    assert familiar.promise.n <= 480
    assert (familiar.promise.threshold is None, familiar.promise.wrong) == (False, 0.0)
    kept_rows(tmp_path, 500, wrong=20)
    ungated = promise_on_kept(tmp_path, risk=0.05, familiar=True)
    assert ungated == of_all, "a model that does not notice strange texts cannot leave them out"


def test_rows_that_were_trained_on_as_well_promise_nothing(tmp_path: Path) -> None:
    kept_rows(tmp_path, 500)
    held = load_held_out(tmp_path)
    assert held is not None
    save_seen(tmp_path, held.texts[:300])
    found = promise_on_kept(tmp_path, risk=0.05)
    assert found is not None
    assert found.promise.n == 200
