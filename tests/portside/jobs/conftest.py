"""An app that offers the jobs of ``kinds/jobs_for_tests.py``, and a worker with short waits."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from portside.apps import AppSpec

KINDS = Path(__file__).parent / "kinds"
NAMES = ("add", "walk", "tidy", "stubborn", "orphan_maker", "advise", "stumble", "leave", "vanish", "babble", "tell")


@pytest.fixture
def yard(monkeypatch: pytest.MonkeyPatch) -> AppSpec:
    """The app "yard": one kind of job a function."""
    # At the end of the path: child processes get it from there.
    monkeypatch.setattr(sys, "path", [*sys.path, str(KINDS)])
    return AppSpec(
        name="yard",
        title="Yard",
        summary="",
        icon="",
        pages=(),
        build="jobs_for_tests:none",
        router="",
        commands="",
        tables="",
        demo="",
        health="",
        jobs={f"yard.{name}": f"jobs_for_tests:{name}" for name in NAMES},
    )
