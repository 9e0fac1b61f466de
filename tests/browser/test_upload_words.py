"""On a Chinese page the upload of a file has no English word, also for who hears the page."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]
HELD_ABOVE = """zone => {
    const held = new DataTransfer();
    held.items.add(new File(["a"], "a.csv"));
    zone.dispatchEvent(new DragEvent("dragenter", {dataTransfer: held, bubbles: true}));
}"""


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_the_upload_of_a_file_is_in_chinese(open_page: Callable[..., Page], width: int, scheme: str) -> None:
    page = open_page("/models", width=width, scheme=scheme, lang="zh")
    page.get_by_test_id("stButtonGroup").get_by_text("训练模型").click()
    zone: Any = page.get_by_test_id("stFileUploaderDropzone").first
    expect(zone.get_by_role("button", name="上传", exact=True)).to_be_visible()
    assert "不超过 200 MB" in zone.aria_snapshot()
    for words in (re.compile("^Upload$"), re.compile("per file")):
        expect(zone.get_by_text(words)).to_be_hidden()
    zone.evaluate(HELD_ABOVE)
    over = zone.get_by_text("Drag and drop")
    expect(over).to_have_css("font-size", "0px")
    assert over.evaluate("one => getComputedStyle(one, '::after').content") == '"将文件拖放到此处"'
