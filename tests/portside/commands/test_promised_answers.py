"""``portside predict --at-most-wrong`` where a text may have several answers: what the report promises is kept."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from portside.cli import main
from portside.evaluation.held_out import save_rows
from portside.evaluation.report.making import Asked, report_of
from portside.inference.folder import read_model_file, write_model_file
from portside.inference.multilabel import load_multilabeller
from portside.inference.name_reading import FEATURES, NameReading, Weights
from portside.inference.tagger import load_tagger
from portside.registry import ModelRegistry, ModelVersion
from portside.training.seen import save_seen

RISK = 0.1
NOTHING: Mapping[str, Any] = MappingProxyType({})
SLOPES = {**dict.fromkeys(FEATURES, 0.0), "odds": 2.0}
READING = NameReading(400, 0.5, 0.4, Weights(SLOPES, 3.0, {}))
"""Of a tagger that claims too little."""
WORDS = ("card", "parcel", "refund", "late", "my", "the", "money", "back", "please", "where", "is", "it", "lost", "now")
TEXTS = [f"{one} {other} {WORDS[place % 5]}" for place, one in enumerate(WORDS) for other in WORDS]


def leaves(arguments: list[str], code: int) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == code


@pytest.fixture
def keeping(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, save_task: Callable[[Path, str], None]
) -> Callable[..., ModelVersion]:
    """``keeping(task, rows)`` registers a model of the task, the same each time, that keeps the rows, as ``model``;
    ``options`` are further ones of its file.
    """
    monkeypatch.setenv("PORTSIDE_HOME", str(tmp_path))
    registry = ModelRegistry(tmp_path / "models")

    def register(
        task: str, rows: Sequence[Mapping[str, Any]], seen: Sequence[str] = (), options: Mapping[str, Any] = NOTHING
    ) -> ModelVersion:
        with registry.staging("model") as folder:
            save_task(folder, task)
            file = read_model_file(folder, task=task)
            write_model_file(folder, replace(file, options={**file.options, **options}))
            if rows:
                save_rows(folder, rows)
            save_seen(folder, seen)
            card = {"task": task}
            return registry.register("model", folder, card, actor="a", reason="r", promote=True, check=lambda _: None)

    return register


def promised(version: ModelVersion) -> float:
    """From which confidence on the report promises answers."""
    made = report_of(Asked(version), risks=(RISK,))
    (one,) = next(section for section in made.sections if section.key == "guarantee").details["promises"]
    assert one["threshold"] is not None, "else nothing is shown here"
    return float(one["threshold"])


def asked_for(tmp_path: Path, percent: str = "10") -> list[str]:
    data = tmp_path / "in.csv"
    data.write_text("text\n" + "\n".join(TEXTS) + "\n", encoding="utf-8")
    return ["predict", "model", "--data", str(data), "--out", str(tmp_path / "out"), "--at-most-wrong", percent]


def labelled_rows(model: ModelVersion) -> list[dict[str, Any]]:
    """Rows in which the model is right where it is surest, and gives a label too many elsewhere."""
    labeller = load_multilabeller(model)
    sure = labeller.probabilities(TEXTS)
    given = sure[sure >= labeller.threshold]
    middle = sorted(given)[len(given) // 2]
    return [
        {"text": text, "labels": [label for label, one in zip(labeller.labels, row, strict=True) if one >= middle]}
        for text, row in zip(TEXTS, sure, strict=True)
    ]


def test_labels_below_the_promise_are_listed_apart(
    keeping: Callable[..., ModelVersion], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    version = keeping("multilabel", labelled_rows(keeping("multilabel", [])))
    sure = promised(version)
    leaves(asked_for(tmp_path), 0)
    told = capsys.readouterr().out
    with (tmp_path / "out").open(encoding="utf-8", newline="") as stream:
        found = list(csv.DictReader(stream))
    assert list(found[0])[:3] == ["text", "labels", "unsure_labels"]
    for row, one in zip(found, load_multilabeller(version).predict(TEXTS), strict=True):
        assert row["labels"].split("|") == ([x for x in one.labels if one.probabilities[x] >= sure] or [""])
        assert row["unsure_labels"].split("|") == ([x for x in one.labels if one.probabilities[x] < sure] or [""])
    given, unsure = sum(bool(row["labels"]) for row in found), sum(bool(row["unsure_labels"]) for row in found)
    assert given > 0, "else nothing is shown here"
    assert unsure > 0, "else nothing is shown here"
    assert "at most 10 % of the texts that get any have a wrong one" in told
    assert "These rows also chose from which probability on a label is given, so what is promised here" in told
    assert f"{given} of 196 rows got labels of which model:2 is sure enough; {unsure} rows have others" in told


def tagged_rows(model: ModelVersion) -> list[dict[str, Any]]:
    """Sentences in which the model is right where it is surest, and finds a name too many elsewhere."""
    tagger = load_tagger(model)
    sentences = [text.split() for text in TEXTS]
    found = tagger.entities(TEXTS)
    surest = [max((one.confidence for one in each), default=0.0) for each in found]
    right = [one >= sorted(surest)[len(surest) // 2] for one in surest]
    return [
        {"tokens": words, "tags": tags if hit else ["O"] * len(words), "document": place}
        for place, (words, tags, hit) in enumerate(zip(sentences, tagger.tag(sentences), right, strict=True))
    ]


@pytest.mark.parametrize("options", [NOTHING, READING.to_options()], ids=["words alone", "read"])
def test_names_below_the_promise_are_listed_apart(
    options: Mapping[str, Any],
    keeping: Callable[..., ModelVersion],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    version = keeping("tagging", tagged_rows(keeping("tagging", [], options=options)), options=options)
    sure = promised(version)
    leaves(asked_for(tmp_path), 0)
    told = capsys.readouterr().out
    found = [json.loads(line) for line in (tmp_path / "out").read_text(encoding="utf-8").splitlines()]
    for row, entities in zip(found, load_tagger(version).entities(TEXTS), strict=True):
        assert [one["text"] for one in row["entities"]] == [one.text for one in entities if one.confidence >= sure]
        assert [one["text"] for one in row["unsure"]] == [one.text for one in entities if one.confidence < sure]
    given, unsure = sum(bool(row["entities"]) for row in found), sum(bool(row["unsure"]) for row in found)
    assert given > 0, "else nothing is shown here"
    assert unsure > 0, "else nothing is shown here"
    assert "at most 10 % of the texts that get any have a wrong one" in told
    assert "A text is one sentence here" in told
    assert ("These rows also chose how sure it says it is of a name" in told) == bool(options)
    assert f"{given} of 196 rows got names of which model:2 is sure enough; in {unsure} rows it finds others" in told


@pytest.mark.parametrize(("task", "answers"), [("multilabel", "labels"), ("tagging", "names")])
def test_what_cannot_be_promised_of_several_answers_is_advice(
    task: str, answers: str, keeping: Callable[..., ModelVersion], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = keeping(task, [])
    leaves(asked_for(tmp_path), 2)
    assert "model:1 keeps none" in capsys.readouterr().err
    rows = labelled_rows(first) if task == "multilabel" else tagged_rows(first)
    keeping(task, rows[:20])
    leaves(asked_for(tmp_path), 2)
    told = capsys.readouterr().err
    assert f"'Wrong {answers} in at most 10 % of texts' cannot be promised" in told
    assert "leave --at-most-wrong out" in told
    keeping(task, rows, seen=TEXTS)
    leaves(asked_for(tmp_path), 2)
    assert "0 texts that get any are too few" in capsys.readouterr().err, "nothing is promised from what it learned"
    assert not (tmp_path / "out").exists()
