"""Which method ``auto`` tries, what it keeps and why: small tables."""

from __future__ import annotations

import pytest

from portside.evaluation.significance import mcnemar
from portside.training.ladder import Rung, dearer_rung, verdict


@pytest.mark.parametrize(
    ("rows_per_label", "method"),
    [
        ([5] * 77, "few-shot"),
        ([200, 200], "few-shot"),
        ([201, 201], "full"),
        ([3, 40, 4_000], "few-shot"),  # the typical label counts, not the largest
        ([150] * 200, "full"),  # 30,000 rows
        ([0], "few-shot"),
    ],
)
def test_the_dearer_method_goes_by_the_rows_of_a_typical_label(rows_per_label: list[int], method: str) -> None:
    assert dearer_rung(rows_per_label).method == method


@pytest.mark.parametrize(
    ("gained", "lost", "kept"), [(5, 0, "full"), (4, 0, "prototype"), (0, 5, "prototype"), (0, 0, "prototype")]
)
def test_the_dearer_method_is_kept_where_it_is_significantly_better(gained: int, lost: int, kept: str) -> None:
    cheap = [False] * gained + [True] * lost + [True] * 10
    dear = [True] * gained + [False] * lost + [True] * 10
    said = verdict(Rung("full", "there is enough"), cheap, dear, mcnemar(cheap, dear))
    assert said.method == kept
    assert said.sentence.startswith(f"{kept}: ")
    assert f"of {len(cheap)} rows right" in said.sentence
    assert [one["method"] for one in said.to_card()["tried"]] == ["prototype", "full"]
