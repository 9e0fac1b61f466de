"""What every task of the core must do from the command line, checked for each task that is found."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from portside.apps import load
from portside.cli import main
from portside.commands.tasks import TaskCommands, commands_of, recipe_of
from portside.data.columns import Columns
from portside.encoders import resolve_encoder
from portside.errors import UsageError
from portside.inference.folder import task_of
from portside.progress import NullProgress
from portside.registry import ModelRegistry
from portside.settings import load_settings
from portside.tasks.spec import TaskSpec, find_task, find_tasks
from portside.training.attempt import Subject, attempt

each_task = pytest.mark.parametrize("task", find_tasks(), ids=lambda task: task.name)


def labelled(rows: int) -> str:
    words = {"card": "card", "parcel": "parcel", "refund": "money"}
    lines = [f"where is my {word} {row * 7919 % 1000},{label}" for row in range(rows) for label, word in words.items()]
    return "text,label\n" + "\n".join(lines) + "\n"


def several(rows: int) -> str:
    words = {"card": "card", "parcel": "parcel", "refund": "money"}
    names = sorted(words)
    lines = []
    for row in range(3 * rows):
        chosen = [name for place, name in enumerate(names) if (row + 1) >> place & 1]
        lines.append(f"where is my {' and my '.join(words[name] for name in chosen) or 'hat'},{'|'.join(chosen)}")
    return "text,labels\n" + "\n".join(f"{row} {line}" for row, line in enumerate(lines)) + "\n"


def tagged(rows: int) -> str:
    names = (("Ann", "B-PER"), ("Paris", "B-LOC"), ("London", "B-LOC"), ("Bea", "B-PER"))
    lines = []
    for row in range(3 * rows):
        name, tag = names[row % 4]
        lines += [f"we\tO\nsaw\tO\n{name}\t{tag}\nin\tO\n{1900 + row}\tO\n"]
    return "\n".join(lines)


def paired(rows: int) -> str:
    words = ("card", "parcel", "money")
    lines = [f"where is my {words[row % 3]} {row},the {words[row % 3]} is late" for row in range(3 * rows)]
    return "query,document\n" + "\n".join(lines) + "\n"


SMALL: dict[str, tuple[str, Callable[[int], str], str]] = {
    "classification": ("rows.csv", labelled, "text\nwhere is my card 5\n"),
    "matching": ("rows.csv", paired, "text\nwhere is my card 5\n"),
    "multilabel": ("rows.csv", several, "text\nwhere is my card and my parcel\n"),
    "tagging": ("rows.txt", tagged, "text\nwe saw Ann in 1905\n"),
}
"""Task -> a file's name, what makes its content, and a file to predict: a new task adds its line."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_encoder: Path) -> Path:
    monkeypatch.setenv("PORTSIDE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PORTSIDE_ENCODER", str(tiny_encoder))
    return tmp_path / "home"


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as caught:
        main([str(word) for word in words])
    return int(caught.value.code or 0)


@each_task
def test_every_address_leads_somewhere(task: TaskSpec) -> None:
    assert callable(load(task.read))
    assert callable(load(task.make))
    assert callable(load(task.answers))
    assert callable(load(task.report))
    assert callable(load(task.compile))
    offered = commands_of(task)
    wanted = [name for name in vars(TaskCommands) if not name.startswith("_")]
    assert all(callable(getattr(offered, name, None)) for name in wanted), f"{task.cli} lacks some of {wanted}"


@each_task
def test_a_recipe_is_set_by_words_and_refuses_others(task: TaskSpec) -> None:
    assert recipe_of(task, {"seed": 3}, ["batch_size=4", "dropout=0.2"]).batch_size == 4
    for wrong in ("batch_size=many", "colour=red", "batch_size", "batch_size=0"):
        with pytest.raises(UsageError) as caught:
            recipe_of(task, {}, [wrong])
        assert wrong.partition("=")[0] in str(caught.value)


@pytest.mark.parametrize(
    ("setting", "rule"),
    [
        ("method=foo", "method must be one of full, lora, dora, few-shot, prototype, zero-shot, auto"),
        ("epochs=many", "epochs must be a whole number"),
        ("encoder_lr=fast", "encoder_lr must be a number"),
        ("refit=perhaps", "refit must be true or false"),
        ("epochs=0", "epochs must be at least 1"),
    ],
)
def test_a_wrong_value_is_answered_with_the_rule_and_the_next_step(setting: str, rule: str) -> None:
    with pytest.raises(UsageError) as caught:
        recipe_of(find_task("classification"), {}, [setting])
    assert rule in str(caught.value)
    assert setting.partition("=")[2] in str(caught.value.seen)
    assert caught.value.remedy


def test_an_unknown_task_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="tagging"):
        find_task("poetry")


