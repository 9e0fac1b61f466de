"""Unlabelled text: what is read, what counts as the same, what is refused."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portside.data.texts import FEWEST, load_texts, unique_texts
from portside.errors import DataError

LINES = [f"headline number {number}" for number in range(FEWEST)]


def test_each_text_once_by_hand() -> None:
    found = unique_texts(
        ["Oil rises", "  oil  RISES ", "", "Gold falls", "\u200b", "Oil rises https://t.co/x"], "x.txt"
    )
    assert found.texts == ["Oil rises", "Gold falls"]
    assert (found.read, found.duplicates, found.empty) == (6, 2, 2)
    assert found.sentence == "6 texts read from x.txt: 2 different, 2 duplicates and 2 empty ones left out"


@given(st.lists(st.text(max_size=6), max_size=20))
def test_every_text_is_kept_a_duplicate_or_empty(texts: list[str]) -> None:
    found = unique_texts(texts, "x")
    assert len(found.texts) + found.duplicates + found.empty == found.read == len(texts)
    assert unique_texts(found.texts, "x").texts == found.texts


def test_the_hash_follows_the_texts() -> None:
    assert unique_texts(["a", "b"], "x").content_hash == unique_texts(["a", "A", "b"], "y").content_hash
    assert unique_texts(["a", "b"], "x").content_hash != unique_texts(["ab"], "x").content_hash


def forms(folder: Path) -> list[Path]:
    text = "".join(f"{line}\n" for line in LINES)
    table = "id,headline\n" + "".join(f"{number},{line}\n" for number, line in enumerate(LINES))
    lines = "".join(json.dumps({"headline": line}) + "\n" for line in LINES)
    (folder / "a.txt").write_text(text)
    (folder / "a.txt.gz").write_bytes(gzip.compress(text.encode()))
    (folder / "wide.txt").write_text(text, encoding="utf-16")
    (folder / "a.csv.gz").write_bytes(gzip.compress(table.encode()))
    (folder / "a.jsonl").write_text(lines)
    return sorted(folder.iterdir())


def test_every_form_gives_the_same_texts(tmp_path: Path) -> None:
    for path in forms(tmp_path):
        assert load_texts(path).texts == LINES, path.name


def test_the_column_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,other\n" + "".join(f"x,{line}\n" for line in LINES))
    assert load_texts(path, text="other").texts == LINES
    with pytest.raises(DataError, match="topic"):
        load_texts(path, text="topic")


def test_a_text_in_latin_letters_of_an_old_encoding_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("".join(f"Café number {number}\n" for number in range(FEWEST)).encode("cp1252"))
    assert load_texts(path).texts[7] == "Café number 7"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.txt", b"", "must hold texts"),
        ("a.txt", b"\n \n\n", "3 lines, all empty"),
        ("a.txt", b"the same\n" * 500, "1 different of 500 texts"),
        ("a.txt", "".join(f"{line}\n" for line in LINES[1:]).encode(), f"{FEWEST - 1} different"),
        ("a.txt", b"PK\x03\x04xxxx", "Excel"),
        ("a.txt", b"ab\x00cd\n" * 200, "NUL"),
        ("a.txt.gz", gzip.compress(b"word\n" * 9_000, mtime=0)[:-12], "gzip file must be whole"),
        ("a.csv", b"colour,size\nred,1\n", "must hold the text"),
    ],
)
def test_what_cannot_be_learnt_from_is_refused_with_advice(
    name: str, content: bytes, words: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as caught:
        load_texts(tmp_path / name)
    assert words in str(caught.value)
    assert caught.value.remedy
    assert caught.value.file == name


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent\.txt"):
        load_texts(tmp_path / "absent.txt")
