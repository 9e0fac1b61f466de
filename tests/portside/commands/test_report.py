from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from portside.cli import main
from portside.commands.promise import promise_of
from portside.evaluation.held_out import HeldOut, save_held_out
from portside.inference.folder import ModelFile, write_model_file
from portside.registry import ModelRegistry, ModelVersion
from portside.training.seen import save_seen

LABELS = ("card", "label", "zeta")


@pytest.fixture
def version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, register_random: Callable[..., ModelVersion]
) -> ModelVersion:
    """The version that the commands find as ``intents``."""
    monkeypatch.setenv("PORTSIDE_HOME", str(tmp_path))
    made: ModelVersion = register_random(ModelRegistry(tmp_path / "models"), LABELS, seed=1)
    return made


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """A file with a label that the model does not know."""
    path = tmp_path / "test.csv"
    path.write_text("text,label\nmy <b>card</b>,card\nlabel it,label\nrain,weather\n", encoding="utf-8")
    return path


def leaves(arguments: list[str], code: int) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == code


def test_page_json_and_sentences_say_the_same(
    version: ModelVersion, rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, figures = tmp_path / "report.html", tmp_path / "report.json"
    leaves(["report", "intents", "--data", str(rows), "--out", str(page), "--json", str(figures)], 0)
    said = capsys.readouterr().out
    found = json.loads(figures.read_text(encoding="utf-8"))
    assert found["sections"]["accuracy"]["figures"][0]["n"] == 2
    assert any("does not know the label 'weather'" in warning for warning in found["warnings"])
    for sentence in found["sections"]["accuracy"]["sentences"]:
        assert sentence in said
        assert sentence in page.read_text(encoding="utf-8")
    assert {"explanations", "behaviour"} <= found["sections"].keys()
    assert "<b>card" not in page.read_text(encoding="utf-8")


def test_the_page_is_written_in_the_language_that_is_asked_for(
    version: ModelVersion, rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, figures = tmp_path / "report.html", tmp_path / "report.json"
    asked = ["report", "intents", "--data", str(rows), "--out", str(page), "--json", str(figures)]
    leaves([*asked, "--language", "zh"], 0)
    chinese = page.read_text(encoding="utf-8")
    assert '<html lang="zh-Hans"' in chinese
    assert "正确率" in chinese
    assert "请先阅读" in chinese
    assert "How often it is right" not in chinese
    found = json.loads(figures.read_text(encoding="utf-8"))
    assert found["sections"]["accuracy"]["title"] == "How often it is right", "what programs read stays as it is"
    leaves(asked, 0)
    assert '<html lang="en"' in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("command", [["report", "intents"], ["data", "faults", "rows.csv"]])
def test_a_language_that_no_page_speaks_is_advice(
    command: list[str], version: ModelVersion, capsys: pytest.CaptureFixture[str]
) -> None:
    leaves([*command, "--language", "de"], 2)
    told = capsys.readouterr().err
    assert "--language names a language of the suite's pages" in told
    assert "seen: de" in told
    assert "--language en or --language zh" in told


def test_a_page_on_a_file_is_in_the_language_that_is_asked_for_too(
    tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTSIDE_HOME", str(tmp_path))
    monkeypatch.setenv("PORTSIDE_ENCODER", str(tiny_encoder))
    file, page = tmp_path / "mail.csv", tmp_path / "faults.html"
    texts = [f"my parcel {n} is late,{'yes' if n % 2 else 'no'}" for n in range(20)]
    file.write_text("text,label\n" + "\n".join(texts) + "\n", encoding="utf-8")
    leaves(["data", "faults", str(file), "--out", str(page), "--language", "zh"], 0)
    assert "可能有误的标签" in page.read_text(encoding="utf-8")


def test_what_takes_long_is_told_while_it_goes_on(
    version: ModelVersion, rows: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    leaves(["report", "intents", "--data", str(rows), "--json", "-"], 0)
    told = capsys.readouterr().err
    for work in ("Reporting on intents:1 · 3 of 3", "Leaving words out · ", "Trying small changes · "):
        assert work in told


def test_without_a_file_the_rows_kept_aside_are_reported_on(
    version: ModelVersion, tmp_path: Path, save_random: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    logits = np.log(np.array([[0.8, 0.1, 0.1], [0.8, 0.1, 0.1], [0.1, 0.1, 0.8]], dtype=np.float32))
    registry = ModelRegistry(tmp_path / "models")
    with registry.staging("intents") as folder:
        save_random(folder, LABELS, seed=1)
        save_held_out(folder, HeldOut(["a card", "b", "c"], np.array([0, 1, 2]), logits, by_model=False), LABELS)
        registry.register("intents", folder, {}, actor="a", reason="r", promote=True, check=lambda _: None)
    leaves(["report", "intents", "--json", "-"], 0)
    found = json.loads(capsys.readouterr().out)
    assert found["sections"]["accuracy"]["figures"][0]["value"] == pytest.approx(2 / 3)
    assert "a network that had not learned from it" in found["sections"]["rows"]["sentences"][0]
    assert {"explanations", "behaviour"} <= found["sections"].keys(), "kept rows are explained and tried, too"
    leaves(["report", "intents"], 0)
    assert (tmp_path / "reports" / "intents-2.html").is_file()


def test_a_version_without_such_rows_is_advice(version: ModelVersion, capsys: pytest.CaptureFixture[str]) -> None:
    leaves(["report", "intents"], 2)
    assert "portside report intents:1 --data FILE" in capsys.readouterr().err


def test_a_version_is_compared_with_another_on_a_file(
    version: ModelVersion,
    rows: Path,
    register_random: Callable[..., ModelVersion],
    save_random: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    registry = ModelRegistry(rows.parent / "models")
    register_random(registry, LABELS, seed=2)
    leaves(["report", "intents:2", "--against", "intents:1", "--data", str(rows), "--json", "-"], 0)
    found = json.loads(capsys.readouterr().out)["sections"]["comparison"]
    assert found["title"] == "Compared with intents:1"
    with registry.staging("intents") as folder:
        save_random(folder, LABELS, seed=3)
        save_seen(folder, ["label it"])
        registry.register("intents", folder, {}, actor="a", reason="r", check=lambda _: None)
    leaves(["report", "intents:2", "--against", "intents:3", "--data", str(rows), "--json", "-"], 0)
    found = json.loads(capsys.readouterr().out)["sections"]["comparison"]
    assert "Compared on the 2 of 3 rows that neither version has learned from." in found["sentences"]
    leaves(["report", "intents:2", "--against", "intents:1"], 2)
    assert "Name a labelled file" in capsys.readouterr().err


def keeping(home: Path, save_random: Callable[..., None], *, rows: int = 400, by_model: bool = True) -> ModelVersion:
    """A version whose kept rows are answered rightly where it is sure, and wrongly where it is not."""
    registry, sure = ModelRegistry(home / "models"), np.arange(rows) % 4 > 0
    logits = np.where(sure[:, None], 6.0, 0.5) * np.eye(3)[np.where(sure, 0, 1)]
    with registry.staging("intents") as folder:
        save_random(folder, LABELS, seed=1)
        held = HeldOut(["a"] * rows, np.zeros(rows, dtype=np.int64), logits.astype(np.float32), by_model=by_model)
        save_held_out(folder, held, LABELS)
        return registry.register("intents", folder, {}, actor="a", reason="r", promote=True, check=lambda _: None)


def promised_risks(shown: str) -> list[float]:
    return [one["risk"] for one in json.loads(shown)["sections"]["guarantee"]["details"]["promises"]]


def test_promises_are_tried_for_the_shares_that_are_asked_for(
    version: ModelVersion,
    rows: Path,
    save_random: Callable[..., None],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    keeping(tmp_path, save_random)
    leaves(["report", "intents", "--risk", "7.5", "--risk", "20, 3", "--json", "-"], 0)
    assert promised_risks(capsys.readouterr().out) == [0.03, 0.075, 0.2]
    leaves(["report", "intents", "--risk", "3", "--data", str(rows), "--json", "-"], 0)
    assert promised_risks(capsys.readouterr().out) == [0.03]
    leaves(["report", "intents", "--json", "-"], 0)
    assert promised_risks(capsys.readouterr().out) == [0.02, 0.05, 0.1]


@pytest.mark.parametrize("risk", ["0", "100", "-3", "nan", "five", "3,,5", ""])
def test_a_share_that_is_none_is_advice(risk: str, version: ModelVersion, capsys: pytest.CaptureFixture[str]) -> None:
    leaves(["report", "intents", f"--risk={risk}"], 2)
    told = capsys.readouterr().err
    assert "--risk is in percent, more than 0 and less than 100" in told
    assert "say --risk 5" in told


def test_of_another_task_no_promise_is_asked_for(
    version: ModelVersion, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = ModelRegistry(tmp_path / "models")
    with registry.staging("answers") as folder:
        write_model_file(folder, ModelFile("matching", 8))
        registry.register(
            "answers", folder, {"task": "matching"}, actor="a", reason="r", promote=True, check=lambda _: None
        )
    data = str(tmp_path / "rows.csv")
    leaves(["predict", "answers", "--data", data, "--out", data + ".out", "--at-most-wrong", "3"], 2)
    told = capsys.readouterr().err
    assert "--at-most-wrong is for classification, multilabel, tagging" in told
    assert "a model for matching" in told


def asked_for(tmp_path: Path, percent: str) -> list[str]:
    data, out = tmp_path / "in.csv", tmp_path / "out.csv"
    texts = [f"text {place} {'card' * (place % 5)}" for place in range(200)]
    data.write_text("text\n" + "\n".join(texts) + "\n", encoding="utf-8")
    return ["predict", "intents", "--data", str(data), "--out", str(out), "--at-most-wrong", percent]


def test_a_file_is_labelled_only_where_the_promise_holds(
    version: ModelVersion, save_random: Callable[..., None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = keeping(tmp_path, save_random)
    leaves(asked_for(tmp_path, "5"), 0)
    told = capsys.readouterr().out
    promise, by_model = promise_of(kept, 0.05)
    assert by_model
    assert promise.threshold is not None
    assert promise.sentence in told
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as stream:
        found = list(csv.DictReader(stream))
    given = [row for row in found if row["label"]]
    assert 0 < len(given) < len(found) == 200, "else nothing is shown here"
    assert all((float(row["confidence"]) >= promise.threshold) is bool(row["label"]) for row in found)
    assert all(row["confidence"] and row["p_card"] for row in found)
    assert f"{len(given)} of 200 rows labelled by intents:2, {200 - len(given)} left open" in told


def test_of_whom_a_promise_was_shown_is_said(
    version: ModelVersion, save_random: Callable[..., None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keeping(tmp_path, save_random, by_model=False)
    leaves(asked_for(tmp_path, "5"), 0)
    assert "This was shown for networks that each learned from a part of the rows" in capsys.readouterr().out


def test_what_cannot_be_promised_is_advice(
    version: ModelVersion, save_random: Callable[..., None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    leaves(asked_for(tmp_path, "5"), 2)
    assert "intents:1 keeps none" in capsys.readouterr().err
    keeping(tmp_path, save_random, rows=40)
    leaves(asked_for(tmp_path, "5"), 2)
    told = capsys.readouterr().err
    assert "'At most 5 % wrong' cannot be promised: 40 labelled rows are too few" in told
    assert "leave --at-most-wrong out" in told
    assert not (tmp_path / "out.csv").exists()
    for percent in ("0", "100", "nan"):
        leaves(asked_for(tmp_path, percent), 2)
        assert "--at-most-wrong is in percent" in capsys.readouterr().err
    leaves(["predict", "intents", "a text", "--at-most-wrong", "5"], 2)
    assert "is for the rows of a file" in capsys.readouterr().err
