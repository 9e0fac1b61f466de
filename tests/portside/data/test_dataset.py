"""Finding, checking and describing labelled rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portside.data import Dataset, check_examples, load_examples, overlap
from portside.data.findings import Finding
from portside.data.identity import clean, label_key, text_key
from portside.errors import DataError
from portside.records import Example

Write = Callable[..., Path]
CLEAN = "text,label\nhello,greet\nhi,greet\nbye,leave\nciao,leave\n"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def inner(content: str | bytes, name: str = "file.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return inner


def only(path: Path, rule: str) -> Finding:
    (finding,) = [finding for finding in check_examples(path).findings if rule in finding.rule]
    return finding


@pytest.mark.parametrize("labels", [("a|b", "b|c", "c"), ("a;b", "b", "c; a"), ('["a"]', '["a","b"]', "b")])
def test_labels_that_look_like_several_name_the_task_for_them(write: Write, labels: tuple[str, ...]) -> None:
    rows = [{"text": f"text {number}", "label": labels[number % 3]} for number in range(9)]
    path = write("\n".join(json.dumps(row) for row in rows), "file.jsonl")
    found = only(path, "portside train multilabel")
    assert (found.severity, found.count, found.column) == ("warning", 6, "label")
    assert not [one for one in check_examples(path, role="test").findings if "multilabel" in one.rule]


def test_a_label_that_is_a_list_names_the_task_for_it_and_a_few_separators_do_not(write: Write) -> None:
    rows = [{"text": f"text {number}", "label": ["a", "b"]} for number in range(9)]
    with pytest.raises(DataError, match="portside train multilabel"):
        load_examples(write("\n".join(json.dumps(row) for row in rows), "file.jsonl"))
    content = "text,label\n" + "".join(f"text {row},{'a;b' if row % 2 else 'c'}\n" for row in range(9))
    assert not [one for one in check_examples(write(content)).findings if "multilabel" in one.rule]


def test_a_clean_file(write: Write) -> None:
    dataset = load_examples(write(CLEAN))
    assert dataset.examples[0] == Example("hello", "greet")
    assert dataset.labels == ("greet", "leave")
    assert dataset.label_ids == (0, 0, 1, 1)
    assert dataset.texts == ("hello", "hi", "bye", "ciao")
    assert dataset.rows == (1, 2, 3, 4)
    assert len(dataset) == 4
    assert dataset.report.findings == ()
    assert dataset.report.label_counts == {"greet": 2, "leave": 2}


@pytest.mark.parametrize(
    ("header", "text", "label"),
    [
        ("Utterance,Intent", "Utterance", "Intent"),
        ("id,headline,sentiment", "headline", "sentiment"),
        ("text,label,topic", "text", "topic"),
        ("text,category,intent", "text", "intent"),
        ("文本,标签", "文本", "标签"),
        ("label,text", "text", "label"),
        ("title,category", "title", "category"),
    ],
)
def test_columns_are_guessed_by_name(write: Write, header: str, text: str, label: str) -> None:
    width = header.count(",") + 1
    rows = "".join(",".join(f"{row}{cell}" for cell in range(width)) + "\n" for row in "ab")
    report = check_examples(write(f"{header}\n{rows}"))
    assert (report.text_column, report.label_column) == (text, label)


def test_columns_are_taken_as_asked(write: Write) -> None:
    path = write("one,two,label\na,x,1\nb,y,2\n")
    assert load_examples(path, text="TWO", label="one").examples == (Example("x", "a"), Example("y", "b"))
    with pytest.raises(DataError, match=r"'three' must be in the file.*'one', 'two', 'label'"):
        load_examples(path, text="three")
    with pytest.raises(DataError, match=r"must hold the text.*--text"):
        load_examples(path)


def test_a_choice_between_columns_is_said(write: Write) -> None:
    assert "'label' could be it, too" in only(write("text,label,topic\na,1,x\nb,2,y\n"), "was taken").rule


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("text,label\n", "at least one row"),
        ("text,label\n,a\n \t,b\n", "at least one row"),
        ("text,label\nx,a\ny,a\n", "at least two labels"),
    ],
)
def test_what_nothing_can_be_learnt_from_is_fatal(write: Write, content: str, message: str) -> None:
    path = write(content)
    with pytest.raises(DataError, match=message) as refused:
        load_examples(path)
    assert refused.value.file == "file.csv"
    assert refused.value.column
    assert check_examples(path).fatal


def test_a_test_file_may_hold_one_label(write: Write) -> None:
    assert len(load_examples(write("text,label\nx,a\ny,a\n"), role="test")) == 2


@pytest.mark.parametrize(
    ("content", "rule", "place", "value"),
    [
        ("text,label\nx,a\ny,a\nz,b\n", "single example", (3, "label", 1), "b"),
        ("text,label\nx,a\n  ,a\n,b\nz,b\n", "without text", (2, "text", 2), "(blank)"),
        ("text,label\nx,a\ny,\nz,b\n", "without label", (2, "label", 1), "(blank)"),
        ("text,label\nx,a\ny,b\nX ,a\nx,a\n", "again under the same label (first in row 1)", (3, "text", 2), "X"),
        ("text,label\nx,a\ny,b\nx,b\n", "two labels: 'a' in row 1 and 'b' in row 3", (3, "text", 1), "x"),
        ("text,label\nx,a b\ny,A_b\nz,a b\n", "only by case", (2, "label", 1), "'a b' (2), 'A_b' (1)"),
        ("text,label\nx, a\ny,b\n", "Blanks around", (1, "label", 1), "a"),
        ("text,label\nx\x00y,a\ny,b\n", "Control characters", (1, "text", 1), "x\x00y"),
        ("text,label\nNaN,a\nnull,b\n", "A text reads like an empty cell", (1, "text", 2), "NaN"),
        ("text,label\nx,None\ny,b\n", "A label reads like an empty cell", (1, "label", 1), "None"),
        ("text,label\nSeppÃ¤lÃ¤,a\ny,b\n", "saved in one encoding", (1, "text", 1), "SeppÃ¤lÃ¤"),
        ("text,label\n" + "x " * 20_000 + ",a\ny,b\n", "more than 20,000 characters", (1, "text", 1), None),
    ],
)
def test_findings_name_row_column_value_and_remedy(
    write: Write, content: str, rule: str, place: tuple[int, str, int], value: str | None
) -> None:
    finding = only(write(content), rule)
    assert (finding.file, finding.row, finding.column, finding.count) == ("file.csv", *place)
    assert value is None or finding.value == value
    assert finding.remedy


def test_rows_without_text_or_label_are_left_out_and_numbers_stay(write: Write) -> None:
    dataset = load_examples(write("text,label\n,a\n x\x07y ,a\nz,\nb, b \n"))
    assert dataset.examples == (Example("x y", "a"), Example("b", "b"))
    assert dataset.rows == (2, 4)
    assert (dataset.report.rows, dataset.report.rows_read) == (2, 4)


def test_repeated_and_contradicting_rows_stay_unless_asked(write: Write) -> None:
    path = write("text,label\nx,a\nX,a\ny,a\ny,b\nz,b\n")
    assert len(load_examples(path)) == 5
    assert load_examples(path, duplicates="first").texts == ("x", "y", "y", "z")
    dropped = load_examples(path, conflicts="drop")
    assert dropped.texts == ("x", "X", "z")
    assert dropped.report.rows == 3
    assert dropped.report.label_counts == {"a": 2, "b": 1}
    assert any("left out as asked" in finding.rule for finding in dropped.report.findings)


def test_values_of_other_types_are_taken_as_text(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    rows = [{"text": "x", "label": 1}, {"text": 7, "label": 2.0}, {"text": None, "label": 1}, {"text": "y"}]
    path.write_text("\n".join(map(json.dumps, rows)))
    assert load_examples(path).examples == (Example("x", "1"), Example("7", "2"))
    frame = pd.DataFrame({"text": ["x", "y", None], "label": [1.0, 2.0, float("nan")]})
    frame.to_parquet(tmp_path / "a.parquet")
    assert load_examples(tmp_path / "a.parquet").examples == (Example("x", "1"), Example("y", "2"))


def test_a_cell_that_holds_many_values_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "x", "label": "a"}\n{"text": "y", "label": ["b", "c"]}\n')
    with pytest.raises(DataError, match="one value") as refused:
        load_examples(path)
    assert (refused.value.row, refused.value.column) == (2, "label")


def test_groups_and_times(write: Write) -> None:
    path = write("text,label,who,at\nx,a,ann,2026-01-02\ny,b,,2026-01-01T10:00:00+02:00\n")
    dataset = load_examples(path, group="who", time="at")
    assert dataset.times == (datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 1, 8, tzinfo=UTC))
    assert dataset.groups is not None
    assert dataset.groups[0] == "ann"
    with pytest.raises(DataError, match="ISO 8601") as refused:
        load_examples(write("text,label,at\nx,a,2026-01-02\ny,b,yesterday\n"), time="at")
    assert (refused.value.row, refused.value.column, refused.value.seen) == (2, "at", "yesterday")


def test_the_hash_is_that_of_the_content(write: Write, tmp_path: Path) -> None:
    first = load_examples(write(CLEAN)).content_hash
    tabs = write(CLEAN.replace(",", "\t").encode("utf-16"), "other.tsv")
    assert load_examples(tabs).content_hash == first
    assert load_examples(write(CLEAN.replace("ciao", "ciao!"))).content_hash != first
    assert load_examples(write(CLEAN.replace("ciao,leave", "ciao,greet"))).content_hash != first
    moved = Dataset.of([Example("ab", "c"), Example("d", "e")]).content_hash
    assert moved != Dataset.of([Example("a", "bc"), Example("d", "e")]).content_hash


def test_test_rows_that_stand_in_train(write: Write) -> None:
    train = write(CLEAN)
    test = write("text,label\nnew,greet\nHELLO  https://t.co/x1,greet\nbye,greet\nsalut,wave\n", "test.csv")
    found = overlap(load_examples(train), load_examples(test, role="test"))
    assert [(finding.row, finding.value, finding.file) for finding in found] == [
        (2, "HELLO https://t.co/x1", "test.csv"),
        (3, "bye", "test.csv"),
    ]
    assert "same label" in found[0].rule
    assert "another label" in found[1].rule
    report = check_examples(train, test=test)
    assert not report.fatal
    assert any("not in the training file" in item.rule and item.value == "wave" for item in report.findings)
    assert check_examples(train, test=train.parent / "nothing.csv").fatal


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Hello  World", " hello world", True),
        ("ＡＢＣ", "abc", True),
        ("see https://t.co/a now", "see https://t.co/b now", True),
        ("https://t.co/a", "https://t.co/b", False),
        ("hello!", "hello", False),
    ],
)
def test_texts_that_are_the_same_to_a_reader(one: str, other: str, same: bool) -> None:
    assert (text_key(one) == text_key(other)) is same


@given(st.text())
def test_keys_are_stable(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    assert label_key(text.upper().lower()) == label_key(label_key(text.upper().lower()))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.dictionaries(
            st.sampled_from(["text", "label", "x"]),
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5), st.lists, max_leaves=3
            ),
        ),
        max_size=6,
    )
)
def test_any_json_rows_are_loaded_or_refused(tmp_path: Path, rows: list[dict[str, object]]) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    report = check_examples(path)
    json.dumps(report.to_dict())
    try:
        dataset = load_examples(path)
    except DataError:
        assert report.fatal
        return
    assert not report.fatal
    assert all(example.text and example.label for example in dataset.examples)
    assert len(dataset.content_hash) == 64
