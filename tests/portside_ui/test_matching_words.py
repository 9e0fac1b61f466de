"""What a file of questions and answers breaks is said in Chinese on a Chinese page."""

from __future__ import annotations

import re

import pytest

from portside.settings import Settings
from tests.portside_ui.test_models_training import pairs_given

ENGLISH = re.compile(r"[A-Za-z]+ [A-Za-z]+")
"""Two words in a row: names of columns stand alone."""


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("query,document\n,a\nb,\n", "每一行都有空单元格，例如第 1 行"),
        ("query,document,relevance\na,b,\n", "空单元格"),
        ("query,document,relevance\na,b,0\nc,d,0\n", "2 条评判，相关度均低于 0.5"),
        ("query,document\na,b\na,b\n", "1 个不同的问题，1 条不同的相关文本"),
        ("question,answer\na,b\nc,d\n,e\n", "查询或文档为空的行会被忽略"),
        ("query,document,answer\na,b,c\nd,e,f\n", "已将“document”用作 文档 列"),
    ],
    ids=["empty", "no relevance", "none relevant", "too few", "left out", "columns"],
)
def test_what_pairs_break_is_said_in_chinese(empty_home: Settings, rows: str, words: str) -> None:
    page = pairs_given(empty_home, rows, "zh")
    shown = [one.value for one in page.warning] + [one.value for one in page.markdown if one.value.startswith("- **")]
    assert any(words in one for one in shown), shown
    assert not [one for one in shown if ENGLISH.search(one)]
