from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portside_finance.linking import CompanyLinker
from portside_finance.records import Company

LINKER = CompanyLinker(
    [
        Company("AAPL", "Apple Inc."),
        Company("F", "Ford Motor Company", ("Ford",)),
        Company("TGT", "Target Corporation"),
        Company("BAC", "Bank of America"),
        Company("T", "AT&T"),
        Company("NGB", "Northgate Bank", ("Northgate",)),
        Company("NGF", "Northgate Foods", ("Northgate",)),
        Company("GOOGL", "Alphabet Inc. (Class A)"),
        Company("GOOG", "Alphabet Inc. (Class C)"),
        Company("BABA", "Alibaba Group", ("阿里巴巴",)),
        Company("HVRW", "Harvest", ("Harvest Row",)),
    ]
)


@pytest.mark.parametrize(
    ("text", "tickers"),
    [
        ("Profit at Apple falls", ["AAPL"]),
        ("Apple cuts jobs", ["AAPL"]),
        ("Apple's profit falls", ["AAPL"]),
        ("Profit at Apple\u0301 falls", []),
        ("apple growers fear frost", []),
        ("Apple growers fear frost", []),  # a capital at the start proves nothing
        ("Target prices rise on steel", []),
        ("Target cuts outlook", ["TGT"]),
        ("ECB misses Target again", ["TGT"]),
        ("Grants by the Ford Foundation fall", []),
        ("Ford Motor Company recalls cars", ["F"]),
        ("Bank of America and Ford settle", ["BAC", "F"]),
        ("AT&T to buy rival", ["T"]),
        ("Loss at $AAPL suppliers", ["AAPL"]),
        ("Carmaker (NYSE: F) sinks", ["F"]),
        ("AAPL.O leads gains", ["AAPL"]),
        ("CEO of F walks out", []),  # a bare letter is no ticker
        ("Northgate issues warning", []),  # two companies of that name
        ("Northgate warns as Northgate Foods recalls soup", ["NGF"]),
        ("Alphabet beats estimates", ["GOOGL"]),  # two share classes are one company
        ("阿里巴巴发布财报", ["BABA"]),
        ("Grain harvest hit by frost", []),
        ("Harvest warns on profit", ["HVRW"]),
        ("Pineapple Incorporated opens", []),
        ("APPLE CUTS JOBS", ["AAPL"]),
    ],
)
def test_companies_are_found_with_care(text: str, tickers: list[str]) -> None:
    found = LINKER.find(text)
    assert [link.ticker for link in found] == tickers
    assert all(text[link.start : link.end] == link.matched for link in found)


@given(st.text(max_size=80))
def test_spans_always_lie_in_the_text(text: str) -> None:
    for link in LINKER.find(text):
        assert text[link.start : link.end] == link.matched
        assert link.matched


@given(
    st.lists(st.sampled_from(["Apple", "Ford", "cuts", "the", "Bank", "of", "America", "$AAPL", "(F)"]), max_size=12)
)
def test_a_company_is_linked_once(words: list[str]) -> None:
    tickers = [link.ticker for link in LINKER.find(" ".join(words))]
    assert len(tickers) == len(set(tickers))
