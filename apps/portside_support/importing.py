"""Read what a company brings: answers, slots, articles, past conversations. Checked before anything is stored."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

from portside.errors import DataError
from portside_support.articles import parse_article
from portside_support.records import Article, Conversation, Message, Outcome, Role, Slot, SlotKind, Template
from portside_support.slots import slot_names

__all__ = ["read_articles", "read_conversations", "read_slots", "read_templates"]

ARTICLE_BYTES = 1_000_000
"""An article larger than this is not one article."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LEFT_BRACES = re.compile(r"[{}]")
_OUTCOMES: Mapping[str, Outcome] = {
    "answered": "answered",
    "answer": "answered",
    "resolved": "answered",
    "resolved_by_bot": "answered",
    "retrieved": "retrieved",
    "retrieve": "retrieved",
    "handed_over": "handed_over",
    "handed over": "handed_over",
    "hand_over": "handed_over",
    "handover": "handed_over",
    "escalated": "handed_over",
    "abandoned": "none",
    "none": "none",
    "": "none",
}
"""Words for how a conversation ended, as other systems write them -> ours."""


def read_slots(path: Path) -> dict[str, Slot]:
    """Slots by name, from a table with the columns slot, kind, pattern, question.

    Raises:
        DataError: a row breaks a rule; names row and column.
    """
    slots: dict[str, Slot] = {}
    for row, values in _rows(path, ("slot", "kind", "pattern", "question"), may_be_empty=("pattern",)):
        name, kind = values["slot"], values["kind"].lower()
        if not _NAME.fullmatch(name):
            raise _wrong((path, row, "slot"), "A slot's name holds letters, digits and '_' only", name, "Rename it")
        if name in slots:
            raise _wrong((path, row, "slot"), "Each slot is described once", name, "Remove one of the two rows")
        if kind not in get_args(SlotKind):
            raise _wrong((path, row, "kind"), "A slot is of kind regex, choices or text", kind, "Use one of the three")
        _check_pattern(path, row, kind, values["pattern"])
        slots[name] = Slot(name, kind, values["pattern"], values["question"])  # type: ignore[arg-type]
    return slots


def _check_pattern(path: Path, row: int, kind: str, pattern: str) -> None:
    if kind == "regex":
        try:
            matches_nothing = re.compile(pattern).match("") is not None
        except re.error as error:
            raise _wrong(
                (path, row, "pattern"), f"The pattern must be a regular expression ({error})", pattern, "Correct it"
            ) from error
        if matches_nothing:
            remedy = "Write what the value looks like, such as [0-9]{6}"
            raise _wrong((path, row, "pattern"), "The pattern must not match empty text", pattern, remedy)
    if kind == "choices" and not [part for part in pattern.split("|") if part.strip()]:
        remedy = "Separate the choices by |, as in 'red|green'"
        raise _wrong((path, row, "pattern"), "A slot of kind choices needs choices", pattern, remedy)


def read_templates(path: Path, *, slots: Collection[str], intents: Collection[str]) -> list[Template]:
    """Approved answers, from a table with the columns intent, language, answer, approved_by.

    ``intents`` are the labels of the model that will be served; with none known yet, intents are not checked.

    Raises:
        DataError: a row breaks a rule, names an unknown slot or intent, or answers an intent a second time.
    """
    seen: dict[tuple[str, str], int] = {}
    templates: list[Template] = []
    for row, values in _rows(path, ("intent", "language", "answer", "approved_by")):
        template = Template(values["intent"], values["language"].lower(), values["answer"], values["approved_by"])
        if intents and template.intent not in intents:
            known = ", ".join(sorted(intents)[:8])
            raise _wrong(
                (path, row, "intent"),
                "The intent of an answer must be one the model knows",
                template.intent,
                f"Known intents begin with {known}; add utterances of the new one and train, or correct the name",
            )
        key = (template.intent, template.language)
        if key in seen:
            remedy = f"Keep one of rows {seen[key]} and {row}"
            raise _wrong((path, row, "intent"), "An intent has one approved answer a language", template.intent, remedy)
        _check_places(path, row, template.answer, slots)
        seen[key] = row
        templates.append(template)
    return templates


def _check_places(path: Path, row: int, answer: str, slots: Collection[str]) -> None:
    names = slot_names(answer)
    for name in names:
        if name not in slots:
            known = ", ".join(sorted(slots)) or "none yet"
            remedy = f"Describe it in slots.csv, or use a known one: {known}"
            raise _wrong((path, row, "answer"), "An answer may only name slots that are described", name, remedy)
    rest = answer
    for name in names:
        rest = rest.replace("{" + name + "}", "")
    if _LEFT_BRACES.search(rest):
        remedy = "Write slots as {order_number}; braces have no other use"
        raise _wrong((path, row, "answer"), "Every brace must belong to a slot", answer[:80], remedy)


def read_articles(folder: Path, *, passage_words: int) -> list[Article]:
    """Every ``*.md`` file below the folder except README.md, in the order of their paths.

    Raises:
        DataError: there is none, one breaks a rule, or two have the same slug; names the files.
    """
    if not folder.is_dir():
        raise DataError("The knowledge base is a folder of Markdown files", seen=str(folder), remedy="Name a folder")
    files = sorted(path for path in folder.rglob("*.md") if path.name.lower() != "readme.md")
    if not files:
        remedy = "Put one .md file for each article into it"
        raise DataError("The folder must hold at least one article", seen=f"no .md file in {folder}", remedy=remedy)
    by_slug: dict[str, tuple[str, Article]] = {}
    for path in files:
        name = str(path.relative_to(folder))
        article = parse_article(_text(path, name), file=name, passage_words=passage_words)
        if article.slug in by_slug:
            raise DataError(
                "Two articles must not have the same slug",
                seen=f"'{article.slug}' also in {by_slug[article.slug][0]}",
                remedy="Give one of them another slug",
                file=name,
            )
        by_slug[article.slug] = (name, article)
    return [article for _, article in by_slug.values()]


