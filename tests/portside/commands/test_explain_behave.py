from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from portside.cli import main
from portside.commands.behave import sampled_texts
from portside.inference.classifier import load_classifier
from portside.inference.folder import ModelFile, write_model_file
from portside.registry import ModelRegistry, ModelVersion

LABELS = ("card", "parcel", "refund")
SUITE = """
[[test]]
name = "shouting"
kind = "invariance"
perturb = "upper"

[[test]]
name = "who"
kind = "bias"
groups = { women = ["she"], men = ["he"] }
texts = ["she lost a card", "he lost a card"]

[[test]]
name = "planets"
kind = "invariance"
swap = ["Mars", "Venus"]
"""


@pytest.fixture
def version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, register_random: Callable[..., ModelVersion]
) -> ModelVersion:
    """The version that the commands find as ``intents``."""
    monkeypatch.setenv("PORTSIDE_HOME", str(tmp_path))
    made: ModelVersion = register_random(ModelRegistry(tmp_path / "models"), LABELS, seed=1)
    return made


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "texts.csv"
    path.write_text("text\nmy card is lost\nwhere is my parcel\n \nrefund please\n")
    return path


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    return capsys.readouterr().err


def finish(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 0
    return capsys.readouterr().out


def register(home: Path, save_random: Callable[..., None], file: ModelFile) -> None:
    """A model called ``other``, of the task that ``file`` says."""
    registry = ModelRegistry(home / "models")
    with registry.staging("other") as folder:
        save_random(folder, LABELS, seed=1)
        write_model_file(folder, file)
        registry.register("other", folder, {}, actor="a", reason="r", promote=True, check=lambda _: None)


def test_a_text_is_explained(version: ModelVersion, capsys: pytest.CaptureFixture[str]) -> None:
    (predicted,) = load_classifier(version).predict(["my lost card"])
    (found,) = json.loads(finish(["explain", "intents", "my lost card", "--json"], capsys))
    assert (found["model"], found["label"]) == ("intents:1", predicted.label)
    assert found["probability"] == pytest.approx(predicted.confidence, abs=1e-5)
    assert [word["text"] for word in found["words"]] == ["my", "lost", "card"]
    said = finish(["explain", "intents", "my lost card", "--label", "refund"], capsys)
    assert "refund" in said
    assert "Agreement of the two" in said
    assert "No word of the text" in finish(["explain", "intents", " "], capsys)
    assert "one that the model knows" in refused(["explain", "intents", "x", "--label", "parcels"], capsys)
    assert "Give either texts" in refused(["explain", "intents"], capsys)


def test_explanations_are_measured_on_a_file(
    version: ModelVersion, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = json.loads(finish(["explain", "intents", "--data", str(data), "--json"], capsys))
    assert found["n"] == 3
    assert found["occlusion"]["gain"] == pytest.approx(found["random"]["area"] - found["occlusion"]["area"])
    said = finish(["explain", "intents", "--data", str(data), "--rows", "2"], capsys)
    assert said.startswith("On 2 texts occlusion")
    assert "100 %" in said


def test_a_model_is_tried_on_a_suite(
    version: ModelVersion, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suite, out = tmp_path / "mine.toml", tmp_path / "report.json"
    suite.write_text(SUITE)
    arguments = ["behave", "intents", "--data", str(data), "--suite", str(suite)]
    said = finish([*arguments, "--json", str(out)], capsys)
    assert "2 of 3 tests could be tried" in said
    assert "Not tried, for there is nothing in them that it would change: planets" in said
    report = json.loads(out.read_text())
    assert (report["model"], report["version"], report["n"]) == ("intents", 1, 3)
    first = report["tests"][0]
    assert (first["name"], first["applicable"], first["passed"]) == ("shouting", 3, 3)
    assert report["tests"][1]["bias"]["n"] == 2
    assert json.loads(finish([*arguments, "--json", "-"], capsys)) == report


def test_the_users_own_suites_are_tried_with_the_built_in_ones(
    version: ModelVersion, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "mine.toml").write_text(SUITE)
    report = json.loads(finish(["behave", "intents", "--json", "-"], capsys))
    assert {one["suite"] for one in report["tests"]} >= {"mine", "robustness", "fairness"}
    assert (report["n"], report["data"]) == (0, "")
    (tmp_path / "suites" / "mine.toml").write_text(SUITE + "[[test]]\n")
    line = SUITE.count("\n") + 1
    assert f"line {line}, test 'number 4': 'kind' must be" in refused(["behave", "intents"], capsys)


def test_a_model_of_several_labels_is_tried_too(
    version: ModelVersion,
    save_random: Callable[..., None],
    tmp_path: Path,
    data: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    register(tmp_path, save_random, ModelFile("multilabel", 16, LABELS, {"threshold": 0.5}))
    arguments = ["behave", "other", "--data", str(data), "--suite", "robustness", "--json", "-"]
    report = json.loads(finish(arguments, capsys))
    assert {one["name"]: one["applicable"] for one in report["tests"]}["capitals"] == 3
    small = next(one for one in report["tests"] if one["name"] == "small letters")
    assert small["why_not_tried"] == "there is nothing in them that it would change"


@pytest.mark.parametrize("task", ["matching", "tagging"])
def test_models_without_labels_of_texts_are_tried(
    task: str, other: Callable[[str], None], data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other(task)
    found = json.loads(finish(["behave", "other", "--data", str(data), "--json", "-"], capsys))
    assert sum(one["applicable"] for one in found["tests"]) > 0


@pytest.fixture
def other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, save_task: Callable[[Path, str], None]
) -> Callable[[str], None]:
    """``other(task)`` registers a model of the task, which the commands find as ``other``."""
    monkeypatch.setenv("PORTSIDE_HOME", str(tmp_path))

    def register_task(task: str) -> None:
        registry = ModelRegistry(tmp_path / "models")
        with registry.staging("other") as folder:
            save_task(folder, task)
            registry.register("other", folder, {}, actor="a", reason="r", promote=True, check=lambda _: None)

    return register_task


def test_a_matcher_says_which_words_of_a_query_speak_for_the_document(
    other: Callable[[str], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other("matching")
    (found,) = json.loads(finish(["explain", "other", "my parcel", "--json"], capsys))
    assert (found["key"], found["label"], found["cosine"]) == ("d2", "“my parcel”", pytest.approx(1, abs=1e-5))
    assert [word["text"] for word in found["words"]] == ["my", "parcel"]
    said = " ".join(finish(["explain", "other", "my parcel", "--label", "d1"], capsys).split())
    assert "“the card is late”: cosine 0." in said
    assert "; the model says “my parcel”" in said
    assert "What each word adds to the cosine of query and document" in said
    assert "Agreement of the two" in said
    assert "one that the model knows" in refused(["explain", "other", "x", "--label", "d9"], capsys)
    judged = tmp_path / "judged.csv"
    judged.write_text("query,document\nwhere is my parcel,my parcel\nmy card is late,the card is late\n")
    assert "keeps a cosine of" in finish(["explain", "other", "--data", str(judged)], capsys)


def test_a_tagger_says_which_words_speak_for_each_name(
    other: Callable[[str], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other("tagging")
    found = json.loads(finish(["explain", "other", "where is my Parcel", "--json"], capsys))
    assert found
    for one in found:
        (start, _), (_, end) = one["spans"][0], one["spans"][-1]
        assert one["label"] == f"{one['key']}: {one['text'][start:end]}"
        assert 0 < one["probability"] < 1
        assert [word["text"] for word in one["words"]] == ["where", "is", "my", "Parcel"]
    said = finish(["explain", "other", "where is my Parcel"], capsys)
    assert all(one["label"] in said for one in found)
    assert "finds no name in it" in finish(["explain", "other", " "], capsys)
    tagged = tmp_path / "test.conll"
    tagged.write_text("where O\nis O\nmy O\nParcel B-LOC\n\nmy O\ncard B-PER\nplease O\n")
    assert finish(["explain", "other", "--data", str(tagged)], capsys).startswith("On ")


MORE_ROWS = {
    "matching": ("a.csv", "query,document\nwhere is my parcel,my parcel\nmy card is late,the card is late\n"),
    "tagging": ("a.conll", "where O\nis O\nmy O\nParcel B-LOC\n\nmy O\ncard B-PER\nplease O\n"),
}


@pytest.mark.parametrize("task", sorted(MORE_ROWS))
def test_a_report_explains_some_answers_of_other_tasks(
    task: str, other: Callable[[str], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other(task)
    name, rows = MORE_ROWS[task]
    data = tmp_path / name
    data.write_text(rows)
    report = json.loads(finish(["report", "other", "--data", str(data), "--json", "-"], capsys))
    explained = report["sections"]["explanations"]
    assert len(explained["figures"]) == 2
    shown = explained["tables"][0]["rows"]
    assert all(row["answer"] for row in shown)
    assert all(row["why"] for row in shown)
    assert "in place of a label" in report["sections"]["behaviour"]["sentences"][-1]


def test_each_label_that_a_text_gets_is_explained(
    other: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    other("multilabel")
    found = json.loads(finish(["explain", "other", "where is my parcel", "--json"], capsys))
    assert found
    assert all(one["probability"] >= 0.5 for one in found) or len(found) == 1
    assert [one["probability"] for one in found] == sorted((one["probability"] for one in found), reverse=True)


def test_a_draw_of_texts_keeps_the_files_order(data: Path) -> None:
    assert sampled_texts(data, None, 9, seed=0) == ["my card is lost", "where is my parcel", "refund please"]
    assert sampled_texts(data, None, 2, seed=1) == sampled_texts(data, None, 2, seed=1)
    assert len({tuple(sampled_texts(data, None, 1, seed=seed)) for seed in range(20)}) == 3
