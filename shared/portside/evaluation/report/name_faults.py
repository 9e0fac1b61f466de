"""What is wrong with tagged sentences: names tagged wrongly or not at all, types mixed up, copies, leaks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from portside.evaluation.label_faults import Confusable, confusable_labels
from portside.evaluation.name_faults import SuspectName, name_probabilities, suspect_names, types_of_words
from portside.evaluation.report.faults import (
    FEWEST_A_LABEL,
    SHOWN,
    LabelledRowsOf,
    copies_section,
    faults_page,
    mixed_interval,
)
from portside.evaluation.report.parts import Cell, Figure, Report, Section, Table, percent
from portside.records import Tagged
from portside.said import said
from portside.tasks.tags import entity_types, spans

__all__ = ["name_faults_report", "names_in_words", "types_in_words"]

AROUND = 8
"""Words shown on each side of the words in question."""
NO_NAME = said("no name")


class CrossPredictWords(Protocol):
    """Places of the sentences that were asked about, and for each its words' probabilities (words, kinds) by who has
    not learned from it.
    """

    def __call__(
        self,
        sentences: Sequence[Tagged],
        vectors: NDArray[np.float32],
        given: Sequence[NDArray[np.int64]],
        kinds: int,
        /,
    ) -> tuple[list[int], list[NDArray[np.float64]]]: ...


@dataclass(frozen=True)
class _Asked:
    """The sentences, and what was said of some of them."""

    data: LabelledRowsOf
    sentences: Sequence[Tagged]
    types: Sequence[str]
    rare: Sequence[str]
    """Types with hardly a name."""
    places: Sequence[int]
    """Of the sentences that were asked about."""
    probabilities: Sequence[NDArray[np.float64]]


def name_faults_report(
    data: LabelledRowsOf,
    sentences: Sequence[Tagged],
    vectors: NDArray[np.float32],
    predict: CrossPredictWords,
    test: LabelledRowsOf | None = None,
) -> Report:
    """All that is found in ``sentences``, whose words have ``vectors``; ``data`` has the same as texts."""
    types = entity_types(one.tags for one in sentences)
    given = [types_of_words(one.tags, types) for one in sentences]
    names = Counter(span.type for one in sentences for span in spans(one.tags))
    rare = [kind for kind in types if names[kind] < FEWEST_A_LABEL]
    enough = len(rare) < len(types)
    places, probabilities = predict(sentences, vectors, given, 1 + len(types)) if enough else ([], [])
    asked = _Asked(data, sentences, types, rare, places, probabilities)
    sections = [
        _suspects(asked, suspect_names(probabilities, [given[place] for place in places])),
        _confusable(asked),
        copies_section(data),
    ]
    rows, total, kinds = f"{len(sentences):,}", f"{names.total():,}", f"{len(types):,}"
    subtitle = said(
        "{n} sentences with {names} names of {types} types; a row is a sentence, counted from 1",
        n=rows,
        names=total,
        types=kinds,
    )
    return faults_page(data, subtitle, [("Sentences", rows), ("Names", total), ("Types", kinds)], sections, test)


def names_in_words(sentence: Tagged) -> str:
    """The names of a sentence with their types, as one text: ``Ann Lee [person], Bonn [place]``."""
    found = (f"{' '.join(sentence.tokens[one.start : one.end])} [{one.type}]" for one in spans(sentence.tags))
    return ", ".join(found)


def types_in_words(sentence: Tagged) -> str:
    """The types of a sentence's names, in their order: near copies have these in common, though names may differ."""
    return ", ".join(one.type for one in spans(sentence.tags))


