"""The suite's own pages, drawn on a real registry and database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from portside.evaluation.held_out import HeldOut, save_held_out, save_rows
from portside.evaluation.report.making import Asked, report_of
from portside.inference.engines.choice import Measured
from portside.inference.engines.store import place_of, write_compiled
from portside.inference.folder import ModelFile, write_model_file
from portside.inference.interfaces import FakeClassifier
from portside.inference.shared import SharedClassifier
from portside.jobs import JobQueue
from portside.registry import ModelRegistry
from portside.said import said
from portside.settings import Settings
from portside.storage.engine import open_database
from portside.training.seen import save_seen
from tests.drawn_pages import page_test


def draw(settings: object, page: str, language: str) -> None:
    """Runs inside AppTest, which copies this function's source without its module."""
    from importlib import import_module

    import streamlit as st

    from portside.apps import find_apps
    from portside.settings import Settings
    from portside_ui.runtime import configure
    from portside_ui.words import LANGUAGE_KEY

    st.session_state[LANGUAGE_KEY] = language
    assert isinstance(settings, Settings)
    import_module(f"portside_ui.{page}_page").render(configure(settings, find_apps()))


def opened(settings: Settings, page: str, language: str = "en", **chosen: str) -> AppTest:
    """``chosen``: widgets of the models page, without ``models-``, and what stands chosen in them from the start.

    AppTest knows the words of a choice in English only: on a Chinese page nothing can be chosen later.
    """
    arguments = {"settings": settings, "page": page, "language": language}
    drawn = page_test(draw, arguments)
    for name, value in chosen.items():
        drawn.session_state[f"models-{name}"] = value
    drawn.run()
    assert not drawn.exception, drawn.exception
    return drawn


def register(settings: Settings, accuracy: float) -> None:
    registry = ModelRegistry(settings.models_dir)
    with registry.staging("intents") as folder:
        (folder / "model.safetensors").write_bytes(b"weights")
        doubt = [accuracy - 0.018, accuracy + 0.016]
        metrics = {"validation": {"accuracy": accuracy, "accuracy_ci95": doubt, "n": 1200}}
        card = {"task": "classification", "labels": ["no", "yes"], "summary": "Tells 2 labels apart"}
        registry.register(
            "intents", folder, {**card, "metrics": metrics}, actor="ann", reason="first", check=lambda _folder: None
        )


def test_without_models_the_page_says_what_to_do(empty_home: Settings) -> None:
    assert any("file of your own" in text.value for text in opened(empty_home, "models").caption)


def test_versions_are_listed_with_what_they_reach(empty_home: Settings) -> None:
    register(empty_home, 0.8125)
    register(empty_home, 0.9)
    table = opened(empty_home, "models").dataframe[0].value
    assert table["Version"].tolist() == [2, 1]
    assert table["On held-out rows"].tolist() == ["90.0 % right (88.2 – 91.6)", "81.2 % right (79.5 – 82.8)"]
    assert table["Held-out rows"].tolist() == ["1,200", "1,200"]
    assert table["What it does"].tolist() == ["Tells 2 labels apart"] * 2


def test_the_speed_is_told_and_compiling_is_a_button(empty_home: Settings) -> None:
    register(empty_home, 0.8)
    page = opened(empty_home, "models")
    assert any("answers as it was trained" in text.value for text in page.caption)
    page.button(key="models-compile").click().run()
    (job,) = JobQueue(open_database(empty_home), logs=empty_home.jobs_dir).recent(kinds=["core.compile"])
    assert job.params == {"model": "intents:1"}
    version = ModelRegistry(empty_home.models_dir).resolve("intents")
    original = Measured("original", 300.0, 8.0, 1.0, 1.0, 90.0, 0.9)
    fast = Measured("onnx-int8", 1200.0, 2.0, 0.995, 1.0, 24.0, 0.9)
    lossy = Measured("onnx-int8-ranges", 1200.0, 2.0, 0.95, 1.0, 24.0, 0.9)
    measured = {"original": asdict(original), "engines": [asdict(fast), asdict(lossy)], "rows": 1000}
    write_compiled(place_of(version.folder), None, "onnx-int8", {**measured, "serves": "onnx-int8"})
    again = opened(empty_home, "models")
    assert any("4.0 times as fast" in text.value and "99.5 %" in text.value for text in again.markdown)
    verdicts = next(frame.value for frame in again.dataframe if "Verdict" in frame.value)["Verdict"]
    assert verdicts.tolist() == ["", "serves", "agrees with the original to 95.0 %, 99 % are needed"]
    chinese = opened(empty_home, "models", "zh")
    assert any("需要 99 %" in str(frame.value) for frame in chinese.dataframe)


