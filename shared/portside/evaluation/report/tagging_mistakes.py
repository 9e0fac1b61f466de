"""Which names a tagger gets wrong, and how: the table of its mistakes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from portside.evaluation.report.parts import Cell, Table
from portside.said import said
from portside.tasks.tags import Span, spans

__all__ = ["mistakes_by_kind", "mistakes_of", "mistakes_shown", "shown_name"]

MISTAKES_SHOWN = 50


def mistakes_by_kind(mistakes: Sequence[tuple[int, str, str, str]]) -> str:
    """How many there are of each kind, as a sentence."""
    kinds = Counter(kind for _, kind, _, _ in mistakes)
    return said(
        "Of its mistakes {ends} are names with the wrong ends, {types} with the wrong type, {missed} are missed, "
        "{invented} are no names.",
        ends=f"{kinds['other ends']:,}",
        types=f"{kinds['other type']:,}",
        missed=f"{kinds['missed']:,}",
        invented=f"{kinds['no name']:,}",
    )


def mistakes_shown(sentences: Sequence[Sequence[str]], mistakes: Sequence[tuple[int, str, str, str]]) -> Table:
    """The first of them, as ``mistakes_of`` gives them."""
    rows: list[list[Cell]] = [
        [place + 1, " ".join(sentences[place])[:160], kind, true, got]
        for place, kind, true, got in mistakes[:MISTAKES_SHOWN]
    ]
    title = said("Mistakes ({shown} of {all})", shown=f"{len(rows):,}", all=f"{len(mistakes):,}")
    return Table(title, ["sentence", "text", "mistake", "true", "found"], rows)


def mistakes_of(
    sentences: Sequence[Sequence[str]], truth: Sequence[Sequence[str]], found: Sequence[Sequence[str]]
) -> list[tuple[int, str, str, str]]:
    """Sentence, kind of mistake, what is true, what was found."""
    out: list[tuple[int, str, str, str]] = []
    for place, (words, wanted, got) in enumerate(zip(sentences, truth, found, strict=True)):
        there, told = set(spans(wanted)), set(spans(got))
        missed, extra = (
            sorted(there - told, key=lambda span: span.start),
            sorted(told - there, key=lambda one: one.start),
        )
        left = list(extra)
        for span in missed:
            met = next((one for one in left if one.start < span.end and span.start < one.end), None)
            if met is None:
                out.append((place, said("missed"), shown_name(span, words), ""))
                continue
            left.remove(met)
            same_ends = (met.start, met.end) == (span.start, span.end)
            out.append(
                (
                    place,
                    said("other type") if same_ends else said("other ends"),
                    shown_name(span, words),
                    shown_name(met, words),
                )
            )
        out += [(place, said("no name"), "", shown_name(one, words)) for one in left]
    return out


def shown_name(span: Span, words: Sequence[str]) -> str:
    """Type and words of a name."""
    return f"{span.type}: {' '.join(words[span.start : span.end])}"
