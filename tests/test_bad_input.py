"""Every task's answer to bad input, from the command line: advice that names rule and place, and nothing registered."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from portside.cli import main
from portside.inference.folder import ModelFile
from portside.registry import ModelRegistry

LABELS = {
    "classification": ("card", "parcel", "refund"),
    "multilabel": ("card", "parcel", "refund"),
    "tagging": ("O", "B-PER", "I-PER"),
    "matching": (),
}
LABELLED = ("classification", "multilabel", "tagging")
GOOD = [["my card", "card"], ["my money", "refund"], ["lost card", "card"], ["back money", "refund"]] * 6
TEXTS = ("classification", "multilabel")
Case = tuple[str, str, bytes, list[str]]
"""Task, file name, content, and words that the advice must have."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Iterator[Path]:
    """A home with a model of random weights for each task, named like the task."""
    import torch

    from portside.inference.bert import Bert
    from portside.inference.matcher import save_documents
    from portside.inference.tokens import Tokens
    from portside.tasks.classification_network import ClassificationNetwork
    from portside.tasks.network_folder import save_network
    from portside.tasks.tagging_network import TaggingNetwork

    home = tmp_path_factory.mktemp("bad") / "home"
    registry, tokens = ModelRegistry(home / "models"), Tokens(tiny_encoder, max_tokens=16)
    for task, labels in LABELS.items():
        with torch.random.fork_rng(devices=[]), registry.staging(task) as folder:
            torch.manual_seed(3)
            encoder = Bert(tokens.config)
            network: torch.nn.Module = encoder
            if task == "tagging":
                network = TaggingNetwork(encoder, 32, len(labels), case=False)
            elif task != "matching":
                network = ClassificationNetwork(encoder, 32, len(labels))
            options = {"also": ["encoder"], "system": "vectors"} if task == "matching" else {}
            save_network(folder, network, tokens, tokens.config, ModelFile(task, 16, labels, options))
            if task == "matching":
                vectors = torch.nn.functional.normalize(torch.randn(2, 32), dim=1).numpy()
                save_documents(folder, {"a": "the card", "b": "the parcel"}, vectors)
            registry.register(task, folder, {"task": task}, actor="a", reason="r", check=lambda _: None)
    before = {name: os.environ.get(name) for name in ("PORTSIDE_HOME", "PORTSIDE_ENCODER")}
    os.environ.update(PORTSIDE_HOME=str(home), PORTSIDE_ENCODER=str(tiny_encoder))
    yield home
    for name, value in before.items():
        os.environ.pop(name) if value is None else os.environ.update({name: value})


def table(*rows: list[str], good: bool = True) -> bytes:
    stream = io.StringIO()
    csv.writer(stream).writerows([["text", "label"], *(GOOD if good else []), *rows])
    return stream.getvalue().encode("utf-8", "surrogatepass")


def line(**cells: object) -> bytes:
    good = "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in GOOD)
    return good.encode() + json.dumps(cells).encode() + b"\n"


SENTENCES = b"Ann\tB-PER\nleft\tO\n\nBea\tB-PER\ncame\tO\n\n"


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as caught:
        main([str(word) for word in words])
    return int(caught.value.code or 0)


