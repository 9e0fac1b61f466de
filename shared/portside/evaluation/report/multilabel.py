"""The report on a classifier that gives several labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from portside.errors import DataError
from portside.evaluation.answers import Answers, renamed
from portside.evaluation.intervals import wilson
from portside.evaluation.multilabel import (
    LabelFigures,
    MultiLabeller,
    bootstrap_macro_f1,
    f1_sums,
    figures,
    given_labels,
)
from portside.evaluation.report.calibration import answers_calibration_section
from portside.evaluation.report.facts import facts_of, kept_aside, on_file, title_of
from portside.evaluation.report.parts import Bar, Cell, Chart, Figure, Report, Section, Share, Table, percent
from portside.evaluation.report.promises import promise_section
from portside.evaluation.report.slices import section_of
from portside.evaluation.report.sources import source_section
from portside.evaluation.report.versus import Changed, versus_on_new_rows
from portside.evaluation.report.words import PRECISION_AND_RECALL
from portside.evaluation.risk import RISKS
from portside.evaluation.significance import bootstrap_ratio
from portside.evaluation.slices import compare_slices, part_slices, rare_rows, text_slices
from portside.evaluation.verdicts_chance import labels_by_chance
from portside.evaluation.verdicts_shortcuts import labels_by_length
from portside.inference.multilabel import load_multilabeller, sigmoid
from portside.registry import ModelVersion
from portside.said import said
from portside.tasks.multilabel import MultiLabelTexts, truth_of
from portside.training.seen import load_seen

__all__ = ["LabelRows", "changed_labels", "label_rows", "report_file", "sections_of"]

LABELS_DRAWN = 15
MISTAKES_SHOWN = 50


def report_file(
    version: ModelVersion,
    dataset: MultiLabelTexts,
    *,
    against: ModelVersion | None = None,
    risks: Sequence[float] = RISKS,
    threads: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """The report on ``version`` from labelled texts; ``progress`` is told how many are done of how many.

    ``risks``: shares of texts with a wrong label that a promise is tried for.

    Raises:
        DataError: there are no texts.
    """
    texts = [one.text for one in dataset.examples]
    if not texts:
        raise DataError("A report is made from rows", seen="none", file=dataset.source)
    told = None if progress is None else lambda done: progress(done, len(texts))
    asked = label_rows(load_multilabeller(version, threads=threads), dataset, told)
    compared = [] if against is None else [_compared(version, against, asked, dataset, threads=threads, told=told)]
    temperature = (version.card.get("calibration") or {}).get("temperature")
    return Report(
        title_of(version),
        version.card.get("summary", ""),
        facts_of(version, dataset.source, len(texts)),
        [
            *compared,
            *sections_of(asked, dataset.source, load_seen(version.folder), temperature=temperature, risks=risks),
        ],
    )


@dataclass(frozen=True)
class LabelRows:
    """What a model says of n texts."""

    texts: Sequence[str]
    labels: tuple[str, ...]
    """Those that it knows, then others that the data has."""
    known: int
    """How many of them it knows."""
    probabilities: NDArray[np.float64]
    """Shape (texts, labels); 0 for labels that it does not know."""
    truth: NDArray[np.bool_]
    threshold: float
    """It gives a label from this probability on."""
    parts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Where each text comes from, by column of the file."""

    @property
    def found(self) -> NDArray[np.bool_]:
        """Which labels it gives, shape (texts, labels)."""
        return self.probabilities >= self.threshold

    def named(self, row: int, chosen: NDArray[np.bool_]) -> list[str]:
        """Those labels of one text that ``chosen``, shape (texts, labels), marks."""
        return [self.labels[place] for place in np.flatnonzero(chosen[row]).tolist()]


def label_rows(
    labeller: MultiLabeller, dataset: MultiLabelTexts, report: Callable[[int], None] | None = None
) -> LabelRows:
    """Ask ``labeller`` about every text; ``report`` is told how many are done."""
    labels = tuple(dict.fromkeys((*labeller.labels, *dataset.labels)))
    texts, known = [one.text for one in dataset.examples], len(labeller.labels)
    answered = labeller.probabilities(texts, report=report)
    probabilities = np.concatenate([answered, np.zeros((len(texts), len(labels) - known))], axis=1)
    truth, parts = truth_of(dataset.examples, labels), getattr(dataset, "parts", {})
    return LabelRows(texts, labels, known, probabilities, truth, labeller.threshold, parts)


