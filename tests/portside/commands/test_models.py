from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from portside.commands.models import commands
from portside.errors import ModelDamaged, ModelError, ModelNotFound, UsageError
from portside.inference.engines.machine import Machine
from portside.inference.engines.store import place_of, write_compiled
from portside.inference.folder import ADAPTER_FORMAT, BaseEncoder, ModelFile, write_model_file
from portside.registry import ModelRegistry


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelRegistry:
    """The registry of the commands, with two versions of ``intents``."""
    monkeypatch.setenv("PORTSIDE_HOME", str(tmp_path))
    monkeypatch.setenv("PORTSIDE_ACTOR", "ann")
    registry = ModelRegistry(tmp_path / "models")
    for accuracy in (0.9, 0.95):
        with registry.staging("intents") as folder:
            (folder / "model.safetensors").write_bytes(b"weights")
            found = {
                "accuracy": accuracy,
                "accuracy_ci95": [accuracy - 0.05, accuracy + 0.05],
                "macro_f1": 0.5,
                "n": 80,
            }
            card = {"task": "classification", "metrics": {"validation": found}}
            registry.register("intents", folder, card, actor="ann", reason="trained", check=lambda _: None)
    return registry


def run(*arguments: str) -> Result:
    return CliRunner().invoke(commands, list(arguments), catch_exceptions=False)


def test_list_names_each_model_with_its_aliases(home: ModelRegistry) -> None:
    assert (
        json.loads(run("list", "--json").stdout)["models"][0].items()
        >= {
            "name": "intents",
            "champion": 1,
            "candidate": 2,
            "versions": 2,
            "accuracy": 0.9,
        }.items()
    )
    assert "intents" in run("list").stdout


