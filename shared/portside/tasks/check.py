"""What a file holds for a task, and what would stop a training on it."""

from __future__ import annotations

from pathlib import Path

from portside.apps import load
from portside.data.columns import Columns
from portside.data.findings import DataReport, Finding
from portside.errors import DataError
from portside.tasks.spec import TaskSpec

__all__ = ["check_file"]


def check_file(task: TaskSpec, path: Path, columns: Columns) -> DataReport:
    """What reading the file finds, and what would stop a training with the default recipe; bad rows raise nothing."""
    try:
        dataset = load(task.read)(path, columns, test=False)
    except DataError as error:
        return DataReport(path.name, findings=(Finding.of(error),))
    report: DataReport = dataset.report
    try:
        load(task.make)(task.recipe(), dataset, None)
    except DataError as error:
        return report.with_findings(Finding.of(error))
    return report
