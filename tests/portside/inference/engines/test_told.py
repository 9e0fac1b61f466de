"""Which engine serves, in a sentence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from portside.inference.engines.choice import Measured
from portside.inference.engines.store import Compiled
from portside.inference.engines.told import told

ORIGINAL = Measured("original", 100.0, 10.0, agreement=1.0, alone=1.0, megabytes=90.0, quality=0.90)
CHOSEN = Measured("onnx-int8", 400.0, 2.5, agreement=0.995, alone=1.0, megabytes=23.0, quality=0.895)


@pytest.mark.parametrize(
    ("quality", "rows", "lost"), [(0.895, 200, True), (0.897, 1000, False), (0.91, 200, False), (None, 200, False)]
)
def test_a_loss_of_one_of_few_rows_is_said(quality: float | None, rows: int, lost: bool) -> None:
    chosen = replace(CHOSEN, quality=quality)
    measured = {
        "rows": rows,
        "measure": "accuracy",
        "original": ORIGINAL.to_dict(),
        "engines": [chosen.to_dict()],
        "refused": {},
        "failed": {},
    }
    said = told(Compiled("onnx-int8", "", "abc", measured))
    assert said.startswith("Speed: served by onnx-int8")
    assert ("; more than 0.3 points are lost, but no more than one of so few rows" in said) == lost
