"""Training and filling the desk, end to end on a tiny random encoder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from portside.errors import Cancelled, DataError
from portside.progress import NullProgress, RecordingProgress
from portside.registry import ModelRegistry
from portside.settings import Settings
from portside_support.build import build_service, build_stores, check_health, ready_database
from portside_support.config import SupportConfig
from portside_support.train import TrainingWish, import_answers, prepare_demo, train_intents

Write = Callable[[str, str], Path]
WORDS = {"track_order": "parcel", "opening_hours": "open", "talk_to_human": "person"}
pytestmark = pytest.mark.slow


@pytest.fixture
def tiny(settings: Settings, tiny_encoder: Path) -> Settings:
    return settings.model_copy(update={"encoder": str(tiny_encoder), "threads": 2})


@pytest.fixture
def samples(write: Write) -> Path:
    """A sample folder of the demo's layout, in miniature."""
    rows = [f"{word} question number {place},{intent}" for place in range(20) for intent, word in WORDS.items()]
    folder = write("support/intents.csv", "text,intent\n" + "\n".join(rows) + "\n").parent
    write("support/templates.csv", "intent,language,answer,approved_by\ntrack_order,en,Order {order}.,Ada\n")
    write("support/slots.csv", "slot,kind,pattern,question\norder,regex,[0-9]{3},Which order?\n")
    write("support/kb/post.md", "---\ntitle: Post\nslug: post\n---\n## Stamps\nStamps are free.\n")
    line = {"id": "c1", "outcome": "answered", "messages": []}
    line["messages"] = [{"role": "customer", "text": "is it open", "at": "2026-06-01T10:00:00Z"}]
    write("support/conversations.jsonl", json.dumps(line) + "\n")
    return folder.parent


def test_the_demo_fills_the_desk_once_and_corrections_are_learned(tiny: Settings, samples: Path) -> None:
    progress = RecordingProgress()
    done = prepare_demo(tiny, samples, progress, config=SupportConfig(demo_seconds=240))
    assert len(done) == 4
    assert "support-intents:1 tells 3 intents apart" in done[0]
    shares = [at / total for at, total, _ in progress.updates]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert prepare_demo(tiny, samples, NullProgress()) == []
    assert set(state.split(":")[0] for state in check_health(tiny).values()) == {"ready"}

    card = ModelRegistry(tiny.models_dir).resolve("support-intents").card
    thresholds = card["thresholds"]
    assert 0.5 <= thresholds["confidence"] <= 1.0
    assert thresholds["n"] == card["metrics"]["validation"]["n"]
    assert thresholds["target"] == 0.95
    assert thresholds["temperature"] > 0
    assert not thresholds["met"] or thresholds["precision"] >= 0.95

    service = build_service(tiny)
    assert {one.name: one.utterances for one in service.intents()} == dict.fromkeys(sorted(WORDS), 20)
    reply = service.ask("zebra parcel")
    message = service.conversation(reply.conversation_id).messages[0].id
    service.correct(message, "opening_hours", "Ada")
    again = train_intents(
        tiny, None, progress=NullProgress(), actor="t", reason="t", wish=TrainingWish(epochs=1, promote=False)
    )
    assert (again.model, again.served, again.corrections, again.utterances) == ("support-intents:2", False, 1, 60)
    assert "portside models promote support-intents 2" in again.summary()
    data = ModelRegistry(tiny.models_dir).resolve("support-intents:2").card["data"]
    first = card["data"]
    assert data["rows_per_label"]["opening_hours"] == first["rows_per_label"]["opening_hours"] + 1

    bad = samples / "support" / "bad.csv"
    bad.write_text("intent,language,answer,approved_by\nno_such_intent,en,Hello.,Ada\n")
    with pytest.raises(DataError, match="must be one the model knows"):
        import_answers(tiny, bad)
    assert list(build_stores(ready_database(tiny)).content.templates("en")) == ["track_order"]


def test_a_training_that_is_stopped_leaves_the_desk_as_it_was(tiny: Settings, samples: Path) -> None:
    with pytest.raises(Cancelled):
        prepare_demo(tiny, samples, RecordingProgress(cancel_at=0.2))
    assert ModelRegistry(tiny.models_dir).versions("support-intents") == []
    assert build_stores(ready_database(tiny)).content.counts()["intents"] == 0