def sections_of(
    asked: LabelRows,
    source: str,
    seen: Callable[[str], bool] | None,
    *,
    temperature: float | None = None,
    risks: Sequence[float] = RISKS,
) -> list[Section]:
    """All but the comparison, from the file ``source``; ``seen`` tells whether a text was trained on, None: not known.

    ``temperature`` is what training divided the logits by.
    """
    texts, answers = asked.texts, given_labels(asked.probabilities, asked.truth, asked.threshold)
    slices = text_slices(texts) | {said("rare labels"): rare_rows(asked.truth)} | part_slices(asked.parts)
    worse = section_of(compare_slices((asked.truth == asked.found).all(axis=1), slices))
    given = labels_section(texts, asked.labels, asked.probabilities, asked.truth, asked.threshold)
    given, unknown = replace(given, warnings=_broken(asked) or given.warnings), _unknown(asked)
    calibrated = [_calibration(answers, temperature, kept_aside(source))] if len(answers) else []
    if len(unknown) > 1:
        # Labels that the data call otherwise count as wrong: that tells nothing of how sure it may be.
        calibrated = [replace(one, warnings=[]) for one in calibrated]
    return [
        replace(given, sentences=[*given.sentences, _chosen_here()]) if kept_aside(source) else given,
        *calibrated,
        promise_section(answers.fresh(texts, seen), said("labels"), risks=risks),
        *([] if worse is None else [worse]),
        source_section(on_file(len(texts), source), texts, seen, warnings=unknown),
    ]


def _broken(asked: LabelRows) -> list[str]:
    # Of labels that the model does not know it is told with the rows.
    truth, found = asked.truth[:, : asked.known], asked.found[:, : asked.known]
    # Whoever looks at next to nothing is right by luck alone: why says more than that.
    told = labels_by_length(asked.texts, found, truth) or labels_by_chance(truth, found)
    return [] if told is None else [told]


def _chosen_here() -> str:
    return said(
        "From which probability on a label is given was chosen on these very rows: on other texts these figures may be "
        "a little lower."
    )


def _compared(
    version: ModelVersion,
    against: ModelVersion,
    asked: LabelRows,
    dataset: MultiLabelTexts,
    *,
    threads: int,
    told: Callable[[int], None] | None,
) -> Section:
    other = label_rows(load_multilabeller(against, threads=threads), dataset, told)
    after, before = (f1_sums(one.truth, one.found) for one in (asked, other))
    changed = changed_labels(asked, other, getattr(dataset, "rows", None))
    texts = asked.texts
    return versus_on_new_rows("Micro-F1", (version, against), (after, before), texts, changed=changed)


def changed_labels(new: LabelRows, old: LabelRows, rows: Sequence[int] | None = None) -> list[Changed]:
    """Texts to which the two give different labels; ``rows`` are their numbers in the file, None: from 1 on."""
    before, after = ((one.truth ^ one.found).sum(axis=1).tolist() for one in (old, new))
    out = []
    for place, text in enumerate(new.texts):
        was, now = old.named(place, old.found), new.named(place, new.found)
        if set(was) != set(now):
            true, row = new.named(place, new.truth), place + 1 if rows is None else rows[place]
            there, was_given, is_given = (", ".join(sorted(labels)) for labels in (true, was, now))
            out.append(Changed(row, text, there, was_given, is_given, worse=after[place] - before[place]))
    return out


def _unknown(asked: LabelRows) -> list[str]:
    given = [asked.labels[place] for place in np.flatnonzero(asked.truth.any(axis=0)).tolist()]
    known = asked.labels[: asked.known]
    missing = sorted(set(given) - set(known))
    if not missing:
        return []
    met = [
        (label, asked.named(row, asked.found))
        for row in range(len(asked.texts))
        for label in asked.named(row, asked.truth)
        if label in missing
    ]
    return [
        said(
            "The model does not know {labels}: it misses them in every text. Were these labels renamed?",
            labels=", ".join(missing),
        ),
        *renamed(known, given, met),
    ]