def test_a_version_is_promoted_and_rolled_back(empty_home: Settings) -> None:
    register(empty_home, 0.8)
    register(empty_home, 0.9)
    registry = ModelRegistry(empty_home.models_dir)
    before = registry.aliases("intents")["champion"]
    other = 3 - before
    page = opened(empty_home, "models")
    page.text_input(key="models-reason").set_value("better on Mondays").run()
    page.selectbox(key="models-promote-version").select(other).run()
    page.button(key="models-promote").click().run()
    assert registry.aliases("intents")["champion"] == other
    assert registry.history("intents")[-1].reason == "better on Mondays"
    page.button(key="models-rollback").click().run()
    assert registry.aliases("intents")["champion"] == before


def test_who_did_what_is_said_in_chinese(empty_home: Settings) -> None:
    register(empty_home, 0.8)
    register(empty_home, 0.9)
    registry = ModelRegistry(empty_home.models_dir)
    registry.promote("intents", 2, actor="ann", reason=said("trained on {file}", file="mail.csv"))
    registry.rollback("intents", actor="ann", reason="worse")
    first, *_rest, history = [frame.value for frame in opened(empty_home, "models", "zh").dataframe]
    assert first["任务"].tolist() == ["分类"] * 2
    assert set(first.iloc[:, 1]) == {"正式版本", ""}
    did = [(row[2], row[3], row[4]) for row in history.itertuples(index=False)]
    assert did[:3] == [("已回退", 1, "正式版本"), ("已撤销", 2, "候选版本"), ("已启用", 2, "正式版本")]
    assert history.iloc[:, 5].tolist()[:3] == ["worse", *["用 mail.csv 训练"] * 2]


def test_health_is_said_in_chinese(empty_home: Settings) -> None:
    states = opened(empty_home, "system", "zh").dataframe[0].value
    assert states["状态"].str.startswith("缺").any() or states["状态"].str.startswith("尚").any(), states


def classifier(settings: Settings, save_random: Callable[..., None], seed: int) -> None:
    """A version of ``mail`` with random weights that keeps three rows."""
    labels, registry = ("no", "yes"), ModelRegistry(settings.models_dir)
    with registry.staging("mail") as folder:
        save_random(folder, labels, seed=seed)
        logits = np.array([[3.0, 0.0], [0.0, 3.0], [0.0 + seed, 1.0]], dtype=np.float32)
        save_held_out(folder, HeldOut(["a", "b", "c"], np.array([0, 1, 0]), logits), labels)
        card = {"task": "classification", "labels": list(labels), "summary": "Tells 2 labels apart"}
        registry.register("mail", folder, card, actor="ann", reason="first", check=lambda _folder: None)


@pytest.fixture
def two_versions(empty_home: Settings, save_random: Callable[..., None]) -> Settings:
    classifier(empty_home, save_random, seed=0)
    classifier(empty_home, save_random, seed=2)
    return empty_home


def part(page: AppTest, name: str) -> AppTest:
    page.session_state["models-part"] = name
    page.run()
    assert not page.exception, page.exception
    return page


def test_a_report_is_read_on_the_page(two_versions: Settings) -> None:
    page = part(opened(two_versions, "models"), "report")
    assert page.subheader[0].value == "How often it is right"
    assert page.metric[0].value == "100.0 %"


def test_two_versions_are_compared_on_what_both_keep(two_versions: Settings) -> None:
    page = part(opened(two_versions, "models"), "compare")
    assert page.subheader[0].value == "Compared with mail:1"
    assert [one.value for one in page.metric][:2] == ["100.0 %", "66.7 %"]


