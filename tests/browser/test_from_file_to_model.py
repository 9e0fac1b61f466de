"""A business user with a file of 500 rows gets to a promoted model on the models page, without help, and back again."""

from __future__ import annotations

import csv
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Locator, Page, TimeoutError, expect

from portside.registry import ModelRegistry
from portside_ui.models.uploads import model_name
from tests.served_suite import Suite, wait_until_drawn

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]
ROOT = Path(__file__).resolve().parents[2]
ROWS = 500
TRAINED = 180_000
"""Milliseconds: a minute of training, and reading the models on a busy machine."""
IN_ALL_SECONDS = 600
"""From the upload to a promoted model."""
DRAWN = 30_000
"""Milliseconds for a report or a comparison on a busy machine."""
TRIES, LIST_OPEN = 4, 5_000
"""Of choosing from a list, and milliseconds for each."""
A4 = {"width": 794, "height": 1123}
"""Its pixels in print."""
MOST_PAGES = 30
"""Of a printed report: its charts and tables, each large enough to read."""
PARTS = {
    "en": {"versions": "Versions", "report": "Report", "compare": "Compare", "try": "Try it", "train": "Train a model"},
    "zh": {"versions": "版本列表", "report": "报告", "compare": "比较", "try": "试一试", "train": "训练模型"},
}


@dataclass(frozen=True)
class Trained:
    """A model that was trained twice on the page."""

    name: str
    registry: ModelRegistry
    first_seconds: float
    """From the upload to the first version."""


@pytest.fixture(scope="module")
def trained(browser: Browser, suite: Suite, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Two versions of a model of this run's own: a minute of training, then the quick way."""
    # A home that is used again keeps the models of earlier runs: each run has its own name.
    path = tmp_path_factory.mktemp("file") / f"Customer mail {uuid4().hex[:6]}.csv"
    file_of_500_rows(path)
    name = model_name(path.name)
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(DRAWN)
    began = time.monotonic()
    page.goto(f"{suite.url}/models?lang=en")
    wait_until_drawn(page)
    choose(page, "Train a model")
    page.locator('input[type="file"]').first.set_input_files(path)
    expect(page.get_by_text("Rows that can be used")).to_be_visible()
    expect(page.get_by_text("some rows of your file are kept aside")).to_be_visible()
    expect(page.get_by_role("textbox", name="Name of the model")).to_have_value(name)
    page.get_by_role("slider").press("ArrowLeft")
    expect(page.get_by_text("1 minute, a first look").first).to_be_visible()
    page.screenshot(path=path.with_name("train.png"), full_page=True)
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_text(f"{name}:1").first).to_be_visible(timeout=TRAINED)
    seconds = time.monotonic() - began
    page.get_by_text("At once:").click()
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_text(f"{name}:2").first).to_be_visible(timeout=TRAINED)
    context.close()
    return Trained(name, ModelRegistry(suite.home / "models"), seconds)


