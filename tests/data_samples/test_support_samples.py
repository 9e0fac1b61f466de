"""The support samples hold what their README says, agree with each other, and are what their generator writes."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "data_samples" / "support"
OUT_OF_SCOPE = "out_of_scope"
HUMANS_ONLY = {"charged_twice", "close_account", "complaint", "product_safety", "talk_to_human"}
GENERATED = ("intents.csv", "intents_test.csv", "conversations.jsonl")
LAST_DAY = datetime(2026, 11, 1, tzinfo=UTC)


def rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def key(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalnum())


def conversations() -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FOLDER / "conversations.jsonl").read_text(encoding="utf-8").splitlines()]


def article(path: Path) -> tuple[dict[str, str], str]:
    """Front matter and body."""
    _, front, body = path.read_text(encoding="utf-8").split("---\n", 2)
    pairs = (line.split(": ", 1) for line in front.splitlines())
    return {name: value for name, value in pairs}, body


ARTICLES = sorted((FOLDER / "kb").glob("*.md"))


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the generator writes today, in another folder."""
    out = tmp_path_factory.mktemp("support-samples")
    command = [sys.executable, "-B", str(FOLDER / "generate.py"), "--out", str(out)]
    subprocess.run(command, check=True, timeout=60, cwd=out)
    return out


@pytest.mark.parametrize("name", GENERATED)
def test_generator_reproduces_the_committed_file(rebuilt: Path, name: str) -> None:
    assert (rebuilt / name).read_bytes() == (FOLDER / name).read_bytes()


def test_enough_utterances_of_enough_intents() -> None:
    counts = Counter(row["intent"] for row in rows("intents.csv"))
    out_of_scope = counts.pop(OUT_OF_SCOPE)
    assert len(counts) == 33
    assert min(counts.values()) >= 35
    assert 55 <= out_of_scope <= 75


def test_held_out_rows_cover_the_same_intents() -> None:
    train = {row["intent"] for row in rows("intents.csv")}
    counts = Counter(row["intent"] for row in rows("intents_test.csv"))
    assert set(counts) == train
    assert counts.total() >= 600
    assert 75 <= counts[OUT_OF_SCOPE] <= 90
    assert min(counts.values()) >= 13


def test_no_held_out_text_stands_in_training() -> None:
    train = {key(row["text"]) for row in rows("intents.csv")}
    test = [key(row["text"]) for row in rows("intents_test.csv")]
    assert [text for text in test if text and text in train] == []
    assert len(set(filter(None, test))) == len(list(filter(None, test)))


def test_texts_are_there_and_vary() -> None:
    texts = [row["text"] for name in GENERATED[:2] for row in rows(name)]
    words = [len(text.split()) for text in texts]
    assert all(text.strip() == text and text for text in texts)
    assert sum(count >= 60 for count in words) >= 25
    assert sum(count <= 3 for count in words) >= 200
    assert sum(text.islower() for text in texts) >= 300


def test_exact_duplicates_are_few_and_carry_one_label() -> None:
    labels: dict[str, list[str]] = {}
    for row in rows("intents.csv"):
        labels.setdefault(row["text"], []).append(row["intent"])
    repeated = {text: found for text, found in labels.items() if len(found) > 1}
    assert 5 <= len(repeated) <= 30
    assert all(len(set(found)) == 1 for found in repeated.values())


def test_every_intent_has_an_approved_answer_unless_people_must_answer() -> None:
    intents = {row["intent"] for row in rows("intents.csv")} - {OUT_OF_SCOPE}
    templates = rows("templates.csv")
    english = {row["intent"] for row in templates if row["language"] == "en"}
    assert english == intents - HUMANS_ONLY
    assert {row["intent"] for row in templates} <= english
    pairs = [(row["intent"], row["language"]) for row in templates]
    assert len(set(pairs)) == len(pairs)
    assert all(row["approved_by"] for row in templates)


def test_template_slots_exist_and_every_slot_is_used() -> None:
    used = {slot for row in rows("templates.csv") for slot in re.findall(r"\{(\w+)\}", row["answer"])}
    assert used == {row["slot"] for row in rows("slots.csv")}


