from __future__ import annotations

from pathlib import Path

import pytest

from portside.errors import UsageError
from portside.jobs import JobContext, JobQueue, Worker
from portside.jobs.train import run_training
from portside.progress import NullProgress
from portside.registry import ModelRegistry
from portside.settings import Settings
from portside.storage.engine import open_database
from portside.storage.migrate import upgrade


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    """Twenty-four texts under two labels."""
    rows = [f"where is my parcel number {n},tracking\nplease refund order {n},refund\n" for n in range(12)]
    path = tmp_path / "questions.csv"
    path.write_text("text,label\n" + "".join(rows))
    return path


def test_a_field_that_no_recipe_has_is_refused(settings: Settings, questions: Path) -> None:
    context = JobContext(settings, NullProgress(), "id", "ann")
    with pytest.raises(UsageError, match=r"learning_rate.*epochs"):
        run_training(context, data=str(questions), name="intents", learning_rate=1.0)


@pytest.mark.slow
@pytest.mark.models
def test_a_training_job_registers_a_version(settings: Settings, questions: Path) -> None:
    database = open_database(settings)
    upgrade(database, [])
    queue = JobQueue(database)
    params = {"data": str(questions), "name": "intents", "epochs": 1, "seed": 1}
    job_id = queue.submit("core.train", params, actor="ann")
    assert Worker(settings, [], database=database).run_once()
    job = queue.get(job_id)
    assert job.state == "succeeded", (job.error, job.log_tail)
    assert job.result is not None
    assert job.result["model"] == "intents:1"
    registry = ModelRegistry(settings.models_dir)
    assert registry.resolve("intents").card["labels"] == ["refund", "tracking"]
    assert registry.history("intents")[0].actor == "ann"


@pytest.mark.slow
def test_a_job_teaches_which_texts_answer_questions_and_measures_on_test_rows(
    settings: Settings, tiny_encoder: Path, tmp_path: Path
) -> None:
    rows = "query,document\n" + "".join(f"where is parcel {n},parcel {n} is late\n" for n in range(8))
    (tmp_path / "pairs.csv").write_text(rows)
    (tmp_path / "tests.csv").write_text("query,document\nwhere is my card,the card is late\nand parcel 9,it is here\n")
    files = {"data": str(tmp_path / "pairs.csv"), "valid": str(tmp_path / "tests.csv")}
    recipe = {"task": "matching", "encoder": str(tiny_encoder), "epochs": 1, "method": "full", "promote": False}
    found = run_training(JobContext(settings, NullProgress(), "id", "ann"), **files, name="faq", **recipe)
    assert found["metrics"]["validation"]["n"] == 2
    card = ModelRegistry(settings.models_dir).resolve("faq:1").card
    assert card["task"] == "matching"
    assert card["data"]["validation"] == f"{tmp_path / 'tests.csv'}, given by the user"
