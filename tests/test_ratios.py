"""The benchmarks name what got slower since the last release."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.ratios import STORED, Release, compared, processor, read_release, write_release

BEFORE = Release("1.0", "A", {"inference: bulk": 10.0, "vectors: graph": 20.0, "training: padded": 4.0})


@pytest.mark.parametrize(
    ("now", "on", "lines"),
    [
        ({"inference: bulk": 9.0, "vectors: graph": 40.0}, "A", ["none of 2 ratios"]),
        (
            {"inference: bulk": 8.0, "vectors: graph": 5.0},
            "A",
            ["1.0: vectors: graph: 5.00", "1.0: inference: bulk: 8"],
        ),
        (
            {"inference: bulk": 8.4},
            "B",
            ["inference: bulk: 8.40 times its baseline, 10.00 then on another processor", "were measured on A"],
        ),
        ({"load: something new": 1.0}, "B", ["never stored, not compared with 1.0: the table load, 1 ratio"]),
        ({}, "A", []),
    ],
)
def test_what_fell_is_named_the_most_fallen_first(now: dict[str, float], on: str, lines: list[str]) -> None:
    found = compared(now, BEFORE, on)
    assert len(found) == len(lines)
    assert all(part in line for part, line in zip(lines, found, strict=True))


def test_ratios_of_the_tables_asked_for_that_were_not_measured_are_named() -> None:
    found = compared({"inference: bulk": 10.0}, BEFORE, "A", ["inference", "vectors"])
    assert found == [
        "none of 1 ratios is more than 15 % below that of 1.0",
        "not measured now: vectors: graph: 20.00 times its baseline in 1.0",
    ]
    assert len(compared({}, BEFORE, "A", ["vectors"])) == 1
    assert compared({}, BEFORE, "A", ["accuracy"]) == []


def test_what_was_never_stored_is_named_by_table_or_by_ratio() -> None:
    now = {"inference: bulk": 10.0, "inference: one": 3.0, "load: a": 1.0, "load: b": 2.0}
    assert compared(now, BEFORE, "A", ["inference", "load"]) == [
        "none of 1 ratios is more than 15 % below that of 1.0",
        "never stored, not compared with 1.0: the table load, 2 ratios",
        "never stored, not compared with 1.0: inference: one: 3.00 times its baseline",
    ]


def test_a_ratio_of_another_processor_is_compared_with_a_note() -> None:
    found = compared({"inference: bulk": 10.0}, BEFORE, "B")
    assert [line.count("another processor") for line in found] == [1, 0]
    assert found[-1].startswith("those of 1.0 were measured on A")


def test_a_release_keeps_the_ratios_that_it_did_not_measure(tmp_path: Path) -> None:
    path = tmp_path / "ratios.json"
    assert read_release(path) is None
    write_release(BEFORE, path)
    write_release(Release("1.1", "B", {"inference: bulk": 12.0}), path)
    assert read_release(path) == Release("1.1", "B", {**BEFORE.ratios, "inference: bulk": 12.0})


def test_the_stored_ratios_can_be_read() -> None:
    stored = read_release(STORED)
    assert stored is not None
    assert stored.ratios
    assert all(value > 0 for value in stored.ratios.values())
    assert processor()