REFUSED_TRAINING: list[Case] = [
    ("classification", "a.csv", b"", ["a.csv", "empty", "next:"]),
    ("multilabel", "a.csv", b"", ["a.csv", "empty", "next:"]),
    ("tagging", "a.txt", b"", ["a.txt", "at least one tagged sentence", "next:"]),
    ("classification", "a.csv", b"text,label\n", ["a.csv", "at least one row", "next:"]),
    ("multilabel", "a.csv", b"text,label\n", ["a.csv", "column 'text'", "at least one text", "next:"]),
    ("classification", "a.csv", table(["my card", "card"], good=False), ["two labels", "card", "next:"]),
    ("multilabel", "a.csv", table(["my card", "card"], good=False), ["others have not", "1 rows", "next:"]),
    ("classification", "a.csv", table(*[["my card", "card"]] * 9, good=False), ["two labels", "column 'label'"]),
    ("multilabel", "a.csv", table(*[["my card", "card"]] * 9, good=False), ["others have not", "next:"]),
    ("tagging", "a.txt", b"Ann\tO\nleft\tO\n", ["a.txt", "need entities", "only O", "next:"]),
    ("classification", "a.csv", table([" \u3000", "card"], ["\u200b", "refund"], good=False), ["at least one row"]),
    ("multilabel", "a.csv", table([" \u3000", "card"], ["\u200b", "refund"], good=False), ["at least one text"]),
    *((task, "a.csv", table(["card " * 40_000, "card"]), ["row 25", "131,072", "next:"]) for task in TEXTS),
    *((task, "a.csv", b"text,label\n" + b"a\x00,b\n" * 50, ["control characters", "next:"]) for task in TEXTS),
    *((task, "a.jsonl", line(text=["a"], label="card"), ["row 25", "column 'text'", "['a']"]) for task in TEXTS),
    *((task, "a.jsonl", line(text="a", label={"b": 1}), ["row 25", "column 'label'", "next:"]) for task in TEXTS),
    *((task, "a.jsonl", b"[" * 100_000, ["a.jsonl", "recursion"]) for task in ("tagging", *TEXTS)),
    ("tagging", "a.txt", b"Ann\tPERSON\n", ["row 1", "PERSON", "B-PER"]),
    ("tagging", "a.txt", b"Ann\n", ["row 1", "its tag", "Ann"]),
    ("tagging", "a.jsonl", b'{"text": "Ann", "spans": [[0, 9, "PER"]]}', ["row 1", "inside its text", "next:"]),
    ("tagging", "a.jsonl", b'{"text": "Ann", "spans": [[-1, 2, "PER"]]}', ["row 1", "inside its text", "-1"]),
    ("tagging", "a.jsonl", b'{"text": "Ann left", "spans": [[0, 3, "A"], [2, 5, "B"]]}', ["row 1", "overlap", "next:"]),
    ("tagging", "a.jsonl", b'{"text": "Ann   left", "spans": [[3, 6, "A"]]}', ["row 1", "at least one word", "next:"]),
    ("tagging", "a.jsonl", b'{"text": "Ann", "spans": [[0, 3, " "]]}', ["row 1", "has a label"]),
    ("tagging", "a.jsonl", b'{"text": null, "spans": []}', ["row 1", "'text' and 'spans'"]),
    ("tagging", "a.jsonl", b'{"tokens": ["a"], "tags": ["O", "O"]}', ["row 1", "same length", "1 tokens, 2 tags"]),
    ("matching", "a.csv", b"", ["a.csv", "empty", "next:"]),
    ("matching", "a.csv", b"query,document\n", ["a.csv", "next:"]),
    ("matching", "a.csv", b"query,document\n\xe3\x80\x80,the card\nmy card, \n", ["a.csv", "next:"]),
    ("matching", "a.csv", b"query,remark\nmy card,late\n", ["hold the document", "'remark'", "next:"]),
    ("matching", "a.csv", b"query,document\n" + b"a\x00,b\n" * 50, ["control characters", "next:"]),
    ("matching", "a.csv", b"query,document,score\nmy card,the card,much\n", ["row 1", "column 'score'", "much"]),
    ("matching", "a.csv", b"query,document,score\nmy card,the card,0\n", ["next:"]),
    ("matching", "a.csv", b"query,document\nmy card,the card\nyour card,the card\n", ["next:"]),
    ("matching", "a.jsonl", b'{"query": ["a"], "document": "b"}', ["row 1", "column 'query'", "['a']"]),
    ("matching", "a.jsonl", b"[" * 100_000, ["a.jsonl", "recursion"]),
]


@pytest.mark.parametrize("case", REFUSED_TRAINING)
def test_training_refuses(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], case: Case) -> None:
    task, name, content, words = case
    (tmp_path / name).write_bytes(content)
    assert run("train", task, "--data", tmp_path / name, "--name", "new") == 2
    told = capsys.readouterr().err
    assert all(word in told for word in words), told
    assert sorted(ModelRegistry(home / "models").names()) == sorted(LABELS)


