"""A long output survives being cut off: every row once, in order, of one model and one input."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from portside.commands import rows as module
from portside.commands.rows import Asked, add_answers
from portside.commands.unfinished import going_on
from portside.errors import UsageError


class CutOff(Exception):
    """What stops a run in the middle."""


def lengths(texts: list[str]) -> Iterator[Sequence[Any]]:
    return ([len(text)] for text in texts)


def until(calls: int) -> Any:
    """Answers so many parts, then is cut off."""
    left = iter(range(calls))

    def answer(texts: list[str]) -> Iterator[Sequence[Any]]:
        if next(left, None) is None:
            raise CutOff
        return lengths(texts)

    return answer


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    data = tmp_path / "in.csv"
    with data.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["text", "id"])
        writer.writerows([f"row {row}, “quoted”\n退款 {'x' * (row % 7)}", row] for row in range(5_000))
    return Asked("m:1", data, tmp_path / "out.csv")


def written(asked: Asked) -> list[list[str]]:
    with asked.out.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))


def run(asked: Asked, answer: Any = lengths) -> int:
    return add_answers(asked, added=["length"], answer=answer, doing="Measuring")


def test_cut_off_twice_it_goes_on_and_every_row_is_there_once(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        with pytest.raises(CutOff):
            run(asked, until(1))
        assert not asked.out.exists()
    assert run(asked) == 5_000
    lines = written(asked)
    assert lines[0] == ["text", "id", "length"]
    assert [line[1] for line in lines[1:]] == [str(row) for row in range(5_000)]
    assert all(int(line[2]) == len(line[0]) for line in lines[1:])
    assert f"{2 * module.ROWS_AT_ONCE:,} rows were done before" in capsys.readouterr().err
    assert {path.name for path in asked.out.parent.iterdir()} == {"in.csv", "out.csv"}


def test_of_another_model_or_input_nothing_is_gone_on_with(asked: Asked) -> None:
    for change in ("model", "content"):
        with pytest.raises(CutOff):
            run(asked, until(1))
        if change == "model":
            asked = Asked("m:2", asked.data, asked.out)
        else:
            asked.data.write_text("text,id\nshort,0\n", encoding="utf-8")
        seen: list[str] = []
        total = run(asked, lambda texts, seen=seen: (seen.extend(texts), lengths(texts))[1])
        assert len(seen) == total
        asked.out.unlink()


def test_rows_with_other_columns_are_told_and_not_mixed(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CutOff):
        run(asked, until(1))
    assert add_answers(asked, added=["length", "more"], answer=lambda texts: ([1, 2] for _ in texts), doing="Measuring")
    assert {len(line) for line in written(asked)} == {4}
    told = capsys.readouterr().err
    assert "It begins anew: the rows of a run that was cut off have other columns added" in told
    assert "rows were done before" not in told


def test_rows_of_another_promise_are_told_and_not_mixed(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    def promised(answer: Any, sure: float | None) -> int:
        alike = {} if sure is None else {"at most wrong": sure}
        return add_answers(asked, added=["length"], answer=answer, doing="Measuring", alike=alike)

    with pytest.raises(CutOff):
        promised(until(1), 0.9)
    with pytest.raises(CutOff):
        promised(until(1), 0.9)
    assert "rows were done before" in capsys.readouterr().err
    assert promised(lengths, None) == 5_000
    assert "are of another --at-most-wrong" in capsys.readouterr().err


def test_rows_of_an_older_portside_are_told_and_not_mixed(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CutOff):
        run(asked, until(1))
    note = asked.out.with_name(f".{asked.out.name}.part.json")
    left = json.loads(note.read_text(encoding="utf-8"))
    del left["about"]["columns"]  # what such a one wrote
    note.write_text(json.dumps(left), encoding="utf-8")
    assert run(asked) == 5_000
    assert len(written(asked)) == 5_001
    assert "were written by an older Portside, perhaps with other columns" in capsys.readouterr().err


def test_before_the_first_part_is_safe_nothing_is_left(asked: Asked) -> None:
    with pytest.raises(CutOff):
        run(asked, until(0))
    assert [path for path in asked.out.parent.iterdir() if path.suffix == ".part"] == []


def test_an_older_output_stays_until_the_new_one_is_whole(asked: Asked) -> None:
    asked.out.write_text("before", encoding="utf-8")
    with pytest.raises(CutOff):
        run(asked, until(2))
    assert asked.out.read_text(encoding="utf-8") == "before"
    run(asked)
    assert len(written(asked)) == 5_001


def test_one_process_at_a_time(asked: Asked) -> None:
    with going_on(asked.out, {}), pytest.raises(UsageError, match="One process at a time"):
        run(asked)


def test_a_folder_that_cannot_be_written_is_advice(asked: Asked) -> None:
    with pytest.raises(UsageError, match="must be writable"):
        run(Asked("m:1", asked.data, asked.data / "out.csv"))


@pytest.mark.slow
def test_killed_at_any_moment_it_goes_on(asked: Asked) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom portside.commands.rows import Asked, add_answers\n"
        "def answer(texts):\n    for text in texts:\n        time.sleep(0.00005)\n        yield [len(text)]\n"
        "add_answers(Asked('m:1', Path(sys.argv[1]), Path(sys.argv[2])), added=['length'], answer=answer, "
        "doing='Measuring')\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for attempt in range(40):
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(asked.data), str(asked.out)], env=environment, stderr=subprocess.DEVNULL
        )
        try:
            process.wait(timeout=0.4 + 0.05 * attempt)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
        if asked.out.exists():
            break
    assert [line[1] for line in written(asked)[1:]] == [str(row) for row in range(5_000)]
