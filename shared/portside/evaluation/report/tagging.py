"""The report on a tagger: which names it finds, how sure it may be of them, where it is worse."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from portside.errors import DataError
from portside.evaluation.answers import Answers, one_of_each, renamed
from portside.evaluation.intervals import wilson, wilson_of_groups
from portside.evaluation.report.calibration import answers_calibration_section
from portside.evaluation.report.facts import facts_of, kept_aside, on_file, title_of
from portside.evaluation.report.parts import Bar, Cell, Chart, Figure, Report, Section, Share, Table, percent
from portside.evaluation.report.promises import promise_section
from portside.evaluation.report.sources import source_section
from portside.evaluation.report.tagging_mistakes import mistakes_by_kind, mistakes_of, mistakes_shown, shown_name
from portside.evaluation.report.tagging_slices import worse_names_section
from portside.evaluation.report.versus import FEW_GROUPS, Changed, versus_on_new_rows
from portside.evaluation.report.words import PRECISION_AND_RECALL
from portside.evaluation.risk import RISKS
from portside.evaluation.significance import bootstrap_ratio, by_group
from portside.evaluation.tagging import EntityScore, count_entities, entity_scores, f1_sums, known_documents
from portside.evaluation.verdicts_chance import names_by_chance
from portside.evaluation.verdicts_shortcuts import tags_by_shape
from portside.inference.name_reading import NameReading, names_in
from portside.inference.spans import found_spans, named, span_confidence, tempered
from portside.inference.tagger import FolderTagger, load_tagger
from portside.registry import ModelVersion
from portside.said import said
from portside.tasks.tagging import TaggedSentences
from portside.tasks.tags import Span, entity_types, spans
from portside.training.name_reading import folds_of, held_out
from portside.training.seen import load_seen

__all__ = ["TaggedRows", "answers_of", "changed_names", "fresh_answers", "report_file", "sections_of", "tag_rows"]

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
    documents: Sequence[int] = ()
    """Number of each sentence's document; empty: not known."""
    parts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Where each sentence comes from, by name in the file."""
    reading: NameReading = field(default_factory=NameReading)
    """How sure it is of a name."""

    @property
    def found(self) -> list[list[str]]:
        """Its tags in IOB2."""
        return [named(each, self.names) for each in self.rows]

    @property
    def groups(self) -> NDArray[np.int64] | None:
        """Each sentence's document; None where none are known."""
        return known_documents(self.documents)

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
    documents = [one.document for one in dataset.sentences]
    truth, parts = [one.tags for one in dataset.sentences], getattr(dataset, "parts", {})
    return TaggedRows(tagger.tags, sentences, truth, rows, documents, parts, tagger.reading)


