"""The report on a tagger: which names it finds, how sure it may be of them, where it is worse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from portside.errors import DataError
from portside.evaluation.intervals import wilson
from portside.evaluation.report.calibration import reliability_section
from portside.evaluation.report.facts import facts_of, on_file, title_of
from portside.evaluation.report.parts import Bar, Cell, Chart, Figure, Report, Section, Table, percent
from portside.evaluation.report.slices import section_of
from portside.evaluation.report.sources import source_section
from portside.evaluation.report.versus import versus_section
from portside.evaluation.significance import bootstrap_ratio
from portside.evaluation.slices import compare_slices
from portside.evaluation.tagging import EntityScore, count_entities, entity_scores, f1_sums
from portside.inference.spans import found_spans, named, span_confidence, tempered
from portside.inference.tagger import FolderTagger, load_tagger
from portside.registry import ModelVersion
from portside.said import said
from portside.tasks.tagging import TaggedSentences
from portside.tasks.tags import Span, entity_types, spans
from portside.training.seen import load_seen

__all__ = ["TaggedRows", "report_file", "tag_rows"]

MISTAKES_SHOWN = 50
USELESS = 0.05
"""Share of the names that a tagger finds, at most, from which it has learned next to nothing."""


@dataclass(frozen=True)
class TaggedRows:
    """What a tagger says of n sentences."""

    names: tuple[str, ...]
    """Its tags, in the order of the probabilities' columns."""
    sentences: Sequence[Sequence[str]]
    truth: Sequence[Sequence[str]]
    """True tags in IOB2, of each sentence's words."""
    rows: Sequence[NDArray[np.float64]]
    """Probabilities of each sentence, shape (words, tags)."""

    @property
    def found(self) -> list[list[str]]:
        """Its tags in IOB2."""
        return [named(each, self.names) for each in self.rows]

    def spans(self) -> list[tuple[int, Span, bool]]:
        """Each name it found: sentence, place, whether type and both ends are right."""
        return [
            (place, span, span in there)
            for place, (tags, each) in enumerate(zip(self.truth, self.rows, strict=True))
            for there in [set(spans(tags))]
            for span in found_spans(each, self.names)
        ]


def tag_rows(tagger: FolderTagger, dataset: TaggedSentences, report: Callable[[int], None] | None = None) -> TaggedRows:
    """Ask ``tagger`` about every sentence; ``report`` is told how many words are done."""
    sentences = [one.tokens for one in dataset.sentences]
    rows = tagger.probabilities(sentences, documents=[one.document for one in dataset.sentences], report=report)
    return TaggedRows(tagger.tags, sentences, [one.tags for one in dataset.sentences], rows)


