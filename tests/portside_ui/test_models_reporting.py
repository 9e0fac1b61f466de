"""Reports and comparisons on rows that the user gives: columns that have no telling name can be named."""

from __future__ import annotations

from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from portside.settings import Settings
from tests.portside_ui.test_suite_pages import classifier, opened, part, several_labels

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


def saved_as(page: AppTest) -> tuple[str, str]:
    """Where the two files to download lie: the address is that of their content."""
    return tuple(page.download_button(key=f"models-report-{kind}").proto.url for kind in ("html", "json"))  # type: ignore[return-value]


def test_what_was_asked_for_goes_with_the_report_to_download(
    empty_home: Settings, save_random: Callable[..., None]
) -> None:
    several_labels(empty_home, save_random, learned=[])
    page = part(opened(empty_home, "models"), "report")
    hint = "once you have asked for them below"
    seen = [saved_as(page)]
    assert any(hint in one.value for one in page.caption)
    for wanted in ("models-explained", "models-behaviour"):
        page.button(key=wanted).click().run()
        assert not page.exception, page.exception
        seen.append(saved_as(page))
    assert not any(hint in one.value for one in page.caption)
    for kind in zip(*seen, strict=True):
        assert len(set(kind)) == 3, "each section is added"
    assert saved_as(page.run()) == seen[-1]


def test_a_broken_suite_is_advice_and_leaves_the_report(empty_home: Settings, save_random: Callable[..., None]) -> None:
    several_labels(empty_home, save_random, learned=[])
    empty_home.suites_dir.mkdir()
    broken = empty_home.suites_dir / "mine.toml"
    broken.write_text("[[test]]\nname = 1\n", encoding="utf-8")
    page = part(opened(empty_home, "models"), "report")
    page.button(key="models-behaviour").click().run()
    assert not page.exception, page.exception
    assert any("mine.toml" in one.value for one in page.warning)
    assert saved_as(page)
    broken.unlink()
    page.run()
    assert any("Tried on 2 texts" in one.value for one in page.markdown), "tried anew once it is mended"


def promised(page: AppTest) -> list[str]:
    (table,) = [frame.value for frame in page.dataframe if "at most wrong" in frame.value]
    return [str(one) for one in table["at most wrong"]]


def test_the_shares_to_promise_can_be_chosen(empty_home: Settings, save_random: Callable[..., None]) -> None:
    classifier(empty_home, save_random, seed=0)
    page = part(opened(empty_home, "models"), "report")
    usual = promised(page)
    assert len(usual) == 3
    page.button_group(key="models-risks").set_value([20, 1])
    page.button(key="models-risks-try").click().run()
    assert not page.exception, page.exception
    assert promised(page) == ["1 %", "20 %"]
    assert any("'At most 1 % wrong'" in one.value for one in page.markdown)
    page.button_group(key="models-risks").set_value([])
    page.button(key="models-risks-try").click().run()
    assert promised(page) == usual
