from __future__ import annotations

from dataclasses import replace

import pytest

from portside.inference.engines.choice import Measured, choose, refusal, speed_up

ORIGINAL = Measured("original", 100.0, 10.0, agreement=1.0, alone=1.0, megabytes=90.0, quality=0.90)
GOOD = Measured("onnx-int8", 400.0, 2.5, agreement=0.995, alone=1.0, megabytes=23.0, quality=0.898)


def test_speed_is_of_texts_in_bulk_and_alone_alike() -> None:
    assert speed_up(GOOD, ORIGINAL) == pytest.approx(4.0)
    assert speed_up(replace(GOOD, texts_per_second=100.0), ORIGINAL) == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("engine", "rows", "why"),
    [
        (GOOD, 1000, ""),
        (replace(GOOD, quality=0.8965), 1000, "loses 0.35 points, at most 0.3 are allowed"),
        (replace(GOOD, quality=0.8965), 200, ""),  # less than a row
        (replace(GOOD, quality=0.895), 200, ""),  # a row
        (replace(GOOD, quality=0.890), 200, "loses 1.00 points: more than one of 200 rows"),  # two rows
        (replace(GOOD, quality=0.95), 1000, ""),
        (replace(GOOD, quality=None), 1000, ""),
        (replace(GOOD, quality=None, nearest=0.9971), 100, ""),
        (replace(GOOD, quality=None, nearest=0.9965), 100, "loses 0.35 points"),  # however few texts there are
        (replace(GOOD, agreement=0.989), 1000, "agrees with the original to 98.9 %"),
        (replace(GOOD, alone=0.98), 1000, "asked together"),
        (replace(GOOD, alone=0.999), 1000, "asked together (99.9 % the same)"),  # one of 1,000
        (replace(GOOD, alone=0.99996), 1000, ""),  # a cosine, but for the last digits
        (replace(GOOD, texts_per_second=110.0, single_ms=10.5), 1000, "no faster"),
    ],
)
def test_who_may_serve(engine: Measured, rows: int, why: str) -> None:
    found = refusal(engine, replace(ORIGINAL, nearest=1.0), rows)
    assert (why in found) if why else not found


def test_the_fastest_that_may_serve_is_chosen() -> None:
    slow = replace(GOOD, engine="onnx-fp32", texts_per_second=200.0, single_ms=5.0)
    wrong = replace(GOOD, engine="bold", texts_per_second=4000.0, agreement=0.9)
    assert choose(ORIGINAL, [slow, wrong, GOOD], 1000) is GOOD
    assert choose(ORIGINAL, [slow, wrong], 1000) is slow
    assert choose(ORIGINAL, [wrong], 1000) is None
    assert choose(ORIGINAL, [], 1000) is None
