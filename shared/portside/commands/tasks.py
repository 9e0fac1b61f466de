"""What the commands ask of a task: how it is measured and asked, how that is shown."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TextIO, cast

from portside.errors import UsageError
from portside.progress import Progress

if TYPE_CHECKING:
    from portside.data import DataReport
    from portside.data.source import RowSource
    from portside.registry import ModelVersion
    from portside.tasks.recipe import TrainingRecipe
    from portside.tasks.spec import TaskSpec

__all__ = [
    "Measured",
    "TaskCommands",
    "commands_of",
    "measured",
    "open_texts",
    "recipe_from",
    "recipe_of",
    "replacing",
    "task_of_version",
    "warn",
]

FINDINGS_SHOWN = 5
"""Findings of the data check that are shown before a file is used; all of them: portside data check."""


class Measured(Protocol):
    """A report of any task."""

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON can hold it."""
        ...


class TaskCommands(Protocol):
    """A module of this package, one for each task."""

    def measured(self, version: ModelVersion) -> str:
        """The validation figures of a version in one line; empty where there are none."""
        ...

    def evaluate(self, version: ModelVersion, dataset: Any, *, threads: int, progress: Progress) -> Measured:
        """Measure a version."""
        ...

    def show(self, report: Any) -> None:
        """Print a report."""
        ...

    def predict_texts(self, version: ModelVersion, texts: list[str], *, threads: int, as_json: bool) -> None:
        """Print what a version says of texts."""
        ...

    def predict_file(self, version: ModelVersion, data: Path, out: Path, text: str | None, *, threads: int) -> None:
        """Write what a version says of each row of a file."""
        ...


def commands_of(task: TaskSpec) -> TaskCommands:
    """The task's part of the command line."""
    from importlib import import_module

    return cast(TaskCommands, import_module(task.cli))


def task_of_version(version: ModelVersion) -> TaskSpec:
    """The task that a registered model does.

    Raises:
        ModelError: it is an encoder, which answers nothing by itself, or of a task that is not known here.
    """
    from portside.errors import ModelError
    from portside.inference.folder import task_of
    from portside.tasks.spec import find_tasks

    name = task_of(version.folder)
    known = {task.name: task for task in find_tasks()}
    if name in known:
        return known[name]
    if name == "encoder":
        raise ModelError(
            "An encoder turns texts into vectors; it gives no answers that could be shown or measured",
            seen=f"{version.ref} is an encoder",
            remedy=f"Train a model that starts from it: portside train {'|'.join(known)} --data FILE --name NAME "
            f"--encoder {version.ref}",
        )
    raise ModelError(
        "A model must be for a task that this Portside knows",
        seen=f"{version.ref} is a model for {name}; known are {', '.join(known)}",
        remedy="Use the Portside that trained it, or a newer one",
    )


def measured(version: ModelVersion) -> str:
    """The validation figures of a version of any task, or of an encoder, in one line; empty where there are none."""
    from portside.tasks.spec import find_tasks

    task = version.card.get("task")
    if task == "encoder":
        from portside.commands.adapt import measured as of_encoder

        return of_encoder(version)
    spec = next((one for one in find_tasks() if one.name == task), None)
    return "" if spec is None else commands_of(spec).measured(version)


KINDS = {
    "bool_parsing": "true or false",
    "float_parsing": "a number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
}
"""pydantic's names of errors, and what the value must be."""


def recipe_of(task: TaskSpec, given: dict[str, Any], settings: list[str]) -> Any:
    """The task's recipe with the options ``given`` and what ``--set KEY=VALUE`` says of its other fields.

    Raises:
        UsageError: a key is no field of the recipe, or a value is not of its type; names them.
    """
    return recipe_from(task.recipe, given, settings)


def recipe_from(kind: type[TrainingRecipe], given: dict[str, Any], settings: list[str]) -> Any:
    """Like ``recipe_of``, for a ``kind`` of recipe that belongs to no task."""
    from pydantic import TypeAdapter, ValidationError

    from portside.tasks.recipe import wrong_value

    fields = TypeAdapter(kind).json_schema()["properties"]
    chosen = {key: value for key, value in given.items() if value is not None}
    for setting in settings:
        key, separator, value = setting.partition("=")
        if not separator or key not in fields:
            known = ", ".join(sorted(fields.keys() - given.keys()))
            raise UsageError("--set takes KEY=VALUE of the recipe", seen=setting, remedy=f"Known keys: {known}")
        chosen[key] = value
    try:
        # From text to numbers and truth values as the fields' types say; the recipe itself checks ranges.
        return TypeAdapter(kind).validate_python(chosen)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        expected = str(first.get("ctx", {}).get("expected", "")).replace("'", "").replace(" or ", ", ")
        what = KINDS.get(first["type"]) or (f"one of {expected}" if expected else f"usable: {first['msg']}")
        # The one that is no recipe's: it chooses among them.
        either = ", auto" if where == "method" and expected else ""
        raise wrong_value(where, str(first["input"]), f"{what}{either}") from error


def open_texts(data: Path, text: str | None) -> tuple[RowSource, int]:
    """The rows of a file, and the place of the column that holds the texts.

    Raises:
        DataError: the file cannot be read, or the column cannot be found.
    """
    from portside.data.columns import TEXT_NAMES, find_column
    from portside.data.source import open_rows

    source = open_rows(data)
    column, _ = find_column(source.columns, text, TEXT_NAMES, what="text", file=source.file)
    return source, source.columns.index(column)


def warn(task: TaskSpec, dataset: Any, log: Callable[[str], None]) -> None:
    """Say the gravest of what was found in a file of ``task``; notes are left to ``portside data check``."""
    report: DataReport = dataset.report
    findings = [finding for finding in report.findings if finding.severity != "note"]
    for finding in findings[:FINDINGS_SHOWN]:
        times = f" ({finding.count:,} times)" if finding.count > 1 else ""
        row = f", row {finding.row:,}" if finding.row is not None else ""
        log(f"{finding.severity}: {finding.rule.rstrip('.')}{times}{row}")
    if findings:
        log(f"All that was found: portside data check {dataset.source} --task {task.name}")


@contextmanager
def replacing(path: Path) -> Iterator[TextIO]:
    """A stream whose content takes the place of ``path`` when all of it is written, and is gone when it is not."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        # Half a surrogate pair, which JSON may hold and UTF-8 may not, becomes a question mark.
        with part.open("w", encoding="utf-8", errors="replace", newline="") as stream:
            yield stream
        part.replace(path)
    except OSError as error:
        raise UsageError(
            "The output file must be writable",
            seen=f"{path}: {error.strerror}",
            remedy="Free some space, or name another file with --out",
        ) from error
    finally:
        part.unlink(missing_ok=True)