def test_an_empty_list_says_how_to_train(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTSIDE_HOME", str(tmp_path))
    assert "portside train classification" in run("list").stdout
    assert json.loads(run("list", "--json").stdout) == {"models": []}


def test_promote_and_roll_back_are_told_and_kept(home: ModelRegistry) -> None:
    assert run("promote", "intents", "2", "--reason", "better").stdout == (
        "intents@champion is version 2; it was version 1.\n"
    )
    assert home.aliases("intents") == {"champion": 2}
    assert run("rollback", "intents").stdout == "intents@champion is version 1 again; it was version 2.\n"
    history = json.loads(run("show", "intents", "--json").stdout)["history"]
    assert [(row["actor"], row["action"], row["reason"]) for row in history[2:]] == [
        ("ann", "promoted", "better"),
        ("ann", "cleared", "better"),
        ("ann", "rolled back", ""),
    ]


def test_show_prints_versions_and_history_or_one_card(home: ModelRegistry) -> None:
    shown = run("show", "intents").stdout
    assert "registered version 2 as candidate" in shown
    assert "intents:2  Validation accuracy 95.00 % (95 % interval 90.0 to 100.0), macro-F1 0.5000, n = 80\n" in shown
    assert run("show", "intents:2").stdout.startswith("# intents, version 2\n")
    card = json.loads(run("show", "intents@candidate", "--json").stdout)
    assert (card["model"], card["card"]["metrics"]["validation"]["accuracy"]) == ("intents:2", 0.95)
    with pytest.raises(ModelNotFound):
        run("show", "nothing")


def test_show_says_how_fast_a_version_is_served(home: ModelRegistry) -> None:
    first, second = (home.resolve(f"intents:{number}") for number in (1, 2))
    assert "intents:1  Speed: not measured on this machine; portside compile intents:1" in run("show", "intents").stdout
    one = {"agreement": 1.0, "alone": 1.0, "megabytes": 90.0}
    original = {**one, "engine": "original", "texts_per_second": 300.0, "single_ms": 5.0, "quality": 0.91}
    engine = {**one, "engine": "onnx-int8", "texts_per_second": 1200.0, "single_ms": 1.25, "quality": 0.909}
    found = {
        "rows": 1000,
        "measure": "accuracy",
        "original": original,
        "engines": [engine],
        "refused": {},
        "failed": {},
    }
    write_compiled(place_of(first.folder), None, "onnx-int8", found)
    refused = {**found, "refused": {"onnx-int8": "loses 0.50 points"}, "failed": {"openvino-bf16": "not installed"}}
    write_compiled(place_of(second.folder), None, "original", refused)
    shown = run("show", "intents").stdout
    assert (
        "intents:1  Speed: served by onnx-int8 (1,200 texts/s, one text in 1.2 ms, accuracy 90.90 %), 100.0 % the same "
        "answers; 4.0 times as fast as the original (300 texts/s, one text in 5.0 ms, accuracy 91.00 %), n = 1,000\n"
    ) in shown
    assert (
        "intents:2  Speed: the original serves, 300 texts/s, one text in 5.0 ms, accuracy 91.00 %, n = 1,000; "
        "onnx-int8: loses 0.50 points; openvino-bf16: not installed\n"
    ) in shown
    assert "Speed: served by onnx-int8" in run("show", "intents:1").stdout
    assert json.loads(run("show", "intents@champion", "--json").stdout)["compiled"] == found
    assert json.loads(run("show", "intents", "--json").stdout)["versions"][0]["compiled"] == found


def test_show_says_when_a_version_was_compiled_for_another_processor_or_portside(home: ModelRegistry) -> None:
    place = place_of(home.resolve("intents:1").folder)
    write_compiled(place, None, "onnx-int8", {}, machine=Machine("x86_64 of old", ""))
    shown = run("show", "intents:1").stdout
    assert "the original serves; it was compiled for another processor: run portside compile intents:1 again" in shown
    write_compiled(place, None, "onnx-int8", {"figures": "of another Portside"})
    assert run("show", "intents:1").stdout.endswith("Speed: served by onnx-int8\n")


MEASURED = [
    (
        "matching",
        {"ndcg_at_10": 0.5, "keywords_ndcg_at_10": 0.4, "hybrid_ndcg_at_10": 0.6, "system": "hybrid", "documents": 9},
        "Validation NDCG@10 0.5000 by vectors (keywords 0.4000, hybrid 0.6000) among 9 documents, n = 7 queries; "
        "it answers by hybrid",
    ),
    (
        "tagging",
        {"entity_f1": 0.5, "precision": 0.4, "recall": 0.6},
        "Validation entity F1 0.5000 (precision 0.4000, recall 0.6000), n = 7 sentences",
    ),
    ("multilabel", {"micro_f1": 0.5, "threshold": 0.3}, "Validation micro-F1 0.5000 from probability 0.30 on, n = 7"),
    ("encoder", {"loss_before": 2.5, "loss": 1.25}, "Loss on 7 held-out texts: 2.500 before, 1.250 after"),
    ("encoder", {"ndcg": 0.5}, "what its maker says of it"),
    ("poetry", {"rhymes": 3}, "what its maker says of it"),
]


@pytest.mark.parametrize(("task", "found", "words"), MEASURED)
def test_show_says_the_figures_of_every_kind_of_model(
    task: str, found: dict[str, object], words: str, home: ModelRegistry
) -> None:
    with home.staging("other") as folder:
        (folder / "model.safetensors").write_bytes(b"weights")
        card = {"task": task, "summary": "what its maker says of it", "metrics": {"validation": {**found, "n": 7}}}
        home.register("other", folder, card, actor="ann", reason="trained", check=lambda _: None)
    assert f"other:1  {words}\n" in run("show", "other").stdout
    assert json.loads(run("show", "other", "--json").stdout)["versions"][0]["measured"] == words
    assert json.loads(run("list", "--json").stdout)["models"][1]["task"] == task


def test_verify_tells_the_intact_from_the_damaged(home: ModelRegistry) -> None:
    assert run("verify", "intents").stdout == "intents:1: intact\nintents:2: intact\n"
    (home.root / "intents" / "2" / "model.safetensors").write_bytes(b"weighty")
    everything = run("verify", "intents", "--json")
    assert everything.exit_code == 2
    assert [row["intact"] for row in json.loads(everything.stdout)["versions"]] == [True, False]
    assert "model.safetensors" in run("verify", "intents").stdout
    assert run("verify", "intents@champion").exit_code == 0
    with pytest.raises(ModelDamaged, match=r"model\.safetensors"):
        run("verify", "intents:2")


def test_an_adapter_without_its_encoder_is_not_intact_and_nothing_else_is_merged(home: ModelRegistry) -> None:
    with home.staging("intents") as folder:
        base = BaseEncoder("/nowhere/encoder", "folder", "encoder", "0" * 64)
        write_model_file(folder, ModelFile("classification", 8, ("a", "b"), format=ADAPTER_FORMAT, base=base))
        home.register("intents", folder, {}, actor="ann", reason="trained", check=lambda _: None)
    assert "intents:3: An adapter needs the encoder" in run("verify", "intents").stdout
    with pytest.raises(ModelError, match="/nowhere/encoder"):
        run("merge", "intents", "3")
    with home.staging("whole") as folder:
        write_model_file(folder, ModelFile("classification", 8, ("a", "b")))
        home.register("whole", folder, {}, actor="ann", reason="trained", check=lambda _: None)
    with pytest.raises(UsageError, match="whole:1 holds all its weights"):
        run("merge", "whole")
    assert len(home.versions("intents")) == 3


def test_delete_removes_what_nobody_uses(home: ModelRegistry) -> None:
    with pytest.raises(ModelError, match="candidate"):
        run("delete", "intents", "2")
    run("promote", "intents", "2")
    assert run("delete", "intents", "1", "--reason", "old").stdout == "intents:1 is deleted.\n"
    assert [version.version for version in home.versions("intents")] == [2]


@pytest.mark.parametrize(
    "arguments", [["promote", "intents", "0"], ["promote", "intents", "two"], ["promote", "intents"], ["fly"]]
)
def test_wrong_use_exits_with_2(home: ModelRegistry, arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2
