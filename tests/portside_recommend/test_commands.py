from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from portside.errors import PortsideError, UsageError
from portside.jobs import JobContext
from portside.progress import NullProgress
from portside.registry import ModelRegistry, ModelVersion
from portside.settings import Settings
from portside_recommend.build import build_service
from portside_recommend.cli import commands
from portside_recommend.jobs import evaluate, ingest


@pytest.fixture
def home(tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PORTSIDE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PORTSIDE_ENCODER", str(tiny_encoder))
    monkeypatch.delenv("PORTSIDE_DATABASE_URL", raising=False)
    (tmp_path / "items.csv").write_text("sku,title\nA,red bowl\nB,blue bowl\nC,tall jar\nD,green jar\n")
    rows = [f"u{n},{item},{1000 * n + step}" for n in range(6) for step, item in enumerate("ABC" if n % 2 else "CDA")]
    (tmp_path / "events.csv").write_text("\n".join(["who,sku,timestamp", *rows]) + "\n")
    return tmp_path


def run(*words: str) -> str:
    ran = CliRunner().invoke(commands, list(words))
    if isinstance(ran.exception, PortsideError):
        raise ran.exception
    assert ran.exit_code == 0, ran.output
    return ran.stdout


def test_from_files_to_a_list(home: Path) -> None:
    files = ["--items", str(home / "items.csv"), "--events", str(home / "events.csv"), "--column", "user_id=who"]
    said = run("ingest", *files)
    assert "4 items; 18 events read, 18 of them new" in said
    listed = json.loads(run("for", "u1", "--json"))
    assert [one["item_id"] for one in listed["items"]] == ["D"]
    assert listed["items"][0]["reasons"][0]["sentence"]
    run("add-item", "E", "a silver spoon")
    assert "E" in [one["item_id"] for one in json.loads(run("similar", "A", "--json"))["items"]]
    report = json.loads(run("evaluate", "--protocol", "last", "--no-fine-tune", "--json"))
    assert report["cases"] == 6
    assert "item-kNN" in run("evaluate", "--protocol", "last", "--no-fine-tune")
    assert set(json.loads(run("tune", "--json"))["weights"]) >= {"text", "together", "popular"}


@pytest.mark.parametrize(
    "words",
    [
        ("ingest",),
        ("ingest", "--items", "items.csv", "--column", "nonsense"),
        ("ingest", "--items", "items.csv", "--column", "colour=sku"),
        ("train", "--budget", "soon"),
        ("similar", "no-such-item"),
    ],
)
def test_wrong_use_is_advice(home: Path, words: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        run(*words)


@pytest.mark.parametrize("reference", ["", "words", "words@champion"])
def test_jobs_do_the_same(
    reference: str,
    home: Path,
    tiny_encoder: Path,
    register_encoder: Callable[[ModelRegistry, str], ModelVersion],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = Settings(home=home / "home", encoder=reference or str(tiny_encoder), database_url="")
    if reference:
        register_encoder(ModelRegistry(settings.models_dir), "words")
        monkeypatch.setenv("PORTSIDE_ENCODER", reference)
    run("search", "x")  # makes the tables
    assert build_service(settings).overview().model == ("words:1" if reference else str(tiny_encoder))
    context = JobContext(settings=settings, progress=NullProgress(), job_id="1", actor="ann")
    done = ingest(context, items=str(home / "items.csv"), events=str(home / "events.csv"), mapping={"user_id": "who"})
    assert done["summary"] == "items.csv, events.csv: 4 items, 18 new events"
    measured = evaluate(context, protocol="last", fine_tune=False)
    assert "over 6 users" in measured["summary"]
