"""Reports and comparisons on rows that the user gives: columns that have no telling name can be named."""

from __future__ import annotations

from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from portside.settings import Settings
from tests.portside_ui.test_suite_pages import classifier, opened, part

ROWS = "what,kind\n" + "".join(f"my parcel {n} is late,{'yes' if n % 2 else 'no'}\n" for n in range(12))


def named(page: AppTest, key: str) -> AppTest:
    """The file is given, and its columns are named."""
    page.file_uploader(key=f"{key}-file").upload("mail.csv", ROWS.encode(), "text/csv").run()
    assert "column" in page.warning[0].value
    page.selectbox(key=f"{key}-text-column").select("what").run()
    page.selectbox(key=f"{key}-label-column").select("kind").run()
    assert not page.exception, page.exception
    assert not page.error
    return page


def test_the_columns_of_rows_to_report_on_can_be_named(empty_home: Settings, save_random: Callable[..., None]) -> None:
    classifier(empty_home, save_random, seed=0)
    page = named(part(opened(empty_home, "models"), "report"), "models-report")
    assert "How often it is right" in [one.value for one in page.subheader]
    assert any("12 rows" in one.value for one in page.markdown)
    page.button(key="models-behaviour").click().run()
    assert not page.exception, page.exception
    assert any("Tried on 12 texts" in one.value for one in page.markdown)


def test_the_columns_of_rows_to_compare_on_can_be_named(empty_home: Settings, save_random: Callable[..., None]) -> None:
    classifier(empty_home, save_random, seed=0)
    classifier(empty_home, save_random, seed=2)
    page = named(part(opened(empty_home, "models"), "compare"), "models-compare")
    assert "Compared with mail:1" in [one.value for one in page.subheader]
