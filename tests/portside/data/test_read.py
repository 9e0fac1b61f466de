"""Reading files as people and programs write them; whatever cannot be read is refused by name."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portside.data import load_examples, read_table
from portside.data.encodings import decode
from portside.data.multilabel import load_multilabelled
from portside.data.source import open_rows
from portside.data.tagged import load_tagged
from portside.errors import DataError

ROWS = [["text", "label"], ["Wo ist meine Bestellung für Größe 5?", "späte Lieferung"], ["“Hello”, he said", "b"]]
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def inner(content: str | bytes, name: str = "file.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return inner


def csv_of(rows: list[list[str]], delimiter: str = ",") -> str:
    quoted = [['"' + cell.replace('"', '""') + '"' for cell in row] for row in rows]
    return "".join(delimiter.join(row) + "\r\n" for row in quoted)


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
@pytest.mark.parametrize(
    ("encoding", "named"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32", "utf-32"),
        ("cp1252", "cp1252"),
    ],
)
def test_encoding_and_delimiter_are_seen(write: Write, encoding: str, named: str, delimiter: str) -> None:
    table = read_table(write(csv_of(ROWS, delimiter).encode(encoding)))
    assert [list(table.frame.columns), *table.frame.values.tolist()] == ROWS
    assert (table.encoding, table.delimiter) == (named, delimiter)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("text,label\n我要退款，请问怎么申请退货？,退款\n订单还没有到,物流\n", "gb18030"),
        ("text,label\nGröße,x\nmüssen,y\n", "cp1252"),
        ("text,label\nnaïve idea,a\ncafé,b\nnée à Orléans,c\n", "cp1252"),
        ("text,label\nГде мой заказ,доставка\nВерните деньги пожалуйста,возврат\n", "cp1251"),
        ("text,label\n£5 charged twice,a\n", "cp1252"),
        ("text,label\nodd \x81 byte é,a\n", "latin-1"),
    ],
)
def test_old_encodings_are_guessed_and_said(text: str, encoding: str) -> None:
    decoded = decode(text.encode(encoding), file="f")
    assert (decoded.text, decoded.encoding, decoded.certain) == (text, encoding, False)


def test_a_guessed_encoding_is_reported_with_what_to_look_at(write: Write) -> None:
    (finding,) = read_table(write("text,label\ncafé,a\n".encode("cp1252"))).findings
    assert finding.severity == "note"
    assert "cp1252" in finding.rule
    assert "café" in (finding.value or "")


def test_a_few_broken_bytes_do_not_make_utf8_something_else(write: Write) -> None:
    content = ("text,label\n" + "Größe für Öl,a\n" * 30).encode() + b"bad \xff byte,b\n"
    table = read_table(write(content))
    assert table.encoding == "utf-8"
    assert table.frame["text"].iloc[-1] == "bad \ufffd byte"
    assert [finding.count for finding in table.findings] == [1]


def test_an_encoding_that_is_given_is_kept_to(write: Write) -> None:
    path = write("text,label\n返金をお願いします,返金\n".encode("shift_jis"))
    assert read_table(path, encoding="shift_jis").frame["label"].tolist() == ["返金"]
    with pytest.raises(DataError, match="text in ascii"):
        read_table(path, encoding="ascii")
    with pytest.raises(DataError, match="Python knows"):
        read_table(path, encoding="klingon")


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl", "a.json", "a.parquet"])
def test_every_kind_of_file_gives_the_same_table(tmp_path: Path, name: str, packed: bool) -> None:
    frame = pd.DataFrame(ROWS[1:], columns=ROWS[0])
    content = {
        "a.csv": csv_of(ROWS).encode(),
        "a.tsv": csv_of(ROWS, "\t").encode(),
        "a.jsonl": "\n".join(json.dumps(row, ensure_ascii=False) for row in frame.to_dict("records")).encode(),
        "a.json": json.dumps(frame.to_dict("records")).encode(),
        "a.parquet": frame.to_parquet(),
    }[name]
    path = tmp_path / (name + (".gz" if packed else ""))
    path.write_bytes(gzip.compress(content, mtime=0) if packed else content)
    read = read_table(path).frame
    assert [list(read.columns), *read.values.tolist()] == ROWS


def test_cells_keep_line_breaks_quotes_and_delimiters(write: Write) -> None:
    cells = [["text", "label"], ["\n\nline one\nline two, with comma", 'say ""'], ['5" screen', "x\ty"]]
    assert read_table(write(csv_of(cells))).frame.values.tolist() == cells[1:]


def test_what_spreadsheets_and_pandas_add_is_harmless(write: Write) -> None:
    table = read_table(write("\n,text,label,,\n0,hello,a,,\n\n1,bye,b\n"))
    assert list(table.frame.columns) == ["column_1", "text", "label"]
    assert table.frame["text"].tolist() == ["hello", "bye"]
    assert table.findings == ()


def test_tabs_without_quoting(write: Write) -> None:
    table = read_table(write('text\tlabel\n"unclosed quote\ta\nsay "hi" now\tb\n"x" y\tc\n', "a.tsv"))
    assert table.frame["text"].tolist() == ['"unclosed quote', 'say "hi" now', '"x" y']


def test_cells_stay_text(write: Write) -> None:
    table = read_table(write("text,label\n007,1\nNaN,NA\n1e5,true\n"))
    assert table.frame.values.tolist() == [["007", "1"], ["NaN", "NA"], ["1e5", "true"]]


def test_names_for_a_file_without_header(write: Write) -> None:
    table = read_table(write("hello,a\nbye,b\n"), sheet_columns=["text", "label"])
    assert table.frame.to_dict("list") == {"text": ["hello", "bye"], "label": ["a", "b"]}


def test_missing_cells_are_empty_and_reported(write: Write) -> None:
    table = read_table(write("text,label,note\na,b,c\nd\ne,f\n"))
    assert table.frame.values.tolist()[1:] == [["d", "", ""], ["e", "f", ""]]
    (finding,) = table.findings
    assert (finding.severity, finding.row, finding.count, finding.value) == ("warning", 2, 2, "d,,")


@pytest.mark.parametrize(
    ("content", "name", "message", "row"),
    [
        ("", "a.csv", "must not be empty", None),
        ("\n \n"[:1], "a.csv", "must not be empty", None),
        ("", "a.jsonl", "must not be empty", None),
        ("[]", "a.json", "must not be empty", None),
        ("text,text\na,b\n", "a.csv", "name of its own", None),
        ("text,label\na,b\nHello, world,greeting\n", "a.csv", "at most the 2 cells", 2),
        ('text,label\na,b\n"never closed,c\nd,e\n', "a.csv", "must end with a quote", 2),
        ('text,label\n"He said "hi" to me",c\n', "a.csv", "must be doubled", 1),
        ('text,label\na,b\n"' + "x" * 200_000 + '",c\n', "a.csv", "at most 131,072 characters", 2),
        ("text,label\n" + "x" * 10_000_000 + ",c\n", "a.csv", "at most 131,072 characters", 1),
        ('{"text": "a"}\n{"text": \n', "a.jsonl", "one JSON object", 2),
        ('{"text": "a"}\n\n["b"]\n', "a.jsonl", "must be a JSON object", 2),
        ('[{"text": "a"}, 3]', "a.json", "must be a JSON object", 2),
        ("[" * 100_000, "a.json", "must be whole", None),
        ('{"a":' * 100_000, "a.jsonl", "one JSON object", 1),
        (b"PK\x03\x04rest", "a.xlsx", "CSV, TSV, JSON lines or Parquet", None),
        (b"%PDF-1.7", "a.csv", "a PDF", None),
        (b"PAR1 is not enough", "a.parquet", "must be whole", None),
        (gzip.compress(b"text,label\na,b\n" * 99, mtime=0)[:-20], "a.csv.gz", "must be whole", None),
        (gzip.compress(b"text,label\na,b\n" * 99, mtime=0)[:12] + b"\xff" * 40, "a.csv.gz", "must be whole", None),
        (bytes(range(256)) * 9, "a.csv", "must be text", None),
        (b"\xff\xfet\x00e", "a.csv", "text in utf-16", None),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(
    write: Write, content: str | bytes, name: str, message: str, row: int | None
) -> None:
    with pytest.raises(DataError, match=message) as refused:
        read_table(write(content, name))
    assert refused.value.file == name
    assert refused.value.row == row
    assert refused.value.remedy


def test_rows_like_the_first_broken_one_are_counted(write: Write) -> None:
    with pytest.raises(DataError, match="and 2 more rows like it"):
        read_table(write("text,label\na,b\n1,2,3\n1,2,3\nx,y\n1,2,3\n"))


@pytest.mark.parametrize("name", ["nothing.csv", ".", "a\x00b"])
def test_no_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError):
        read_table(tmp_path / name)


fuzz = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
names = st.sampled_from(["a.csv", "a.tsv", "a.jsonl", "a.json", "a.parquet", "a", "a.csv.gz"])
starts = st.sampled_from(
    [b"", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"PAR1", b"\x1f\x8b\x08", b"{", b"[", b'"', b"text,label\n"]
)


def read_or_refuse(path: Path) -> None:
    """Every reader does one of the two, and the one that holds no file in memory gives what the others give."""
    for load in (load_tagged, load_multilabelled, load_examples):
        with suppress(DataError):
            load(path)
    try:
        table = read_table(path)
    except DataError as error:
        told = re.escape(str(error))
        with pytest.raises(DataError, match=f"^{told}$"):
            open_rows(path)
        return
    assert len(set(table.frame.columns)) == len(table.frame.columns)
    found = open_rows(path)
    frame = table.frame.astype(object).where(table.frame.notna(), "")
    assert found.columns == tuple(frame.columns)
    rows = [row for part in found.parts(2) for row in part]
    assert (rows, len(rows)) == (list(frame.itertuples(index=False, name=None)), found.count)


@fuzz
@given(start=starts, content=st.binary(max_size=300), name=names)
def test_any_bytes_are_read_or_refused(tmp_path: Path, start: bytes, content: bytes, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(start + content)
    read_or_refuse(path)


GOOD = {
    "a.csv": csv_of(ROWS * 3).encode(),
    "a.tsv": csv_of(ROWS * 3, "\t").encode("utf-16"),
    "a.jsonl": b'{"text": "a", "label": 1}\n{"text": "\\ud83d", "label": NaN}\n' * 3,
    "a.csv.gz": gzip.compress(csv_of(ROWS * 3).encode(), mtime=0),
    "a.parquet": pd.DataFrame(ROWS[1:], columns=ROWS[0]).to_parquet(),
}


@fuzz
@given(
    name=st.sampled_from(sorted(GOOD)),
    edits=st.lists(st.tuples(st.integers(0, 10_000), st.binary(max_size=4), st.integers(0, 4)), min_size=1, max_size=5),
)
def test_damaged_files_are_read_or_refused(tmp_path: Path, name: str, edits: list[tuple[int, bytes, int]]) -> None:
    content = GOOD[name]
    for place, new, cut in edits:
        at = place % (len(content) + 1)
        content = content[:at] + new + content[at + cut :]
    path = tmp_path / name
    path.write_bytes(content)
    read_or_refuse(path)


# A file that is mostly control characters is refused as binary.
cells = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]) | st.sampled_from("\n\r\t"), max_size=12)


@fuzz
@given(rows=st.lists(st.tuples(cells, cells), min_size=1, max_size=8), delimiter=st.sampled_from([",", "\t", ";", "|"]))
def test_what_was_written_with_quotes_comes_back(tmp_path: Path, rows: list[tuple[str, str]], delimiter: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(csv_of([["text", "label"], *map(list, rows)], delimiter).encode("utf-8-sig"))
    assert read_table(path, delimiter=delimiter).frame.values.tolist() == [list(row) for row in rows]
