"""Read queries with the documents that answer them: pairs, triplets, judged pairs, or a folder of judgements."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from portside.data.cells import cell_text
from portside.data.columns import Columns, find_column
from portside.data.findings import DataReport, Finding, excerpt
from portside.data.identity import clean
from portside.data.parts import parts_at, parts_of
from portside.data.read import Table, read_table
from portside.errors import DataError
from portside.records import Judged
from portside.said import said
from portside.tasks.matching import RELEVANT_FROM

__all__ = ["MatchingDataset", "load_judged", "read"]

QUERY_NAMES = ("query", "question", "anchor", "utterance", "sentence1", "text1", "text", "查询", "问题")
DOCUMENT_NAMES = (
    "document",
    "positive",
    "answer",
    "passage",
    "response",
    "reply",
    "article",
    "sentence2",
    "text2",
    "文档",
    "答案",
)
NEGATIVE_NAMES = ("negative", "hard_negative")
RELEVANCE_NAMES = ("relevance", "score", "similarity", "grade", "rating", "label")
ID_NAMES = ("_id", "id")
QRELS_NAMES = (("query-id", "query_id", "qid"), ("corpus-id", "corpus_id", "doc_id", "docid"), RELEVANCE_NAMES)
SUFFIXES = ("", ".gz")


@dataclass(frozen=True)
class MatchingDataset:
    """Queries, documents and what is known of the two together, as read from ``source``."""

    documents: Mapping[str, str]
    """Every document's text, by id."""
    queries: Mapping[str, str]
    """Every query's text, by id: those that are judged."""
    judged: tuple[Judged, ...]
    source: str
    findings: tuple[Finding, ...] = ()
    judgements: str = ""
    """The file of the judgements, where it is one of several in a folder."""
    form: str = "judgements"
    """Pairs, triplets, judged pairs or a folder, and the columns that were taken for what, in words."""
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Where each query comes from, in their order, by column of its file; of rows with one query as the first does."""

    def __len__(self) -> int:
        return len(self.queries)

    @cached_property
    def content_hash(self) -> str:
        """Changes when a text or a judgement changes; ids do not count."""
        digest = hashlib.sha256()
        digest.update(json.dumps(sorted(self.documents.values()), ensure_ascii=True).encode())
        for one in self.judged:
            plain = [self.queries[one.query], self.documents[one.document], one.relevance]
            digest.update(json.dumps(plain, ensure_ascii=True).encode())
        return digest.hexdigest()

    @cached_property
    def report(self) -> DataReport:
        """What the file holds and what was found in it."""
        relevant = sum(one.relevance >= RELEVANT_FROM for one in self.judged)
        holds = (
            f"{self.form}; {len(self.queries):,} queries, {len(self.documents):,} documents, "
            f"{len(self.judged):,} judgements, {relevant:,} of them of a relevant document"
        )
        report = DataReport(Path(self.source).name, len(self.judged), len(self.judged), holds=holds)
        return report.with_findings(*self.findings)

    def subset(self, queries: Iterable[str]) -> MatchingDataset:
        """These queries with their judgements; every document stays."""
        kept = dict.fromkeys(queries)
        judged = tuple(one for one in self.judged if one.query in kept)
        place_of = {key: place for place, key in enumerate(self.queries)}
        parts = parts_at(self.parts, [place_of[key] for key in kept])
        some = {key: self.queries[key] for key in kept}
        return MatchingDataset(self.documents, some, judged, self.source, parts=parts)


def load_judged(
    path: str | Path, *, query: str | None = None, document: str | None = None, test: bool = False
) -> MatchingDataset:
    """Read a file or a folder; the columns of a file are guessed by name where they are None.

    A file has a column of queries and one of documents, and may have one of negatives (documents that do not answer
    the row's query) or one with the relevance as a number; without these every row is a match. Rows with the same
    text are the same query or document. A folder has the layout of BEIR: ``corpus.jsonl`` (``_id`` or ``id``,
    ``title``, ``text``), ``queries.jsonl`` (``_id`` or ``id``, ``text``) and ``qrels/train.tsv``, or ``qrels/test.tsv``
    for ``test``, with ``query-id``, ``corpus-id``, ``score``; a document's text is its title and text.

    Raises:
        DataError: a file is missing or breaks a rule; names file, row and column.
    """
    path = Path(path)
    return _from_folder(path, "test" if test else "train") if path.is_dir() else _from_table(path, query, document)


def read(path: Path, columns: Columns, *, test: bool) -> MatchingDataset:
    """``load_judged`` as a task asks for it."""
    return load_judged(path, query=columns.text, document=columns.label, test=test)


@dataclass
class _Texts:
    """Ids of texts in the order in which they come."""

    letter: str
    by_text: dict[str, str] = field(default_factory=dict)

    def id_of(self, text: str) -> str:
        return self.by_text.setdefault(text, f"{self.letter}{len(self.by_text) + 1}")

    def by_id(self) -> dict[str, str]:
        return {key: text for text, key in self.by_text.items()}


def _from_table(path: Path, query: str | None, document: str | None) -> MatchingDataset:
    table = read_table(path)
    names = [str(name) for name in table.frame.columns]
    asked, notes = find_column(names, query, QUERY_NAMES, what=said("query"), file=table.file, option="text")
    others = [name for name in names if name != asked]
    answer, more = find_column(others, document, DOCUMENT_NAMES, what=said("document"), file=table.file, option="label")
    others = [name for name in others if name != answer]
    negative, relevance = (_optional(others, known, table.file) for known in (NEGATIVE_NAMES, RELEVANCE_NAMES))
    columns = [asked, answer, *([negative] if negative else [])]
    queries, documents = _Texts("q"), _Texts("d")
    judged: list[Judged] = []
    first_rows: dict[str, int] = {}
    empty: list[tuple[int, str]] = []
    for row, cells in enumerate(zip(*(_column(table, name) for name in columns), strict=True), start=1):
        blank = next((name for name, cell in zip(columns[:2], cells, strict=False) if not cell), None)
        if blank is not None:
            empty.append((row, blank))
            continue
        key = queries.id_of(cells[0])
        first_rows.setdefault(key, row)
        known = 1.0 if relevance is None else _relevance(table, row, relevance)
        judged.append(Judged(key, documents.id_of(cells[1]), known))
        judged += [Judged(key, documents.id_of(cell), 0.0) for cell in cells[2:] if cell]
    if not judged:
        seen = said("only rows with an empty cell, such as row {row}", row=empty[0][0]) if empty else said("none")
        rule, remedy = "The file must hold at least one query with a document", "Fill both columns of some rows"
        raise DataError(rule, seen=seen, remedy=remedy, file=table.file)
    findings = [*table.findings, *notes, *more, *_left_out(empty, table.file)]
    found = {"queries": asked, "documents": answer, "negatives": negative, "relevance": relevance}
    parts = parts_of(table, [*first_rows.values()], without=found.values())
    return MatchingDataset(
        documents.by_id(), queries.by_id(), tuple(judged), str(path), tuple(findings), form=_form(found), parts=parts
    )


def _form(columns: Mapping[str, str | None]) -> str:
    named = ", ".join(f"{what} in '{column}'" for what, column in columns.items() if column)
    kind = "triplets" if columns["negatives"] else "judged pairs" if columns["relevance"] else "pairs"
    return f"{kind}, {named}"


def _optional(names: Sequence[str], known: Sequence[str], file: str) -> str | None:
    if not {name.strip().casefold() for name in names} & set(known):
        return None
    return find_column(names, None, known, what=known[0], file=file, option=None)[0]


def _column(table: Table, name: str) -> list[str]:
    return [
        clean(cell_text(cell, table.file, row, name)) for row, cell in enumerate(table.frame[name].tolist(), start=1)
    ]


def _relevance(table: Table, row: int, column: str) -> float:
    cell = cell_text(table.frame[column].iloc[row - 1], table.file, row, column).strip()
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(
            "A relevance must be a number: 0 for no match, the higher the better",
            seen=excerpt(cell) or said("an empty cell"),
            remedy="Write 1 for a match and 0 for none, or rename the column if it holds something else",
            file=table.file,
            row=row,
            column=column,
        )
    return value


def _left_out(empty: Sequence[tuple[int, str]], file: str) -> list[Finding]:
    if not empty:
        return []
    row, column = empty[0]
    rule, remedy = "A row with an empty query or document is left out", "Fill or remove it"
    return [Finding("warning", rule, remedy, file, row, column, count=len(empty))]


@dataclass(frozen=True)
class _ById:
    """Texts of one file by id, empty ones too: a judgement of one is told from one of an unknown id."""

    table: Table
    by_id: Mapping[str, str]
    row_of: Mapping[str, int]
    findings: Sequence[Finding]

    @property
    def file(self) -> str:
        return self.table.file


def _from_folder(folder: Path, part: str) -> MatchingDataset:
    documents = _texts_by_id(_part(folder, "corpus.jsonl"), ("title", "text"))
    queries = _texts_by_id(_part(folder, "queries.jsonl"), ("text",))
    path = _part(folder, f"qrels/{part}.tsv")
    table = read_table(path)
    names = [str(name) for name in table.frame.columns]
    columns = [find_column(names, None, known, what=known[0], file=table.file, option=None)[0] for known in QRELS_NAMES]
    judged, lost = [], 0
    pairs = zip(*(_column(table, name) for name in columns[:2]), strict=True)
    for row, (query, document) in enumerate(pairs, start=1):
        _check_known(table, row, columns[0], query, queries)
        _check_known(table, row, columns[1], document, documents)
        if queries.by_id[query] and documents.by_id[document]:
            judged.append(Judged(query, document, _relevance(table, row, columns[2])))
        else:
            lost += 1
    if not judged:
        raise DataError("The judgements must name at least one query and document", seen=said("none"), file=table.file)
    findings = [*documents.findings, *queries.findings, *table.findings]
    if lost:
        rule = "A judgement of an empty query or document is left out"
        findings.append(Finding("warning", rule, "Give it a text, or remove the row", table.file, count=lost))
    asked = {key: queries.by_id[key] for key in dict.fromkeys(one.query for one in judged)}
    kept = {key: text for key, text in documents.by_id.items() if text}
    form = f"a folder of judgements ({path.relative_to(folder)})"
    parts = parts_of(queries.table, [queries.row_of[key] for key in asked])
    return MatchingDataset(kept, asked, tuple(judged), str(folder), tuple(findings), str(path), form, parts)


def _part(folder: Path, name: str) -> Path:
    for suffix in SUFFIXES:
        path = folder / f"{name}{suffix}"
        if path.is_file():
            return path
    raise DataError(
        "A folder of queries and documents holds corpus.jsonl, queries.jsonl, qrels/train.tsv and qrels/test.tsv",
        seen=said("no {name} in {folder}", name=name, folder=folder),
        remedy=said("Add {name}, or name a single file of pairs instead of the folder", name=name),
        file=folder.name,
    )


def _texts_by_id(path: Path, parts: Sequence[str]) -> _ById:
    table = read_table(path)
    names = [str(name) for name in table.frame.columns]
    key, _ = find_column(names, None, ID_NAMES, what="id", file=table.file, option=None)
    there = [find_column(names, None, (part,), what=part, file=table.file)[0] for part in parts if part in names]
    if not there:
        find_column(names, None, parts[-1:], what=parts[-1], file=table.file, option=None)  # says what is missing
    out: dict[str, str] = {}
    row_of: dict[str, int] = {}
    empty: list[tuple[int, str]] = []
    for row, (one, *texts) in enumerate(zip(*(_column(table, name) for name in (key, *there)), strict=True), start=1):
        if not one or one in out:
            rule = "Every id must be there once"
            seen = excerpt(one) or said("an empty cell")
            raise DataError(rule, seen=seen, remedy="Rename or remove it", file=table.file, row=row, column=key)
        out[one] = "\n".join(text for text in texts if text)
        row_of[one] = row
        if not out[one]:
            empty.append((row, there[-1]))
    return _ById(table, out, row_of, (*table.findings, *_left_out(empty, table.file)))


def _check_known(table: Table, row: int, column: str, key: str, texts: _ById) -> None:
    if key not in texts.by_id:
        raise DataError(
            said("Every id in the judgements must be in {file}", file=texts.file),
            seen=excerpt(key) or said("an empty cell"),
            remedy=said("Add it to {file}, or remove the row", file=texts.file),
            file=table.file,
            row=row,
            column=column,
        )
