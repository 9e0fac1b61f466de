"""What the users of the three apps do, on real models, in a real browser."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.served_suite import wait_until_drawn

pytestmark = [pytest.mark.browser, pytest.mark.slow]
ROOT = Path(__file__).resolve().parents[2]
LONG = 60_000
"""Milliseconds: a model is read from disk at its first use."""


def metric(page: Page, label: str) -> Locator:
    return (
        page.locator('[data-testid="stMetric"]')
        .filter(has=page.get_by_text(label, exact=True))
        .locator('[data-testid="stMetricValue"]')
    )


def write(page: Page, text: str) -> None:
    box = page.locator('[data-testid="stChatInput"] textarea')
    box.fill(text)
    box.press("Enter")


def test_a_customer_asks_and_gets_an_answer_with_its_reason(open_page: Callable[..., Page]) -> None:
    page = open_page("/support-chat")
    write(page, "how many days do I have to send something back?")
    messages = page.locator('[data-testid="stChatMessage"]')
    expect(messages).to_have_count(2, timeout=LONG)
    assert len(messages.nth(1).inner_text()) > 40, "an answer is more than a word"
    expect(page.get_by_text("support-intents:1").first).to_be_visible()


def test_a_customer_gets_a_person_who_replies_and_closes(open_page: Callable[..., Page]) -> None:
    chat = open_page("/support-chat")
    question = "My tent pole snapped on the first night and I am very upset, I want to talk to a human being"
    write(chat, question)
    expect(chat.locator('[data-testid="stChatMessage"]')).to_have_count(2, timeout=LONG)

    queue = open_page("/support-queue")
    name = queue.get_by_label("Your name")
    name.fill("Robin")
    name.press("Enter")
    expect(queue.get_by_text("the bot stays silent").first).to_be_visible()
    queue.locator('[data-testid="stRadio"] label').filter(has_text="tent pole").first.click()
    queue.get_by_role("button", name="Take").click()
    write(queue, "Robin here: a new pole is on its way to you.")
    expect(chat.get_by_text("a new pole is on its way")).to_be_visible(timeout=LONG)
    queue.get_by_role("button", name="Close").click()
    expect(queue.get_by_role("button", name="Close")).to_have_count(0)


def test_ingesting_a_file_changes_the_trend(open_page: Callable[..., Page], suite: Any, tmp_path: Path) -> None:
    page = open_page("/finance-overview?finance-overview-period=All+time")
    before = metric(page, "Stories").first.inner_text()
    start, mark = datetime(2026, 11, 2, 8, tzinfo=UTC), uuid4().hex[:8]  # new stories in a home that is used again, too
    lines = ["published_at,headline,source,url"]
    for place in range(40):
        moment = start + timedelta(hours=place)
        headline = f"Bridge closure {mark}{place} delays trucks in district {mark}{place}"
        lines.append(f"{moment:%Y-%m-%dT%H:%M:%SZ},{headline},Test Wire,")
    file = tmp_path / f"more-{mark}.csv"
    file.write_text("\n".join(lines) + "\n")

    sources = open_page("/finance-sources")
    sources.locator('input[type="file"]').first.set_input_files(str(file))
    button = sources.get_by_role("button", name="Import this file")
    expect(button).to_be_enabled(timeout=LONG)
    button.click()
    expect(sources.get_by_text("Done").first).to_be_visible(timeout=2 * LONG)
    # The job runs in the worker; its state is the database's, so a fresh page sees it as well.
    for _try in range(30):
        page.reload()
        wait_until_drawn(page)
        if metric(page, "Stories").first.inner_text() != before:
            return
    pytest.fail(f"the overview still counts {before} stories")


def test_alerts_name_the_surges_of_the_samples(open_page: Callable[..., Page]) -> None:
    page = open_page("/finance-alerts")
    cards = page.locator('[class*="st-key-why-finance-alerts"]')
    expect(cards.first).to_be_visible()
    expect(cards.nth(2)).to_be_visible()  # the sample stream has at least five surges
    button = page.get_by_role("button", name="Acknowledge").first
    page.get_by_label("What did you find?").first.fill("Looked into it")
    button.click()
    expect(page.get_by_text("Looked into it").first).to_be_visible()


def test_a_person_gets_items_with_reasons(open_page: Callable[..., Page]) -> None:
    page = open_page("/recommend-lists")
    cards = page.locator('[class*="st-key-why-recommend-lists"]')
    expect(cards.first).to_be_visible(timeout=LONG)
    expect(cards.nth(4)).to_be_visible()
    for place in range(3):
        assert "%" in cards.nth(place).inner_text(), "a reason says its share of the score"


def test_words_find_items_and_a_new_item_is_there_at_once(open_page: Callable[..., Page], suite: Any) -> None:
    item = {"item_id": "new-1", "title": "Zither repair starter kit", "description": "Strings and a key for a zither."}
    made = httpx.post(f"{suite.url}/api/recommend/items", json=[item], timeout=120)
    assert made.status_code == 201, made.text
    page = open_page("/recommend-lists?recommend-lists-basis=Words&recommend-lists-words=zither+strings+repair")
    expect(page.get_by_text("Zither repair starter kit").first).to_be_visible(timeout=LONG)


def test_the_command_line_sees_what_the_pages_made(suite: Any) -> None:
    environment = {**os.environ, "PORTSIDE_HOME": str(suite.home), "NO_COLOR": "1"}
    for command in (["models", "list"], ["finance", "alerts", "--json"], ["support", "ask", "what is your address?"]):
        ran = subprocess.run(
            [sys.executable, "-m", "portside.cli", *command],
            cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, f"{command}: {ran.stderr}"
        assert ran.stdout.strip()