def report_file(
    version: ModelVersion,
    dataset: TaggedSentences,
    *,
    against: ModelVersion | None = None,
    threads: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """The report on ``version`` from tagged sentences; ``progress`` is told how many words are done of how many.

    Raises:
        DataError: no sentence holds a name.
    """
    if not dataset.types:
        raise DataError("A tagger is measured on names", seen="sentences without one", file=dataset.source)
    words = sum(len(one.tokens) for one in dataset.sentences)
    told = None if progress is None else lambda done: progress(done, words)
    asked = tag_rows(load_tagger(version, threads=threads), dataset, told)
    texts = [" ".join(sentence) for sentence in asked.sentences]
    temperature = (version.card.get("calibration") or {}).get("temperature")
    sections = [
        *([] if against is None else [_compared(version, against, asked, dataset, threads)]),
        names_section(asked),
        *([] if not asked.spans() else [_calibration(asked, temperature)]),
        *(part for part in [section_of(compare_slices(*_slices(asked)))] if part is not None),
        source_section(
            on_file(len(texts), dataset.source),
            texts,
            load_seen(version.folder),
            warnings=_unknown(dataset.types, asked.names),
        ),
    ]
    return Report(
        title_of(version), str(version.card.get("summary", "")), facts_of(version, dataset.source, len(texts)), sections
    )


def _compared(
    version: ModelVersion, against: ModelVersion, asked: TaggedRows, dataset: TaggedSentences, threads: int
) -> Section:
    other = tag_rows(load_tagger(against, threads=threads), dataset)
    after, before = (f1_sums(count_entities(one.truth, one.found)) for one in (asked, other))
    return versus_section("Entity F1", version.ref, against.ref, after, before)


def _unknown(types: Sequence[str], names: Sequence[str]) -> list[str]:
    missing = [kind for kind in types if kind not in entity_types([names])]
    if not missing:
        return []
    return [
        said(
            "The model does not know {types}: it misses them in every sentence. Were these types renamed?",
            types=", ".join(missing),
        )
    ]


def names_section(asked: TaggedRows) -> Section:
    """Entity F1, precision and recall with intervals, types and mistakes."""
    found = asked.found
    counts = count_entities(asked.truth, found)
    scores = entity_scores(counts)
    whole = scores.pop("")
    f1 = bootstrap_ratio(f1_sums(counts))
    told = asked.spans()
    right, there = sum(hit for _, _, hit in told), whole.support
    mistakes = _mistakes(asked.sentences, asked.truth, found)
    kinds = Counter(kind for _, kind, _, _ in mistakes)
    sentences = [
        said(
            "It finds {right} of {there} names with the right type and both ends; of the {told} names that it gives, "
            "{wrong} are wrong.",
            right=f"{right:,}",
            there=f"{there:,}",
            told=f"{len(told):,}",
            wrong=f"{len(told) - right:,}",
        ),
        said(
            "Of its mistakes {ends} are names with the wrong ends, {types} with the wrong type, {missed} are missed, "
            "{invented} are no names.",
            ends=f"{kinds['other ends']:,}",
            types=f"{kinds['other type']:,}",
            missed=f"{kinds['missed']:,}",
            invented=f"{kinds['no name']:,}",
        ),
    ]
    bars = [
        Bar(f"{kind} ({one.support})", one.recall, *wilson(round(one.recall * one.support), one.support))
        for kind, one in sorted(scores.items(), key=lambda item: item[1].recall)
        if one.support
    ]
    return Section(
        key="accuracy",
        title="Which names it finds",
        sentences=sentences,
        warnings=_useless(right, there, any(f"B-{kind}" in asked.names for kind in entity_types(asked.truth))),
        figures=[
            Figure("Entity F1", f1.value, f1.low, f1.high, there),
            Figure("Precision", whole.precision, *wilson(right, len(told)), len(told))
            if told
            else Figure("Precision", 0),
            Figure("Recall", whole.recall, *wilson(right, there), there),
        ],
        charts=[_types(bars)],
        tables=[
            _every(scores),
            _mistakes_shown(asked.sentences, mistakes),
        ],
    )


def _useless(right: int, there: int, known: bool) -> list[str]:
    # Names of types that the model does not know are another matter, which is told with the rows.
    if not known or wilson(right, there)[1] >= USELESS:
        return []
    return [
        said(
            "The model finds next to none of the names ({share}): it has learned nothing of use. Look whether words "
            "and tags stand in the same rows of the training file",
            share=percent(right / there),
        )
    ]


def _every(scores: Mapping[str, EntityScore]) -> Table:
    rows: list[list[Cell]] = [
        [kind, one.precision, one.recall, one.f1, one.support]
        for kind, one in sorted(scores.items(), key=lambda item: item[1].f1)
    ]
    return Table("Every type, weakest first", ["type", "precision", "recall", "F1", "names"], rows)


def _types(bars: Sequence[Bar]) -> Chart:
    return Chart(
        title="Names found of each type",
        summary=said(
            "Weakest is {type}: it finds {share} of them; a line shows the 95 % interval, a number in brackets how "
            "many there were.",
            type=bars[0].name,
            share=percent(bars[0].value, 0),
        ),
        x_title="names of the type that it finds",
        y_title="type",
        bars=bars,
    )


def _mistakes_shown(sentences: Sequence[Sequence[str]], mistakes: Sequence[tuple[int, str, str, str]]) -> Table:
    rows: list[list[Cell]] = [
        [place + 1, " ".join(sentences[place])[:160], kind, true, got]
        for place, kind, true, got in mistakes[:MISTAKES_SHOWN]
    ]
    title = f"Mistakes ({len(rows)} of {len(mistakes)})"
    return Table(title, ["sentence", "text", "mistake", "true", "found"], rows)


def _mistakes(
    sentences: Sequence[Sequence[str]], truth: Sequence[Sequence[str]], found: Sequence[Sequence[str]]
) -> list[tuple[int, str, str, str]]:
    """Sentence, kind of mistake, what is true, what was found."""
    out = []
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
                out.append((place, "missed", _shown(span, words), ""))
                continue
            left.remove(met)
            same_ends = (met.start, met.end) == (span.start, span.end)
            out.append((place, "other type" if same_ends else "other ends", _shown(span, words), _shown(met, words)))
        out += [(place, "no name", "", _shown(one, words)) for one in left]
    return out


def _shown(span: Span, words: Sequence[str]) -> str:
    return f"{span.type}: {' '.join(words[span.start : span.end])}"


def _calibration(asked: TaggedRows, temperature: float | None) -> Section:
    told = asked.spans()
    right = np.array([hit for _, _, hit in told])
    sure = np.array([span_confidence(asked.rows[place], span, asked.names) for place, span, _ in told])
    before = None
    if temperature is not None and temperature != 1.0:
        # Undo what training divided the logits by.
        raw = [tempered(each, 1 / temperature) if len(each) else each for each in asked.rows]
        before = np.array([span_confidence(raw[place], span, asked.names) for place, span, _ in told])
    return reliability_section(sure, right, before=before, temperature=temperature)


def _slices(asked: TaggedRows) -> tuple[NDArray[np.bool_], dict[str, NDArray[np.bool_]]]:
    """Of each true name whether it was found, and which parts it belongs to."""
    names = [
        (span, sentence, span in told)
        for sentence, tags, got in zip(asked.sentences, asked.truth, asked.found, strict=True)
        for told in [set(spans(got))]
        for span in spans(tags)
    ]
    lengths = np.array([len(sentence) for _, sentence, _ in names])
    words = [" ".join(sentence[span.start : span.end]) for span, sentence, _ in names]
    short, long = np.quantile(lengths, [1 / 3, 2 / 3])
    masks = {
        f"names in short sentences (up to {short:.0f} words)": lengths <= short,
        f"names in long sentences (over {long:.0f} words)": lengths > long,
        "names of one word": np.array([span.end - span.start == 1 for span, _, _ in names]),
        "names of three words and more": np.array([span.end - span.start > 2 for span, _, _ in names]),
        "names in capitals": np.array([word.isupper() for word in words]),
        "names in small letters": np.array([word.islower() for word in words]),
        "names with digits": np.array([any(sign.isdigit() for sign in word) for word in words]),
    }
    for kind in sorted({span.type for span, _, _ in names}):
        masks[f"type {kind}"] = np.array([span.type == kind for span, _, _ in names])
    return np.array([hit for _, _, hit in names]), masks
