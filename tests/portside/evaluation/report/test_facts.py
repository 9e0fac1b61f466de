"""What stands at the head of a report: only what the version's card tells."""

from __future__ import annotations

from pathlib import Path

import pytest

from portside.evaluation.report.facts import KEPT_ASIDE, facts_of, on_file
from portside.registry import ModelVersion


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"source": "/home/a/rows.csv", "trained_on": 1200}, "1,200 rows of rows.csv"),
        ({"source": "/home/a/rows.csv"}, None),
        (None, None),
    ],
)
def test_how_many_rows_it_learned_from_is_told_where_it_is_known(
    data: dict[str, object] | None, told: str | None
) -> None:
    facts = dict(facts_of(ModelVersion("m", 1, Path("nowhere"), {"data": data}), "test.csv", 300))
    assert facts.get("Trained on") == told
    assert facts["Rows"] == "300"


def test_a_file_is_called_as_the_user_knows_it_and_not_by_where_it_is_kept() -> None:
    assert on_file(610, ".portside/uploads/0a1b/intents.csv") == "610 rows of intents.csv."
    assert on_file(1200, KEPT_ASIDE) == "1,200 rows that were kept aside from training."
