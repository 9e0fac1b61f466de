"""What is wrong with a model, in words: faults that a figure alone hides. Each rule gives a sentence, or none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from portside.evaluation.intervals import wilson
from portside.evaluation.scored import Scored
from portside.evaluation.slices import word_count
from portside.said import said

__all__ = ["no_better_than_chance", "reads_only_length", "renamed_labels", "sure_beyond_measure"]

CHANCE = 0.01
"""Probability of so many right answers by always giving the commonest label, above which nothing was learned."""
OVERCONFIDENT = 0.03
"""Share by which a model may claim more than the upper end of what it was measured at."""
RENAMED = 0.6
"""Share of an unknown label's rows that get one and the same answer, from which it looks like a new name for it."""
FEWEST_RENAMED = 3
LENGTH_EXPLAINS = 0.5
"""Share of the answers beyond the commonest one that the length alone foretells, from which the text hardly counts."""
FEWEST_FOR_LENGTH = 60
FOLDS = 5


def no_better_than_chance(scored: Scored) -> str | None:
    """Whether the model is no better than always giving the commonest label.

    One-sided binomial test against that label's share of the rows.
    """
    from scipy.stats import binom

    n, hits = len(scored), int(scored.right.sum())
    label, commonest = Counter(scored.truth.tolist()).most_common(1)[0]
    # More right answers than the commonest label has rows, by more than luck?
    if float(binom.sf(hits - 1, n, commonest / n)) < CHANCE:
        return None
    return said(
        "The model is no better than always answering '{label}': it has {hits} of {n} rows right, that answer would "
        "have {commonest}. Labels and texts do not fit: look whether the label column was sorted or shuffled by itself",
        label=scored.labels[label] if label >= 0 else said("none of them"),
        hits=f"{hits:,}",
        n=f"{n:,}",
        commonest=f"{commonest:,}",
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
    """Labels of the rows that the model does not know although it answers them all alike: other names for its own.

    ``labels`` are the model's, ``truth`` and ``predicted`` those of each row.
    """
    known, given = set(labels), set(truth)
    out: list[str] = []
    for label in sorted(given - known):
        answers = Counter(found for true, found in zip(truth, predicted, strict=True) if true == label)
        rows = answers.total()
        top, count = answers.most_common(1)[0]
        if rows >= FEWEST_RENAMED and count >= RENAMED * rows and top not in given:
            out.append(
                said(
                    "The rows call '{label}' what the model seems to know as '{top}': it gives {count} of {rows} such "
                    "rows that answer, and no row is labelled '{top}'. Rename the label in the file, or train anew",
                    label=label,
                    top=top,
                    count=f"{count:,}",
                    rows=f"{rows:,}",
                )
            )
        else:
            out.append(
                said(
                    "The model does not know the label '{label}' ({rows} rows): all of them count as wrong. Train a "
                    "version with that label, or leave those rows out",
                    label=label,
                    rows=f"{rows:,}",
                )
            )
    missing = sorted(known - given)
    if out and missing:
        shown = ", ".join(f"'{label}'" for label in missing[:5]) + (", …" if len(missing) > 5 else "")
        out.append(said("Of the model's labels, no row has {shown}", shown=shown))
    return out


def reads_only_length(scored: Scored) -> str | None:
    """Whether the length of a text is enough to foretell the model's answer, cross-validated with a decision tree."""
    n = len(scored)
    counts = Counter(scored.predicted.tolist())
    if n < FEWEST_FOR_LENGTH or len(counts) < 2:
        return None
    from sklearn.model_selection import KFold, cross_val_predict
    from sklearn.tree import DecisionTreeClassifier

    lengths = np.array([(len(text), word_count(text)) for text in scored.texts], dtype=np.float64)
    tree = DecisionTreeClassifier(min_samples_leaf=3, random_state=0)
    foretold = cross_val_predict(tree, lengths, scored.predicted, cv=KFold(FOLDS, shuffle=True, random_state=0))
    agreed = float((foretold == scored.predicted).mean())
    commonest = max(counts.values()) / n
    if agreed - commonest < LENGTH_EXPLAINS * (1 - commonest):
        return None
    return said(
        "The model seems to look at little but how long a text is: its length alone foretells {agreed} % of {n} "
        "answers (the commonest answer: {commonest} %). Look whether the texts of each label come from sources of "
        "different length, and mix them",
        agreed=f"{100 * agreed:.0f}",
        n=f"{n:,}",
        commonest=f"{100 * commonest:.0f}",
    )
