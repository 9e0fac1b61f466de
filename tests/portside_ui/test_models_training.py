"""From a file to an order to train: questions with their answers, and test rows of the user's own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from portside.data.columns import Columns
from portside.jobs import Job, JobQueue
from portside.settings import Settings
from portside.storage.engine import open_database
from portside_ui.models.own_tests import check_own_tests
from tests.portside_ui.test_suite_pages import opened

MAIL = "text,label\n" + "".join(f"text {n},{'yes' if n % 2 else 'no'}\n" for n in range(40))
PAIRS = "query,document\n" + "".join(f"where is parcel {n}?,Parcel {n} is on its way.\n" for n in range(12))


def given(page, text: str, *, key: str = "models-file", name: str = "mail.csv"):  # type: ignore[no-untyped-def]
    # After an absence an upload has a number behind its name.
    (upload,) = [one for one in page.file_uploader if re.fullmatch(rf"{key}(-\d+)?", str(one.key))]
    upload.upload(name, text.encode(), "text/csv").run()
    assert not page.exception, page.exception
    return page


def pairs_given(settings: Settings, text: str, language: str = "en"):  # type: ignore[no-untyped-def]
    return given(opened(settings, "models", language, task="matching"), text, name="Help pages.csv")


def ordered(settings: Settings) -> Job:
    (job,) = JobQueue(open_database(settings), logs=settings.jobs_dir).recent(kinds=["core.train"])
    return job


def keys(buttons: Sequence[object]) -> list[str]:
    return [one.key for one in buttons]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("rows", "figures"),
    [
        (PAIRS, ["12", "12", "12"]),
        ("anchor,positive,negative\nwhere?,here,not here\nwhen?,now,never\n", ["2", "4", "2"]),
        ("query,document,relevance\nwhere?,here,1\nwhere?,now,0\nwhen?,now,1\n", ["2", "2", "2"]),
    ],
    ids=["pairs", "triplets", "relevance"],
)
def test_questions_with_answers_say_what_they_hold(empty_home: Settings, rows: str, figures: list[str]) -> None:
    page = pairs_given(empty_home, rows)
    assert [one.value for one in page.metric] == figures
    assert [one.label for one in page.metric] == ["Different questions", "Different texts to find", "Pairs that fit"]
    first = next(frame.value for frame in page.dataframe if "Question" in frame.value)
    assert first["Does it answer?"].iloc[0] == "yes"
    assert "models-train" in keys(page.button)


def test_a_model_that_finds_texts_is_ordered(empty_home: Settings) -> None:
    page = given(opened(empty_home, "models"), PAIRS, name="Help pages.csv")
    page.radio(key="models-task").set_value("matching").run()
    assert page.radio(key="models-method-matching").options == [
        "All weights: the language model adapts to your questions and texts",
        "A small adapter beside the language model: tiny files",
    ]
    page.button(key="models-train").click().run()
    params = ordered(empty_home).params
    assert (params["task"], params["method"], params["name"]) == ("matching", "full", "help-pages")
    assert params["valid"] is None
    assert Path(params["data"]).read_text(encoding="utf-8") == PAIRS


def test_the_columns_of_questions_and_answers_can_be_named(empty_home: Settings) -> None:
    page = pairs_given(empty_home, PAIRS.replace("query,document", "asked,said"))
    assert any("One column must hold the query" in one.value for one in page.warning)
    assert "models-train" not in keys(page.button)
    page.selectbox(key="models-text-column").select("asked").run()
    page.selectbox(key="models-label-column").select("said").run()
    page.button(key="models-train").click().run()
    assert (ordered(empty_home).params["text"], ordered(empty_home).params["label"]) == ("asked", "said")


def test_pairs_that_cannot_be_trained_on_say_why_in_both_languages(empty_home: Settings) -> None:
    worthless = "query,document,relevance\nwhere?,here,0\nwhen?,now,0\n"
    page = pairs_given(empty_home, worthless)
    assert any("relevant to them" in one.value and "What to do" in one.value for one in page.warning)
    assert "models-train" not in keys(page.button)
    assert any("需要有问题" in one.value for one in pairs_given(empty_home, worthless, "zh").warning)
    unlike = pairs_given(empty_home, "query,document,relevance\nwhere?,here,1\nwhen?,now,much\n")
    assert any("must be a number" in one.value and "row 2" in one.value for one in unlike.warning)


def test_without_test_rows_the_page_says_that_some_are_kept_aside(empty_home: Settings) -> None:
    page = given(opened(empty_home, "models"), MAIL)
    assert any("kept aside" in one.value for one in page.caption)
    page.button(key="models-train").click().run()
    assert ordered(empty_home).params["valid"] is None


def test_test_rows_of_ones_own_go_with_the_order(empty_home: Settings) -> None:
    page = given(opened(empty_home, "models"), MAIL)
    tests = "text,label\nanother one,yes\nand one more,no\n"
    given(page, tests, key="models-test-file", name="March tests.csv")
    assert any("2 rows of March" in one.value for one in page.caption)
    assert not any("kept aside" in one.value for one in page.caption)
    page.button(key="models-train").click().run()
    assert Path(ordered(empty_home).params["valid"]).read_text(encoding="utf-8") == tests


@pytest.mark.parametrize(
    ("tests", "said"),
    [
        (
            "text,label\nanother one,yes\nand one more,perhaps\n",
            ["row 2", "must occur in the training data", "perhaps"],
        ),
        ("colour,size\nred,1\n", ["One column must hold", "colour"]),
        ("text,label\n", ["at least one row"]),
    ],
    ids=["unknown label", "no columns", "no rows"],
)
def test_test_rows_that_do_not_fit_say_file_rule_and_next_step(
    empty_home: Settings, tests: str, said: list[str]
) -> None:
    page = given(opened(empty_home, "models"), MAIL)
    given(page, tests, key="models-test-file", name="march.csv")
    (shown,) = [one.value for one in page.warning]
    assert shown.startswith("march.csv: ")
    assert "What to do" in shown
    for part in said:
        assert part in shown
    assert "models-train" not in keys(page.button)


def test_test_rows_that_were_learned_from_are_told(empty_home: Settings) -> None:
    page = given(opened(empty_home, "models"), MAIL)
    given(page, "text,label\ntext 1,yes\nTEXT 3,yes\nnew,no\n", key="models-test-file", name="march.csv")
    (told,) = [one.value for one in page.markdown if "flatters" in one.value]
    assert "(2 ×)" in told
    assert "models-train" in keys(page.button), "it is said, not forbidden"


def test_test_rows_that_are_nearly_learned_from_are_found_with_the_wrong_labels(
    empty_home: Settings, tiny_encoder: Path
) -> None:
    settings = empty_home.model_copy(update={"encoder": str(tiny_encoder)})
    mail = MAIL.replace("text ", "where is my parcel number ")
    page = given(opened(settings, "models"), mail)
    given(page, "text,label\nWhere is my parcel numbr 3?,yes\nnew,no\n", key="models-test-file", name="march.csv")
    assert not any("flatters" in one.value for one in page.markdown), "the texts are not the same"
    page.button(key="models-faults").click().run()
    assert not page.exception, page.exception
    assert any("stand in mail" in one.value and "flattered" in one.value for one in page.warning)


SENTENCES = "".join(f"Anna B-PER\nsees O\nParis B-LOC\n{n} O\n\n" for n in range(12))
SETS = "text,label\n" + "".join(f"parcel {n} is late,late\nbox {n} broken and late,broken|late\n" for n in range(12))


@pytest.mark.parametrize(
    ("task", "rows", "name", "looked_at"),
    [("multilabel", SETS, "mail.csv", "24 rows"), ("tagging", SENTENCES, "mail.conll", "12 sentences")],
)
def test_wrong_labels_are_looked_for_in_files_of_other_tasks(  # noqa: PLR0917
    empty_home: Settings, tiny_encoder: Path, task: str, rows: str, name: str, looked_at: str
) -> None:
    settings = empty_home.model_copy(update={"encoder": str(tiny_encoder)})
    page = given(opened(settings, "models", task=task), rows, name=name)
    page.button(key="models-faults").click().run()
    assert not page.exception, page.exception
    assert any(looked_at in one.value for one in page.markdown), [one.value for one in page.markdown]


def test_the_label_that_says_that_none_fits_can_be_named(empty_home: Settings) -> None:
    rows = MAIL + "".join(f"rain {n},oos\n" for n in range(30)) + "".join(f"snow {n},other\n" for n in range(30))
    page = given(opened(empty_home, "models"), rows)
    choice = page.selectbox(key="models-outside")
    assert choice.value == "oos", "a usual name is proposed"
    assert [one.partition(" (")[0] for one in choice.options] == [
        "None: every label is a real one",
        "no",
        "oos",
        "other",
        "yes",
    ]
    choice.set_value("other").run()
    page.button(key="models-train").click().run()
    assert ordered(empty_home).params["outside"] == "other"


def test_without_such_a_label_nothing_is_asked(empty_home: Settings) -> None:
    page = given(opened(empty_home, "models"), MAIL)
    assert "models-outside" not in [one.key for one in page.selectbox]


@pytest.mark.parametrize(
    ("task", "rows"),
    [
        ("multilabel", "text,label\nit is late,late\nbroken and late,broken|late\nfine,\nbox broken,broken\n"),
        ("matching", PAIRS),
        ("tagging", "Anna B-PER\nsleeps O\n\nParis B-LOC\nburns O\n\nBob B-PER\nran O\n"),
    ],
)
def test_every_task_knows_its_test_rows_again(tmp_path: Path, task: str, rows: str) -> None:
    path = tmp_path / ("rows.conll" if task == "tagging" else "rows.csv")
    path.write_text(rows, encoding="utf-8")
    found = check_own_tests(task, path, path, Columns())
    assert not found.fatal, found.fatal
    assert any("flatters" in one.rule for one in found.findings)
