"""Which rows a model was measured on, and whether they can be trusted to say anything about new ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from portside.evaluation.intervals import wilson
from portside.evaluation.report.parts import Bar, Chart, Figure, Section, percent
from portside.evaluation.scored import Scored
from portside.evaluation.verdicts import renamed_labels
from portside.said import said

__all__ = ["rows_section"]

LABELS_DRAWN = 15
LEAK = 0.01
"""Share of rows with a text from training, from which the report warns."""


def rows_section(scored: Scored, truth: Sequence[str], seen: Callable[[str], bool] | None, source: str) -> Section:
    """Rows, labels, and what is wrong with either. ``truth`` are the rows' labels as the file has them.

    ``seen`` tells whether a text was trained on; None where that is not known.
    """
    n = len(scored)
    predicted = [scored.labels[place] for place in scored.predicted]
    warnings = renamed_labels(scored.labels, truth, predicted)
    sentences = [source]
    figures = [Figure("Rows", float(n), share=False)]
    if seen is None:
        sentences.append(said("Which of them the model was trained on is not known."))
    else:
        leaked = np.array([seen(text) for text in scored.texts], dtype=bool)
        figures.append(Figure("Rows whose text was trained on", float(leaked.mean()), n=n))
        if leaked.mean() > LEAK:
            warnings.append(_leak(scored, leaked))
        elif not leaked.any():
            sentences.append(said("None of their texts stands in the training rows."))
    return Section(
        key="rows",
        title="The rows it was measured on",
        sentences=sentences,
        warnings=warnings,
        figures=figures,
        charts=[_labels(truth)],
    )


def _leak(scored: Scored, leaked: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> str:
    count, fresh = int(leaked.sum()), ~leaked
    said = f"{count:,} of {len(scored):,} rows have a text that the model was trained on: they flatter it"
    if not fresh.any():
        return f"{said}. No row is left that it has not seen: measure it on other rows"
    low, high = wilson(int(scored.right[fresh].sum()), int(fresh.sum()))
    return (
        f"{said} (right on {percent(float(scored.right[leaked].mean()))} of those, on "
        f"{percent(float(scored.right[fresh].mean()))} of the rest, 95 % interval {100 * low:.1f} to "
        f"{100 * high:.1f}). Go by the rest, and take those rows out of the file"
    )


def _labels(truth: Sequence[str]) -> Chart:
    labels, counts = np.unique(np.asarray(truth, dtype=object), return_counts=True)
    order = np.argsort(-counts, kind="stable")[:LABELS_DRAWN]
    return Chart(
        title=said("Rows of each label ({shown} of {all})", shown=len(order), all=len(labels)),
        summary=said(
            "The commonest label is '{label}' with {most} rows; the rarest of all {all} has {least}.",
            label=str(labels[order[0]]),
            most=f"{counts[order[0]]:,}",
            all=len(labels),
            least=f"{counts.min():,}",
        ),
        x_title="rows",
        y_title="label",
        bars=[Bar(str(labels[place]), float(counts[place])) for place in order],
        share=False,
    )