def report_file(
    version: ModelVersion,
    dataset: TaggedSentences,
    *,
    against: ModelVersion | None = None,
    risks: Sequence[float] = RISKS,
    threads: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """The report on ``version`` from tagged sentences; ``progress`` is told how many words are done of how many.

    ``risks``: shares of sentences with a wrong name that a promise is tried for.

    Raises:
        DataError: no sentence holds a name.
    """
    if not dataset.types:
        raise DataError("A tagger is measured on names", seen="sentences without one", file=dataset.source)
    words = sum(len(one.tokens) for one in dataset.sentences)
    told = None if progress is None else lambda done: progress(done, words)
    asked = tag_rows(load_tagger(version, threads=threads), dataset, told)
    compared = [] if against is None else [_compared(version, against, asked, dataset, threads=threads, told=told)]
    temperature = (version.card.get("calibration") or {}).get("temperature")
    return Report(
        title_of(version),
        version.card.get("summary", ""),
        facts_of(version, dataset.source, len(dataset.sentences)),
        [
            *compared,
            *sections_of(asked, dataset.source, load_seen(version.folder), temperature=temperature, risks=risks),
        ],
    )


def sections_of(
    asked: TaggedRows,
    source: str,
    seen: Callable[[str], bool] | None,
    *,
    temperature: float | None = None,
    risks: Sequence[float] = RISKS,
) -> list[Section]:
    """All but the comparison, from the file ``source``; ``seen`` tells whether a text was trained on, None: not known.

    ``temperature`` is what training divided the logits by.
    """
    texts = [" ".join(sentence) for sentence in asked.sentences]
    worse = worse_names_section(asked.sentences, asked.truth, asked.found, groups=asked.groups, parts=asked.parts)
    answers, unknown = answers_of(asked, fitted_here=kept_aside(source)), _unknown(asked)
    calibrated = [] if not len(answers) else [_calibration(asked, answers, temperature, kept_aside(source))]
    if len(unknown) > 1:
        # Names that have another type in the data count as wrong: that tells nothing of how sure it may be.
        calibrated = [replace(one, warnings=[]) for one in calibrated]
    return [
        names_section(asked),
        *calibrated,
        promise_section(
            fresh_answers(asked, answers, seen), said("names"), grouped=asked.groups is not None, risks=risks
        ),
        *([] if worse is None else [worse]),
        source_section(on_file(len(texts), source), texts, seen, warnings=unknown),
    ]


def answers_of(asked: TaggedRows, *, fitted_here: bool = False) -> Answers:
    """The names it found, with how sure it is of each.

    ``fitted_here``: its reading was learned from these very names. Of each is then told how sure the names in other
    sentences make it: nothing may be promised from what was fitted to the answers themselves.
    """
    found = names_in(asked.truth, asked.rows, asked.names)
    if asked.reading.weights is None:
        sure = found.confidence
    elif fitted_here:
        sure = held_out(found, folds_of(asked.documents or [0] * len(asked.sentences)))
    else:
        sure = asked.reading.weights.chances(found.features, found.types)
    return Answers(sure, found.right, found.sentence)


def fresh_answers(asked: TaggedRows, answers: Answers, seen: Callable[[str], bool] | None) -> Answers:
    """Those of ``answers_of`` in sentences that it was not trained on, of each document in one drawn by chance.

    ``seen`` tells which sentences it was trained on, None: not known.
    """
    fresh, groups = answers.fresh([" ".join(words) for words in asked.sentences], seen), asked.groups
    return fresh if groups is None else one_of_each(fresh, groups)


def _compared(
    version: ModelVersion,
    against: ModelVersion,
    asked: TaggedRows,
    dataset: TaggedSentences,
    *,
    threads: int,
    told: Callable[[int], None] | None,
) -> Section:
    other = tag_rows(load_tagger(against, threads=threads), dataset, told)
    after, before = (f1_sums(count_entities(one.truth, one.found)) for one in (asked, other))
    changed = changed_names(asked, other)
    texts = [" ".join(words) for words in asked.sentences]
    return versus_on_new_rows(
        "Entity F1", (version, against), (after, before), texts, changed=changed, groups=asked.groups
    )


def changed_names(new: TaggedRows, old: TaggedRows) -> list[Changed]:
    """Sentences in which the two find different names."""
    rows = zip(new.sentences, new.truth, old.found, new.found, strict=True)
    out = []
    for place, (words, truth, before, now) in enumerate(rows, start=1):
        there, was, found = (spans(tags) for tags in (truth, before, now))
        if set(was) != set(found):
            worse = len({*there} ^ {*found}) - len({*there} ^ {*was})
            true, one, other = ("; ".join(shown_name(span, words) for span in each) for each in (there, was, found))
            out.append(Changed(place, " ".join(words), true, one, other, worse))
    return out


def _unknown(asked: TaggedRows) -> list[str]:
    given, known = entity_types(asked.truth), entity_types([asked.names])
    missing = sorted(set(given) - set(known))
    if not missing:
        return []
    met = [
        (span.type, [one.type for one in spans(found) if (one.start, one.end) == (span.start, span.end)])
        for truth, found in zip(asked.truth, asked.found, strict=True)
        for span in spans(truth)
        if span.type in missing
    ]
    return [
        said(
            "The model does not know {types}: it misses them in every sentence. Were these types renamed?",
            types=", ".join(missing),
        ),
        *renamed(known, given, met),
    ]


def names_section(asked: TaggedRows) -> Section:
    """Entity F1, precision and recall with intervals, types and mistakes."""
    found = asked.found
    counts = count_entities(asked.truth, found)
    scores = entity_scores(counts)
    whole = scores.pop("")
    f1 = bootstrap_ratio(by_group(f1_sums(counts), asked.groups))
    told = [(place, hit) for place, _, hit in asked.spans()]
    right, there = sum(hit for _, hit in told), whole.support
    wanted = _wanted(asked)
    mistakes = mistakes_of(asked.sentences, asked.truth, found)
    sentences = [
        said(
            "It finds {right} of {there} names with the right type and both ends; of the {told} names that it gives, "
            "{wrong} are wrong.",
            right=f"{right:,}",
            there=f"{there:,}",
            told=f"{len(told):,}",
            wrong=f"{len(told) - right:,}",
        ),
        mistakes_by_kind(mistakes),
        PRECISION_AND_RECALL,
        *_of_documents(asked.groups),
    ]
    bars = [
        Bar(f"{kind} ({one.support})", one.recall, *_interval(asked, wanted[kind]))
        for kind, one in sorted(scores.items(), key=lambda item: item[1].recall)
        if one.support
    ]
    return Section(
        key="accuracy",
        title="Which names it finds",
        sentences=sentences,
        warnings=_broken(asked, right, there),
        figures=[
            Figure("Entity F1", f1.value, f1.low, f1.high, there),
            Figure("Precision", whole.precision, *_interval(asked, told), len(told))
            if told
            else Figure("Precision", 0),
            Figure("Recall", whole.recall, *_interval(asked, [one for each in wanted.values() for one in each]), there),
        ],
        charts=[_types(bars)],
        tables=[
            _every(scores),
            mistakes_shown(asked.sentences, mistakes),
        ],
    )


def _wanted(asked: TaggedRows) -> dict[str, list[tuple[int, bool]]]:
    """By type: of each true name its sentence, and whether it is found."""
    out: dict[str, list[tuple[int, bool]]] = {}
    for place, (tags, got) in enumerate(zip(asked.truth, asked.found, strict=True)):
        told = set(spans(got))
        for span in spans(tags):
            out.setdefault(span.type, []).append((place, span in told))
    return out


def _interval(asked: TaggedRows, names: Sequence[tuple[int, bool]]) -> tuple[float, float]:
    """Of the share of names, each with its sentence, that are right; those of one sentence, or document, are alike."""
    right = np.array([hit for _, hit in names], dtype=bool)
    places = np.array([place for place, _ in names], dtype=np.int64)
    return wilson_of_groups(right, places if asked.groups is None else asked.groups[places])


def _of_documents(groups: NDArray[np.int64] | None) -> list[str]:
    if groups is None:
        return []
    count = len(np.unique(groups))
    alike = said(
        "The sentences come from {n} documents. Those of one document are alike, so the intervals here are made from "
        "whole documents.",
        n=f"{count:,}",
    )
    few = said("So few documents may make the intervals too narrow: measure on more of them.")
    return [alike, few] if count < FEW_GROUPS else [alike]


def _broken(asked: TaggedRows, right: int, there: int) -> list[str]:
    # Names of types that the model does not know are another matter, which is told with the rows.
    if not any(f"B-{kind}" in asked.names for kind in entity_types(asked.truth)):
        return []
    if wilson(right, there)[1] < USELESS:
        return [
            said(
                "The model finds next to none of the names ({share}): it has learned nothing of use. Look whether "
                "words and tags stand in the same rows of the training file",
                share=percent(right / there),
            )
        ]
    lucky = names_by_chance(asked.truth, asked.found)
    # Whoever looks at next to nothing is right by luck alone: why says more than that.
    told = tags_by_shape(asked.sentences, asked.found, asked.truth, truth_fits=lucky is None) or lucky
    return [] if told is None else [told]


def _every(scores: Mapping[str, EntityScore]) -> Table:
    rows: list[list[Cell]] = [
        [kind, Share(one.precision), Share(one.recall), Share(one.f1), one.support]
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


def _calibration(asked: TaggedRows, answers: Answers, temperature: float | None, fitted_here: bool) -> Section:
    before = None
    if temperature is not None and temperature != 1.0:
        # Undo what training divided the logits by.
        raw = [tempered(each, 1 / temperature) if len(each) else each for each in asked.rows]
        before = np.array([span_confidence(raw[place], span, asked.names) for place, span, _ in asked.spans()])
    # Names of one sentence, and of one document, are alike.
    alike = answers if asked.groups is None else replace(answers, text=asked.groups[answers.text])
    made = answers_calibration_section(alike, before=before, temperature=temperature, fitted_here=fitted_here)
    told = asked.reading.sentence
    return made if not told else replace(made, sentences=[*made.sentences, told])
