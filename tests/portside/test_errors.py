from __future__ import annotations

import pytest

from portside.errors import Cancelled, DataError, PortsideError, UsageError
from portside.said import in_words, said

CHINESE = {
    "{where}: {rule}": "{where}：{rule}",
    "column '{column}'": "列“{column}”",
    "row {row}": "第 {row} 行",
    "A cell must hold one value": "每个单元格只能有一个值",
    "{n} cells": "{n} 个单元格",
    "Mend it": "请修正",
    "{rule}.": "{rule}。",
    "Seen: {seen}.": "实际情况：{seen}。",
    "Next: {remedy}.": "办法：{remedy}。",
}


def chinese(template: str) -> str:
    return CHINESE.get(template, template)


def test_an_error_says_where_it_is_in_the_readers_language() -> None:
    error = DataError("A cell must hold one value", file="row 7", row=7, column="n")
    assert error.rule == "row 7, row 7, column 'n': A cell must hold one value"
    assert in_words(error.rule, chinese) == "row 7, 第 7 行, 列“n”：每个单元格只能有一个值"
    assert error.bare_rule == "A cell must hold one value"


def test_the_sentence_of_an_error_is_its_text_and_can_be_translated() -> None:
    error = UsageError("A cell must hold one value.", seen=said("{n} cells", n=2), remedy="Mend it.")
    assert error.sentence() == str(error) == "A cell must hold one value. Seen: 2 cells. Next: Mend it."
    assert in_words(error.sentence(), chinese) == "每个单元格只能有一个值。 实际情况：2 个单元格。 办法：请修正。"


@pytest.mark.parametrize("error", [Cancelled(), PortsideError("{x"), UsageError("A {b} c", seen="{n}.", remedy="{}")])
def test_whatever_is_in_it_its_sentence_is_its_text(error: PortsideError) -> None:
    assert error.sentence() == str(error)