def _text(path: Path, name: str) -> str:
    if path.stat().st_size > ARTICLE_BYTES:
        seen, remedy = f"{path.stat().st_size:,} bytes", "Cut it into several articles"
        raise DataError("An article is at most one megabyte", seen=seen, remedy=remedy, file=name)
    try:
        return path.read_text(encoding="utf-8").replace("\x00", "")
    except UnicodeDecodeError as error:
        seen, remedy = f"byte {error.start} is not", "Save the file as UTF-8"
        raise DataError("An article is UTF-8 text", seen=seen, remedy=remedy, file=name) from error


def read_conversations(path: Path) -> list[Conversation]:
    """Past conversations, one JSON object a line.

    Raises:
        DataError: a line breaks a rule; names the line.
    """
    conversations: dict[str, Conversation] = {}
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError("Conversations come as a UTF-8 file of JSON lines", seen=f"{path}: {error}") from error
    for row, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        conversation = _conversation(path, row, line)
        if conversation.id in conversations:
            raise _wrong((path, row, "id"), "Each conversation has an id of its own", conversation.id, "Rename one")
        conversations[conversation.id] = conversation
    if not conversations:
        raise DataError("The file must hold at least one conversation", file=path.name, remedy="Check the export")
    return list(conversations.values())


def _conversation(path: Path, row: int, line: str) -> Conversation:
    try:
        raw = json.loads(line)
    except json.JSONDecodeError as error:
        remedy = "Write one JSON object a line"
        raise _wrong((path, row, None), f"The line must be JSON ({error.msg})", line[:60], remedy) from error
    if not isinstance(raw, dict):
        raise _wrong((path, row, None), "The line must be a JSON object", line[:60], 'Write {"id": …, "messages": […]}')
    name = raw.get("id")
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9._:-]{1,64}", name):
        rule = "A conversation's id is 1 to 64 letters, digits, '.', '_', ':' or '-'"
        raise _wrong((path, row, "id"), rule, str(name)[:70], "Give it one")
    messages = tuple(_messages(path, row, raw.get("messages")))
    outcome = str(raw.get("outcome") or "").strip().lower()
    if outcome not in _OUTCOMES:
        remedy = "Use answered, retrieved, handed_over or none"
        raise _wrong((path, row, "outcome"), "The outcome must be a known word", outcome, remedy)
    started = _time(path, row, "started_at", raw.get("started_at", messages[0].at.isoformat()))
    channel, language = str(raw.get("channel") or "import")[:32], str(raw.get("language") or "en")[:8]
    return Conversation(name, channel, language, "closed", _OUTCOMES[outcome], None, started, messages[-1].at, messages)


def _messages(path: Path, row: int, raw: Any) -> Iterator[Message]:
    if not isinstance(raw, list) or not raw:
        remedy = 'Give each as {"role", "text", "at"}'
        raise _wrong((path, row, "messages"), "A conversation must have messages", str(raw)[:60], remedy)
    for message in raw:
        fine = isinstance(message, dict) and message.get("role") in get_args(Role)
        if not fine:
            remedy = "The role is customer, bot or agent"
            raise _wrong((path, row, "messages"), "Each message has a role", str(message)[:60], remedy)
        text = str(message.get("text") or "").replace("\x00", "").strip()
        if not text:
            raise _wrong((path, row, "messages"), "A message must have text", str(message)[:60], "Remove it")
        yield Message(0, message["role"], text, _time(path, row, "at", message.get("at")))


def _time(path: Path, row: int, column: str, value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError as error:
        remedy = "Write it as 2026-03-31T14:05:00Z"
        raise _wrong((path, row, column), "A time is written as ISO 8601", str(value)[:40], remedy) from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _rows(
    path: Path, columns: Sequence[str], *, may_be_empty: Collection[str] = ()
) -> Iterator[tuple[int, dict[str, str]]]:
    """Row number (1-based, header not counted) and the stripped values of the named columns."""
    import pandas as pd

    from portside.data.read import read_table

    frame = read_table(path).frame
    for column in columns:
        if column not in frame.columns:
            seen = ", ".join(map(str, frame.columns))
            raise DataError(f"The file needs a column '{column}'", seen=seen, remedy="Add it", file=path.name)
    for row, record in enumerate(frame[list(columns)].itertuples(index=False, name=None), start=1):
        values = {
            column: "" if pd.isna(value) else str(value).replace("\x00", "").strip()
            for column, value in zip(columns, record, strict=True)
        }
        empty = next((column for column in columns if not values[column] and column not in may_be_empty), None)
        if empty is not None:
            raise _wrong((path, row, empty), "The cell must not be empty", "", "Fill it or remove the row")
        yield row, values


def _wrong(where: tuple[Path, int, str | None], rule: str, seen: str, remedy: str) -> DataError:
    path, row, column = where
    return DataError(rule, seen=seen, remedy=remedy, file=path.name, row=row, column=column)