def test_one_version_has_nothing_to_be_compared_with(empty_home: Settings, save_random: Callable[..., None]) -> None:
    classifier(empty_home, save_random, seed=1)
    assert any("Train this model again" in one.value for one in part(opened(empty_home, "models"), "compare").caption)


def test_a_version_without_kept_rows_says_so(empty_home: Settings) -> None:
    register(empty_home, 0.8)
    page = part(opened(empty_home, "models"), "report")
    assert any("keeps no rows" in one.value for one in page.caption)
    assert not page.warning
    assert "What its validation measured" in [one.value for one in page.subheader]


def test_a_file_that_cannot_be_read_is_advice_and_nothing_is_tried_on_other_rows(two_versions: Settings) -> None:
    page = part(opened(two_versions, "models"), "report")
    page.file_uploader(key="models-report-file").upload("x.csv", b"colour,size\nred,1\n", "text/csv").run()
    assert not page.exception, page.exception
    assert "column" in page.warning[0].value
    assert "models-behaviour" not in [one.key for one in page.button]


def test_answers_are_explained_and_tried_on_request(two_versions: Settings) -> None:
    page = part(opened(two_versions, "models"), "report")
    rows = "text,label\n" + "".join(f"my parcel {n} is late,{'yes' if n % 2 else 'no'}\n" for n in range(12))
    page.button(key="models-explained").click().run()
    assert not page.exception, page.exception
    assert any("two words" in one.value for one in page.caption), "the rows kept aside have one word each"
    page.file_uploader(key="models-report-file").upload("mail.csv", rows.encode(), "text/csv").run()
    assert not any("two words" in one.value for one in page.caption), "asked of other rows"
    page.button(key="models-explained").click().run()
    page.button(key="models-behaviour").click().run()
    assert not page.exception, page.exception
    titles = [one.value for one in page.subheader]
    assert "Whether it can say why" in titles
    assert "How it bears small changes" in titles
    assert any("Tried on 12 texts" in one.value for one in page.markdown), "on the file, not on the rows kept aside"


def test_a_report_is_read_in_chinese(two_versions: Settings) -> None:
    page = opened(two_versions, "models", "zh", part="report")
    assert page.subheader[0].value == "正确率"
    heads = [head for frame in page.dataframe for head in frame.value.columns if head.strip()]
    english = [
        one for one in [*heads, *(each.value for each in page.subheader)] if one not in {"F1", "n"} and one.isascii()
    ]
    assert heads
    assert not english


def several_labels(
    settings: Settings, save_random: Callable[..., None], *, learned: list[str], threshold: float = 0.5
) -> None:
    """A version of ``topics`` that gives any number of labels, keeps two rows and has learned from some texts."""
    registry = ModelRegistry(settings.models_dir)
    with registry.staging("topics") as folder:
        save_random(folder, ("late", "broken"), seed=len(learned))
        write_model_file(folder, ModelFile("multilabel", 16, ("late", "broken"), {"threshold": threshold}))
        save_rows(folder, [{"text": "it is late", "labels": ["late"]}, {"text": "all fine", "labels": []}])
        save_seen(folder, learned)
        card = {"task": "multilabel", "labels": ["late", "broken"], "summary": "Gives labels"}
        registry.register("topics", folder, card, actor="ann", reason="first", check=lambda _folder: None)


def test_other_tasks_need_no_file_either(empty_home: Settings, save_random: Callable[..., None]) -> None:
    several_labels(empty_home, save_random, learned=["It is late"])
    several_labels(empty_home, save_random, learned=[])
    page = part(opened(empty_home, "models"), "report")
    assert "Which labels it gives" in [one.value for one in page.subheader]
    page.button(key="models-explained").click().run()
    page.button(key="models-behaviour").click().run()
    assert not page.exception, page.exception
    assert "Whether it can say why" in [one.value for one in page.subheader]
    assert any("Tried on 2 texts" in one.value for one in page.markdown)
    assert any("All labels of a text count as one answer" in one.value for one in page.markdown)
    page = part(opened(empty_home, "models"), "compare")
    assert "Compared with topics:1" in [one.value for one in page.subheader]
    assert any("has learned from 1 of these 2 rows" in plain_words(one.value) for one in page.warning)


