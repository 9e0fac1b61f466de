from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portside.data.tag_faults import broken_frames
from portside.data.tagged import load_tagged
from portside.data.words import split_sentences, split_words
from portside.errors import DataError
from portside.records import Tagged

COLUMNS = "Ann\tB-PER\nleft\tO\n\nShe\tO\nlives\tO\nin\tO\nNew\tB-LOC\nYork\tI-LOC\n"


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    def given(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return given


def test_columns(write: Callable[..., Path]) -> None:
    found = load_tagged(write("a.txt", COLUMNS))
    assert found.sentences[0] == Tagged(("Ann", "left"), ("B-PER", "O"), 0)
    assert (len(found), found.types, found.findings) == (2, ("LOC", "PER"), ())
    packed = load_tagged(write("a.txt.gz", gzip.compress(COLUMNS.encode())))
    assert packed.sentences == found.sentences
    assert packed.content_hash == found.content_hash


def test_four_columns_documents_and_iob1(write: Callable[..., Path]) -> None:
    lines = ["-DOCSTART- -X- O O", "", "EU NNP I-NP I-ORG", "rejects VBZ I-VP O", "", "-DOCSTART- -X- O O", ""]
    lines += ["Ann NNP I-NP I-PER", "Bea NNP I-NP B-PER", ""]
    found = load_tagged(write("eng.train", "\n".join(lines)))
    assert [one.tags for one in found.sentences] == [("B-ORG", "O"), ("B-PER", "B-PER")]
    assert [one.document for one in found.sentences] == [1, 2]
    assert "IOB1" in found.findings[0].rule


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("we NN I-NP O\n# NN I-NP O\nAnn NN I-NP B-PER", ("we", "#", "Ann")),
        ("# O\nAnn B-PER", ("#", "Ann")),
        ("# O", None),
        ("#\tO\nAnn\tB-PER", ("#", "Ann")),
        ("# text = Ann left\nAnn B-PER\nleft O", ("Ann", "left")),
        ("# sent_id = O\nAnn\tx\ty\tB-PER", ("Ann",)),
        ("# a comment\nAnn\tB-PER", ("Ann",)),
    ],
)
def test_a_number_sign_is_a_word_where_the_line_is_like_the_others(
    write: Callable[..., Path], lines: str, words: tuple[str, ...] | None
) -> None:
    path = write("a.txt", f"{lines}\n")
    if words is None:
        with pytest.raises(DataError, match="need entities"):
            load_tagged(path)
        return
    assert load_tagged(path).sentences[0].tokens == words


@pytest.mark.parametrize(
    ("tags", "broken"),
    [
        ("B-PER L-PER O U-LOC", []),
        ("B-PER I-PER L-PER B-PER L-PER", []),
        ("O L-PER O", [1]),
        ("B-PER O U-LOC", [0]),
        ("O I-PER L-PER", [1]),
        ("U-LOC B-PER", [1]),
        ("B-PER L-LOC", [0, 1]),
        ("B-PER B-PER L-PER", [0]),
        ("S-LOC B-PER E-PER", []),
    ],
)
def test_broken_entities_of_bilou_are_found(tags: str, broken: list[int]) -> None:
    assert broken_frames(tags.split()) == broken


def test_broken_entities_of_bilou_are_told(write: Callable[..., Path]) -> None:
    found = load_tagged(write("a.txt", "Ann B-PER\nleft O\nParis U-LOC\n\nLee L-PER\nleft O\n"))
    assert [one.tags for one in found.sentences] == [("B-PER", "O", "B-LOC"), ("B-PER", "O")]
    warning = next(one for one in found.findings if one.severity == "warning")
    assert (warning.count, warning.value) == (2, "Ann B-PER")
    assert "not closed" in warning.rule
    whole = load_tagged(write("b.txt", "Ann B-PER\nLee L-PER\nParis U-LOC\n"))
    assert [one.severity for one in whole.findings] == ["note"]


