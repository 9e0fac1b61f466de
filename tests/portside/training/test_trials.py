from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from portside.training.search_pictures import draw_history, draw_importance
from portside.training.trials import STALE_SECONDS, Trial, best_of, finished, is_lost, ordinal, tenths

TRIALS = [
    Trial(0, "complete", 0.8, {"lr": 0.1}),
    Trial(1, "interrupted", 0.9),
    Trial(2, "complete", 0.9, {"lr": 0.2}),
    Trial(3, "pruned", 0.95),
    Trial(4, "failed", reason='the loss is <no number> & "odd"'),
    Trial(5, "complete", 0.9),
    Trial(6, "running"),
    Trial(7, "waiting"),
]


def test_what_counts_as_finished_and_which_trial_is_best() -> None:
    assert [one.number for one in finished(TRIALS)] == [0, 2, 3, 4, 5]
    assert best_of(TRIALS) == TRIALS[2]  # the first of equals; a pruned one was never measured at its end
    assert best_of(TRIALS[3:5]) is None
    assert ordinal(TRIALS) == 6


@pytest.mark.parametrize(
    ("alive", "silent", "lost"),
    [(True, 10 * STALE_SECONDS, False), (False, 0, True), (None, STALE_SECONDS / 2, False), (None, 1e4, True)],
)
def test_a_trial_is_lost_with_its_process(alive: bool | None, silent: float, lost: bool) -> None:
    assert is_lost(alive, silent) is lost


@pytest.mark.parametrize(
    ("before", "share", "noted"),
    [
        ({}, 0.2, {2: 0.7}),
        ({}, 0.05, {}),  # before the first tenth is over nothing is compared
        ({2: 0.5}, 0.5, {3: 0.5, 4: 0.5, 5: 0.7}),
        ({2: 0.5}, 0.29, {}),
        ({9: 0.5}, 1.0, {10: 0.7}),
        ({10: 0.5}, 1.0, {}),
        ({2: 0.5}, 0.3, {3: 0.7}),  # 10 * 0.3 is a hair below 3 in floats
    ],
)
def test_each_tenth_has_the_score_that_was_known_by_then(
    before: dict[int, float], share: float, noted: dict[int, float]
) -> None:
    assert tenths(before, share, 0.7) == noted


def test_pictures_are_whole_and_show_every_finished_trial() -> None:
    picture = ET.fromstring(draw_history(TRIALS, "accuracy"))
    kinds = [each.tag.rpartition("}")[2] for each in picture.iter()]
    assert (kinds.count("circle"), kinds.count("polygon"), kinds.count("path")) == (3, 1, 1)
    assert "5 trials, the best reaches 0.9000" in "".join(picture.itertext())
    bars = ET.fromstring(draw_importance({"head_lr": 0.75, "dropout": 0.25}))
    wide = [float(each.attrib["width"]) for each in bars.iter() if "x" in each.attrib and each.tag.endswith("rect")]
    assert wide[0] == pytest.approx(3 * wide[1], abs=0.2)
    assert "75 %" in "".join(bars.itertext())


@pytest.mark.parametrize("trials", [[], TRIALS[4:5], TRIALS[:1]])
def test_pictures_of_next_to_nothing(trials: list[Trial]) -> None:
    ET.fromstring(draw_history(trials, "F1"))