def _suspects(asked: _Asked, every: Sequence[SuspectName]) -> Section:
    data, sentences, types, rare, places = asked.data, asked.sentences, asked.types, asked.rare, asked.places
    # Of a type with hardly a name nothing could be learned: its names would all look wrong.
    unlearned = {place for place, kind in enumerate(types, start=1) if kind in rare}
    found = [one for one in every if not {one.given, one.suggested} & unlearned]
    kinds = [NO_NAME, *types]
    rows: list[list[Cell]] = []
    for one in found[:SHOWN]:
        at = places[one.sentence]
        words = " ".join(sentences[at].tokens[one.start : one.end])
        chances = [percent(one.chance_given, 0), percent(one.chance_suggested, 0)]
        around = _around(sentences[at].tokens, one.start, one.end)
        rows.append([data.rows[at], words, kinds[one.given], kinds[one.suggested], *chances, around])
    n = sum(len(sentences[place].tokens) for place in places)
    sentences_said = [_in_short(len(found), len(places), n), *([_first(rows[0])] if rows else [])]
    if rare:
        sentences_said.append(
            said(
                "Types of fewer than {fewest} names are not looked at, there are {n}: {types}.",
                fewest=FEWEST_A_LABEL,
                n=len(rare),
                types=", ".join(rare),
            )
        )
    head = ["row", "words", "type", "likelier", "chance of its type", "chance of the likelier", "sentence"]
    title = said("Words to look at ({shown} of {all})", shown=len(rows), all=len(found))
    return Section(
        key="labels",
        title=said("Names that are probably tagged wrongly"),
        sentences=sentences_said,
        figures=[Figure(said("Names or words that look wrong"), float(len(found)), n=n, share=False)] if n else [],
        tables=[Table(title, head, rows)] if rows else [],
    )


def _in_short(found: int, sentences: int, words: int) -> str:
    if not words:
        return said(
            "There are too few sentences to look for wrong tags: a type takes {fewest} names, in several sentences.",
            fewest=FEWEST_A_LABEL,
        )
    slots = {"words": f"{words:,}", "n": f"{sentences:,}"}
    if not found:
        return said(
            "None of {words} words in {n} sentences looks tagged wrongly to a model that had not learned from the "
            "sentence.",
            **slots,
        )
    return said(
        "{found} names or words in {n} sentences ({words} words) look tagged wrongly to a model that had not learned "
        "from the sentence. Look at the first ones; the later in the list, the more of them are right.",
        found=f"{found:,}",
        **slots,
    )


def _first(row: Sequence[Cell]) -> str:
    return said(
        "First: in row {row} '{words}' is tagged as {type}; {other} is likelier.",
        row=row[0],
        words=row[1],
        type=row[2],
        other=row[3],
    )


def _around(tokens: Sequence[str], start: int, end: int) -> str:
    """The words in question in brackets, with some on each side."""
    before, after = max(0, start - AROUND), min(len(tokens), end + AROUND)
    parts = [*tokens[before:start], f"[{' '.join(tokens[start:end])}]", *tokens[end:after]]
    return " ".join([*(["…"] if before else []), *parts, *(["…"] if after < len(tokens) else [])])


def _confusable(asked: _Asked) -> Section:
    data, sentences, types = asked.data, asked.sentences, asked.types
    number = {kind: place for place, kind in enumerate(types)}
    # Of names alone: what is taken for no name at all stands in the list of words.
    named = [
        (place, span, name_probabilities(rows, span))
        for place, rows in zip(asked.places, asked.probabilities, strict=True)
        for span in spans(sentences[place].tags)
    ]
    named = [one for one in named if one[2].argmax() > 0]
    found: list[Confusable] = []
    if named:
        truth = np.array([number[span.type] for _place, span, _chances in named], dtype=np.int64)
        found = confusable_labels(np.stack([chances[1:] for _place, _span, chances in named]), truth)

    def example(one: tuple[int, ...]) -> str:
        if not one:
            return ""
        place, span, _chances = named[one[0]]
        words = " ".join(sentences[place].tokens[span.start : span.end])
        return said("row {row}: {text}", row=data.rows[place], text=words)

    title = said("Types that are mixed up")
    if not found:
        return Section("confusable", title, [said("No two types are mixed up in {n} names.", n=f"{len(named):,}")])
    top = found[0]
    examples = ["of the first, taken for the second", "and the other way round"]
    head = ["first", "second", "names", "share", "from", "to", *examples]
    rows: list[list[Cell]] = [
        [types[one.first], types[one.second], one.rows, percent(one.share), *map(percent, mixed_interval(one)),
         example(one.taken_for_second), example(one.taken_for_first)]
        for one in found[:SHOWN]
    ]  # fmt: skip
    sentence = said(
        "'{first}' and '{second}' are mixed up most: {names} of their names ({share}). Where people mix them up too, "
        "join the two types or say what sets them apart.",
        first=types[top.first],
        second=types[top.second],
        names=f"{top.rows:,}",
        share=percent(top.share, 0),
    )
    shown = said("Types that are mixed up ({shown} of {all})", shown=len(rows), all=len(found))
    return Section("confusable", title, [sentence], tables=[Table(shown, head, rows)])