def test_what_the_older_version_learned_of_a_file_is_told_of_other_tasks(
    empty_home: Settings, save_random: Callable[..., None], tmp_path: Path
) -> None:
    several_labels(empty_home, save_random, learned=["It is late"])
    several_labels(empty_home, save_random, learned=[])
    file = tmp_path / "rows.jsonl"
    file.write_text('{"text": "it is late", "labels": ["late"]}\n{"text": "all fine", "labels": []}\n')
    old, new = ModelRegistry(empty_home.models_dir).versions("topics")
    made = report_of(Asked(new, file), against=old)
    assert any("topics:1 has learned from 1 of these 2 rows" in one for one in made.sections[0].warnings)
    assert any("may simply give no label" in one for one in made.sections[-1].sentences), "what is missing, and why"


def plain_words(text: str) -> str:
    return text.replace("\\", "")


def test_a_sentence_is_tried_and_explained(two_versions: Settings) -> None:
    page = part(opened(two_versions, "models"), "try")
    page.text_area(key="models-try-text").set_value("my parcel is late").run()
    page.button(key="models-try").click().run()
    assert not page.exception, page.exception
    assert page.metric[0].value in {"no", "yes"}
    assert "Which words made it say so" in [one.value for one in page.subheader]


@pytest.mark.parametrize(
    ("threshold", "told", "explained"),
    [(0.0001, "It gives: ", "Which words made it say so"), (0.9999, "It gives no label.", "speak for the likeliest")],
)
def test_a_sentence_of_several_labels_is_tried_and_explained(
    empty_home: Settings, save_random: Callable[..., None], threshold: float, told: str, explained: str
) -> None:
    several_labels(empty_home, save_random, learned=[], threshold=threshold)
    page = part(opened(empty_home, "models"), "try")
    page.text_area(key="models-try-text").set_value("my parcel is late").run()
    page.button(key="models-try").click().run()
    assert not page.exception, page.exception
    assert any(one.value.startswith(told) for one in page.markdown)
    assert any(explained in one.value for one in page.subheader)
    tables = [frame for frame in page.dataframe if "By gradients" in frame.value]
    assert len(tables) == (2 if threshold < 0.5 else 1), "one for each label that it gives, or for the likeliest"


def test_a_file_becomes_an_order_to_train(empty_home: Settings) -> None:
    page = opened(empty_home, "models")
    rows = "text,label\n" + "".join(f"text {n},{'yes' if n % 2 else 'no'}\n" for n in range(40))
    page.file_uploader(key="models-file").upload("Customer Mail.csv", rows.encode(), "text/csv").run()
    assert not page.exception, page.exception
    assert [one.value for one in page.metric] == ["40", "2", "20"]
    assert page.text_input(key="models-new-name").value == "customer-mail"
    page.button(key="models-train").click().run()
    (job,) = JobQueue(open_database(empty_home), logs=empty_home.jobs_dir).recent(kinds=["core.train"])
    assert job.params["name"] == "customer-mail"
    assert job.params["promote"] is False
    assert Path(job.params["data"]).read_text(encoding="utf-8") == rows


def test_a_file_that_cannot_be_trained_on_says_why_and_offers_no_training(empty_home: Settings) -> None:
    page = opened(empty_home, "models")
    page.file_uploader(key="models-file").upload("x.csv", b"text,label\na,yes\nb,yes\n", "text/csv").run()
    assert not page.exception, page.exception
    assert any("two labels" in one.value for one in page.warning)
    assert "models-train" not in [one.key for one in page.button]


def test_the_system_page_tells_what_was_asked_of_the_models(empty_home: Settings) -> None:
    assert not [frame for frame in opened(empty_home, "system").dataframe if "Texts asked" in frame.value]
    classifier = FakeClassifier({"card": "card"}, ("card", "other"))
    shared = SharedClassifier("support intents", lambda: classifier)
    for _turn in range(4):
        shared.predict(["my card"])
    table = next(frame.value for frame in opened(empty_home, "system").dataframe if "Texts asked" in frame.value)
    assert table.iloc[0].tolist() == ["support intents", "4", "75.0 %", "0"]
    assert any("客服意图" in str(frame.value) for frame in opened(empty_home, "system", "zh").dataframe)
