"""A matcher and a tagger say on the page why they answered so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from portside.evaluation.held_out import save_rows
from portside.registry import ModelRegistry
from portside.settings import Settings
from tests.portside.conftest import save_task
from tests.portside_ui.test_suite_pages import opened, part

__all__ = ["save_task"]

ROWS = {
    "matching": [{"query": f"where is my parcel {n}", "document": "my parcel"} for n in range(3)],
    "tagging": [{"tokens": ["my", "Parcel", "is", "late"], "tags": ["O", "B-LOC", "O", "O"]}] * 3,
}


@pytest.fixture
def home(request: pytest.FixtureRequest, empty_home: Settings, save_task: Callable[[Path, str], None]) -> Settings:
    """With a model of the task that the test asks for, which keeps rows."""
    registry = ModelRegistry(empty_home.models_dir)
    with registry.staging("other") as folder:
        save_task(folder, request.param)
        save_rows(folder, ROWS[request.param])
        card = {"task": request.param, "labels": [], "summary": "Finds things"}
        registry.register("other", folder, card, actor="ann", reason="first", check=lambda _folder: None)
    return empty_home


def words_shown(page: AppTest) -> list[list[str]]:
    return [frame.value["Word"].tolist() for frame in page.dataframe if "By gradients" in frame.value]


@pytest.mark.parametrize("home", ["tagging"], indirect=True)
def test_a_sentence_with_names_is_tried_and_explained(home: Settings) -> None:
    page = part(opened(home, "models"), "try")
    page.text_area(key="models-try-text").set_value("where is my Parcel").run()
    page.button(key="models-try").click().run()
    assert not page.exception, page.exception
    names = next(frame.value for frame in page.dataframe if "Found" in frame.value)
    assert "Which words made it say so" in [one.value for one in page.subheader]
    assert words_shown(page) == [["where", "is", "my", "Parcel"]] * min(len(names), 3)


@pytest.mark.parametrize("home", ["matching", "tagging"], indirect=True)
def test_the_report_explains_some_answers(home: Settings) -> None:
    page = part(opened(home, "models"), "report")
    page.button(key="models-explained").click().run()
    assert not page.exception, page.exception
    assert "Whether it can say why" in [one.value for one in page.subheader]
    assert any("are left out one by one" in one.value for one in page.markdown)
