"""The errors Portside expects, as advice: the rule that was broken, the value seen, the next step.

::

    PortsideError
    ├── UsageError        a command, form or request asks for something that cannot be
    ├── DataError         a file or table of the user's breaks a rule (names file, row, column)
    ├── ModelError        a model version is missing, damaged or unfit
    │   ├── ModelNotFound
    │   └── ModelDamaged
    ├── StorageError      the database or the home folder cannot be used
    ├── FeedError         a news feed cannot be fetched or read
    ├── JobError          a background job cannot be started, stopped or found
    ├── Busy              more is asked at once than can be answered
    └── Cancelled         the user asked long work to stop

Everything else that is raised is a defect: it keeps its traceback in the log.
"""

from __future__ import annotations

from portside.said import Said, joined, said, settled

__all__ = [
    "Busy",
    "Cancelled",
    "DataError",
    "FeedError",
    "JobError",
    "ModelDamaged",
    "ModelError",
    "ModelNotFound",
    "PortsideError",
    "StorageError",
    "UsageError",
]


class PortsideError(Exception):
    """An expected failure, worded for the person who can mend it.

    ``rule`` says what must hold, ``seen`` what was found instead, ``remedy`` what to do next; the last two may be
    empty where there is nothing to add. Where a value stands in such a sentence, ``said`` keeps them apart, so that a
    page can say it in another language; of ``seen`` only what ``said`` made is a sentence of ours.
    """

    def __init__(self, rule: str, *, seen: str = "", remedy: str = "") -> None:
        super().__init__(rule, seen, remedy)
        self.rule = rule
        self.seen = seen
        self.remedy = remedy

    def sentence(self) -> str:
        """The same as ``str``, with what it is made of: for a record that is read in another language later."""
        parts: list[str] = [said("{rule}.", rule=_own(self.rule))]
        if self.seen:
            seen = self.seen if isinstance(self.seen, Said) else self.seen.rstrip(".")
            parts.append(said("Seen: {seen}.", seen=seen))
        if self.remedy:
            parts.append(said("Next: {remedy}.", remedy=_own(self.remedy)))
        whole = joined(parts)
        return whole if whole == str(self) else str(self)

    def __str__(self) -> str:
        parts = [self.rule.rstrip(".") + "."]
        if self.seen:
            parts.append(f"Seen: {self.seen.rstrip('.')}.")
        if self.remedy:
            parts.append(f"Next: {self.remedy.rstrip('.')}.")
        return " ".join(parts)


def _own(sentence: str) -> str:
    return sentence if isinstance(sentence, Said) else settled(sentence.rstrip("."))


class Busy(PortsideError):
    """More is asked at once than can be answered: nothing was done, and the same may be asked again."""

    retry_seconds = 1
    """After how long to ask again."""


class UsageError(PortsideError):
    """A command, form or request asks for something that cannot be."""


class DataError(PortsideError):
    """A file or table breaks a rule; ``file``, ``row`` (1-based, header not counted) and ``column`` say where."""

    def __init__(
        self,
        rule: str,
        *,
        seen: str = "",
        remedy: str = "",
        file: str | None = None,
        row: int | None = None,
        column: str | None = None,
    ) -> None:
        where: list[str] = [file] if file else []
        if row is not None:
            where.append(said("row {row}", row=row))
        if column is not None:
            where.append(said("column '{column}'", column=column))
        full = said("{where}: {rule}", where=joined(where, ", "), rule=_own(rule)) if where else rule
        super().__init__(full, seen=seen, remedy=remedy)
        self.bare_rule = rule
        """The rule without the place."""
        self.file = file
        self.row = row
        self.column = column


class ModelError(PortsideError):
    """A model version is missing, damaged or unfit for what was asked."""


class ModelNotFound(ModelError):
    """No model of that name, version or alias."""


class ModelDamaged(ModelError):
    """A model folder does not hold what its manifest says."""


class StorageError(PortsideError):
    """The database or the home folder cannot be used."""


class FeedError(PortsideError):
    """A news feed cannot be fetched or read."""


class JobError(PortsideError):
    """A background job cannot be started, stopped or found."""


class Cancelled(PortsideError):
    """The user asked long work to stop."""

    def __init__(self) -> None:
        super().__init__("The work was stopped on request", remedy="Start it again when you are ready")
