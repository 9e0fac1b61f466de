"""Pairs, triplets, judged pairs and folders of judgements: what is read, and what is refused with which advice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from portside.data.matching import load_judged
from portside.errors import DataError
from portside.records import Judged


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def folder(tmp_path: Path, *, train: str = "q1\td1\t1\nq1\td2\t2\n", documents: int = 2) -> Path:
    corpus = [{"_id": f"d{one}", "title": f"title {one}", "text": f"text {one}"} for one in range(1, documents + 1)]
    queries = [{"_id": "q1", "text": "first?"}, {"_id": "q2", "text": "second?"}, {"_id": "q3", "text": " "}]
    write(tmp_path / "set" / "corpus.jsonl", "\n".join(map(json.dumps, corpus)))
    write(tmp_path / "set" / "queries.jsonl", "\n".join(map(json.dumps, queries)))
    head = "query-id\tcorpus-id\tscore\n"
    write(tmp_path / "set" / "qrels" / "train.tsv", head + train)
    write(tmp_path / "set" / "qrels" / "test.tsv", head + "q2\td2\t1\n")
    return tmp_path / "set"


@pytest.mark.parametrize(("query", "document"), [("query", "document"), ("Anchor", "positive"), ("question", "answer")])
def test_pairs_with_columns_of_any_usual_name(tmp_path: Path, query: str, document: str) -> None:
    found = load_judged(write(tmp_path / "a.csv", f"{query},{document}\nhow?,so\nwhy?,so\nhow?,thus\n"))
    assert found.queries == {"q1": "how?", "q2": "why?"}
    assert found.documents == {"d1": "so", "d2": "thus"}
    assert found.judged == (Judged("q1", "d1", 1), Judged("q2", "d1", 1), Judged("q1", "d2", 1))


def test_columns_by_name(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", "left,right\na,b\n")
    found = load_judged(file, query="right", document="left")
    assert (found.queries, found.documents) == ({"q1": "b"}, {"d1": "a"})
    with pytest.raises(DataError, match="--text"):
        load_judged(file)
    with pytest.raises(DataError, match="--label"):
        load_judged(file, query="left")


def test_triplets_name_what_does_not_match(tmp_path: Path) -> None:
    found = load_judged(write(tmp_path / "a.csv", "anchor,positive,negative\nhow?,so,not so\nwhy?,thus,\n"))
    assert found.judged == (Judged("q1", "d1", 1), Judged("q1", "d2", 0), Judged("q2", "d3", 1))


def test_relevance_is_a_number(tmp_path: Path) -> None:
    rows = [{"query": "a", "document": "b", "relevance": 2}, {"query": "a", "document": "c", "relevance": 0}]
    found = load_judged(write(tmp_path / "a.jsonl", "\n".join(map(json.dumps, rows))))
    assert [one.relevance for one in found.judged] == [2.0, 0.0]
    for wrong in ("much", "", "nan"):
        with pytest.raises(DataError, match=r"row 2, column 'score'.*must be a number"):
            load_judged(write(tmp_path / "b.csv", f"query,document,score\na,b,1\na,c,{wrong}\n"))


def test_rows_with_an_empty_text_are_left_out_and_reported(tmp_path: Path) -> None:
    found = load_judged(write(tmp_path / "a.csv", "query,document\na,b\n,c\nd,\n"))
    assert found.judged == (Judged("q1", "d1", 1),)
    (left_out,) = [one for one in found.findings if one.severity == "warning"]
    assert (left_out.row, left_out.column, left_out.count) == (2, "query", 2)
    with pytest.raises(DataError, match="only rows with an empty cell"):
        load_judged(write(tmp_path / "b.csv", "query,document\na,\n"))


def test_a_folder_has_judgements_for_training_and_for_the_test(tmp_path: Path) -> None:
    path = folder(tmp_path)
    train, test = load_judged(path), load_judged(path, test=True)
    assert train.documents == test.documents == {"d1": "title 1\ntext 1", "d2": "title 2\ntext 2"}
    assert train.judged == (Judged("q1", "d1", 1), Judged("q1", "d2", 2))
    assert (train.queries, test.queries) == ({"q1": "first?"}, {"q2": "second?"})
    assert train.source == test.source == str(path)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("q1\td9\t1\n", r"train.tsv, row 2, column 'corpus-id'.*corpus\.jsonl.*d9"),
        ("q9\td1\t1\n", r"train.tsv, row 2, column 'query-id'.*queries\.jsonl.*q9"),
        ("q1\td2\tyes\n", r"train.tsv, row 2, column 'score'.*yes"),
    ],
)
def test_a_judgement_must_name_what_is_there(tmp_path: Path, row: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        load_judged(folder(tmp_path, train=f"q1\td1\t1\n{row}"))


def test_a_judgement_of_an_empty_query_is_left_out(tmp_path: Path) -> None:
    found = load_judged(folder(tmp_path, train="q1\td1\t1\nq3\td1\t1\n"))
    assert found.judged == (Judged("q1", "d1", 1),)
    assert any("empty query or document" in one.rule for one in found.findings)


def test_a_column_of_a_folder_that_no_option_names_is_to_be_called_so(tmp_path: Path) -> None:
    path = folder(tmp_path)
    write(path / "qrels" / "train.tsv", "who\tcorpus-id\tscore\nq1\td1\t1\n")
    with pytest.raises(DataError, match="query-id") as raised:
        load_judged(path)
    assert raised.value.remedy == "Call that column 'query-id'"
    assert "--" not in str(raised.value)


def test_a_folder_says_what_it_lacks(tmp_path: Path) -> None:
    path = folder(tmp_path)
    (path / "qrels" / "test.tsv").unlink()
    with pytest.raises(DataError, match=r"no qrels/test\.tsv"):
        load_judged(path, test=True)
    write(path / "corpus.jsonl", '{"_id": "d1", "text": "a"}\n{"_id": "d1", "text": "b"}\n')
    with pytest.raises(DataError, match=r"corpus\.jsonl, row 2, column '_id'"):
        load_judged(path)


def test_the_hash_follows_texts_and_judgements_not_ids(tmp_path: Path) -> None:
    pairs = load_judged(write(tmp_path / "a.csv", "query,document\na,b\nc,d\n"))
    again = load_judged(write(tmp_path / "b.jsonl", '{"query": "a", "document": "b"}\n{"query": "c", "document": "d"}'))
    other = load_judged(write(tmp_path / "c.csv", "query,document\na,b\nc,b\n"))
    assert pairs.content_hash == again.content_hash != other.content_hash
    assert pairs.subset(["q2"]).queries == {"q2": "c"}
    assert pairs.subset(["q2"]).documents == pairs.documents
