"""A report from beginning to end, for command and page alike: from a file, or from the rows that a version keeps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from portside.apps import load
from portside.data.columns import Columns
from portside.errors import DataError
from portside.evaluation.held_out import held_out_file, load_held_out, none_kept
from portside.evaluation.report.choice import with_choice, with_kept_rows
from portside.evaluation.report.facts import KEPT_ASIDE
from portside.evaluation.report.parts import Report, Section
from portside.evaluation.report.passes import TellingScorer, both_passes
from portside.evaluation.risk import RISKS
from portside.inference.attributor import EXPLAINED
from portside.inference.folder import task_of
from portside.registry import ModelVersion
from portside.said import said
from portside.settings import Settings
from portside.tasks.spec import TaskSpec, find_task
from portside.training.seen import load_seen, text_hash

__all__ = ["Asked", "behaviour_of", "can_be_tried", "explanations_of", "keeps_rows", "report_of", "texts_of"]

ANSWERED = "classification"
"""The task whose kept rows come with what was said of them."""
AS_ONE = {
    "multilabel": said("All labels of a text count as one answer here: it changes as soon as one of them does."),
    "tagging": said("The types of the names found, in their order, count as one answer here, in place of a label."),
    "matching": said("The document ranked first counts as the answer here, in place of a label."),
}
"""What is one answer, of models that give a text no single label."""

NO_CURVE = said(
    "Whether more rows to learn from would help ('portside data faults', the learning curve) is measured for models "
    "that give one label."
)
NOT_MEASURED = {
    "multilabel": (
        said("Whether a text is unlike everything learned: of such a text a model may simply give no label."),
        said("Suggestions that hold the true label with a stated chance: they are for models that give one label."),
        NO_CURVE,
    ),
    "tagging": (
        said("Whether a sentence is unlike everything learned: most sentences hold no name at all."),
        said("Suggestions that hold the true type with a stated chance: they are for models that give one label."),
        NO_CURVE,
    ),
    "matching": (
        said("Whether probabilities can be believed: the nearness of two texts is a cosine and no probability."),
        said(
            "Whether a query is unlike everything learned: how near the first document is has to tell; the promises "
            "say from which nearness on."
        ),
        NO_CURVE,
    ),
}
"""What a report on a classifier of one label holds and these do not, and why."""


@dataclass(frozen=True)
class Asked:
    """A version and the rows that it is to be measured on."""

    version: ModelVersion
    file: Path | None = None
    """Labelled rows; None: those that the version keeps."""
    columns: Columns = field(default_factory=Columns)

    @property
    def task(self) -> TaskSpec:
        """What the model does."""
        return find_task(task_of(self.version.folder))

    @cached_property
    def dataset(self) -> Any:
        """The rows of the file, or those kept, as the task reads them.

        Raises:
            UsageError: there is no file, and the version keeps no rows.
            DataError: the file cannot be used.
        """
        rows = load(self.task.read)(self.file or _kept_file(self.version), self.columns, test=True)
        return rows if self.file else replace(rows, source=KEPT_ASIDE)

    @cached_property
    def texts(self) -> Sequence[str]:
        """The texts of the rows: of a matcher the queries, of a tagger its sentences.

        Raises:
            UsageError: there is no file, and the version keeps no rows.
            DataError: the file cannot be used.
        """
        held = load_held_out(self.version.folder) if self.file is None else None
        return texts_of(self.task.name, self.dataset) if held is None else held.texts


def texts_of(task: str, dataset: Any) -> list[str]:
    """The texts that a model of the task is asked about, of the rows as the task reads them."""
    if task == "matching":
        return list(dataset.queries.values())
    if task == "tagging":
        return [" ".join(one.tokens) for one in dataset.sentences]
    return [one.text for one in dataset.examples]


def keeps_rows(version: ModelVersion) -> bool:
    """Whether a report can be made without a file."""
    return held_out_file(version.folder) is not None


def can_be_tried(version: ModelVersion) -> bool:
    """Whether the model's answers can be explained, and tried with small changes."""
    return task_of(version.folder) in EXPLAINED


