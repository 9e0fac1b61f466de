from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from portside.cli import main
from portside.registry import ModelRegistry
from portside.settings import Settings
from portside_support.build import build_service, check_health, trust_reader
from portside_support.records import Trust

Write = Callable[[str, str], Path]


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setenv("PORTSIDE_HOME", str(settings.home))
    monkeypatch.delenv("PORTSIDE_DATABASE_URL", raising=False)


def run(*arguments: str) -> None:
    try:
        main(["support", *arguments])
    except SystemExit as ended:
        if ended.code:
            raise


def test_ask_and_queue(capsys: pytest.CaptureFixture[str]) -> None:
    run("ask", "let me talk to a human", "--json")
    reply = json.loads(capsys.readouterr().out)
    assert (reply["kind"], reply["status"], reply["model"]) == ("hand_over", "waiting", "")
    run("ask", "hello?", "--conversation", reply["conversation_id"])
    assert "[silent] The conversation waits for a person" in capsys.readouterr().out
    run("queue", "--json")
    (ticket,) = json.loads(capsys.readouterr().out)
    assert (ticket["question"], ticket["conversation_id"]) == ("let me talk to a human", reply["conversation_id"])
    run("queue")
    assert "The customer asked for a person." in capsys.readouterr().out


def test_answers_and_conversations_are_imported(
    write: Write, capsys: pytest.CaptureFixture[str], settings: Settings
) -> None:
    write("slots.csv", "slot,kind,pattern,question\norder,regex,[0-9]{3},Which?\n")
    answers = write("templates.csv", "intent,language,answer,approved_by\ntrack,en,Order {order}.,Ada\n")
    run("import-templates", str(answers))
    assert "1 answers and 1 slots" in capsys.readouterr().out
    past = write(
        "past.jsonl",
        '{"id": "c1", "messages": [{"role": "customer", "text": "hi", "at": "2026-06-01T10:00:00Z"}]}\n',
    )
    run("import-conversations", str(past))
    assert "1 conversations are new, 0 were there already" in capsys.readouterr().out
    run("import-conversations", str(past))
    assert "0 conversations are new, 1 were there already" in capsys.readouterr().out
    health = check_health(settings)
    assert health["answers"] == "ready: 1"
    assert all(health[part].startswith("missing") for part in ("intent model", "articles"))


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (("train",), "The first training needs a file of utterances"),
        (("import-kb", "/nowhere"), "The knowledge base is a folder"),
        (("import-templates", "/nowhere/t.csv"), "/nowhere/t.csv"),
        (("ask", " "), "A message must have text"),
        (("ask", "hi", "--conversation", "nope"), "No conversation of that id"),
    ],
)
def test_wrong_use_is_advised(arguments: tuple[str, ...], advice: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["support", *arguments])
    assert ended.value.code == 2
    assert advice in capsys.readouterr().err


def test_the_threshold_is_read_from_the_versions_card(settings: Settings) -> None:
    registry = ModelRegistry(settings.models_dir)
    for card in ({"thresholds": {"confidence": 0.61, "temperature": 2.0}}, {}):
        with registry.staging("support-intents") as folder:
            (folder / "x.json").write_text("{}")
            registry.register("support-intents", folder, card, actor="t", reason="t", check=lambda _: None)
    read = trust_reader(registry)
    assert [read(f"support-intents:{version}") for version in (1, 2, 3)] == [Trust(0.61, 2.0), None, None]


def test_the_service_is_built_without_loading_models(settings: Settings) -> None:
    service = build_service(settings)
    assert service.starters() == []
    assert not service.readiness().can_reply
