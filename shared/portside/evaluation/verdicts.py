"""What is wrong with a model, in words: faults that a figure alone hides. Each rule gives a sentence, or none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from portside.evaluation.intervals import wilson
from portside.evaluation.scored import Scored
from portside.evaluation.significance import mcnemar
from portside.evaluation.verdicts_chance import CHANCE, FEWEST, fit_by_chance
from portside.evaluation.verdicts_shortcuts import lengths_of, shortcut
from portside.said import said

__all__ = ["no_better_than_chance", "reads_only_length", "renamed_labels", "sure_beyond_measure"]

OVERCONFIDENT = 0.03
"""Share by which a model may claim more than the upper end of what it was measured at."""
RENAMED = 0.6
"""Share of an unknown label's rows that get one and the same answer, from which it looks like a new name for it."""
FEWEST_RENAMED = 3


def no_better_than_chance(scored: Scored) -> str | None:
    """Whether the model is not shown to be better than always giving the commonest label: one-sided McNemar test.

    Where that label is very common, a model may tell the labels apart and yet be right no more often: then labels and
    texts do fit, and another sentence is said. Of a few rows, or of rows with a single label, nothing is.
    """
    n, hits = len(scored), int(scored.right.sum())
    counts = Counter(scored.truth.tolist())
    label, commonest = counts.most_common(1)[0]
    if n < FEWEST or len(counts) < 2:
        return None
    if mcnemar((scored.truth == label).tolist(), scored.right.tolist()).p_better < CHANCE:
        return None
    slots = {
        "label": scored.labels[label] if label >= 0 else said("none of them"),
        "hits": f"{hits:,}",
        "n": f"{n:,}",
        "commonest": f"{commonest:,}",
    }
    kinds = np.arange(len(scored.labels))
    if not fit_by_chance(scored.truth[:, None] == kinds, scored.predicted[:, None] == kinds).no_better:
        return said(
            "The model is not shown to be right more often than by always answering '{label}': it has {hits} of {n} "
            "rows right, that answer would have {commonest}. It does tell labels apart: go by each label's own "
            "figures, and not by how often it is right",
            **slots,
        )
    return said(
        "The model is no better than always answering '{label}': it has {hits} of {n} rows right, that answer would "
        "have {commonest}. Labels and texts do not fit: look whether the label column was sorted or shuffled by itself",
        **slots,
    )


def sure_beyond_measure(scored: Scored) -> str | None:
    """Whether the model's mean confidence is more than its accuracy can be."""
    n, hits = len(scored), int(scored.right.sum())
    high = wilson(hits, n)[1]
    claimed = float(scored.confidence.mean())
    if claimed <= high + OVERCONFIDENT:
        return None
    return said(
        "The model is surer than it is right: on average it claims {claimed} %, and is right in {right} % of {n} rows. "
        "Do not let it act on its probabilities before they are corrected: train it anew with rows kept aside, which "
        "corrects them",
        claimed=f"{100 * claimed:.0f}",
        right=f"{100 * hits / n:.0f}",
        n=f"{n:,}",
    )


def renamed_labels(labels: Sequence[str], truth: Sequence[str], predicted: Sequence[str]) -> list[str]:
    """Labels of the rows that the model does not know; those that it answers alike seem to be new names for its own.

    ``labels`` are the model's, ``truth`` and ``predicted`` those of each row.
    """
    known, given = set(labels), set(truth)
    unknown = {label: Counter[str]() for label in sorted(given - known)}
    for true, found in zip(truth, predicted, strict=True):
        if true in unknown:
            unknown[true][found] += 1
    renamed = _renamed(unknown, given)
    out: list[str] = [
        said(
            "The rows call '{label}' what the model seems to know as '{top}': it gives {count} of {rows} such "
            "rows that answer, and no row is labelled '{top}'. Rename the label in the file, or train anew",
            label=label,
            top=top,
            count=f"{unknown[label][top]:,}",
            rows=f"{unknown[label].total():,}",
        )
        for label, top in renamed.items()
    ]
    strange = {label: answers.total() for label, answers in unknown.items() if label not in renamed}
    if strange:
        out.append(_of_another_model(labels, strange) if len(unknown) == len(given) else _strange(strange))
    missing = sorted(known - given)
    if out and missing and len(missing) < len(known):
        out.append(said("Of the model's labels, no row has {shown}", shown=_shown(missing)))
    return out


def _renamed(unknown: Mapping[str, Counter[str]], given: Collection[str]) -> dict[str, str]:
    """What the model calls each label that it seems to know by another name; two cannot be the same one."""
    tops = {label: answers.most_common(1)[0] for label, answers in unknown.items()}
    alike = {
        label: top
        for label, (top, count) in tops.items()
        if (rows := unknown[label].total()) >= FEWEST_RENAMED and count >= RENAMED * rows and top not in given
    }
    claims = Counter(alike.values())
    return {label: top for label, top in alike.items() if claims[top] == 1}


def _strange(rows: Mapping[str, int]) -> str:
    if len(rows) > 1:
        return said(
            "The model does not know {n} labels of the rows ({shown}; {rows} rows): how often it is right is told of "
            "the others alone, and any answer to these is wrong. Train a version with these labels, or leave those "
            "rows out",
            n=f"{len(rows):,}",
            shown=_shown(list(rows)),
            rows=f"{sum(rows.values()):,}",
        )
    ((label, count),) = rows.items()
    return said(
        "The model does not know the label '{label}' ({rows} rows): how often it is right is told of the "
        "others alone, and any answer to these is wrong. Train a version with that label, or leave those "
        "rows out",
        label=label,
        rows=f"{count:,}",
    )


def _of_another_model(labels: Sequence[str], rows: Mapping[str, int]) -> str:
    return said(
        "The model knows no label of these rows ({shown}); it tells {known} apart. They seem to be for another model: "
        "choose that one, or the column that holds this model's labels",
        shown=_shown(list(rows)),
        known=_shown(labels),
    )


def _shown(labels: Sequence[str]) -> str:
    return ", ".join(f"'{label}'" for label in labels[:5]) + (", …" if len(labels) > 5 else "")


def reads_only_length(scored: Scored) -> str | None:
    """Whether the length of a text is enough to foretell the model's answer, cross-validated with a decision tree."""
    found = shortcut(lengths_of(scored.texts), scored.predicted[:, None], scored.truth[:, None])
    if found is None:
        return None
    return said(
        "The model seems to look at little but how long a text is: its length alone foretells {agreed} % of {n} "
        "answers (the commonest answer: {commonest} %). Look whether the texts of each label come from sources of "
        "different length, and mix them",
        agreed=found.slots["agreed"],
        n=found.slots["n"],
        commonest=found.slots["usual"],
    )