UNKNOWN: list[Case] = [
    # A row without text comes first: the number is that of the file.
    ("classification", "v.csv", table(["", "card"], ["x", "[/zeta]"]), ["row 26", "'[/zeta]'"]),
    ("multilabel", "v.csv", table(["", "card"], ["x", "zeta|card"]), ["row 26", "zeta", "beside 'x'"]),
    ("tagging", "v.txt", SENTENCES + b"Paris\tB-LOC\n", ["LOC", "beside 'Paris'"]),
]


@pytest.mark.parametrize("case", UNKNOWN)
def test_what_training_has_not_seen_is_named_in_validation_data(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], case: Case
) -> None:
    task, name, content, words = case
    data = tmp_path / "train.txt" if task == "tagging" else tmp_path / "train.csv"
    data.write_bytes(SENTENCES if task == "tagging" else table())
    (tmp_path / name).write_bytes(content)
    assert run("train", task, "--data", data, "--valid", tmp_path / name, "--name", "new") == 2
    told = capsys.readouterr().err
    assert all(word in told for word in words), told
    assert "new" not in ModelRegistry(home / "models").names()


@pytest.mark.parametrize("case", UNKNOWN)
def test_what_the_model_does_not_know_is_said_in_evaluation(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], case: Case
) -> None:
    task, name, content, words = case
    (tmp_path / name).write_bytes(content)
    refused = task == "classification"  # a single label per row can only be right or unheard of
    assert run("evaluate", task, "--data", tmp_path / name) == (2 if refused else 0)
    told = capsys.readouterr()
    assert words[0 if task == "tagging" else 1] in (told.err if refused else told.out)
    assert refused == ("row 26" in told.err)
    if not refused:
        assert "does not know" in told.out


ODD_TEXTS = [
    "",
    "   ",
    "nan",
    "\x00\x1f",
    "\u202eمرحبا card",
    "👩\u200d👩\u200d👧\u200d👦 💳",
    "[/bold] [red]:smile:",
    "中文卡",
    "card " * 20_000,
]


@pytest.mark.parametrize("task", sorted(LABELS))
def test_odd_texts_are_answered_and_what_was_cut_is_said(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], task: str
) -> None:
    data, out = tmp_path / "[b]ask[red].jsonl", tmp_path / "out"
    odd = [*ODD_TEXTS, "half \ud83d", None, 5, float("nan"), "w" + "x" * 50, "y" * 1_000_000]
    data.write_text("".join(json.dumps({"text": text, "id": place}) + "\n" for place, text in enumerate(odd)))
    assert run("predict", task, "--data", data, "--out", out) == 0
    told = capsys.readouterr()
    rows = json.loads("[" + ",".join(out.read_text().splitlines()) + "]") if task == "tagging" else read_csv(out)
    assert len(rows) == len(odd)
    assert rows[9]["text"] == "half ?"
    # A word of a million letters is no word of this vocabulary: it is one unknown token, of which nothing is cut.
    longest = "in row 14, has 51 characters" if task == "tagging" else "in row 15, has 1,000,000 characters"
    assert longest in told.err
    assert ("words only the first 14" if task == "tagging" else "texts only the first 16") in told.err
    for text in ("\ud83d", "👩\u200d👩", "", "\x00"):
        assert run("predict", task, text, "--json") == 0


def read_csv(path: Path) -> list[dict[str, str]]:
    csv.field_size_limit(10_000_000)
    try:
        with path.open(newline="") as stream:
            return list(csv.DictReader(stream))
    finally:
        csv.field_size_limit(131_072)


@pytest.mark.parametrize("task", LABELLED)
def test_an_evaluation_counts_what_was_cut(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], task: str
) -> None:
    data = tmp_path / ("a.txt" if task == "tagging" else "a.csv")
    long = b"y" * 60
    data.write_bytes(SENTENCES + long + b"\tO\n" if task == "tagging" else table(["", ""], ["card " * 60, "card"]))
    assert run("evaluate", task, "--data", data, "--json", "-") == 0
    found = json.loads(capsys.readouterr().out)["longer_than_limit"]
    expected = {
        "count": 1,
        "limit_tokens": 14 if task == "tagging" else 16,
        "longest_row": None if task == "tagging" else 26,
        "longest_characters": 60 if task == "tagging" else 299,
    }
    assert found == expected
    assert run("evaluate", task, "--data", data) == 0
    assert "Mind: Of 1 " in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("task", LABELLED)