def report_of(
    asked: Asked,
    *,
    against: ModelVersion | None = None,
    risks: Sequence[float] = RISKS,
    threads: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """The report on the version; ``against``: another one of the same task, compared with it in the first section.

    ``risks``: shares of wrong answers that a promise is tried for. ``progress`` is told how many rows are done of how
    many, those that the other version is asked about among them.

    Raises:
        UsageError: there are no rows, or the two versions cannot be compared on them.
        DataError: the file cannot be used.
    """
    if asked.file is None and asked.task.name == ANSWERED:
        return _from_kept_answers(asked.version, against, risks, threads, progress)
    if progress is not None and against is not None:
        progress = both_passes(progress)
    made: Report = load(asked.task.report)(
        asked.version, asked.dataset, against=against, risks=risks, threads=threads, progress=progress
    )
    if asked.file is None:
        made = with_choice(made, asked.version)
    else:
        made = with_kept_rows(made, asked.version, kept=_kept_among(asked), rows=len(asked.texts))
    if missing := NOT_MEASURED.get(asked.task.name):
        made = replace(made, sections=[*made.sections, Section("not-measured", said("What is not measured"), missing)])
    return made if against is None else _with_leaks(made, against, asked)


def explanations_of(
    asked: Asked, settings: Settings, *, progress: Callable[[int, int], None] | None = None
) -> Section | None:
    """Some of the texts explained; None where none has two words. The network is asked thousands of times."""
    from portside.evaluation.report.explanations import explained_on
    from portside.inference.attributor import load_attributor

    return explained_on(load_attributor(asked.version, threads=settings.threads), asked.texts, progress=progress)


def behaviour_of(asked: Asked, settings: Settings, *, progress: Callable[[int, int], None] | None = None) -> Section:
    """Some of the texts with small changes, by all suites. The network is asked thousands of times.

    Raises:
        DataError: a suite's file breaks a rule.
    """
    from portside.evaluation.report.behaviour import tried_on
    from portside.inference.one_answer import load_one_answer

    model = load_one_answer(asked.version, threads=settings.threads)
    made = tried_on(model, asked.texts, settings.suites_dir, progress=progress)
    as_one = AS_ONE.get(asked.task.name)
    return made if as_one is None else replace(made, sentences=[*made.sentences, as_one])


def _kept_among(asked: Asked) -> int:
    """How many rows of the file the version keeps, not having learned from them: those of a validation file."""
    if not keeps_rows(asked.version):
        return 0
    try:
        kept = {text_hash(text) for text in Asked(asked.version).texts}
    except DataError:
        return 0
    seen = load_seen(asked.version.folder)
    return sum(text_hash(text) in kept and not (seen is not None and seen(text)) for text in asked.texts)


def _kept_file(version: ModelVersion) -> Path:
    kept = held_out_file(version.folder)
    if kept is None:
        raise none_kept(version.ref)
    return kept


def _from_kept_answers(
    version: ModelVersion,
    against: ModelVersion | None,
    risks: Sequence[float],
    threads: int,
    progress: Callable[[int, int], None] | None,
) -> Report:
    from portside.evaluation.report.build import report_on_held_out
    from portside.evaluation.report.pairing import compare_held_out
    from portside.inference.classifier import load_classifier

    made = report_on_held_out(version, risks=risks)
    if against is None:
        return made
    compared = compare_held_out(
        version, against, lambda: TellingScorer(load_classifier(against, threads=threads), progress)
    )
    return replace(made, sections=[compared, *made.sections])


def _with_leaks(made: Report, against: ModelVersion, asked: Asked) -> Report:
    """The rows may be among those that the older version learned from: the comparison then says so.

    Classifiers are compared on the rows that are new to both.
    """
    seen = load_seen(against.folder)
    if seen is None:
        doubt = said("Whether {old} has learned from these rows is not known", old=against.ref)
    elif asked.task.name != ANSWERED and (known := sum(map(seen, asked.texts))):
        doubt = said(
            "{old} has learned from {count} of these {n} rows, which flatters it. Compare the two on a file that is "
            "new to both",
            old=against.ref,
            count=f"{known:,}",
            n=f"{len(asked.texts):,}",
        )
    else:
        return made
    compared, *others = made.sections
    return replace(made, sections=[replace(compared, warnings=[*compared.warnings, doubt]), *others])
