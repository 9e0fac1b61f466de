"""The report on a classifier: which rows it is made from, and which sections it has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from portside.evaluation.held_out import load_held_out, none_kept
from portside.evaluation.report.accuracy import accuracy_section
from portside.evaluation.report.calibration import calibration_section
from portside.evaluation.report.choice import with_choice
from portside.evaluation.report.comparison import compare_on_new_rows
from portside.evaluation.report.facts import KEPT_ASIDE, facts_of, on_file, title_of
from portside.evaluation.report.guarantee import guarantee_section
from portside.evaluation.report.outside import outside_section
from portside.evaluation.report.parts import Report, Section
from portside.evaluation.report.rows import rows_section
from portside.evaluation.report.slices import slices_section
from portside.evaluation.risk import RISKS
from portside.evaluation.scored import Scored, Scorer, score_rows
from portside.inference.classifier import load_classifier
from portside.inference.folder import read_model_file
from portside.inference.outside_gate import read_gate
from portside.registry import ModelVersion
from portside.said import said
from portside.tasks.classification import LabelledTexts
from portside.training.seen import load_seen

__all__ = ["report_file", "report_on", "report_on_held_out", "scored_held_out"]


def report_on(
    version: ModelVersion,
    scorer: Scorer,
    dataset: LabelledTexts,
    *,
    seen: Callable[[str], bool] | None,
    against: Scorer | None = None,
    against_seen: Callable[[str], bool] | None = None,
    risks: Sequence[float] = RISKS,
    progress: Callable[[int], None] | None = None,
) -> Report:
    """The report on ``version``, asked by ``scorer``, from the rows of ``dataset``; ``against``: compared with it.

    ``seen`` and ``against_seen`` tell which texts either was trained on; None: not known. The two are compared on the
    rows that are new to both. ``risks``: shares of wrong answers that a promise is tried for. Labels that the model
    does not know are no error here: the report says so.

    Raises:
        DataError: there are no rows, or some have no label.
    """
    truth = [example.label for example in dataset.examples]
    scored = _scored(scorer, dataset, truth, progress)
    report = _report(version, scored, truth, seen, on_file(len(scored), dataset.source), risks=risks)
    if against is None:
        return report
    learned = [known for known in (seen, against_seen) if known is not None]
    new = np.array([not any(known(text) for known in learned) for text in scored.texts], dtype=bool)
    compared = compare_on_new_rows(scored, _scored(against, dataset, truth, progress), truth, new)
    return replace(report, sections=[compared, *report.sections])


def report_file(
    version: ModelVersion,
    dataset: LabelledTexts,
    *,
    against: ModelVersion | None = None,
    risks: Sequence[float] = RISKS,
    threads: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """``report_on`` for versions by themselves: their networks are loaded."""
    rows = len(dataset.examples)
    return report_on(
        version,
        load_classifier(version, threads=threads),
        dataset,
        seen=load_seen(version.folder),
        against=None if against is None else load_classifier(against, threads=threads),
        against_seen=None if against is None else load_seen(against.folder),
        risks=risks,
        progress=None if progress is None else lambda done: progress(done, rows),
    )


def _scored(
    scorer: Scorer, dataset: LabelledTexts, truth: Sequence[str], progress: Callable[[int], None] | None
) -> Scored:
    return score_rows(scorer, dataset, outside=sorted(set(truth) - set(scorer.labels) - {""}), report=progress)


def report_on_held_out(version: ModelVersion, *, risks: Sequence[float] = RISKS) -> Report:
    """The report from the rows that were kept aside in training, with promises at ``risks``. No network is loaded.

    Raises:
        UsageError: the version has no such rows.
    """
    scored, by_model = scored_held_out(version)
    truth = [scored.labels[place] for place in scored.truth]
    n = f"{len(scored):,}"
    source = said("{n} rows that were kept aside from training.", n=n)
    if not by_model:
        source = said(
            "{n} rows, each of which was answered by a network that had not learned from it; the model itself learned "
            "from all rows.",
            n=n,
        )
    seen = load_seen(version.folder) if by_model else None
    made = _report(version, scored, truth, seen, source, kept=True, by_model=by_model, risks=risks)
    return with_choice(made, version, by_model=by_model)


def scored_held_out(version: ModelVersion) -> tuple[Scored, bool]:
    """What was said of the rows kept aside, and whether the model itself said it.

    Raises:
        UsageError: the version has no such rows.
    """
    held = load_held_out(version.folder)
    if held is None:
        raise none_kept(version.ref)
    file = read_model_file(version.folder, task="classification")
    scored = Scored(
        model=version.ref,
        data=KEPT_ASIDE,
        labels=file.labels,
        texts=tuple(held.texts),
        rows=tuple(range(1, len(held.texts) + 1)),
        truth=held.truth,
        logits=held.logits,
        features=np.zeros((len(held.texts), 0), dtype=np.float32),
        parts=held.parts,
        gate=read_gate(file.options),
    )
    return scored, held.by_model


def _report(
    version: ModelVersion,
    scored: Scored,
    truth: Sequence[str],
    seen: Callable[[str], bool] | None,
    source: str,
    *,
    kept: bool = False,
    by_model: bool = True,
    risks: Sequence[float] = RISKS,
) -> Report:
    """``kept``: the rows are those kept aside in training; ``by_model``: the model itself answered them."""
    known, fresh = scored.at(scored.inside), scored.fresh(seen)
    sections: list[Section] = [_rows(version, scored, truth, seen, source, leaks=not kept or seen is not None)]
    if len(known):
        # A model is surer of texts that it learned from: they say nothing of the others, unless there are no others.
        told_by = fresh.at(fresh.inside) if fresh.inside.any() else known
        temperature = (version.card.get("calibration") or {}).get("temperature")
        told = [outside_section(scored, kept=kept, by_model=by_model), slices_section(known)]
        sections = [
            accuracy_section(known, by_model=by_model),
            # Of rows that all have one of the labels: how often none fits is told where there are such rows.
            calibration_section(replace(told_by, gate=None), temperature=temperature, fitted_here=kept),
            guarantee_section(fresh, by_model=by_model, risks=risks, trained_on=len(scored) - len(fresh)),
            *(part for part in told if part is not None),
            *sections,
        ]
    return Report(
        title=title_of(version),
        subtitle=version.card.get("summary", ""),
        facts=facts_of(version, scored.data, len(scored)),
        sections=sections,
    )


def _rows(
    version: ModelVersion,
    scored: Scored,
    truth: Sequence[str],
    seen: Callable[[str], bool] | None,
    source: str,
    *,
    leaks: bool,
) -> Section:
    """Which rows, and where to read whether more of them would help: that takes the training file, not these."""
    made = rows_section(scored, truth, seen, source, leaks=leaks)
    trained_on = Path(str((version.card.get("data") or {}).get("source", ""))).name
    if not trained_on:
        return made
    more = said(
        "Whether more rows to learn from would help, a learning curve tells: 'portside data faults FILE' with the file "
        "that it was trained on ({file}), or 'Look for wrong labels and copies' where a model is trained on the Models "
        "page.",
        file=trained_on,
    )
    return replace(made, sentences=[*made.sentences, more])
