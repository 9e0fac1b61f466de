from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from portside.errors import DataError
from portside_support.importing import read_articles, read_conversations, read_slots, read_templates

Write = Callable[[str, str], Path]
SLOTS = "slot,kind,pattern,question\n"
ANSWERS = "intent,language,answer,approved_by\n"
ARTICLE = "---\ntitle: A\nslug: {slug}\n---\nText."


def test_slots_are_read(write: Write) -> None:
    path = write(
        "slots.csv", SLOTS + 'order,regex,[0-9]{3},"Which, please?"\nsize,choices,S|M,Size?\nnote,TEXT,,Note?\n'
    )
    slots = read_slots(path)
    assert list(slots) == ["order", "size", "note"]
    assert (slots["order"].question, slots["note"].kind, slots["note"].pattern) == ("Which, please?", "text", "")


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ("order,regex,[0-9,Which?", "row 1, column 'pattern': The pattern must be a regular expression"),
        ("order,regex,[0-9]*,Which?", "must not match empty text"),
        ("order,number,x,Which?", "row 1, column 'kind'"),
        ("my order,text,,Which?", "row 1, column 'slot'"),
        ("order,choices,|,Which?", "needs choices"),
        ("order,text,,", "row 1, column 'question': The cell must not be empty"),
        ("order,text,,A?\norder,text,,B?", "row 2, column 'slot': Each slot is described once"),
    ],
)
def test_bad_slots_are_refused(write: Write, row: str, rule: str) -> None:
    with pytest.raises(DataError, match=rule) as caught:
        read_slots(write("slots.csv", SLOTS + row + "\n"))
    assert caught.value.file == "slots.csv"


def test_templates_are_read(write: Write) -> None:
    path = write("templates.csv", ANSWERS + 'track,EN,"Order {order}, on its way.",Ada\ntrack,zh,在路上,Ada\n')
    assert [(one.intent, one.language) for one in read_templates(path, slots=["order"], intents=["track"])] == [
        ("track", "en"),
        ("track", "zh"),
    ]
    assert read_templates(path, slots=["order"], intents=[])


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ("track,en,Order {parcel}.,Ada", "row 1, column 'answer': An answer may only name slots that are described"),
        ("trck,en,Soon.,Ada", "row 1, column 'intent': The intent of an answer must be one the model knows"),
        ("track,en,Soon {order.,Ada", "Every brace must belong to a slot"),
        ("track,en,Soon {order number}.,Ada", "Every brace must belong to a slot"),
        ("track,en,,Ada", "row 1, column 'answer': The cell must not be empty"),
        ("track,en,Soon.,", "column 'approved_by'"),
        ("track,en,Soon.,Ada\ntrack,en,Later.,Ben", "row 2, column 'intent': An intent has one approved answer"),
    ],
)
def test_bad_templates_are_refused(write: Write, row: str, rule: str) -> None:
    with pytest.raises(DataError, match=rule):
        read_templates(write("templates.csv", ANSWERS + row + "\n"), slots=["order"], intents=["track"])


def test_a_missing_column_is_named(write: Write) -> None:
    with pytest.raises(DataError, match="approved_by"):
        read_templates(write("templates.csv", "intent,language,answer\na,en,b\n"), slots=[], intents=[])


def test_articles_are_read_from_subfolders_without_the_readme(write: Write) -> None:
    folder = write("kb/b/two.md", ARTICLE.format(slug="two")).parents[1]
    write("kb/one.md", ARTICLE.format(slug="one"))
    write("kb/README.md", "# not an article")
    assert [one.slug for one in read_articles(folder, passage_words=50)] == ["two", "one"]


def test_a_slug_may_not_come_twice(write: Write) -> None:
    folder = write("kb/one.md", ARTICLE.format(slug="same")).parent
    write("kb/two.md", ARTICLE.format(slug="same"))
    with pytest.raises(DataError, match=r"two\.md: Two articles .* also in one\.md"):
        read_articles(folder, passage_words=50)


def test_folders_without_articles_are_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(DataError, match="folder"):
            read_articles(folder, passage_words=50)


def test_articles_are_utf8(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(ARTICLE.format(slug="a").encode() + b"\xff")
    with pytest.raises(DataError, match=r"a\.md: An article is UTF-8"):
        read_articles(tmp_path, passage_words=50)


GOOD: dict[str, Any] = {
    "id": "c-1",
    "channel": "web",
    "language": "en",
    "started_at": "2026-06-01T10:00:00+02:00",
    "messages": [{"role": "customer", "text": "hi", "at": "2026-06-01T10:00:00+02:00"}],
    "outcome": "answered",
}


def test_conversations_are_read(write: Write) -> None:
    bare = {"id": "c-2", "messages": GOOD["messages"]}
    path = write("c.jsonl", "\n".join(json.dumps(one) for one in (GOOD, bare)) + "\n\n")
    first, second = read_conversations(path)
    assert (first.id, first.outcome, first.started_at.hour, first.status) == ("c-1", "answered", 8, "closed")
    assert (second.outcome, second.channel, second.started_at) == ("none", "import", first.started_at)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"id": ""}, "row 1, column 'id'"),
        ({"id": "a b"}, "row 1, column 'id'"),
        ({"messages": []}, "must have messages"),
        ({"messages": [{"role": "boss", "text": "x", "at": "2026-06-01"}]}, "Each message has a role"),
        ({"messages": [{"role": "bot", "text": " ", "at": "2026-06-01"}]}, "must have text"),
        ({"messages": [{"role": "bot", "text": "x", "at": "noon"}]}, "column 'at': A time is written as ISO 8601"),
        ({"outcome": "great"}, "column 'outcome'"),
        ({"started_at": "soon"}, "column 'started_at'"),
    ],
)
def test_bad_conversations_are_refused(write: Write, change: dict[str, Any], rule: str) -> None:
    with pytest.raises(DataError, match=rule):
        read_conversations(write("c.jsonl", json.dumps(GOOD | change)))


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("{", "must be JSON"),
        ("[1]", "JSON object"),
        ("", "at least one"),
        (json.dumps(GOOD) + "\n" + json.dumps(GOOD), "row 2"),
    ],
)
def test_files_that_are_no_conversations_are_refused(write: Write, text: str, rule: str) -> None:
    with pytest.raises(DataError, match=rule):
        read_conversations(write("c.jsonl", text))
