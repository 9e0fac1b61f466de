"""What was chosen on the very rows that a report is made from, and how to get figures that do not depend on it."""

from __future__ import annotations

from dataclasses import replace

from portside.evaluation.report.parts import Report
from portside.registry import ModelVersion
from portside.said import said

__all__ = ["chosen_on_them", "with_choice"]


def chosen_on_them(version: ModelVersion, *, by_model: bool = True) -> list[str]:
    """Sentences on what the rows that ``version`` keeps have decided in its training; none where nothing was.

    A training is validated a few times, and the best state of it is kept: where there was more than one, that is a
    choice. Not ``by_model``: networks that learned from a part of the rows answered the others, and each of these was
    chosen so; the model itself, which learned from all rows, was not.
    """
    tried = len((version.card.get("training") or {}).get("history") or ())
    trials = int((version.card.get("search") or {}).get("trials") or 0)
    out = []
    if tried > 1 and by_model:
        out.append(
            said(
                "The passes over the data were chosen on these same rows, as the best of {n} states of the training "
                "that were tried: the figures may be a little too good.",
                n=f"{tried:,}",
            )
        )
    elif tried > 1:
        out.append(
            said(
                "The passes over the data of each of these networks were chosen on the same rows that it answered: the "
                "figures may be a little too good."
            )
        )
    if trials > 1:
        out.append(
            said(
                "The settings of the training were chosen on these same rows, as the best of {n} that were tried: that "
                "flatters the figures, too.",
                n=f"{trials:,}",
            )
        )
    return [*out, _independent(version)] if out else []


def _independent(version: ModelVersion) -> str:
    return said(
        "For independent figures give a labelled test file that the model has never seen: on the Models page, or with "
        "'portside report {version} --data FILE'.",
        version=version.ref,
    )


def with_choice(made: Report, version: ModelVersion, *, by_model: bool = True) -> Report:
    """``made`` from rows that ``version`` keeps, with what they have decided told where the rows are."""
    told = chosen_on_them(version, by_model=by_model)
    sections = [
        replace(one, sentences=[*one.sentences[:1], *told, *one.sentences[1:]]) if one.key == "rows" else one
        for one in made.sections
    ]
    return replace(made, sections=sections)