def test_json_lines_of_tokens_and_of_spans(write: Callable[..., Path]) -> None:
    rows = [
        {"tokens": ["Ann", "left"], "ner_tags": ["U-PER", "O"]},
        {
            "text": "Ann Lee left. She lives in New York.",
            "spans": [{"start": 27, "end": 35, "label": "LOC"}, [0, 7, "PER"]],
        },
    ]
    found = load_tagged(write("a.jsonl", "\n".join(json.dumps(row) for row in rows)))
    assert [(one.tokens, one.tags) for one in found.sentences] == [
        (("Ann", "left"), ("B-PER", "O")),
        (("Ann", "Lee", "left", "."), ("B-PER", "I-PER", "O", "O")),
        (("She", "lives", "in", "New", "York", "."), ("O", "O", "O", "B-LOC", "I-LOC", "O")),
    ]


@pytest.mark.parametrize(
    ("content", "name", "told"),
    [
        ("", "a.txt", "at least one"),
        ("Ann\n", "a.txt", "row 1"),
        ("Ann\tPER\n", "a.txt", "B-PER"),
        ("Ann\tO\n", "a.txt", "need entities"),
        ('{"tokens": ["a"], "tags": []}', "a.jsonl", "same length"),
        ('{"tokens": [1], "tags": ["O"]}', "a.jsonl", "lists of texts"),
        ('{"words": "x"', "a.jsonl", "JSON object"),
        ("[1]", "a.jsonl", "JSON object"),
        ('{"text": "Ann", "spans": [[0, 9, "PER"]]}', "a.jsonl", "inside its text"),
        ('{"text": "Ann Lee", "spans": [[0, 5, "PER"], [4, 7, "PER"]]}', "a.jsonl", "overlap"),
        ('{"label": "x"}', "a.jsonl", "'spans'"),
    ],
)
def test_what_cannot_be_read_is_said(write: Callable[..., Path], content: str, name: str, told: str) -> None:
    with pytest.raises(DataError) as caught:
        load_tagged(write(name, content))
    assert told in str(caught.value)
    assert name in str(caught.value)


def test_spans_that_tags_cannot_say_are_told_of_with_row_and_count(write: Callable[..., Path]) -> None:
    rows = [
        {"text": "Ann left", "spans": [[0, 3, "PER"]]},
        {"text": "AnnParis is here", "spans": [[0, 3, "PER"], [3, 8, "LOC"]]},
        {"text": "He met Ann. Lee left", "spans": [[7, 15, "PER"]]},
        {"text": "BobRome here", "spans": [[0, 3, "PER"], [3, 7, "LOC"]]},
        {"text": "Bob Rome", "spans": [[0, 4, "PER"], [4, 8, "LOC"]]},
    ]
    found = load_tagged(write("a.jsonl", "\n".join(json.dumps(row) for row in rows)))
    told = [(one.rule, one.row, one.count, one.value) for one in found.findings if one.severity == "warning"]
    assert told == [
        ("Two names must not share a word: the first one gets it", 2, 2, "AnnParis (PER, LOC)"),
        ("A name that goes on in the next sentence is read as two", 3, 1, "Ann. Lee (PER)"),
    ]


def test_chinese_characters_are_words(write: Callable[..., Path]) -> None:
    assert [word.text for word in split_words("Ann去北京 ABC股份, カナ don't 2024年")] == [
        *("Ann", "去", "北", "京", "ABC", "股", "份", ",", "カ", "ナ", "don't", "2024", "年")
    ]
    found = load_tagged(write("a.jsonl", '{"text": "王芳去上海", "spans": [[0, 2, "PER"], [3, 5, "LOC"]]}'))
    assert found.sentences[0].tags == ("B-PER", "I-PER", "O", "B-LOC", "I-LOC")


@given(st.text(max_size=200))
def test_words_lie_where_they_say_and_none_is_lost(text: str) -> None:
    words = split_words(text)
    assert all(text[word.start : word.end] == word.text for word in words)
    assert all(first.end <= second.start for first, second in pairwise(words))
    letters = sum(character.isalnum() for character in text)
    assert sum(character.isalnum() for word in words for character in word.text) == letters
    assert [word for sentence in split_sentences(words, text) for word in sentence] == words


@given(st.text(alphabet=st.sampled_from('ab\t\n -BIOPER#{"x'), max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.txt"
        path.write_text(text)
        try:
            found = load_tagged(path)
        except DataError:
            return
        assert all(len(one.tokens) == len(one.tags) > 0 for one in found.sentences)
