"""``portside data check`` for people and for programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from portside.commands.data import commands
from portside.errors import UsageError

RUNNER = CliRunner()


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.csv"
    path.write_text("text,label\nx,a\ny,a\nx,b\nz,b\n")
    return path


def test_says_what_is_there_and_what_to_do(good: Path) -> None:
    result = RUNNER.invoke(commands, ["check", str(good)])
    assert result.exit_code == 0
    assert "good.csv can be trained on: 4 rows in 'text', 2 labels in 'label': a 2, b 2." in result.output
    assert "warning: The same text stands under two labels: 'a' in row 1 and 'b' in row 3." in result.output
    assert "row 3, column 'text': x" in result.output
    assert "→ Decide for one label" in result.output


def test_fatal_ends_with_2_and_every_file_is_reported(good: Path, tmp_path: Path) -> None:
    result = RUNNER.invoke(commands, ["check", str(tmp_path / "nothing.csv"), str(good), "--json"])
    assert result.exit_code == 2
    missing, fine = json.loads(result.output)
    assert (missing["ok"], fine["ok"]) == (False, True)
    assert missing["findings"][0]["rule"] == "The file must exist"
    assert fine["labels"] == {"a": 2, "b": 2}
    assert set(fine["findings"][0]) == {"severity", "rule", "remedy", "file", "row", "column", "value", "count"}


def test_compares_with_a_test_file(good: Path, tmp_path: Path) -> None:
    test = tmp_path / "test.csv"
    test.write_text("text,label\nX,a\n")
    result = RUNNER.invoke(commands, ["check", str(good), "--test", str(test)])
    assert result.exit_code == 0
    assert "test.csv, row 1: X" in result.output


def test_columns_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("was,wie\nx,a\ny,b\n")
    assert RUNNER.invoke(commands, ["check", str(path)]).exit_code == 2
    assert RUNNER.invoke(commands, ["check", str(path), "--text", "was", "--label", "wie"]).exit_code == 0


PAIRS = "query,document\nwhere is it,on its way\nwhere is it now,on its way\nhow much,ten\n"
TRIPLETS = "question,positive,negative\nwhere is it,on its way,ten\nhow much,ten,on its way\n"
JUDGED = "query,document,score\nwhere is it,on its way,1\nhow much,ten,0.5\nhow much,on its way,0\n"


@pytest.mark.parametrize(
    ("task", "content", "words"),
    [
        (
            "matching",
            PAIRS,
            "is clean: pairs, queries in 'query', documents in 'document'; "
            "3 queries, 2 documents, 3 judgements, 3 of them of a relevant document.",
        ),
        ("matching", TRIPLETS, "triplets, queries in 'question', documents in 'positive', negatives in 'negative'; 2"),
        ("matching", JUDGED, "judged pairs, queries in 'query', documents in 'document', relevance in 'score'; 2"),
        ("matching", JUDGED, "2 queries, 2 documents, 3 judgements, 2 of them of a relevant document."),
        ("multilabel", "text,labels\nx,a|b\ny,a\nz,\n", "3 texts, 1 of them without label, 2 labels: a 2, b 1."),
        ("tagging", "Ann B-PER\nleft O\n\nBo B-PER\n", "2 sentences, 3 words, 2 entities of 1 types: PER 2."),
        ("classification", "text,label\nx,a\ny,b\nx2,a\ny2,b\n", "4 rows in 'text', 2 labels in 'label': a 2, b 2."),
    ],
)
def test_each_task_says_what_its_files_hold(task: str, content: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(content)
    result = RUNNER.invoke(commands, ["check", str(path), "--task", task])
    assert result.exit_code == 0, result.output
    assert words in result.output


@pytest.mark.parametrize(
    ("task", "content", "words"),
    [
        ("matching", "query,document\nx,\n", "only rows with an empty cell"),
        ("matching", "query,document,score\nx,y,good\n", "row 1, column 'score': good"),
        ("matching", "query,document,score\nx,y,0\nz,w,0\n", "2 judgements, none with relevance 0.5 or more"),
        ("matching", "query,document\nx,y\n", "1 different queries, 1 different relevant documents"),
        ("matching", "text\nx\n", "document"),
        ("multilabel", "text,labels\nx,a\ny,a\n", "1 label(s) in 2 rows"),
        ("tagging", "Ann O\nleft O\n", "Tagged sentences need entities"),
        ("tagging", "Ann B-PER\nleft X\n", "row 2: X"),
    ],
)
def test_what_would_stop_a_training_is_fatal_for_each_task(task: str, content: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(content)
    result = RUNNER.invoke(commands, ["check", str(path), "--task", task])
    assert result.exit_code == 2
    assert "  fatal: " in result.output
    assert words in result.output
    assert not json.loads(RUNNER.invoke(commands, ["check", str(path), "--task", task, "--json"]).output)[0]["ok"]


def test_a_folder_of_judgements_is_checked(tmp_path: Path) -> None:
    (tmp_path / "qrels").mkdir()
    (tmp_path / "corpus.jsonl").write_text('{"_id": "d1", "text": "ten"}\n{"_id": "d2", "text": "on its way"}\n')
    (tmp_path / "queries.jsonl").write_text('{"_id": "q1", "text": "how much"}\n{"_id": "q2", "text": "where"}\n')
    qrels = tmp_path / "qrels" / "train.tsv"
    qrels.write_text("query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\td2\t1\n")
    result = RUNNER.invoke(commands, ["check", str(tmp_path), "--task", "matching"])
    assert (result.exit_code, f"{tmp_path.name} is clean: a folder of judgements" in result.output) == (0, True)
    assert "2 queries, 2 documents, 2 judgements" in result.output
    qrels.write_text("query-id\tcorpus-id\tscore\nq1\td9\t1\n")
    result = RUNNER.invoke(commands, ["check", str(tmp_path), "--task", "matching"])
    assert (result.exit_code, "train.tsv, row 1, column 'corpus-id': d9" in result.output) == (2, True)


def test_an_unknown_task_and_options_of_another_are_refused(good: Path) -> None:
    for options, words in ((["--task", "poetry"], "tagging"), (["--task", "matching", "--test", "x.csv"], "--test")):
        result = RUNNER.invoke(commands, ["check", str(good), *options])
        assert isinstance(result.exception, UsageError)
        assert words in str(result.exception)
