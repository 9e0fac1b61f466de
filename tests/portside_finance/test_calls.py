"""The API, the commands and the jobs."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from portside.data import load_examples
from portside.errors import Cancelled, ModelNotFound
from portside.jobs import JobContext
from portside.progress import RecordingProgress
from portside.settings import Settings
from portside_finance import jobs
from portside_finance.api import build_router
from portside_finance.cli import commands
from portside_finance.records import TrendPoint
from portside_finance.service import FinanceService
from portside_finance.train import with_corrections
from portside_finance.trends import bucket_days, compare_groups, trend, wilson


@pytest.fixture
def client(service: FinanceService, make: Any) -> TestClient:
    make.add(service.store, make.calm_weeks(40) + make.surge(make.now - timedelta(days=2)))
    service.score()
    service.update_alerts()
    app = FastAPI()
    app.include_router(build_router(lambda: service))
    return TestClient(app)


def test_scoring_texts(client: TestClient) -> None:
    answer = client.post("/score", json={"texts": ["Ford to recall cars", "Profit at $AAPL"]}).json()
    assert [a["sentiment"] for a in answer] == ["negative", "positive"]
    assert [a["companies"][0]["ticker"] for a in answer] == ["FRD", "AAPL"]
    assert answer[0]["companies"][0]["matched"] == "Ford"
    assert answer[0]["models"] == ["finance-sentiment:1", "finance-topics:1"]
    assert client.post("/score", json={"texts": ["x"] * 257}).status_code == 422


def test_headlines_trend_and_alerts(client: TestClient) -> None:
    found = client.get("/headlines", params={"company": "FRD", "rows": 5}).json()
    assert (found["total"], found["pages"], len(found["headlines"])) == (12, 3, 5)
    points = client.get("/trend", params={"company": "FRD"}).json()
    assert [p["negative"] for p in points] == [12]
    assert points[0]["low"] <= points[0]["net"] <= points[0]["high"]
    alert = next(a for a in client.get("/alerts").json() if a["kind"] == "company")
    assert (alert["name"], alert["peak_count"], len(alert["headlines"])) == ("FRD", 12, 12)
    assert client.get("/alerts", params={"state": "nonsense"}).json() == []


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PORTSIDE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PORTSIDE_DATABASE_URL", "")
    return tmp_path


def test_commands_from_nothing_to_alerts(home: Path) -> None:
    run = CliRunner().invoke
    file = home / "news.csv"
    file.write_text("date,title\n2026-01-01,Loss at Ford Motor\n2026-01-02,Good day\n")
    companies = home / "companies.csv"
    companies.write_text("ticker,name\nFRD,Ford Motor\n")
    assert "1 companies" in run(commands, ["import-companies", str(companies)]).output
    done = run(commands, ["ingest", str(file)])
    assert done.exit_code == 0, done.output
    assert "2 new" in done.output
    assert "Not scored yet" in done.output
    again = json.loads(run(commands, ["ingest", str(file), "--json", "--no-score"]).stdout)
    assert (again["added"], again["repeated"]) == (0, 2)
    assert "No alerts" in run(commands, ["alerts"]).output
    assert json.loads(run(commands, ["alerts", "--json"]).stdout) == []
    assert isinstance(run(commands, ["score"]).exception, ModelNotFound)
    assert run(commands, ["feeds", "add", "https://f.example/rss"]).exit_code == 0
    assert json.loads(run(commands, ["feeds", "list", "--json"]).stdout)[0]["state"] == "new"


def test_the_import_job_reports_and_survives_without_models(home: Path) -> None:
    file = home / "news.csv"
    file.write_text("date,title\n2026-01-01,Loss at Ford\nnever,Loss\n2026-01-02,Good day\n")
    CliRunner().invoke(commands, ["feeds", "list"])  # makes the tables
    progress = RecordingProgress()
    context = JobContext(Settings(home=home / "home"), progress, "j1", "ann")
    result = jobs.ingest(context, path=str(file))
    assert (result["added"], result["refused"], result["scored"]) == (2, 1, 0)
    assert any("row 2" in line for line in progress.lines)
    json.dumps(result)


def test_the_poller_goes_on_until_stopped() -> None:
    rounds: list[int] = []
    progress = RecordingProgress()

    def work() -> None:
        rounds.append(1)
        if len(rounds) == 3:
            progress.cancel_at = 0.0

    with pytest.raises(Cancelled):
        jobs.repeat(work, 4.0, progress, sleep=lambda _seconds: None)
    assert len(rounds) == 3


def test_corrections_replace_labels_for_training(tmp_path: Path) -> None:
    file = tmp_path / "s.csv"
    file.write_text(
        "text,sentiment\n" + "".join(f"Loss number {n},negative\nGain number {n},positive\n" for n in range(5))
    )
    base = load_examples(file)
    assert with_corrections(base, []) is base
    changed = with_corrections(base, [("loss NUMBER 1", "neutral"), ("New text", "neutral")])
    assert len(changed.examples) == len(base.examples) + 1
    assert changed.labels == ("negative", "neutral", "positive")
    assert changed.content_hash != base.content_hash


DAY = date(2026, 1, 5)


def test_buckets_and_moods_know_how_much_they_know() -> None:
    assert [bucket_days(DAY, DAY + timedelta(days=d)) for d in (10, 119, 400, 5000)] == [1, 1, 7, 28]
    points = [TrendPoint(DAY, 100, 50, 50), TrendPoint(DAY + timedelta(days=1), 1, 1, 0)]
    many, one = trend(points, size=1, prior=4.0)
    assert many.high - many.low < one.high - one.low
    assert one.net > -1.0, "one story borrows from the usual mood"
    assert trend([], size=1, prior=4.0) == []


def test_groups_are_ranked_by_what_is_sure() -> None:
    groups = {
        "few": [TrendPoint(DAY, 2, 2, 0)],
        "sure": [TrendPoint(DAY, 80, 60, 5)],
        "calm": [TrendPoint(DAY, 80, 2, 60)],
    }
    ranked = compare_groups(groups, since=DAY, until=DAY, min_stories=1, prior=4.0)
    assert [row.name for row in ranked] == ["sure", "few", "calm"]
    assert [row.name for row in compare_groups(groups, since=DAY, until=DAY, min_stories=5, prior=4.0)] == [
        "sure",
        "calm",
    ]
    low, high = wilson(60, 80)
    assert (round(low, 3), round(high, 3)) == (0.645, 0.832)


def test_without_a_topic_model_texts_are_still_read(service: FinanceService, make: Any) -> None:
    class Missing:
        labels: tuple[str, ...] = ()

        @property
        def model(self) -> str:
            raise ModelNotFound("none")

        def predict(self, texts: Any) -> Any:
            raise ModelNotFound("none")

    half = replace(service, topic=Missing())
    make.add(half.store, [make.headline("Ford to recall cars", make.now)])
    assert half.score().texts == 1
    assert half.totals()["unscored"] == 1, "the topic is still wanted"
    assert service.score().texts == 1
    assert service.totals()["unscored"] == 0
    nothing = replace(half, sentiment=Missing())
    with pytest.raises(ModelNotFound):
        nothing.score()
