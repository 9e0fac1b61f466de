"""The report on a classifier that gives several labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from portside.errors import DataError
from portside.evaluation.intervals import wilson
from portside.evaluation.multilabel import LabelFigures, MultiLabeller, f1_sums, figures
from portside.evaluation.report.calibration import reliability_section
from portside.evaluation.report.facts import facts_of, on_file, title_of
from portside.evaluation.report.parts import Bar, Cell, Chart, Figure, Report, Section, Table, percent
from portside.evaluation.report.slices import section_of
from portside.evaluation.report.sources import source_section
from portside.evaluation.report.versus import versus_section
from portside.evaluation.significance import bootstrap_ratio
from portside.evaluation.slices import compare_slices, text_slices
from portside.inference.multilabel import load_multilabeller
from portside.registry import ModelVersion
from portside.said import said
from portside.tasks.multilabel import MultiLabelTexts, truth_of
from portside.training.seen import load_seen

__all__ = ["report_file"]

LABELS_DRAWN = 15
MISTAKES_SHOWN = 50


def report_file(
    version: ModelVersion,
    dataset: MultiLabelTexts,
    *,
    against: ModelVersion | None = None,
    threads: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """The report on ``version`` from labelled texts; ``progress`` is told how many are done of how many.

    Raises:
        DataError: there are no texts.
    """
    texts = [one.text for one in dataset.examples]
    if not texts:
        raise DataError("A report is made from rows", seen="none", file=dataset.source)
    told = None if progress is None else lambda done: progress(done, len(texts))
    labeller = load_multilabeller(version, threads=threads)
    labels = _labels(labeller, dataset)
    given = _asked(labeller, texts, labels, told)
    truth, found = truth_of(dataset.examples, labels), given >= labeller.threshold
    parts = [
        _calibration(given, truth, found),
        section_of(compare_slices((truth == found).all(axis=1), text_slices(texts))),
    ]
    sections = [
        *([] if against is None else [_compared(version, against, f1_sums(truth, found), dataset, threads)]),
        labels_section(texts, labels, given, truth, labeller.threshold),
        *(part for part in parts if part is not None),
        source_section(
            on_file(len(texts), dataset.source),
            texts,
            load_seen(version.folder),
            warnings=_unknown(dataset.labels, labeller.labels),
        ),
    ]
    return Report(
        title_of(version), str(version.card.get("summary", "")), facts_of(version, dataset.source, len(texts)), sections
    )


def _labels(labeller: MultiLabeller, dataset: MultiLabelTexts) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*labeller.labels, *dataset.labels)))


def _asked(
    labeller: MultiLabeller, texts: Sequence[str], labels: Sequence[str], told: Callable[[int], None] | None = None
) -> NDArray[np.float64]:
    """Probabilities, shape (texts, labels); 0 for labels that the model does not know."""
    known = labeller.probabilities(texts, report=told)
    return np.concatenate([known, np.zeros((len(known), len(labels) - known.shape[1]))], axis=1)


def _compared(
    version: ModelVersion, against: ModelVersion, after: NDArray[np.float64], dataset: MultiLabelTexts, threads: int
) -> Section:
    other = load_multilabeller(against, threads=threads)
    labels = _labels(other, dataset)
    found = _asked(other, [one.text for one in dataset.examples], labels) >= other.threshold
    return versus_section(
        "Micro-F1", version.ref, against.ref, after, f1_sums(truth_of(dataset.examples, labels), found)
    )


def _unknown(labels: Sequence[str], known: Sequence[str]) -> list[str]:
    missing = sorted(set(labels) - set(known))
    if not missing:
        return []
    return [
        said(
            "The model does not know {labels}: it misses them in every text. Were these labels renamed?",
            labels=", ".join(missing),
        )
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
    macro = float(np.mean([one.f1 for one in each.values()]))
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
            )
        ],
        warnings=warnings,
        figures=[
            Figure("Micro-F1", micro.value, micro.low, micro.high, n),
            Figure("Macro-F1", macro, n=n),
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
                "Of the {n} texts that are '{label}', it recognises {share}; a line shows the 95 % interval, a number "
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
        [label, one.precision, one.recall, one.f1, one.average_precision, one.support] for label, one in weakest
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
    return Table(f"Mistakes ({len(rows)} of {len(wrong)})", ["place", "text", "missed", "wrongly given"], rows)


def _calibration(given: NDArray[np.float64], truth: NDArray[np.bool_], found: NDArray[np.bool_]) -> Section | None:
    # Of the labels given: nearly all that are not are rightly not, which would hide the rest.
    return reliability_section(given[found], truth[found]) if found.any() else None
