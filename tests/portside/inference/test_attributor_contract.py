"""What holds of every attributor, whatever its task: real networks of all tasks, and the fake."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from portside.errors import ModelError, UsageError
from portside.evaluation.attribution import METHODS, Explanation, explain
from portside.evaluation.faithfulness import measure_faithfulness
from portside.evaluation.report.explanations import explained_on
from portside.inference.attributor import EXPLAINED, Attributor, FakeAttributor, Variant, load_attributor
from portside.inference.folder import ModelFile, write_model_file
from portside.registry import ModelVersion
from portside.tasks.spec import find_tasks

TEXTS = [
    "where is my Parcel, please",
    "my card is lost",
    "",
    "refund!",
    "the card is late. Where is my money back? " * 3 + "Please " * 20,
    "我的卡在哪里 card",
]
TASKS = [task.name for task in find_tasks()]


@pytest.fixture(params=[*TASKS, "fake"])
def attributor(request: pytest.FixtureRequest, tmp_path: Path, save_task: Callable[[Path, str], None]) -> Attributor:
    if request.param == "fake":
        return FakeAttributor({"card": 2.0, "parcel": -1.0, "late": 0.5}, bias=0.3)
    save_task(tmp_path / "1", request.param)
    return load_attributor(ModelVersion("m", 1, tmp_path / "1", {}))


def found(model: Attributor) -> list[Explanation]:
    return explain(model, TEXTS, most=None)


def test_every_task_of_the_core_is_explained(attributor: Attributor) -> None:
    assert set(TASKS) == EXPLAINED
    assert len(found(attributor)) >= 3


def test_sums_are_the_difference_that_the_words_make(attributor: Attributor) -> None:
    for one in found(attributor):
        assert one.completeness.gap <= max(0.05 * abs(one.completeness.difference), 1e-4)
        assert one.values["integrated-gradients"].sum() == pytest.approx(one.completeness.attributed, abs=1e-5)


def test_the_score_that_is_shared_out_is_the_one_that_words_are_left_out_of(attributor: Attributor) -> None:
    asked = [
        (text, answer)
        for text, each in zip(TEXTS, attributor.answers(TEXTS), strict=True)
        for answer in each
    ]  # fmt: skip
    texts, answers = [text for text, _ in asked], [answer for _, answer in asked]
    scores = attributor.scores([Variant(text, answer) for text, answer in asked])
    given = [one.score for one in attributor.integrated_gradients(texts, answers)]
    assert given == pytest.approx(scores, abs=1e-4)
    assert attributor.scores([]).shape == (0,)
    assert attributor.integrated_gradients([], []) == []


def test_words_and_names_lie_inside_the_text(attributor: Attributor) -> None:
    for one in found(attributor):
        assert all(one.text[word.start : word.end] == word.text for word in one.words)
        assert all(0 <= start < end <= len(one.text) for start, end in one.answer.spans)
        assert all(len(one.values[method]) == len(one.words) for method in METHODS)


def test_tokens_lie_inside_the_text(attributor: Attributor) -> None:
    asked = [(text, each[0]) for text, each in zip(TEXTS, attributor.answers(TEXTS), strict=True) if each]
    values = attributor.integrated_gradients([text for text, _ in asked], [answer for _, answer in asked])
    for (text, _), one in zip(asked, values, strict=True):
        assert len(one.spans) == len(one.values)
        assert all(0 <= start <= end <= len(text) for start, end in one.spans)
        # A special token stands nowhere, and is the same where the text says nothing.
        assert not any(value for (start, end), value in zip(one.spans, one.values, strict=True) if start == end)


def test_the_same_is_said_again(attributor: Attributor) -> None:
    for one, again in zip(found(attributor), found(attributor), strict=True):
        assert one.to_dict() == again.to_dict()


def test_texts_together_are_explained_like_one_by_one(attributor: Attributor) -> None:
    together = found(attributor)
    alone = [one for text in TEXTS for one in explain(attributor, [text], most=None)]
    for one, other in zip(together, alone, strict=True):
        assert (one.text, one.answer) == (other.text, other.answer)
        for method in METHODS:
            assert one.values[method] == pytest.approx(other.values[method], abs=1e-4)


def test_what_it_says_itself_is_its_first_answer(attributor: Attributor) -> None:
    for each in attributor.answers(TEXTS):
        assert all(answer.label == answer.predicted for answer in each[:1])


def test_a_label_that_it_does_not_know_is_refused(attributor: Attributor) -> None:
    with pytest.raises(UsageError, match="one that the model knows"):
        attributor.answers(["my card"], "no such label")


def test_faithfulness_is_measured_in_the_units_of_the_score(attributor: Attributor) -> None:
    explained = found(attributor)
    measured = measure_faithfulness(attributor, explained)
    used = [one.level for one in explained if len(one.words) > 1]
    assert measured.measure == attributor.measure
    # Nothing left out is the beginning of every curve.
    for curve in (measured.random_curve, *(one.curve for one in measured.methods)):
        assert curve[0] == pytest.approx(np.mean(used), abs=1e-4)


def test_a_report_has_the_section(attributor: Attributor) -> None:
    section = explained_on(attributor, TEXTS)
    assert section is not None
    (chart,) = section.charts
    assert chart.share == (attributor.measure == "probability")
    assert len(section.figures) == 2
    assert section.tables[0].rows


def test_a_model_of_no_such_task_is_refused(tmp_path: Path) -> None:
    write_model_file(tmp_path, ModelFile("encoder", 16))
    with pytest.raises(ModelError, match="given for classification"):
        load_attributor(ModelVersion("m", 1, tmp_path, {}))
