"""What the benchmark of taggers says of their confidence, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from portside.evaluation.calibration import expected_calibration_error
from portside.evaluation.report.tagging import TaggedRows, answers_of, fresh_answers
from tests.benchmarks.kept import TEXTS_HEAD, text_rows
from tests.benchmarks.tagging import believed_of, by_chance


def test_few_names_err_by_chance_alone_and_many_hardly_do() -> None:
    confidence = np.full(30, 0.5)
    # Two names a bin, none, one or both of them right: each bin is off by one half, nothing or one half.
    assert by_chance(confidence) == pytest.approx(0.25, abs=0.03)
    assert by_chance(np.full(300_000, 0.5)) < 0.01
    assert by_chance(np.ones(30)) == 0.0
    random = np.random.default_rng(5)
    honest = random.uniform(0.3, 1.0, 700)
    shown = expected_calibration_error(honest, random.random(700) < honest)
    assert shown == pytest.approx(by_chance(honest), abs=0.02)


def test_names_of_hand_made_sentences_are_believed_and_promised_about() -> None:
    # 800 sentences of one name each, all right; 200 more that the model was trained on, all wrong.
    sentences = [[f"place{n}", "is"] for n in range(1_000)]
    truth = [["B-LOC", "O"]] * 800 + [["O", "O"]] * 200
    rows = [np.array([[0.1, 0.9, 0.0], [0.98, 0.01, 0.01]])] * 1_000
    asked = TaggedRows(("O", "B-LOC", "I-LOC"), sentences, truth, rows)
    answers = answers_of(asked)
    found = believed_of(asked, answers, 2.0)
    # Divided by 2, the logits were surer before; nothing else was learned of how sure to be.
    assert found.names == 1_000
    assert found.hot < found.cooled == found.served
    fresh = fresh_answers(asked, answers, lambda text: int(text.split()[0][5:]) >= 800)
    lines = list(text_rows("some", fresh, [" ".join(words) for words in sentences], splits=5))
    assert [len(line) for line in lines] == [len(TEXTS_HEAD)] * 3
    assert [line[1:5] for line in lines] == [[400, risk, "5 of 5", "5 of 5"] for risk in ("2", "5", "10")]
