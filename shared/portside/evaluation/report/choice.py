"""What was chosen on the very rows that a report is made from, and how to get figures that do not depend on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from portside.evaluation.report.parts import Report, Section
from portside.inference.folder import read_model_file, task_of
from portside.inference.name_reading import read_name_reading
from portside.inference.outside_gate import read_gate
from portside.registry import ModelVersion
from portside.said import joined, said

__all__ = ["beside_promise", "chosen_on_them", "with_choice", "with_kept_rows"]

ALWAYS = {
    "multilabel": said("from which probability on a label is given"),
    "matching": said("by what documents are ranked"),
}
"""What the validation rows of a task decide in every training that has some."""


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
    """``made`` from rows that ``version`` keeps, with what they have decided told where the rows are, and with what is
    promised from them.
    """
    told, beside = chosen_on_them(version, by_model=by_model), beside_promise(version, by_model=by_model)
    made = replace(
        made,
        sections=[
            replace(one, sentences=[*one.sentences[:1], *told, *one.sentences[1:]]) if one.key == "rows" else one
            for one in made.sections
        ],
    )
    return _beside_promises(made, beside) if beside else made


def beside_promise(version: ModelVersion, *, by_model: bool = True) -> str:
    """What is to be said beside a promise that is made from the rows that ``version`` keeps; empty: nothing."""
    chosen = _decided(version, by_model=by_model)
    if not chosen:
        return ""
    return said(
        "These rows also chose {what}, so what is promised here may be a little too good. A few hundred labelled "
        "rows that the model has never seen make promises without that: 'portside report {version} --data FILE', "
        "or on the Models page.",
        what=joined(chosen, "; "),
        version=version.ref,
    )


def with_kept_rows(made: Report, version: ModelVersion, *, kept: int, rows: int) -> Report:
    """``made`` from a file, of whose ``rows`` so many are ``kept`` by ``version``: a validation file that was given."""
    chosen = _decided(version) if kept else []
    if not chosen:
        return made
    return _beside_promises(
        made,
        said(
            "{count} of these {n} rows were validation rows of the training, where they also chose {what}: what is "
            "promised here may be a little too good. A few hundred labelled rows that the model has never seen make "
            "promises without that.",
            count=f"{kept:,}",
            n=f"{rows:,}",
            what=joined(chosen, "; "),
        ),
    )


def _beside_promises(made: Report, sentence: str) -> Report:
    return replace(
        made,
        sections=[
            replace(one, sentences=[*one.sentences, sentence]) if one.key == "guarantee" and _promises(one) else one
            for one in made.sections
        ],
    )


def _promises(section: Section) -> bool:
    details: Mapping[str, Any] = section.details or {}
    tried: Sequence[Mapping[str, Any]] = [*details.get("promises", ()), *filter(None, [details.get("label_sets")])]
    return any(one["threshold"] is not None for one in tried)


def _decided(version: ModelVersion, *, by_model: bool = True) -> list[str]:
    """What the rows kept aside have decided about the model, or about the networks that answered in its place."""
    card, file = version.card, read_model_file(version.folder, task=task_of(version.folder))
    states = len((card.get("training") or {}).get("history") or ())
    trials = int((card.get("search") or {}).get("trials") or 0)
    gate, temperature = read_gate(file.options), (card.get("calibration") or {}).get("temperature")
    which = said("the best of {n} states of the training", n=f"{states:,}")
    found = [
        (states > 1, which if by_model else said("the best state of each network")),
        (trials > 1, said("the settings of the training")),
        (len((card.get("auto") or {}).get("tried") or ()) > 1, said("the method")),
        (temperature not in (None, 1.0), said("how far its probabilities were adjusted")),
        (gate is not None and gate.reading is not None, said("how likely it is that none of the labels fits")),
        (read_name_reading(file.options).weights is not None, said("how sure it says it is of a name")),
    ]
    always = ALWAYS.get(file.task)
    return [*(words for so, words in found if so), *([] if always is None else [always])]
