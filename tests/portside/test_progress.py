from __future__ import annotations

import pytest

from portside.progress import ProgressPart, RecordingProgress


def test_a_part_moves_the_whole_from_its_start_to_its_end() -> None:
    whole = RecordingProgress()
    part = ProgressPart(whole, 0.2, 0.6, "training")
    part.update(1, 2, "epoch 1")
    part.update(5, 0)
    part.log("a line")
    assert whole.updates == [(pytest.approx(0.4), 1.0, "training · epoch 1"), (0.2, 1.0, "training")]
    assert whole.lines == ["a line"]


@pytest.mark.parametrize(("done", "total", "at"), [(-1, 2, 0.2), (3, 2, 0.6), (2, 2, 0.6)])
def test_a_part_keeps_to_its_share(done: float, total: float, at: float) -> None:
    whole = RecordingProgress()
    ProgressPart(whole, 0.2, 0.6).update(done, total, "more steps than planned")
    assert whole.updates == [(pytest.approx(at), 1.0, "more steps than planned")]