def labels_section(
    texts: Sequence[str],
    labels: Sequence[str],
    given: NDArray[np.float64],
    truth: NDArray[np.bool_],
    threshold: float,
) -> Section:
    """Micro- and macro-F1, exactly right texts, each label; ``given`` and ``truth`` have shape (texts, labels)."""
    found = given >= threshold
    micro = bootstrap_ratio(f1_sums(truth, found))
    each = figures(given, truth, labels, threshold)
    exact = (truth == found).all(axis=1)
    right, said_, there, n = int((truth & found).sum()), int(found.sum()), int(truth.sum()), len(texts)
    macro = bootstrap_macro_f1(truth, found)
    warnings = []
    # What every text would get that is always given the labels that more than half of the texts have.
    common = truth.mean(axis=0) > 0.5
    always = bootstrap_ratio(f1_sums(truth, np.broadcast_to(common, truth.shape)))
    if micro.high <= max(always.value, 0.05):
        warnings.append(
            said(
                "The model is no better than giving every text the same labels. Look whether texts and labels stand in "
                "the same rows of the training file"
            )
        )
    return Section(
        key="accuracy",
        title="Which labels it gives",
        sentences=[
            said(
                "Of {there} labels it gives {right}; of the {told} that it gives, {wrong} are wrong. {exact} of {n} "
                "texts get exactly the right labels.",
                there=f"{there:,}",
                right=f"{right:,}",
                told=f"{said_:,}",
                wrong=f"{said_ - right:,}",
                exact=f"{int(exact.sum()):,}",
                n=f"{n:,}",
            ),
            said("Micro-F1 takes all labels together, macro-F1 counts every label the same, however rare."),
            PRECISION_AND_RECALL,
        ],
        warnings=warnings,
        figures=[
            Figure("Micro-F1", micro.value, micro.low, micro.high, n),
            Figure("Macro-F1", macro.value, macro.low, macro.high, n),
            Figure("Exactly right", float(exact.mean()), *wilson(int(exact.sum()), n), n),
        ],
        charts=_weakest(each),
        tables=[_every(each), _mistakes(texts, labels, truth, found)],
    )


def _weakest(each: dict[str, LabelFigures]) -> list[Chart]:
    present = sorted(((one.recall, label, one) for label, one in each.items() if one.support), key=lambda one: one[:2])
    if not present:
        return []
    bars = [
        Bar(f"{label} ({one.support})", recall, *wilson(round(recall * one.support), one.support))
        for recall, label, one in present[:LABELS_DRAWN]
    ]
    recall, label, one = present[0]
    return [
        Chart(
            title=said("Labels it finds least often ({shown} of {all})", shown=len(bars), all=len(present)),
            summary=said(
                "It recognises {share} of the texts that are '{label}' ({n}); a line shows the 95 % interval, a number "
                "in brackets how many texts there were.",
                n=f"{one.support:,}",
                label=label,
                share=percent(recall, 0),
            ),
            x_title="texts of the label that it recognises",
            y_title="label",
            bars=bars,
        )
    ]


def _every(each: dict[str, LabelFigures]) -> Table:
    weakest = sorted(each.items(), key=lambda item: (item[1].f1, item[0]))
    rows: list[list[Cell]] = [
        [label, *(Share(value) for value in (one.precision, one.recall, one.f1)), one.average_precision, one.support]
        for label, one in weakest
    ]
    return Table(
        "Every label, weakest first", ["label", "precision", "recall", "F1", "average precision", "rows"], rows
    )


def _mistakes(texts: Sequence[str], labels: Sequence[str], truth: NDArray[np.bool_], found: NDArray[np.bool_]) -> Table:
    wrong = np.flatnonzero((truth != found).any(axis=1))
    rows: list[list[Cell]] = [
        [
            int(place) + 1,
            texts[place][:160],
            ", ".join(labels[at] for at in np.flatnonzero(truth[place] & ~found[place]).tolist()),
            ", ".join(labels[at] for at in np.flatnonzero(found[place] & ~truth[place]).tolist()),
        ]
        for place in wrong[:MISTAKES_SHOWN].tolist()
    ]
    title = said("Mistakes ({shown} of {all})", shown=f"{len(rows):,}", all=f"{len(wrong):,}")
    return Table(title, ["place", "text", "missed", "wrongly given"], rows)


def _calibration(answers: Answers, temperature: float | None, fitted_here: bool) -> Section:
    before = None
    if temperature is not None and temperature != 1.0:
        # Undo what training divided the logits by.
        odds = np.log(np.maximum(answers.confidence, 1e-12)) - np.log(np.maximum(1 - answers.confidence, 1e-12))
        before = sigmoid(temperature * odds)
    return answers_calibration_section(answers, before=before, temperature=temperature, fitted_here=fitted_here)