def test_slots_say_how_they_are_filled() -> None:
    examples = {"order_number": ("LM-2048817", "LM-20488"), "email": ("j.pell@example.org", "j.pell")}
    for row in rows("slots.csv"):
        assert row["kind"] in {"regex", "choices", "text"}
        assert row["question"].endswith((".", "?"))
        if row["kind"] == "regex":
            good, bad = examples[row["slot"]]
            assert re.fullmatch(row["pattern"], good)
            assert not re.fullmatch(row["pattern"], bad)
        assert (row["kind"] == "choices") == ("|" in row["pattern"])


def test_enough_articles() -> None:
    assert len(ARTICLES) >= 64


@pytest.mark.parametrize("path", ARTICLES, ids=lambda path: path.stem)
def test_article_is_complete_and_its_links_resolve(path: Path) -> None:
    front, body = article(path)
    assert list(front) == ["title", "slug", "category", "updated", "url"]
    assert front["slug"] == path.stem
    assert front["url"].endswith(f"/help/{path.stem}")
    assert date.fromisoformat(front["updated"]) < LAST_DAY.date()
    assert 120 <= len(body.split()) <= 450
    assert 3 <= len(re.findall(r"^## .+", body, re.MULTILINE)) <= 5
    links = re.findall(r"\]\(([^)]+)\)", body)
    assert links
    assert [link for link in links if link == path.name or not (FOLDER / "kb" / link).is_file()] == []


def test_every_article_is_linked_from_another() -> None:
    linked = {link for path in ARTICLES for link in re.findall(r"\]\(([^)]+)\)", article(path)[1])}
    assert {path.name for path in ARTICLES} - linked == set()


def test_conversations_are_dated_ordered_and_complete() -> None:
    found = conversations()
    assert len(found) >= 160
    assert len({record["id"] for record in found}) == len(found)
    starts = [datetime.fromisoformat(record["started_at"]) for record in found]
    assert starts == sorted(starts)
    assert starts[0] >= LAST_DAY - timedelta(days=90)
    for record in found:
        assert set(record) == {"id", "channel", "language", "started_at", "messages", "outcome"}
        moments = [datetime.fromisoformat(message["at"]) for message in record["messages"]]
        assert moments == sorted(moments)
        assert moments[-1] < LAST_DAY
        assert record["messages"][0]["role"] == "customer"
        assert record["messages"][0]["at"] == record["started_at"]


def test_conversation_outcomes_are_those_of_their_messages() -> None:
    for record in conversations():
        roles = {message["role"] for message in record["messages"]}
        assert roles <= {"customer", "bot", "agent"}
        assert ("agent" in roles) == (record["outcome"] == "handed_over")
        assert not any("{" in message["text"] for message in record["messages"])


@pytest.mark.parametrize(
    ("field", "least"),
    [
        ("outcome", {"answered": 60, "retrieved": 40, "handed_over": 40}),
        ("channel", {"web": 40, "chat": 30, "email": 20}),
    ],
)
def test_conversations_are_mixed(field: str, least: dict[str, int]) -> None:
    counts = Counter(record[field] for record in conversations())
    assert set(counts) == set(least)
    assert all(counts[value] >= number for value, number in least.items())


def test_no_conversation_gives_a_test_utterance_away() -> None:
    held_out = {key(row["text"]) for row in rows("intents_test.csv") if len(row["text"].split()) > 3}
    said = {key(message["text"]) for record in conversations() for message in record["messages"]}
    assert said & held_out == set()


def test_folder_stays_small() -> None:
    size = sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    assert size < 3_000_000


def test_readme_states_the_true_counts() -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    counted = {
        name: f"{len(rows(name)):,}" for name in ("intents.csv", "intents_test.csv", "templates.csv", "slots.csv")
    }
    counted |= {"kb/*.md": str(len(ARTICLES)), "conversations.jsonl": str(len(conversations()))}
    stated = dict(re.findall(r"^\| `([^`]+)` \| ([\d,]+) \|", text, re.MULTILINE))
    assert stated == counted
