"""Whether the model can say why: explanations of some texts, and how far to trust them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from portside.evaluation.attribution import ALIKE, Explanation, Method, explain_answers
from portside.evaluation.faithfulness import Faithfulness, MethodFaithfulness, measure_faithfulness
from portside.evaluation.report.asking import CountingAttributor, questions
from portside.evaluation.report.parts import Cell, Chart, Curve, Figure, Section, Table, percent
from portside.evaluation.report.words import joined
from portside.evaluation.slices import word_count
from portside.inference.attributor import Answer, Attributor
from portside.said import said

__all__ = ["explained_on", "explanations_section"]

TEXTS = 40
"""Texts explained, drawn at random: a few seconds."""
DRAWN = 400
"""Texts looked at where few have an answer: a tagger finds no name in many."""
ANSWERS = 3
"""Of those that one text gets, the surest: each is explained anew."""
SHOWN = 15
TITLE = "Whether it can say why"
NAMES: dict[Method, str] = {
    "occlusion": said("occlusion"),
    "integrated-gradients": said("integrated gradients"),
}
"""Of the methods, as a person reads them."""


def explained_on(
    attributor: Attributor,
    texts: Sequence[str],
    *,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Section | None:
    """Explain some of the texts by both methods, and measure both; None where no text has two words.

    Of a text with several answers (labels, names) at most ``ANSWERS`` are explained. Both methods are measured on the
    surest of each text: texts are drawn by chance, the answers to one text are not. ``progress`` is told how many
    questions the network has answered of about how many.
    """
    longer = [text for text in texts if word_count(text) > 1]
    if not longer:
        return None
    drawn = Random(seed).sample(longer, min(DRAWN, len(longer)))
    asked = [
        (text, answer, not rank)
        for text, answers in _answered(attributor, drawn)
        for rank, answer in enumerate(answers[:ANSWERS])
    ]
    if not asked:
        none = said("In none of {n} texts does the model find anything: there is nothing to explain.", n=len(drawn))
        return Section("explanations", TITLE, [none])
    if progress is not None:
        measured = sum(first for _, _, first in asked)
        attributor = CountingAttributor(attributor, questions([text for text, _, _ in asked], measured), progress)
    found = explain_answers(attributor, [(text, answer) for text, answer, _ in asked])
    surest = [one for one, (_, _, first) in zip(found, asked, strict=True) if first]
    return explanations_section(measure_faithfulness(attributor, surest, seed=seed), surest, found)


def _answered(attributor: Attributor, drawn: Sequence[str]) -> list[tuple[str, list[Answer]]]:
    """The first ``TEXTS`` of the texts that get an answer, with their answers."""
    found: list[tuple[str, list[Answer]]] = []
    for start in range(0, len(drawn), TEXTS):
        some = drawn[start : start + TEXTS]
        found += [pair for pair in zip(some, attributor.answers(some), strict=True) if pair[1]]
        if len(found) >= TEXTS:
            break
    return found[:TEXTS]


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
        _falls(measured, best),
        said(
            "The words are found in two ways: by leaving each word out (occlusion), and by following the model's own "
            "computation (integrated gradients). On {apart} of {n} texts the two weigh them quite differently: take "
            "these explanations with care.",
            apart=apart,
            n=len(compared),
        ),
    ]
    if any(one.answer.spans for one in found):
        sentences.append(
            said(
                "A word that is left out of a text with names leaves its place: the name stays where it was, and its "
                "own words are left out, too."
            )
        )
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
        title=TITLE,
        sentences=sentences,
        warnings=warnings,
        figures=[
            Figure(
                said("Gain over random order: {method}", method=NAMES[one.method]),
                one.gain,
                *one.gain_ci95,
                measured.n,
                share=measured.measure == "probability",
            )
            for one in measured.methods
        ],
        charts=[_curves(measured, best)],
        tables=[Table("Some texts and their words", ["text", "answer", "why", "agreement of the two"], rows)],
    )


def _falls(measured: Faithfulness, best: MethodFaithfulness) -> str:
    if measured.measure == "cosine":
        return said(
            "As the words of a query that an explanation names first ({method}) are left out one by one, its nearness "
            "(cosine) to the document found is {kept} on average; as words are left out at random, {random} (n = {n} "
            "texts). The further apart, the better the explanation names what the model goes by.",
            method=NAMES[best.method],
            kept=f"{best.area:.2f}",
            random=f"{measured.random_area:.2f}",
            n=measured.n,
        )
    return said(
        "As the words that an explanation names first ({method}) are left out one by one, the answer has a "
        "probability of {kept} on average; as words are left out at random, of {random} (n = {n} texts). The "
        "further apart, the better the explanation names what the model goes by.",
        method=NAMES[best.method],
        kept=percent(best.area, 0),
        random=percent(measured.random_area, 0),
        n=measured.n,
    )


def _half_left_out(measured: Faithfulness, best: MethodFaithfulness) -> str:
    half = (len(measured.random_curve) - 1) // 2
    kept, random = best.curve[half], measured.random_curve[half]
    if measured.measure == "cosine":
        return said(
            "With half of the query's words left out as {method} names them, its nearness to the document falls to "
            "{kept}; in random order to {random}.",
            method=NAMES[best.method],
            kept=f"{kept:.2f}",
            random=f"{random:.2f}",
        )
    return said(
        "With half of the words left out as {method} names them, the probability of the answer falls to {kept}; "
        "in random order to {random}.",
        method=NAMES[best.method],
        kept=percent(kept, 0),
        random=percent(random, 0),
    )


def _curves(measured: Faithfulness, best: MethodFaithfulness) -> Chart:
    steps = len(measured.random_curve) - 1
    points = [place / steps for place in range(steps + 1)]
    near = measured.measure == "cosine"
    return Chart(
        title="Nearness of query and document as words are left out"
        if near
        else "Probability of the answer as words are left out",
        summary=_half_left_out(measured, best),
        x_title="words left out, the strongest first",
        y_title="nearness (cosine)" if near else "probability of the answer",
        curves=[
            *(Curve(NAMES[one.method], points, one.curve, dots=True) for one in measured.methods),
            Curve("random order", points, measured.random_curve, reference=True),
        ],
        share=not near,
    )
