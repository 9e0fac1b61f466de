"""How often a classifier is right: overall, for each label, and what it confuses."""

from __future__ import annotations

from collections import Counter

from portside.evaluation.classification import LabelScore, score_labels
from portside.evaluation.intervals import wilson
from portside.evaluation.report.parts import Bar, Cell, Chart, Figure, Section, Share, Table, percent
from portside.evaluation.report.words import PRECISION_AND_RECALL, joined
from portside.evaluation.scored import Scored
from portside.evaluation.significance import bootstrap_macro_f1
from portside.evaluation.verdicts import no_better_than_chance, reads_only_length
from portside.said import said

__all__ = ["accuracy_section"]

LABELS_DRAWN = 15
CONFUSIONS_SHOWN = 15
EXAMPLES = 2
"""Texts shown of each confusion."""


def accuracy_section(scored: Scored, *, by_model: bool = True, seed: int = 0) -> Section:
    """Accuracy and macro-F1 with intervals, labels and confusions. Rows from outside have to be left out before.

    Not ``by_model``: networks that learned from a part of the rows answered the others in its place.
    """
    n, hits = len(scored), int(scored.right.sum())
    low, high = wilson(hits, n)
    truth = [scored.labels[place] for place in scored.truth]
    predicted = [scored.labels[place] for place in scored.predicted]
    macro = bootstrap_macro_f1(scored.truth, scored.predicted, seed=seed)
    scores = score_labels(truth, predicted)
    commonest = max(Counter(truth).values())
    warnings = [found for found in (no_better_than_chance(scored), reads_only_length(scored)) if found]
    return Section(
        key="accuracy",
        title="How often it is right",
        sentences=[
            said(
                "It is right on {hits} of {n} texts. On texts like these, between {low} and {high} of 100 answers are "
                "right (95 % interval).",
                hits=f"{hits:,}",
                n=f"{n:,}",
                low=f"{100 * low:.0f}",
                high=f"{100 * high:.0f}",
            ),
            said("Always giving the commonest label would be right in {share}.", share=percent(commonest / n)),
            *([] if by_model else [_not_by_model()]),
            said(
                "Macro-F1 counts every label the same, however rare: far below the accuracy, it tells of weak labels."
            ),
            PRECISION_AND_RECALL,
        ],
        warnings=warnings,
        figures=[
            Figure("Accuracy", hits / n, low, high, n),
            Figure("Macro-F1", macro.value, macro.low, macro.high, n),
            Figure("Commonest label alone", commonest / n, *wilson(commonest, n), n),
        ],
        charts=[_weakest(scores)],
        tables=[_labels(scores), _confusions(scored)],
    )


def _not_by_model() -> str:
    return said(
        "All figures on these rows are those of networks that each learned from a part of the rows and answered the "
        "others. The model itself learned from all of them; there are no rows left to measure it on."
    )


def _weakest(scores: dict[str, LabelScore]) -> Chart:
    present = [(label, one) for label, one in scores.items() if one.support]
    weakest = sorted(present, key=lambda item: (item[1].recall, item[0]))[:LABELS_DRAWN]
    bars = []
    for label, one in weakest:
        low, high = wilson(round(one.recall * one.support), one.support)
        bars.append(Bar(f"{label} ({one.support})", one.recall, low, high))
    name, score = weakest[0]
    return Chart(
        title=said("Labels it finds least often ({shown} of {all})", shown=len(weakest), all=len(present)),
        summary=said(
            "It recognises {share} of the texts that are '{label}' ({n}); a line shows the 95 % interval, a number "
            "in brackets how many texts there were.",
            n=f"{score.support:,}",
            label=name,
            share=percent(score.recall, 0),
        ),
        x_title="texts of the label that it recognises",
        y_title="label",
        bars=bars,
    )


def _labels(scores: dict[str, LabelScore]) -> Table:
    weakest = sorted(scores.items(), key=lambda item: (item[1].f1, item[0]))
    rows: list[list[Cell]] = [
        [label, Share(one.precision), Share(one.recall), Share(one.f1), one.support] for label, one in weakest
    ]
    return Table("Every label, weakest first", ["label", "precision", "recall", "F1", "rows"], rows)


def _confusions(scored: Scored) -> Table:
    pairs = Counter(
        (int(true), int(found)) for true, found in zip(scored.truth, scored.predicted, strict=True) if true != found
    )
    rows: list[list[Cell]] = []
    for (true, found), count in sorted(pairs.items(), key=lambda item: (-item[1], item[0]))[:CONFUSIONS_SHOWN]:
        places = ((scored.truth == true) & (scored.predicted == found)).nonzero()[0][:EXAMPLES]
        texts = joined(
            [said("row {row}: {text}", row=scored.rows[place], text=scored.texts[place][:80]) for place in places],
            " · ",
        )
        rows.append([scored.labels[true], scored.labels[found], count, texts])
    return Table("Most often confused", ["true", "answered", "rows", "for example"], rows)
