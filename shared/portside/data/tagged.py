"""Read sentences with tagged words: CoNLL columns, JSON lines of tokens and tags, JSON lines of text and spans."""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

from portside.data.columns import Columns
from portside.data.encodings import decode
from portside.data.findings import DataReport, Finding, counted, excerpt
from portside.data.identity import clean
from portside.data.parts import origin_of, parts_at, parts_of_origins
from portside.data.read import read_bytes
from portside.data.tag_faults import tag_faults
from portside.data.words import Word, split_sentences, split_words
from portside.errors import DataError
from portside.records import Tagged
from portside.said import said
from portside.tasks.tags import entity_types, scheme_of, split_tag, to_iob2

__all__ = ["TaggedDataset", "load_tagged", "read"]

JSON_SUFFIXES = {".jsonl", ".ndjson", ".json"}
TOKEN_NAMES, TAG_NAMES = ("tokens", "words"), ("tags", "ner_tags", "labels")
SPAN_NAMES = ("spans", "entities", "labels")
DOCUMENT_START = "-DOCSTART-"


@dataclass(frozen=True)
class TaggedDataset:
    """Sentences with their tags in IOB2, as read from ``source``."""

    sentences: tuple[Tagged, ...]
    source: str
    findings: tuple[Finding, ...] = ()
    """What reading had to mend."""
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Where each sentence comes from, by name (source, language), where rows of JSON lines say so."""

    def __len__(self) -> int:
        return len(self.sentences)

    @cached_property
    def types(self) -> tuple[str, ...]:
        """The entity types that occur, sorted."""
        return entity_types(sentence.tags for sentence in self.sentences)

    @cached_property
    def content_hash(self) -> str:
        """Changes when a word, a tag or a document's end changes."""
        digest = hashlib.sha256()
        for sentence in self.sentences:
            plain = [sentence.tokens, sentence.tags, sentence.document]
            digest.update(json.dumps(plain, ensure_ascii=True).encode())
        return digest.hexdigest()

    @cached_property
    def report(self) -> DataReport:
        """What the file holds and what was found in it."""
        counts = Counter(tag[2:] for one in self.sentences for tag in one.tags if tag.startswith("B-"))
        words = sum(len(one.tokens) for one in self.sentences)
        entities = f"{counts.total():,} entities of {len(counts):,} types: {counted(counts)}"
        holds = f"{len(self):,} sentences, {words:,} words, {entities}"
        report = DataReport(Path(self.source).name, len(self), len(self), label_counts=counts, holds=holds)
        return report.with_findings(*self.findings)

    def subset(self, places: Sequence[int]) -> TaggedDataset:
        """Some of the sentences, in the order of ``places``."""
        some = tuple(self.sentences[place] for place in places)
        return TaggedDataset(some, self.source, parts=parts_at(self.parts, places))


def load_tagged(path: str | Path, *, encoding: str | None = None) -> TaggedDataset:
    """Read a file of tagged sentences; its layout and its tag scheme (IOB1, IOB2, BILOU, IOBES) are detected.

    Two or more columns a line (word first, tag last; tabs or spaces), blank lines between sentences; or JSON lines
    with ``tokens`` and ``tags``; or with ``text`` and ``spans`` of ``start``, ``end`` (characters, the end not
    included) and ``label``.

    Raises:
        DataError: the file cannot be read, or a line breaks a rule; names file and row.
    """
    path = Path(path)
    decoded = decode(read_bytes(path), file=path.name, encoding=encoding)
    names = [suffix for suffix in path.suffixes if suffix != ".gz"]
    is_json = bool({*names[-1:]} & JSON_SUFFIXES) or decoded.text.lstrip()[:1] == "{"
    origins: list[Mapping[str, str]] = []
    unfit: list[Finding] = []
    made_of = (
        _json_sentences(decoded.text, path.name, origins, unfit)
        if is_json
        else _column_sentences(decoded.text, path.name)
    )
    found = [sentence for sentence in made_of if sentence.tokens]
    if not found:
        remedy = "Write a word and its tag on each line, or JSON lines of tokens and tags"
        raise DataError(
            "The file must hold at least one tagged sentence", seen=said("none"), remedy=remedy, file=path.name
        )
    scheme = scheme_of(sentence.tags for sentence in found)
    notes = []
    if scheme != "IOB2":
        rule = said("The tags are read as {scheme} and kept as IOB2", scheme=scheme)
        notes.append(Finding("note", rule, "", path.name, count=len(found)))
    made = tuple(Tagged(one.tokens, to_iob2(one.tags, scheme), one.document) for one in found)
    notes += [*_together(unfit), *tag_faults(found, scheme, path.name), *_faults(made, path.name)]
    return TaggedDataset(made, str(path), tuple(notes), parts_of_origins(origins))


