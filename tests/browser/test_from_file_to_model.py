"""A business user with a file of 500 rows gets to a promoted model on the models page, without help."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]
ROOT = Path(__file__).resolve().parents[2]
ROWS = 500
TRAINED = 180_000
"""Milliseconds: a minute of training, and reading the models on a busy machine."""
IN_ALL_SECONDS = 600
"""From the upload to a promoted model."""


@pytest.fixture
def file_of_500_rows(tmp_path: Path) -> Path:
    with (ROOT / "data_samples" / "support" / "intents.csv").open(encoding="utf-8", newline="") as stream:
        head, *rows = list(csv.reader(stream))
    path = tmp_path / "Customer mail.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([head, *rows[:: max(1, len(rows) // ROWS)][:ROWS]])
    return path


def choose(page: Page, part: str) -> None:
    page.get_by_role("radio", name=part, exact=True).click()


def test_from_a_file_to_a_promoted_model(
    open_page: Callable[..., Page], file_of_500_rows: Path, tmp_path: Path
) -> None:
    began = time.monotonic()
    page = open_page("/models")
    choose(page, "Train a model")
    page.locator('input[type="file"]').set_input_files(file_of_500_rows)
    expect(page.get_by_text("Rows that can be used")).to_be_visible()
    name = page.get_by_role("textbox", name="Name of the model")
    expect(name).to_have_value("customer-mail")
    slider = page.get_by_role("slider")
    slider.press("ArrowLeft")
    expect(page.get_by_text("1 minute, a first look").first).to_be_visible()
    page.screenshot(path=tmp_path / "train.png", full_page=True)
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_text("customer-mail:1").first).to_be_visible(timeout=TRAINED)

    page = open_page("/models?models-name=customer-mail")
    choose(page, "Report")
    expect(page.get_by_role("heading", name="How often it is right")).to_be_visible()
    expect(page.get_by_role("button", name="Report as a page")).to_be_visible()
    chinese = open_page("/models?models-name=customer-mail", lang="zh", width=390, height=844, scheme="dark")
    choose(chinese, "报告")
    expect(chinese.get_by_role("heading", name="正确率")).to_be_visible()
    chinese.screenshot(path=tmp_path / "report.png")
    choose(page, "Try it")
    page.get_by_role("textbox", name="A sentence of yours").fill("where is my parcel, it is late")
    page.get_by_role("heading", name="Models").click()
    page.get_by_role("button", name="Try it", exact=True).click()
    expect(page.get_by_role("heading", name="Which words made it say so")).to_be_visible(timeout=TRAINED)
    choose(page, "Versions")
    reason = page.get_by_role("textbox", name="Reason")
    reason.fill("right often enough")
    reason.press("Enter")
    page.get_by_role("button", name="Promote", exact=True).click()
    expect(page.get_by_role("button", name="Roll back")).to_be_enabled()
    assert time.monotonic() - began < IN_ALL_SECONDS
