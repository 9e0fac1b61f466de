"""A file that was given on the models page is still there when the user comes back to its part of the page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from portside.jobs import JobQueue
from portside.settings import Settings
from portside.storage.engine import open_database
from tests.drawn_pages import page_test
from tests.portside_ui.test_models_reporting import named
from tests.portside_ui.test_models_training import MAIL, given
from tests.portside_ui.test_suite_pages import classifier, opened, part

ROWS = "text,label\n" + "".join(f"my parcel {n} is late,{'yes' if n % 2 else 'no'}\n" for n in range(12))
FEWER = "text,label\nmy parcel is late,yes\nall is fine,no\n"
TESTS = "text,label\nanother one,yes\nand one more,no\n"


@pytest.fixture
def two_versions(empty_home: Settings, save_random: Callable[..., None]) -> Settings:
    classifier(empty_home, save_random, seed=0)
    classifier(empty_home, save_random, seed=2)
    return empty_home


def away_and_back(page: AppTest, name: str) -> AppTest:
    return part(part(page, "versions"), name)


def kept(page: AppTest) -> list[str]:
    """The files of earlier that the page still uses, as it says it."""
    return [one.value.replace("\\", "") for one in page.markdown if "is still chosen" in one.value]


def measured_on(page: AppTest, rows: int) -> bool:
    return any(f"{rows} rows" in one.value for one in page.markdown)


def figures(page: AppTest) -> list[str]:
    return [one.value for one in [*page.metric, *page.warning]]


@pytest.mark.parametrize("name", ["report", "compare"])
def test_a_file_to_measure_on_stays_chosen_with_its_columns(two_versions: Settings, name: str) -> None:
    page = named(part(opened(two_versions, "models"), name), f"models-{name}")
    before = figures(page)
    assert not kept(page), "the upload itself shows the file as long as it holds it"
    again = away_and_back(page, name)
    assert kept(again) == ["mail.csv is still chosen. A new file takes its place."]
    assert figures(again) == before
    # By its old name the upload could tell, on returning, that it has lost its file.
    assert [one.key for one in again.file_uploader] == [f"models-{name}-file-1"]
    assert kept(again.run()), "drawn again, the visit is the same"
    assert [one.key for one in again.file_uploader] == [f"models-{name}-file-1"]


def test_a_file_is_taken_away_or_replaced(two_versions: Settings) -> None:
    page = part(opened(two_versions, "models"), "report")
    page = away_and_back(given(page, ROWS, key="models-report-file"), "report")
    assert measured_on(page, 12)
    page = given(page, FEWER, key="models-report-file", name="fewer.csv")
    assert not kept(page)
    assert measured_on(page, 2)
    page = away_and_back(page, "report")
    assert kept(page) == ["fewer.csv is still chosen. A new file takes its place."]
    page.button(key="models-report-file-away").click().run()
    assert not kept(page)
    assert measured_on(page, 3), "those that the version keeps"
    assert not kept(away_and_back(page, "report"))


def test_a_file_that_the_upload_lets_go_of_is_not_kept(two_versions: Settings) -> None:
    page = given(part(opened(two_versions, "models"), "report"), ROWS, key="models-report-file")
    page.file_uploader(key="models-report-file").clear().run()
    assert not page.exception, page.exception
    assert not kept(page)
    assert measured_on(page, 3)


def test_a_file_that_was_deleted_meanwhile_is_no_longer_chosen(two_versions: Settings) -> None:
    page = given(part(opened(two_versions, "models"), "report"), ROWS, key="models-report-file")
    for path in two_versions.uploads_dir.rglob("*.csv"):
        path.unlink()
    page = away_and_back(page, "report")
    assert not kept(page)
    assert measured_on(page, 3)


def test_a_file_to_learn_from_stays_chosen_with_its_test_rows(two_versions: Settings) -> None:
    page = given(part(opened(two_versions, "models"), "train"), MAIL)
    page = given(page, TESTS, key="models-test-file", name="March tests.csv")
    page = away_and_back(page, "train")
    assert [one.partition(" is ")[0] for one in kept(page)] == ["mail.csv", "March tests.csv"]
    page.button(key="models-train").click().run()
    (job,) = JobQueue(open_database(two_versions), logs=two_versions.jobs_dir).recent(kinds=["core.train"])
    assert Path(job.params["data"]).read_text(encoding="utf-8") == MAIL
    assert Path(job.params["valid"]).read_text(encoding="utf-8") == TESTS


def test_test_rows_go_with_the_file_that_they_were_given_for(two_versions: Settings) -> None:
    page = given(part(opened(two_versions, "models"), "train"), MAIL)
    page = away_and_back(given(page, TESTS, key="models-test-file", name="tests.csv"), "train")
    page.button(key="models-file-away").click().run()
    page = given(page, MAIL.replace("text ", "letter "), name="letters.csv")
    assert any("kept aside" in one.value for one in page.caption)
    assert not kept(page)


def test_what_a_model_should_do_stays_chosen_with_its_file(two_versions: Settings) -> None:
    page = given(part(opened(two_versions, "models"), "train"), MAIL)
    page.radio(key="models-task").set_value("multilabel").run()
    page.radio(key="models-method-multilabel").set_value("lora").run()
    page.select_slider(key="models-budget").set_value(60).run()
    page = away_and_back(page, "train")
    assert page.radio(key="models-task").value == "multilabel"
    assert page.radio(key="models-method-multilabel").value == "lora"
    assert page.select_slider(key="models-budget").value == 60
    page.button(key="models-file-away").click().run()
    assert given(page, ROWS).radio(key="models-task").value == "classification", "chosen for the other file"


def draw(folder: str) -> None:
    """Runs inside AppTest, which copies this function's source without its module."""
    from pathlib import Path

    import streamlit as st

    from portside_ui.models.given_file import given_file
    from portside_ui.visits import begin_visit
    from portside_ui.words import LANGUAGE_KEY

    st.session_state[LANGUAGE_KEY] = "zh"
    shown = st.session_state.get("shown", True)
    begin_visit("part", "shown" if shown else "elsewhere")
    if shown:
        given_file(Path(folder), "F", key="mine")


def test_what_is_still_chosen_is_said_in_chinese(tmp_path: Path) -> None:
    page = page_test(draw, {"folder": str(tmp_path)}).run()
    page.file_uploader(key="mine").upload("*mail*.csv", b"1", "text/csv").run()
    for shown in (False, True):
        page.session_state["shown"] = shown
        page.run()
    assert not page.exception, page.exception
    assert [one.value for one in page.markdown] == ["仍选用 \\*mail\\*.csv。上传新文件即可替换它。"]
    assert page.button(key="mine-away").label == "移除这个文件"