def read(path: Path, columns: Columns, *, test: bool) -> TaggedDataset:
    """``load_tagged`` as a task asks for it; ``columns`` and ``test`` change nothing."""
    return load_tagged(path)


def _faults(made: Sequence[Tagged], file: str) -> Iterator[Finding]:
    empty = sum(not any(tag != "O" for tag in one.tags) for one in made)
    if empty == len(made):
        raise DataError(
            "Tagged sentences need entities", seen=said("only O"), remedy="Check which column holds the tags", file=file
        )
    seen = Counter((one.tokens, one.tags) for one in made)
    repeated = sum(count - 1 for count in seen.values())
    if repeated:
        yield Finding("note", "A sentence is there more than once", "", file, count=repeated)


def _column_sentences(text: str, file: str) -> Iterator[Tagged]:
    tokens: list[str] = []
    tags: list[str] = []
    document, shape = 0, _shape(text)
    for row, line in enumerate(text.split("\n"), start=1):
        cells = _cells(line)
        if not line.strip() or cells[0] == DOCUMENT_START:
            if tokens:
                yield Tagged(tuple(tokens), tuple(tags), document)
            tokens, tags = [], []
            document += bool(line.strip())
            continue
        if line.startswith("# ") and not ((("\t" in line), len(cells)) == shape and split_tag(cells[-1].strip())[0]):
            continue  # a comment of CoNLL-U's kind
        if len(cells) < 2 or not cells[0].strip():
            raise DataError(
                "A line holds a word and, last, its tag",
                seen=excerpt(line),
                remedy="Separate them by a tab or a blank; leave a blank line between sentences",
                file=file,
                row=row,
            )
        tokens.append(cells[0].strip())
        tags.append(_tag(cells[-1].strip(), file, row))
    if tokens:
        yield Tagged(tuple(tokens), tuple(tags), document)


def _cells(line: str) -> list[str]:
    return line.rstrip("\r").split("\t") if "\t" in line else line.split()


def _shape(text: str) -> tuple[bool, int]:
    """Whether tabs separate a line's cells, and how many it has: those of the first line that is no comment."""
    lines = (line for line in text.split("\n") if line.strip() and not line.startswith(("#", DOCUMENT_START)))
    first = next(lines, "a O")
    return "\t" in first, len(_cells(first))


def _tag(tag: str, file: str, row: int) -> str:
    if split_tag(tag)[0] == "":
        raise DataError(
            "A tag is O, or B- or I- (or L-, U-, E-, S-) and a type",
            seen=excerpt(tag),
            remedy="Write it as B-PER; the tag stands in the last column",
            file=file,
            row=row,
        )
    return tag


def _json_sentences(text: str, file: str, origins: list[Mapping[str, str]], unfit: list[Finding]) -> Iterator[Tagged]:
    """Each sentence; where those with words come from is added to ``origins``, in the same order, and to ``unfit`` each
    span that no tags can say.
    """
    for row, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except (ValueError, RecursionError) as error:
            seen, remedy = f"{excerpt(line)} ({error})", "Mend or remove this line"
            raise DataError("A line must be one JSON object", seen=seen, remedy=remedy, file=file, row=row) from error
        if not isinstance(found, dict):
            remedy = 'Write {"tokens": ["Ann", "left"], "tags": ["B-PER", "O"]}'
            raise DataError("A line must be one JSON object", seen=excerpt(line), remedy=remedy, file=file, row=row)
        tokens = _first(found, TOKEN_NAMES)
        if tokens is not None:
            made = [_from_tokens(tokens, _first(found, TAG_NAMES), found.get("document"), file, row)]
        else:
            made = [*_from_spans(found, file, row, unfit)]
        origins += [origin_of(found) for sentence in made if sentence.tokens]
        yield from made


