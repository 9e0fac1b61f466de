"""Every page of the suite in a real browser: it draws, in both languages, themes and widths, and stays in its frame."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from portside.apps import find_apps

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATHS = ["/", "/models", "/system", *(f"/{app.name}-{page.slug}" for app in find_apps() for page in app.pages)]
LOOKS = {
    "desktop-light-en": {"width": 1280, "height": 900, "scheme": "light", "lang": "en"},
    "phone-dark-zh": {"width": 390, "height": 844, "scheme": "dark", "lang": "zh"},
}
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.mark.parametrize("look", LOOKS, ids=list(LOOKS))
@pytest.mark.parametrize("path", PATHS)
def test_page_draws(path: str, look: str, open_page: Callable[..., Page], record_property: Callable[..., None]) -> None:
    started = time.monotonic()
    page = open_page(path, **LOOKS[look])
    seconds = time.monotonic() - started
    record_property("page load", f"{path} {look}: {seconds:.2f} s")
    assert page.locator('[data-testid="stException"]').count() == 0, "a page shows a stack trace"
    assert page.get_by_text("Incident").count() == 0, page.locator('[data-testid="stAlert"]').all_inner_texts()
    page.locator('[data-testid="stCaptionContainer"]').first.wait_for()  # the question that the page answers
    main = page.locator('[data-testid="stAppViewContainer"]')
    assert main.evaluate("node => node.scrollWidth <= node.clientWidth + 1"), "the page is wider than the screen"
    if LOOKS[look]["lang"] == "zh":
        texts = main.inner_text()
        assert CHINESE.search(texts), "no Chinese on the Chinese page"


def test_language_switch_keeps_the_page(open_page: Callable[..., Page]) -> None:
    page = open_page("/system")
    assert page.locator("h1").inner_text() == "System"
    page.get_by_text("中文", exact=True).click()
    page.wait_for_function("() => document.querySelector('h1')?.innerText === '系统'")
    assert "lang=zh" in page.url
    page.reload()
    page.wait_for_function("() => document.querySelector('h1')?.innerText === '系统'")
