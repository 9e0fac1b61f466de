"""A report on the rows kept aside says of whom its figures are, and which rows its probabilities were adjusted on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from portside.errors import UsageError
from portside.evaluation.held_out import HeldOut, save_held_out, save_rows
from portside.evaluation.intervals import wilson
from portside.evaluation.report.build import report_on_held_out
from portside.evaluation.report.choice import with_choice
from portside.evaluation.report.facts import facts_of, kept_aside
from portside.evaluation.report.making import Asked, report_of
from portside.evaluation.report.parts import Report, Section
from portside.evaluation.report.sources import source_section
from portside.evaluation.report.words import translated
from portside.inference.classifier import load_classifier
from portside.inference.folder import ModelFile, write_model_file
from portside.inference.name_reading import FEATURES, NameReading, Weights
from portside.inference.outside_gate import EnergyGate, InsideReading, fit_energy_gate
from portside.registry import ModelRegistry, ModelVersion
from portside.training.seen import save_seen

LABELS = ("card", "fee", "parcel")
TEXTS = [f"about {LABELS[n % 3]} number {n}" for n in range(300)]


def version(
    home: Path,
    *,
    by_model: bool,
    seen: list[str],
    rows: int = 300,
    temperature: float = 2.0,
    wrong: int = 5,
    validations: int = 0,
    trials: int = 0,
) -> ModelVersion:
    """A version that keeps rows, of which each ``wrong``th is answered wrongly."""
    registry = ModelRegistry(home)
    truth = np.arange(rows) % 3
    told = np.where(np.arange(rows) % wrong == 0, (truth + 1) % 3, truth)
    logits = (3.0 * np.eye(3)[told]).astype(np.float32)
    with registry.staging("m") as folder:
        gate = fit_energy_gate(logits)
        assert gate is not None or rows < 40
        write_model_file(folder, ModelFile("classification", 16, LABELS, {} if gate is None else gate.to_options()))
        save_held_out(folder, HeldOut(TEXTS[:rows], truth, logits, by_model), LABELS)
        save_seen(folder, seen)
        data = {"source": "/somewhere/rows.csv", "trained_on": len(seen)}
        card = {"task": "classification", "calibration": {"temperature": temperature}, "data": data}
        history = [{"step": step, "score": 0.9} for step in range(validations)]
        card |= {"training": {"history": history}, **({"search": {"trials": trials}} if trials else {})}
        return registry.register("m", folder, card, actor="a", reason="r", check=lambda _: None)


def test_rows_of_any_task_are_called_kept_aside_and_not_by_their_file(tmp_path: Path) -> None:
    registry = ModelRegistry(tmp_path)
    with registry.staging("m") as folder:
        write_model_file(folder, ModelFile("multilabel", 16, LABELS))
        save_rows(folder, [{"text": text, "labels": ["card"]} for text in TEXTS])
        made = registry.register("m", folder, {"task": "multilabel"}, actor="a", reason="r", check=lambda _: None)
    rows = Asked(made).dataset
    assert (len(rows), rows.source) == (300, "rows kept aside")
    assert kept_aside(rows.source)
    assert not kept_aside("rows kept aside"), "a user's file may be called so"
    for source, told in ((rows.source, "kept"), ("/somewhere/rows kept aside", "rows kept aside")):
        (name, value), *_ = translated(Report("", "", facts_of(made, source, 300), []), lambda _: "kept").facts
        assert (name, value) == ("kept", told)


@pytest.mark.parametrize("task", ["classification", "tagging", "multilabel", "matching"])
def test_a_version_without_rows_comes_with_advice(task: str, tmp_path: Path) -> None:
    registry = ModelRegistry(tmp_path)
    with registry.staging("m") as folder:
        write_model_file(folder, ModelFile(task, 16, LABELS))
        made = registry.register("m", folder, {"task": task}, actor="a", reason="r", check=lambda _: None)
    with pytest.raises(UsageError, match="has not learned from") as told:
        report_of(Asked(made))
    assert "keep_held_out=false" in str(told.value.seen)
    assert told.value.remedy == "Name a labelled file: portside report m:1 --data FILE"


def words(report: Report, key: str) -> str:
    return " ".join(section_of(report, key).sentences)


def section_of(report: Report, key: str) -> Section:
    return next(section for section in report.sections if section.key == key)


def test_a_model_that_learned_from_every_row_is_not_said_to_know_none(tmp_path: Path) -> None:
    report = report_on_held_out(version(tmp_path, by_model=False, seen=TEXTS))
    assert "the model itself learned from all rows" in words(report, "rows")
    assert "None of their texts" not in words(report, "rows")
    assert "kept aside" not in words(report, "rows")
    assert [one.name for one in section_of(report, "rows").figures] == ["Rows"], "a share that leaked says nothing here"
    assert not section_of(report, "rows").warnings
    assert "networks that each learned from a part of the rows" in words(report, "accuracy")
    assert "This was shown for networks" in words(report, "guarantee")


def test_a_model_that_kept_them_aside_speaks_for_itself(tmp_path: Path) -> None:
    report = report_on_held_out(version(tmp_path, by_model=True, seen=["something else"]))
    assert "None of their texts stands in the training rows." in words(report, "rows")
    assert "networks" not in words(report, "accuracy") + words(report, "guarantee")


def test_that_nearly_equal_texts_are_not_looked_for_is_said_with_what_finds_them(tmp_path: Path) -> None:
    for seen in ([], TEXTS[:60]):
        told = words(report_on_held_out(version(tmp_path, by_model=True, seen=seen)), "rows")
        assert "only texts that are the same but for case and spacing were looked for" in told
        assert "'portside data faults FILE --test FILE'" in told
    unknown = words(report_on_held_out(version(tmp_path, by_model=False, seen=TEXTS)), "rows")
    assert "looked for" not in unknown, "nothing was"


def test_rows_kept_aside_that_stand_in_training_too_are_counted(tmp_path: Path) -> None:
    report = report_on_held_out(version(tmp_path, by_model=True, seen=TEXTS[:2]))
    assert "2 of 300 rows have a text that the model was trained on: too few" in words(report, "rows")
    report = report_on_held_out(version(tmp_path, by_model=True, seen=TEXTS[:60]))
    assert any("60 of 300 rows" in warning for warning in report.warnings)


def test_probabilities_that_were_adjusted_on_the_rows_are_said_to_be_flattered(tmp_path: Path) -> None:
    report = report_on_held_out(version(tmp_path, by_model=True, seen=[]))
    said = words(report, "calibration")
    assert "adjusted on these very rows" in said
    assert "they are off by 0." in said or "they are off by 1." in said, "the temperature is found on the other half"
    after, before, elsewhere = [one for one in section_of(report, "calibration").figures if "error" in one.name]
    assert elsewhere.name == "Calibration error on rows it was not adjusted on"
    for error in (after, before, elsewhere):
        assert error.low is not None
        assert error.high is not None
        assert error.low <= error.value <= error.high
        assert error.n == 300
    few = words(report_on_held_out(version(tmp_path, by_model=True, seen=[], rows=30)), "calibration")
    assert "on other texts they may be further off" in few
    unadjusted = report_on_held_out(version(tmp_path, by_model=True, seen=[], temperature=1.0))
    assert "very rows" not in words(unadjusted, "calibration")


def test_the_gate_that_the_version_serves_with_is_measured_on_the_kept_rows(tmp_path: Path) -> None:
    for by_model in (True, False):
        report = report_on_held_out(version(tmp_path, by_model=by_model, seen=[]))
        (alarms,) = section_of(report, "outside").figures
        assert (alarms.n, alarms.low is not None) == (300, True)
        assert ("is not shown" in words(report, "outside")) is not by_model
    report = report_on_held_out(version(tmp_path, by_model=True, seen=[], rows=30))
    assert "outside" not in [section.key for section in report.sections], "it has no gate"


def test_where_to_read_whether_more_rows_would_help(tmp_path: Path) -> None:
    said = words(report_on_held_out(version(tmp_path, by_model=True, seen=[])), "rows")
    assert "'portside data faults FILE' with the file that it was trained on (rows.csv)" in said


def test_the_reliability_table_holds_rows_and_intervals(tmp_path: Path) -> None:
    report = report_on_held_out(version(tmp_path, by_model=True, seen=[]))
    table = section_of(report, "calibration").charts[0].table
    assert table.head[3:] == ["from", "to", "n"]
    measured = [row for row in table.rows if row[0] == "measured"]
    assert sum(int(row[5] or 0) for row in measured) == 300
    assert all(float(row[3] or 0) <= float(row[2] or 0) <= float(row[4] or 0) for row in measured)


@pytest.mark.parametrize(("known", "words_said"), [(0, "None of their texts"), (2, "2 of 300 rows"), (60, "")])
def test_a_few_rows_from_training_are_told_of_any_task(known: int, words_said: str) -> None:
    found = source_section("300 rows.", TEXTS, set(TEXTS[:known]).__contains__)
    assert bool(found.warnings) is (known == 60)
    assert words_said in " ".join(found.sentences)
    leaked = found.figures[1]
    assert (leaked.low, leaked.high, leaked.n) == (*wilson(known, 300), 300)
    assert "nearly equal ones flatter" in found.sentences[-1], "it is not claimed that these were looked for"


def test_promises_are_said_to_be_less_certain_together_than_each_alone(tmp_path: Path) -> None:
    told = words(report_on_held_out(version(tmp_path, by_model=True, seen=[], wrong=400)), "guarantee")
    assert "that all of them hold at once is certain to 85 % at least" in told
    none = words(report_on_held_out(version(tmp_path, by_model=True, seen=[])), "guarantee")
    assert "all of them" not in none


def test_what_was_chosen_on_the_kept_rows_is_said_with_how_to_get_independent_figures(tmp_path: Path) -> None:
    several = report_on_held_out(version(tmp_path, by_model=True, seen=[], validations=4))
    told = section_of(several, "rows").sentences
    assert told[1] == (
        "The passes over the data were chosen on these same rows, as the best of 4 states of the training that were "
        "tried: the figures may be a little too good."
    )
    assert "never seen: on the Models page, or with 'portside report m:1 --data FILE'." in told[2]
    # Computed in one go, or validated once at the end: there was nothing to choose from.
    for validations in (0, 1):
        chosen = words(report_on_held_out(version(tmp_path, by_model=True, seen=[], validations=validations)), "rows")
        assert "chosen on" not in chosen
        assert "independent" not in chosen


def test_networks_that_answered_by_turns_were_chosen_so_and_the_model_itself_was_not(tmp_path: Path) -> None:
    told = words(report_on_held_out(version(tmp_path, by_model=False, seen=TEXTS, validations=8)), "rows")
    assert "of each of these networks were chosen on the same rows that it answered" in told
    assert "The passes over the data were chosen" not in told
    assert "independent figures" in told


def test_a_search_that_chose_on_the_kept_rows_is_told_of(tmp_path: Path) -> None:
    told = words(report_on_held_out(version(tmp_path, by_model=True, seen=[], trials=20)), "rows")
    assert "The settings of the training were chosen on these same rows, as the best of 20" in told
    assert "independent figures" in told


def test_other_tasks_say_it_too(tmp_path: Path) -> None:
    made = version(tmp_path, by_model=True, seen=[], validations=3)
    report = Report("m", "", [], [source_section("300 rows that were kept aside.", TEXTS, None)])
    assert "best of 3 states" in section_of(with_choice(report, made), "rows").sentences[1]


def test_beside_a_promise_stands_what_its_rows_have_also_chosen(tmp_path: Path) -> None:
    made = version(tmp_path, by_model=True, seen=[], wrong=400, validations=4, trials=20)
    *_, told = section_of(report_on_held_out(made), "guarantee").sentences
    assert told == (
        "These rows also chose the best of 4 states of the training; the settings of the training; how far its "
        "probabilities were adjusted, so what is promised here may be a little too good. A few hundred labelled rows "
        "that the model has never seen make promises without that: 'portside report m:1 --data FILE', or on the Models "
        "page."
    )
    by_turns = words(report_on_held_out(version(tmp_path, by_model=False, seen=TEXTS, validations=4)), "guarantee")
    assert "These rows also chose the best state of each network; how far" in by_turns


def test_of_rows_that_chose_nothing_or_promise_nothing_nothing_is_said(tmp_path: Path) -> None:
    plain = version(tmp_path, by_model=True, seen=[], wrong=400, temperature=1.0, validations=1)
    assert "also chose" not in words(report_on_held_out(plain), "guarantee")
    few = version(tmp_path, by_model=True, seen=[], rows=12, validations=4)
    assert "also chose" not in words(report_on_held_out(few), "guarantee"), "there is no promise"


def promised() -> Report:
    return Report("m", "", [], [Section("guarantee", "t", ["a promise"], details={"promises": [{"threshold": 0.5}]})])


@pytest.mark.parametrize(
    ("task", "options", "chosen"),
    [
        ("multilabel", {"threshold": 0.4}, "from which probability on a label is given"),
        ("matching", {"system": "hybrid"}, "by what documents are ranked"),
        ("tagging", NameReading(300, 0.5, 0.4, Weights(dict.fromkeys(FEATURES, 1.0), 0.0, {})).to_options(), "a name"),
        ("tagging", NameReading(300, 0.5, 0.6).to_options(), ""),
        (
            "classification",
            EnergyGate(1.0, 0.01, 300, InsideReading(0.0, 1.0, 1.0, 0.0, 0.5, 60)).to_options(),
            "none of the labels fits",
        ),
        ("classification", EnergyGate(1.0, 0.01, 300).to_options(), ""),
    ],
)
def test_what_each_task_chooses_on_them_is_named(
    task: str, options: dict[str, object], chosen: str, tmp_path: Path
) -> None:
    registry = ModelRegistry(tmp_path)
    with registry.staging("m") as folder:
        write_model_file(folder, ModelFile(task, 16, LABELS, options))
        made = registry.register("m", folder, {"task": task}, actor="a", reason="r", check=lambda _: None)
    told = with_choice(promised(), made).sections[0].sentences[1:]
    assert bool(told) is bool(chosen)
    assert all(chosen in one for one in told)


def file_of(path: Path, model: ModelVersion, texts: Sequence[str]) -> Path:
    """Rows of which the model has every one right."""
    rows = "".join(
        f"{text},{one.label}\n" for text, one in zip(texts, load_classifier(model).predict(texts), strict=True)
    )
    path.write_text(f"text,label\n{rows}", encoding="utf-8")
    return path


def test_a_file_with_new_rows_promises_without_that_and_one_with_the_validation_rows_does_not(
    tmp_path: Path, save_random: Callable[..., None]
) -> None:
    registry, rows = ModelRegistry(tmp_path / "models"), 150
    with registry.staging("m") as folder:
        save_random(folder, LABELS, seed=1)
        truth = np.arange(rows) % 3
        save_held_out(folder, HeldOut(TEXTS[:rows], truth, np.eye(3, dtype=np.float32)[truth]), LABELS)
        save_seen(folder, TEXTS[:1])
        card = {"task": "classification", "training": {"history": [{}] * 4}}
        made = registry.register("m", folder, card, actor="a", reason="r", check=lambda _: None)
    new = file_of(tmp_path / "new.csv", made, TEXTS[rows:])
    assert "at most 5 % wrong" in words(report_of(Asked(made, new)), "guarantee")
    assert "also chose" not in words(report_of(Asked(made, new)), "guarantee")
    old = file_of(tmp_path / "old.csv", made, [text.upper() for text in TEXTS[:rows]])
    # One of its rows was learned from: that is told elsewhere.
    assert (
        "149 of these 150 rows were validation rows of the training, where they also chose the best of 4 states of the "
        "training: what is promised here may be a little too good."
    ) in words(report_of(Asked(made, old)), "guarantee")
    assert "portside report m:1 --data FILE" in words(report_of(Asked(made)), "guarantee")