def file_of_500_rows(path: Path) -> None:
    with (ROOT / "data_samples" / "support" / "intents.csv").open(encoding="utf-8", newline="") as stream:
        head, *rows = list(csv.reader(stream))
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([head, *rows[:: max(1, len(rows) // ROWS)][:ROWS]])


def choose(page: Page, part: str) -> None:
    page.get_by_role("radio", name=part, exact=True).click()


def pick(page: Page, label: str, option: str) -> None:
    """One option of a select box; it may be the one that stands there already."""
    for _ in range(TRIES):
        wait_until_drawn(page)
        page.get_by_role("combobox", name=label, exact=True).click()
        with suppress(TimeoutError):  # the page was drawn anew meanwhile, which closes the list
            page.get_by_role("option", name=option, exact=True).click(timeout=LIST_OPEN)
            return
        page.keyboard.press("Escape")
    raise AssertionError(f"{option} could not be chosen as {label}")


def table(page: Page, mark: str) -> list[dict[str, str]]:
    """The rows of the table with the column ``mark``: it is a picture with a readable twin inside it."""
    twin = page.locator("canvas table").filter(has=page.locator("th", has_text=mark)).first
    twin.wait_for(state="attached")
    heads = twin.locator("th").all_text_contents()
    cells = twin.locator("tbody tr").all()
    return [dict(zip(heads, row.locator("td").all_text_contents(), strict=True)) for row in cells]


def promote(page: Page, version: int, why: str) -> None:
    reason = page.get_by_role("textbox", name="Reason")
    reason.fill(why)
    reason.press("Enter")
    pick(page, "Version to serve", str(version))
    page.get_by_role("button", name="Promote", exact=True).click()


def champion(page: Page) -> Callable[[], list[str]]:
    """The versions that serve, as the table shows them."""
    return lambda: [row["Version"] for row in table(page, "Serves as") if "champion" in row["Serves as"]]


def decided(page: Page) -> list[tuple[str, str]]:
    """What was decided about which version, the newest first, as the history shows it."""
    return [(row["What"], row["Version"]) for row in table(page, "Why") if row["What"] in {"promoted", "rolled back"}]


def until(read: Callable[[], object], wanted: object, seconds: float = 20) -> None:
    """Wait until the page shows it."""
    limit = time.monotonic() + seconds
    while (found := read()) != wanted:
        assert time.monotonic() < limit, f"the page shows {found}, not {wanted}"
        time.sleep(0.2)


def test_from_a_file_to_a_promoted_model_and_back(
    trained: Trained, open_page: Callable[..., Page], tmp_path: Path
) -> None:
    began = time.monotonic()
    page = open_page(f"/models?models-name={trained.name}")
    choose(page, "Report")
    expect(page.get_by_role("heading", name="How often it is right")).to_be_visible(timeout=DRAWN)
    pick(page, "Version", "1")
    wait_until_drawn(page)
    expect(page.get_by_role("heading", name="How often it is right")).to_be_visible(timeout=DRAWN)
    choose(page, "Try it")
    page.get_by_role("textbox", name="A sentence of yours").fill("where is my parcel, it is late")
    page.get_by_role("heading", name="Models").click()
    page.get_by_role("button", name="Try it", exact=True).click()
    expect(page.get_by_role("heading", name="Which words made it say so")).to_be_visible(timeout=TRAINED)
    choose(page, "Versions")
    shown = champion(page)
    promote(page, 1, "right often enough")
    until(shown, ["1"])
    assert trained.first_seconds + time.monotonic() - began < IN_ALL_SECONDS

    promote(page, 2, "quicker to train")
    until(shown, ["2"])
    assert trained.registry.aliases(trained.name)["champion"] == 2
    page.get_by_role("button", name="Roll back").click()
    until(shown, ["1"])
    assert trained.registry.aliases(trained.name)["champion"] == 1
    until(lambda: decided(page), [("rolled back", "1"), ("promoted", "2"), ("promoted", "1")])
    page.screenshot(path=tmp_path / "rolled-back.png", full_page=True)
    assert "right often enough" in [row["Why"] for row in table(page, "Why")]


def test_two_versions_are_compared(trained: Trained, open_page: Callable[..., Page], tmp_path: Path) -> None:
    page = open_page(f"/models?models-name={trained.name}")
    choose(page, "Compare")
    expect(page.get_by_role("heading", name=f"Compared with {trained.name}:1")).to_be_visible(timeout=DRAWN)
    expect(page.get_by_text(re.compile(r"McNemar's test, p = [01]\.\d+"))).to_be_visible()
    expect(page.get_by_text(f"{trained.name}:2 is right on")).to_be_visible()
    page.screenshot(path=tmp_path / "compared.png", full_page=True)


def test_the_report_opens_offline_and_prints(
    trained: Trained, open_page: Callable[..., Page], browser: Browser, tmp_path: Path
) -> None:
    page = open_page(f"/models?models-name={trained.name}")
    choose(page, "Report")
    with page.expect_download(timeout=DRAWN) as download:
        page.get_by_role("button", name="Report as a page").click()
    file = tmp_path / "report.html"
    download.value.save_as(file)

    context = browser.new_context(viewport=A4, offline=True)
    asked: list[str] = []
    alone = context.new_page()
    alone.on("request", lambda request: asked.append(request.url))
    alone.goto(file.as_uri())
    expect(alone.get_by_role("heading", name="How often it is right")).to_be_visible()
    assert asked == [file.as_uri()], "the report is one file"
    alone.emulate_media(media="print")
    assert fits(alone), "the printed report is wider than its paper"
    alone.screenshot(path=tmp_path / "printed.png", full_page=True)
    pages = len(re.findall(rb"/Type\s*/Page\b(?!s)", alone.pdf(path=tmp_path / "report.pdf", format="A4")))
    context.close()
    assert 2 <= pages <= MOST_PAGES


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_part_fits_a_phone(
    trained: Trained, open_page: Callable[..., Page], tmp_path: Path, language: str, scheme: str
) -> None:
    page = open_page(f"/models?models-name={trained.name}", width=390, height=844, scheme=scheme, lang=language)
    for part, name in PARTS[language].items():
        choose(page, name)
        what_is_drawn(page, part).first.wait_for()
        wait_until_drawn(page)
        page.screenshot(path=tmp_path / f"{part}.png", full_page=True)
        assert fits(page), f"{part} is wider than the screen"


def what_is_drawn(page: Page, part: str) -> Locator:
    """What stands on the page once the part is there."""
    signs = {
        "versions": '[data-testid="stDataFrame"] >> nth=1',
        "report": ".st-key-models-report-html",
        "compare": '.st-key-models-compare-version >> xpath=following::*[@data-testid="stMetric"]',
        "try": ".st-key-models-try",
        "train": ".st-key-models-file",
    }
    return page.locator(signs[part])


def fits(page: Page) -> bool:
    wide: bool = page.evaluate("() => document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    return wide