@pytest.mark.slow
@each_task
def test_train_evaluate_predict_and_reload(
    task: TaskSpec, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, content, question = SMALL[task.name]
    file, asked = tmp_path / name, tmp_path / "ask.csv"
    file.write_text(content(40))
    asked.write_text(question)
    quick = ("--epochs", 4, "--set", "encoder_lr=0.003", "--set", "head_lr=0.03", "--set", "precision=fp32")
    assert run("train", task.name, "--data", file, "--name", "small", *quick, "--json") == 0
    card = json.loads(capsys.readouterr().out)["card"]
    assert card["task"] == task_of(version(home).folder) == task.name
    assert card["summary"]
    assert card["metrics"]["validation"]["n"] > 0
    assert "n = " in commands_of(task).measured(version(home))

    report = tmp_path / "report.json"
    assert run("evaluate", "small", "--data", file, "--json", report) == 0
    found: dict[str, Any] = json.loads(report.read_text())
    assert (found["model"], found["version"], found["data"]) == ("small", 1, str(file))
    assert found["n"] == 120

    page, figures = tmp_path / "report.html", tmp_path / "report-figures.json"
    assert run("report", "small", "--data", file, "--against", "small:1", "--out", page, "--json", figures) == 0
    sections = json.loads(figures.read_text())["sections"]
    assert {"comparison", "accuracy", "rows"} <= sections.keys()
    headline = sections["accuracy"]["figures"][0]
    assert headline["n"] > 0
    assert headline["ci95"][0] <= headline["value"] <= headline["ci95"][1]
    assert any("trained on" in warning for warning in sections["rows"]["warnings"])
    assert "<svg" in page.read_text()

    assert run("predict", "small", "--data", asked, "--out", tmp_path / "out") == 0
    assert (tmp_path / "out").read_text().strip()
    assert run("predict", "small", question.splitlines()[1], "--json") == 0
    capsys.readouterr()
    assert run("models", "verify", "small") == 0

    # The same seed gives the same version again.
    assert run("train", task.name, "--data", file, "--name", "twin", *quick) == 0
    first, second = version(home).card["metrics"], version(home, "twin").card["metrics"]
    assert first == second
    assert_damage_is_named(version(home).folder, capsys)


@pytest.mark.slow
@each_task
def test_an_adapter_trains_reloads_predicts_and_merges(
    task: TaskSpec, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, content, question = SMALL[task.name]
    file = tmp_path / name
    file.write_text(content(20))
    quick = ("--epochs", 2, "--set", "lora_lr=0.01", "--set", "head_lr=0.03", "--set", "precision=fp32")
    assert run("train", task.name, "--data", file, "--name", "small", "--method", "lora", *quick) == 0
    trained = version(home)
    assert trained.card["adapter"]["rank"] == 8
    assert not (trained.folder / "model.safetensors").exists()
    assert_damage_is_named(trained.folder, capsys, ("adapter_model.safetensors", "adapter_config.json"))
    text = question.splitlines()[1]
    assert run("models", "merge", "small", "--promote") == 0
    capsys.readouterr()
    answers = []
    for ref in ("small:1", "small:2"):
        assert run("predict", ref, text, "--json") == 0
        answers.append(capsys.readouterr().out.replace(ref, "small"))
    assert answers[0] == answers[1]
    assert (version(home).version, (version(home).folder / "model.safetensors").is_file()) == (2, True)


@pytest.mark.slow
@each_task
def test_a_compiled_model_answers_as_before(
    task: TaskSpec, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, content, question = SMALL[task.name]
    file = tmp_path / name
    file.write_text(content(40))
    quick = ("--epochs", 4, "--set", "encoder_lr=0.003", "--set", "head_lr=0.03", "--set", "precision=fp32")
    assert run("train", task.name, "--data", file, "--name", "small", *quick) == 0
    # On the rows that were kept aside, and on a file.
    for data in ((), ("--data", file)):
        capsys.readouterr()
        assert run("compile", "small", *data, "--json") == 0
        found = json.loads(capsys.readouterr().out)
        assert found["rows"] > 0
        assert 0 <= found["original"]["quality"] <= 1
        exact = next(one for one in found["engines"] if one["engine"] == "onnx-fp32")
        assert (exact["agreement"], exact["quality"]) == pytest.approx((1.0, found["original"]["quality"]), abs=1e-4)
    text = question.splitlines()[1]
    assert run("predict", "small", text) == 0
    served = capsys.readouterr().out
    assert run("compile", "small", "--remove") == 0
    assert "as it was trained" in capsys.readouterr().out
    assert run("predict", "small", text) == 0
    # To the digits that are shown, which an 8-bit engine may change.
    assert [word for word in served.split() if word.isalpha()] == [
        word for word in capsys.readouterr().out.split() if word.isalpha()
    ]
    assert run("report", "small", "--json", tmp_path / "report.json") == 0
    assert "accuracy" in json.loads((tmp_path / "report.json").read_text())["sections"]


@pytest.mark.slow
@each_task
def test_a_search_can_try_a_recipe(task: TaskSpec, home: Path, tmp_path: Path) -> None:
    name, content, _ = SMALL[task.name]
    (tmp_path / name).write_text(content(20))
    dataset = load(task.read)(tmp_path / name, Columns(), test=False)
    recipe = recipe_of(task, {"epochs": 2, "precision": "fp32"}, [])
    source = resolve_encoder(load_settings().encoder)
    subject = Subject(recipe, source, lambda given: load(task.make)(given, dataset, None), 0)
    seen: list[float] = []
    facts = attempt(
        subject,
        {"batch_size": 4},
        NullProgress(),
        tmp_path / "scratch",
        lambda share, score: seen.append(share) is None,
    )
    assert facts["pruned"]
    assert seen == [0.5]
    facts = attempt(subject, {"batch_size": 4}, NullProgress(), tmp_path / "scratch", lambda share, score: False)
    assert 0.0 <= facts["score"] <= 1.0
    assert facts["metric"]
    assert facts["steps"] > 0


WHOLE = ("model.safetensors", "model.json", "tokenizer.json")


def assert_damage_is_named(folder: Path, capsys: pytest.CaptureFixture[str], files: Sequence[str] = WHOLE) -> None:
    for damaged in files:
        kept = (folder / damaged).read_bytes()
        (folder / damaged).write_bytes(kept[: len(kept) // 2])
        capsys.readouterr()
        assert run("predict", "small", "where") == 2
        assert damaged in capsys.readouterr().err
        (folder / damaged).write_bytes(kept)
    assert run("predict", "small", "where") == 0


def version(home: Path, name: str = "small") -> Any:
    return ModelRegistry(home / "models").resolve(name)
