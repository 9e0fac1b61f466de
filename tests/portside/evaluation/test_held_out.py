from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from portside.data.parts import origins_of
from portside.evaluation.held_out import MOST_ROWS, HeldOut, load_held_out, save_held_out

ROWS = HeldOut(
    ["my card", "谢谢 \U0001f600", "tail\u2028line"], np.array([0, 1, 1]), np.eye(3, 2, dtype=np.float32), False
)


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    save_held_out(tmp_path, ROWS, ["card", "thanks"])
    found = load_held_out(tmp_path)
    assert found is not None
    assert (list(found.texts), found.truth.tolist(), found.by_model) == (list(ROWS.texts), [0, 1, 1], False)
    assert np.array_equal(found.logits, ROWS.logits)
    assert '"label": "thanks"' in (tmp_path / "held_out.jsonl").read_text(encoding="utf-8")


def test_where_rows_come_from_is_kept_with_them(tmp_path: Path) -> None:
    save_held_out(tmp_path, replace(ROWS, parts={"channel": ["chat", "mail", "chat"]}), ["card", "thanks"])
    found = load_held_out(tmp_path)
    assert found is not None
    assert found.parts == {"channel": ("chat", "mail", "chat")}
    assert replace(ROWS, parts=found.parts).some(2).parts.keys() == {"channel"}


def test_equal_rows_come_from_where_the_first_does() -> None:
    parts = {"channel": ("chat", "mail", "chat", "post")}
    assert origins_of(["a", "b", "a", "c"], parts, ["a", "c", "d"]) == {
        "a": {"channel": "chat"},
        "c": {"channel": "post"},
    }
    assert origins_of(["a"], {}, ["a"]) == {}


@pytest.mark.parametrize("file", ["held_out.jsonl", "held_out.safetensors"])
@pytest.mark.parametrize("content", [None, b"broken", b""])
def test_files_that_do_not_fit_count_as_none(tmp_path: Path, file: str, content: bytes | None) -> None:
    save_held_out(tmp_path, ROWS, ["card", "thanks"])
    (tmp_path / file).unlink()
    if content is not None:
        (tmp_path / file).write_bytes(content)
    assert load_held_out(tmp_path) is None


def test_of_many_rows_some_are_kept_in_their_order(tmp_path: Path) -> None:
    count = MOST_ROWS + 10
    held = HeldOut(
        [f"text {n}" for n in range(count)], np.zeros(count, dtype=np.int64), np.zeros((count, 2), np.float32)
    )
    save_held_out(tmp_path, held, ["a", "b"])
    found = load_held_out(tmp_path)
    assert found is not None
    numbers = [int(text.split()[1]) for text in found.texts]
    assert len(numbers) == MOST_ROWS
    assert numbers == sorted(numbers)
