"""Files that are given on the models page."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portside.errors import UsageError
from portside.registry.names import check_name
from portside_ui.models.uploads import keep_upload, model_name


@pytest.mark.parametrize(
    ("file", "model"),
    [("Mail March.csv.gz", "mail-march"), ("intents.csv", "intents"), ("客户.csv", "my-model"), ("..", "my-model")],
)
def test_a_model_is_named_after_its_file(file: str, model: str) -> None:
    assert model_name(file) == model


@given(st.text(max_size=200))
def test_every_file_gives_a_name_that_is_allowed(file: str) -> None:
    check_name(model_name(file))


def test_a_file_is_kept_once_under_its_own_name(tmp_path: Path) -> None:
    first = keep_upload(tmp_path, "客户 mail.csv", b"text,label\n")
    assert first.name == "客户 mail.csv"
    assert first.read_bytes() == b"text,label\n"
    assert keep_upload(tmp_path, "客户 mail.csv", b"text,label\n") == first
    assert keep_upload(tmp_path, "客户 mail.csv", b"other\n") != first
    assert not [path for path in tmp_path.rglob("*.part")]


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "..", ".", "", "a\x00b.csv", "C:\\data\\x.csv", "x" * 500 + ".csv"]
)
def test_a_name_leads_nowhere_else(tmp_path: Path, name: str) -> None:
    path = keep_upload(tmp_path, name, b"1")
    assert path.is_file()
    assert path.parent.parent == tmp_path


def test_a_folder_that_cannot_be_written_is_advice(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="kept"):
        keep_upload(tmp_path / "file", "x.csv", b"1")
