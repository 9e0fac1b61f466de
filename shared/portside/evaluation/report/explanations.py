"""Whether the model can say why: explanations of some texts, and how far to trust them."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from portside.evaluation.attribution import ALIKE, Explanation, Method, explain, labels_to_explain
from portside.evaluation.faithfulness import Faithfulness, MethodFaithfulness, measure_faithfulness
from portside.evaluation.report.parts import Cell, Chart, Curve, Figure, Section, Table, percent
from portside.evaluation.report.words import joined
from portside.evaluation.slices import word_count
from portside.inference.attributor import Attributor
from portside.said import said

__all__ = ["explained_on", "explanations_section"]

TEXTS = 40
"""Texts explained, drawn at random: a few seconds."""
LABELS = 3
"""Of those that one text gets, the likeliest: each is explained anew."""
SHOWN = 15
NAMES: dict[Method, str] = {
    "occlusion": said("occlusion"),
    "integrated-gradients": said("integrated gradients"),
}
"""Of the methods, as a person reads them."""


def explained_on(attributor: Attributor, texts: Sequence[str], *, seed: int = 0) -> Section | None:
    """Explain some of the texts by both methods, and measure both; None where no text has two words.

    Of a model that gives several labels those that a text gets are explained, at most ``LABELS`` of them. Both methods
    are measured on the likeliest of each text: texts are drawn by chance, the labels of one text are not.
    """
    longer = [text for text in texts if word_count(text) > 1]
    if not longer:
        return None
    some = Random(seed).sample(longer, min(TEXTS, len(longer)))
    asked = [
        (text, label, not rank)
        for text, labels in zip(some, labels_to_explain(attributor, some), strict=True)
        for rank, label in enumerate(labels[:LABELS])
    ]
    found = explain(attributor, [text for text, _, _ in asked], labels=[label for _, label, _ in asked])
    likeliest = [one for one, (_, _, first) in zip(found, asked, strict=True) if first]
    return explanations_section(measure_faithfulness(attributor, likeliest, seed=seed), likeliest, found)


def explanations_section(
    measured: Faithfulness, found: Sequence[Explanation], shown: Sequence[Explanation] = ()
) -> Section:
    """Deletion curves against random order, how often the two methods disagree, and the texts with their words.

    The texts in the table are ``shown``, where others are than were measured.
    """
    compared = [one.agreement.rank_correlation for one in found if one.agreement.rank_correlation is not None]
    apart = sum(value < ALIKE for value in compared)
    best = min(measured.methods, key=lambda one: one.area)
    unsure = [NAMES[one.method] for one in measured.methods if one.gain_ci95[0] <= 0]
    sentences = [
        said(
            "As the words that an explanation names first ({method}) are left out one by one, the answer has a "
            "probability of {kept} on average; as words are left out at random, of {random} (n = {n} texts). The "
            "further apart, the better the explanation names what the model goes by.",
            method=NAMES[best.method],
            kept=percent(best.area, 0),
            random=percent(measured.random_area, 0),
            n=measured.n,
        ),
        said(
            "The words are found in two ways: by leaving each word out (occlusion), and by following the model's own "
            "computation (integrated gradients). On {apart} of {n} texts the two weigh them quite differently: take "
            "these explanations with care.",
            apart=apart,
            n=len(compared),
        ),
    ]
    warnings = [
        said("The words that {method} names are not shown to be those that the model goes by", method=method)
        for method in unsure
    ]
    rows: list[list[Cell]] = [
        [one.text[:160], one.label, joined(one.sentences), one.agreement.rank_correlation]
        for one in (shown or found)[:SHOWN]
    ]
    return Section(
        key="explanations",
        title="Whether it can say why",
        sentences=sentences,
        warnings=warnings,
        figures=[
            Figure(
                said("Gain over random order: {method}", method=NAMES[one.method]), one.gain, *one.gain_ci95, measured.n
            )
            for one in measured.methods
        ],
        charts=[_curves(measured, best)],
        tables=[Table("Some texts and their words", ["text", "answer", "why", "agreement of the two"], rows)],
    )


def _curves(measured: Faithfulness, best: MethodFaithfulness) -> Chart:
    steps = len(measured.random_curve) - 1
    points = [place / steps for place in range(steps + 1)]
    half = steps // 2
    return Chart(
        title="Probability of the answer as words are left out",
        summary=said(
            "With half of the words left out as {method} names them, the probability of the answer falls to {kept}; "
            "in random order to {random}.",
            method=NAMES[best.method],
            kept=percent(best.curve[half], 0),
            random=percent(measured.random_curve[half], 0),
        ),
        x_title="words left out, the strongest first",
        y_title="probability of the answer",
        curves=[
            *(Curve(NAMES[one.method], points, one.curve, dots=True) for one in measured.methods),
            Curve("random order", points, measured.random_curve, reference=True),
        ],
    )
