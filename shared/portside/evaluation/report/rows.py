"""Which rows a model was measured on, and whether they can be trusted to say anything about new ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from portside.evaluation.intervals import wilson
from portside.evaluation.report.parts import Bar, Chart, Figure, Section, percent
from portside.evaluation.scored import Scored
from portside.evaluation.verdicts import renamed_labels
from portside.said import said

__all__ = ["LEAK", "NEARLY", "few_leaks", "rows_section"]

LABELS_DRAWN = 15
LEAK = 0.01
"""Share of rows with a text from training, from which the report warns."""
NEARLY = said(
    "In the training rows only texts that are the same but for case and spacing were looked for; nearly equal ones "
    "flatter a model, too."
)
NEARLY_HOW = said(
    "'portside data faults FILE --test FILE' names nearly equal texts as well, of the training file and the file with "
    "test rows."
)


def rows_section(
    scored: Scored, truth: Sequence[str], seen: Callable[[str], bool] | None, source: str, *, leaks: bool = True
) -> Section:
    """Rows, labels, and what is wrong with either. ``truth`` are the rows' labels as the file has them.

    ``seen`` tells whether a text was trained on; None where that is not known. Not ``leaks``: ``source`` says already
    who learned from the rows, and nothing else is told of it.
    """
    n = len(scored)
    predicted = [scored.labels[place] for place in scored.predicted]
    warnings = renamed_labels(scored.labels, truth, predicted)
    sentences = [source]
    figures = [Figure("Rows", float(n), share=False)]
    if leaks and seen is None:
        sentences.append(said("Which of them the model was trained on is not known."))
    elif leaks and seen is not None:
        leaked = np.array([seen(text) for text in scored.texts], dtype=bool)
        doubt = wilson(int(leaked.sum()), n)
        figures.append(Figure("Rows whose text was trained on", float(leaked.mean()), *doubt, n))
        if leaked.mean() > LEAK:
            warnings.append(_leak(scored, leaked))
        else:
            sentences.append(few_leaks(int(leaked.sum()), n))
        sentences += [NEARLY, NEARLY_HOW]
    return Section(
        key="rows",
        title="The rows it was measured on",
        sentences=sentences,
        warnings=warnings,
        figures=figures,
        charts=[_labels(truth)],
    )


def few_leaks(count: int, n: int) -> str:
    """What is said of ``count`` of ``n`` rows with a text from training, where these are too few for a warning."""
    if not count:
        return said("None of their texts stands in the training rows.")
    return said(
        "{count} of {n} rows have a text that the model was trained on: too few to change these figures much.",
        count=f"{count:,}",
        n=f"{n:,}",
    )


def _leak(scored: Scored, leaked: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> str:
    count, fresh = int(leaked.sum()), ~leaked
    slots = {"count": f"{count:,}", "n": f"{len(scored):,}"}
    if not fresh.any():
        return said(
            "{count} of {n} rows have a text that the model was trained on: they flatter it. No row is left that it "
            "has not seen: measure it on other rows",
            **slots,
        )
    low, high = wilson(int(scored.right[fresh].sum()), int(fresh.sum()))
    return said(
        "{count} of {n} rows have a text that the model was trained on: they flatter it (right on {seen} of those, on "
        "{rest} of the rest, 95 % interval {low} to {high}). Go by the rest, and take those rows out of the file",
        **slots,
        seen=percent(float(scored.right[leaked].mean())),
        rest=percent(float(scored.right[fresh].mean())),
        low=f"{100 * low:.1f}",
        high=f"{100 * high:.1f}",
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