def _first(found: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((found[name] for name in names if name in found), None)


def _from_tokens(tokens: Any, tags: Any, document: Any, file: str, row: int) -> Tagged:
    same = isinstance(tokens, list) and isinstance(tags, list) and len(tokens) == len(tags)
    if not same or not all(isinstance(each, str) for each in [*tokens, *tags]):
        raise DataError(
            "'tokens' and 'tags' must be lists of texts of the same length",
            seen=said(
                "{n} tokens, {tags} tags",
                n=len(tokens) if isinstance(tokens, list) else repr(tokens),
                tags=len(tags) if isinstance(tags, list) else repr(tags),
            ),
            remedy='Write {"tokens": ["Ann", "left"], "tags": ["B-PER", "O"]}',
            file=file,
            row=row,
        )
    # Rows that name no document are one each.
    number = document if isinstance(document, int) else row
    return Tagged(tuple(tokens), tuple(_tag(tag, file, row) for tag in tags), number)


def _from_spans(found: Mapping[str, Any], file: str, row: int, unfit: list[Finding]) -> Iterator[Tagged]:
    text, given = found.get("text"), _first(found, SPAN_NAMES)
    if not isinstance(text, str) or not isinstance(given, list):
        raise DataError(
            "A JSON line holds 'tokens' and 'tags', or 'text' and 'spans'",
            seen=", ".join(found) or said("nothing"),
            remedy='Write {"text": "Ann left", "spans": [{"start": 0, "end": 3, "label": "PER"}]}',
            file=file,
            row=row,
        )
    marked = sorted((_span(each, text, file, row) for each in given), key=lambda span: span[:2])
    for first, second in pairwise(marked):
        if second[0] < first[1]:
            raise DataError(
                "Spans must not overlap",
                seen=said(
                    "{one} and {other}", one=repr(text[first[0] : first[1]]), other=repr(text[second[0] : second[1]])
                ),
                remedy="Keep one of the two",
                file=file,
                row=row,
            )
    cut = split_sentences(split_words(text), text)
    unfit += _unfit_spans(cut, marked, text, file, row)
    for sentence in cut:
        yield Tagged(tuple(word.text for word in sentence), _tags_of(sentence, marked), row)


def _unfit_spans(
    sentences: Sequence[Sequence[Word]], marked: Sequence[tuple[int, int, str]], text: str, file: str, row: int
) -> Iterator[Finding]:
    """Each span that begins in a word of the one before it, or goes on in another sentence."""
    words = [(word, number) for number, sentence in enumerate(sentences) for word in sentence]
    starts, ends = [word.start for word, _ in words], [word.end for word, _ in words]
    taken, before = 0, ""  # up to which character words are given to earlier spans, and the type of the last
    for start, end, label in marked:
        first, last = bisect_right(ends, start), bisect_left(starts, end) - 1
        if starts[first] < taken:
            rule = "Two names must not share a word: the first one gets it"
            value = excerpt(f"{text[starts[first] : ends[first]]} ({before}, {label})")
            yield Finding("warning", rule, "Put a space between them, or remove one", file, row, value=value)
        if words[first][1] != words[last][1]:
            rule = "A name that goes on in the next sentence is read as two"
            value = excerpt(f"{text[start:end]} ({label})")
            yield Finding("warning", rule, "Correct its start and end", file, row, value=value)
        taken, before = max(taken, end), label


def _together(found: Sequence[Finding]) -> Iterator[Finding]:
    """Of each rule the first place, and how often it is broken."""
    counts = Counter(one.rule for one in found)
    first = {one.rule: one for one in reversed(found)}
    return (replace(first[rule], count=count) for rule, count in counts.items())


def _span(given: Any, text: str, file: str, row: int) -> tuple[int, int, str]:
    if isinstance(given, list) and len(given) == 3:
        given = {"start": given[0], "end": given[1], "label": given[2]}
    start, end = (given.get(name) if isinstance(given, dict) else None for name in ("start", "end"))
    label = (given.get("label") or given.get("type")) if isinstance(given, dict) else None
    whole = isinstance(start, int) and isinstance(end, int) and isinstance(label, str) and label.strip()
    if not whole or not 0 <= start < end <= len(text):  # type: ignore[operator]
        raise DataError(
            "A span has a label and lies inside its text",
            seen=said("{span} in a text of {n} characters", span=excerpt(given), n=len(text)),
            remedy="start and end count characters from 0, the end not included",
            file=file,
            row=row,
        )
    if not split_words(text[start:end]):
        raise DataError(
            "A span covers at least one word",
            seen=said("{text} for {label}", text=repr(text[start:end]), label=label),
            remedy="Correct its start and end, or remove it",
            file=file,
            row=row,
        )
    return int(start), int(end), clean(str(label))  # type: ignore[arg-type]


def _tags_of(sentence: Sequence[Word], marked: Sequence[tuple[int, int, str]]) -> tuple[str, ...]:
    tags = []
    before: tuple[int, int, str] | None = None
    for word in sentence:
        # A span that ends inside a word takes the whole word: parts of words have no tag.
        inside = next((span for span in marked if span[0] < word.end and word.start < span[1]), None)
        tags.append("O" if inside is None else f"{'I' if inside is before else 'B'}-{inside[2]}")
        before = inside
    return tuple(tags)
