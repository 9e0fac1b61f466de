"""The rows that two versions can be compared on without a file: kept aside from both, or new to both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from portside.errors import UsageError
from portside.evaluation.held_out import load_held_out
from portside.evaluation.report.build import scored_held_out
from portside.evaluation.report.comparison import comparison_section
from portside.evaluation.report.parts import Section
from portside.evaluation.scored import OUTSIDE, Scored, Scorer
from portside.inference.folder import read_model_file
from portside.inference.outside_gate import read_gate
from portside.registry import ModelVersion
from portside.said import said
from portside.training.seen import load_seen

__all__ = ["Paired", "compare_held_out", "paired_held_out"]


class Paired(NamedTuple):
    """What two versions say of the same rows."""

    after: Scored
    before: Scored
    truth: list[str]
    """The rows' labels."""
    refitted: tuple[str, ...]
    """Of the two, those for which networks that measured them answered: they themselves learned from all rows."""


def compare_held_out(new: ModelVersion, old: ModelVersion, ask_old: Callable[[], Scorer]) -> Section:
    """``new`` against ``old`` on the rows that ``new`` keeps and ``old`` was measured on or has not learned from.

    Raises:
        UsageError: there are no such rows.
    """
    found = paired_held_out(new, old, ask_old)
    section = comparison_section(found.after, found.before, found.truth)
    return replace(section, sentences=[*section.sentences, _which_rows(found)])


def _which_rows(found: Paired) -> str:
    n = f"{len(found.after):,}"
    if not found.refitted:
        return said("Compared on {n} rows that neither version has learned from.", n=n)
    return said(
        "Compared on {n} rows, each of which was answered by networks that had not learned from it. {models} learned "
        "from all rows afterwards: it is the networks that measured it that are compared here.",
        n=n,
        models=", ".join(found.refitted),
    )


def paired_held_out(new: ModelVersion, old: ModelVersion, ask_old: Callable[[], Scorer]) -> Paired:
    """What each says of the same rows, and these rows' labels.

    What ``old`` said of rows that it keeps as well is taken from its folder; ``ask_old`` gives its network for rows
    that are new to it, and is not called where there are none. A version's own validation file may hold texts that
    stand in its training, too: those do not count.

    Raises:
        UsageError: no row is left, or ``new`` keeps none.
    """
    mine, by_model = scored_held_out(new)
    if by_model:
        mine = mine.fresh(load_seen(new.folder))
    file = read_model_file(old.folder, task="classification")
    labels, held, seen = file.labels, load_held_out(old.folder), load_seen(old.folder)
    known = {} if held is None else dict(zip(held.texts, held.logits, strict=True))
    of_folds = set() if held is None or held.by_model else set(known)
    if seen is not None:
        known = {text: said_ for text, said_ in known.items() if text in of_folds or not seen(text)}
    fresh = [text for text in mine.texts if text not in known and seen is not None and not seen(text)]
    if fresh:
        logits, _features = ask_old().scores(fresh)
        known |= dict(zip(fresh, logits, strict=True))
    places = [place for place, text in enumerate(mine.texts) if text in known]
    if not places:
        raise UsageError(
            "Two versions are compared on rows that neither has learned from",
            seen=f"{old.ref} has learned from all rows that {new.ref} keeps",
            remedy="Give a labelled file with other rows",
        )
    after = mine.at(np.asarray(places))
    truth = [mine.labels[place] for place in after.truth]
    place_of = {label: place for place, label in enumerate(labels)}
    before = Scored(
        model=old.ref,
        data=mine.data,
        labels=labels,
        texts=after.texts,
        rows=after.rows,
        truth=np.array([place_of.get(label, OUTSIDE) for label in truth], dtype=np.int64),
        logits=np.stack([known[text] for text in after.texts]).astype(np.float32),
        features=np.zeros((len(places), 0), dtype=np.float32),
        gate=read_gate(file.options),
    )
    refitted = [] if by_model else [new.ref]
    refitted += [old.ref] if of_folds.intersection(after.texts) else []
    return Paired(after, before, truth, tuple(refitted))