def test_odd_rows_train_and_what_was_left_out_or_cut_is_said(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], task: str
) -> None:
    """Labels with commas, line breaks and emoji; numbers; half surrogates; a line of ten megabytes."""
    rows = [{"text": f"{text} {place}", "label": label} for place, (text, label) in enumerate(GOOD)]
    odd: list[dict[str, object]] = [
        *({"text": f"{word} {place}", "label": label} for place in range(3) for word, label in ODD_LABELS),
        {"text": "half \ud83d", "label": "card"},
        {"text": None, "label": "card"},
        {"text": "no label", "label": float("nan")},
        {"text": 5, "label": 5},
        {"text": "card " * (2_000_000 if task == "multilabel" else 20_000), "label": "card"},
    ]
    if task == "tagging":
        names = [
            {"tokens": ["Ann", f"w{place}", "👩\u200d👩", "\x00"], "tags": ["B-A,\nb", "O", "O", "O"]}
            for place in range(9)
        ]
        content = [
            *names,
            {"tokens": ["z" * 1_000_000, "y" * 80, "\ud83d", "Ann"], "tags": ["O", "O", "I-1", "B-A,\nb"]},
        ]
    else:
        content = [*rows, *odd]
    data = tmp_path / "odd.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in content))
    quick = ("--epochs", 1, "--set", "precision=fp32", "--name", f"odd-{task}")
    assert run("train", task, "--data", data, *quick, "--valid", data) == 0
    told = capsys.readouterr()
    assert "only the first" in told.err
    longest = {"tagging": "80", "multilabel": "9,999,999", "classification": "99,999"}[task]
    assert f"{longest} characters" in told.err
    card = ModelRegistry(home / "models").resolve(f"odd-{task}").card
    assert card["data"]["words_cut" if task == "tagging" else "longer_than_limit"] == 1
    if task == "classification":
        assert {"5", "a,\nb", "👩\u200d💻", "nan"} <= set(card["labels"])
        assert "A row without label is left out" in told.err
    if task != "tagging":
        assert "A row without text" in told.err


ODD_LABELS = [("one", "a,\nb"), ("two", "👩\u200d💻"), ("three", "nan"), ("four", "مرحبا")]


@pytest.mark.slow
def test_odd_pairs_train_and_what_was_left_out_or_cut_is_said(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("card", "parcel", "money")
    rows: list[dict[str, object]] = [
        {"query": f"where is my {words[place % 3]} {place}", "document": f"the {words[place % 3]} is late"}
        for place in range(30)
    ]
    rows += [
        {"query": "half \ud83d", "document": "👩\u200d💻"},
        {"query": None, "document": "the card is late"},
        {"query": 5, "document": 7},
        {"query": "card " * 20_000, "document": "the card is late"},
        {"query": "a,\nb", "document": "parcel " * 10_000},
    ]
    data = tmp_path / "odd.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    quick = ("--epochs", 1, "--set", "precision=fp32", "--set", "batch_size=8", "--name", "odd-matching")
    assert run("train", "matching", "--data", data, *quick, "--valid", data) == 0
    told = capsys.readouterr().err
    assert "only the first" in told
    assert "99,999 characters" in told
    card = ModelRegistry(home / "models").resolve("odd-matching").card
    assert card["data"]["longer_than_limit"] == 2
    assert "empty query or document is left out" in told


@pytest.mark.slow
def test_five_thousand_labels_in_ten_thousand_rows(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "many.csv"
    data.write_bytes(table(*[[f"text {row}", f"label {row % 5_000}"] for row in range(10_000)], good=False))
    quick = ("--epochs", 1, "--set", "precision=fp32", "--set", "max_tokens=16", "--name", "many")
    assert run("train", "classification", "--data", data, *quick) == 0
    assert len(ModelRegistry(home / "models").resolve("many").card["labels"]) == 5_000
