"""The parts of a report, drawn: nothing a user's file holds may break the page, and every figure stands in JSON too."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portside.evaluation.report.page import render
from portside.evaluation.report.parts import Bar, Chart, Curve, Figure, Report, Section, Table
from portside.evaluation.report.svg import draw
from portside.evaluation.report.words import doubt_of

BARS = Chart("Labels", "One.", "rows", "label", bars=[Bar("card", 0.5, 0.4, 0.6), Bar("fee", 0.1, stands_out=True)])
CURVES = Chart("Honest?", "Yes.", "claimed", "true", curves=[Curve("measured", [0.1, 0.9], [0.2, 0.8], dots=True)])

DOUBTED = Chart(
    "Honest?",
    "Yes.",
    "claimed",
    "true",
    curves=[
        Curve("measured", [0.1, 0.9], [0.2, 0.8], dots=True, low=[0.15, 0.7], high=[0.3, 0.85], n=[40, 41]),
        Curve("random", [0.0, 1.0], [0.0, 1.0], reference=True),
    ],
)


def report(section: Section) -> Report:
    return Report("intents, version 3", "what it does", [("Rows", "4")], [section])


@pytest.mark.parametrize(
    ("figure", "shown", "doubt"),
    [
        (Figure("a", 0.8212, 0.8, 0.84, 1_000), "82.1 %", "95 % interval 80.0 to 84.0, n = 1,000"),
        (Figure("b", 610.0, share=False), "610", ""),
        (Figure("c", 0.5, 0.25, 0.75, share=False), "0.500", "95 % interval 0.250 to 0.750"),
    ],
)
def test_a_figure_in_words(figure: Figure, shown: str, doubt: str) -> None:
    assert (figure.shown, doubt_of(figure)) == (shown, doubt)


def test_the_table_twin_holds_what_is_drawn() -> None:
    assert BARS.table.rows == [["card", 0.5, 0.4, 0.6], ["fee", 0.1, None, None]]
    assert CURVES.table.rows == [["measured", 0.1, 0.2], ["measured", 0.9, 0.8]]
    assert DOUBTED.table.head == ["", "claimed", "true", "from", "to", "n"]
    assert DOUBTED.table.rows == [
        ["measured", 0.1, 0.2, 0.15, 0.3, 40],
        ["measured", 0.9, 0.8, 0.7, 0.85, 41],
        ["random", 0.0, 0.0, None, None, None],
        ["random", 1.0, 1.0, None, None, None],
    ]


def test_intervals_of_points_are_drawn_inside_the_picture() -> None:
    picture = ElementTree.fromstring(draw(DOUBTED))
    upright = [
        one.get("d", "") for one in picture.iter("{http://www.w3.org/2000/svg}path") if one.get("class") == "ink"
    ]
    assert len(upright) == 2
    ends = [float(end) for path in upright for end in re.split("[ V]", path)[1:]]
    height = float(picture.get("viewBox", "").split()[3])
    assert all(0 < end < height for end in ends)


@pytest.mark.parametrize("chart", [BARS, CURVES, DOUBTED, Chart("Empty", "Nothing.", "x", "y")])
def test_a_picture_is_xml_with_its_summary_for_who_cannot_see_it(chart: Chart) -> None:
    picture = ElementTree.fromstring(draw(chart))
    assert picture.get("aria-label") == f"{chart.title}. {chart.summary}"


def test_a_page_stands_alone_and_holds_every_figure() -> None:
    page = render(report(Section("accuracy", "How often", ["It is."], ["Leaked"], [Figure("Accuracy", 0.75)], [BARS])))
    assert not re.search(r"(src|href)=\"(?!#)", page)
    assert "<script" not in page
    assert all(
        words in page for words in ("75.0 %", "It is.", "Leaked", "Read this first", "<svg", "intents, version 3")
    )


def test_numbers_behind_a_picture_have_their_unit() -> None:
    shares = Chart("Shares", "s", "right", "label", bars=[Bar("a", 0.656, 0.5, 1.0)])
    counts = Chart("Counts", "s", "rows", "label", bars=[Bar("a", 322.0)], share=False)
    page = render(report(Section("a", "A", charts=[shares, counts])))
    assert all(f">{cell}<" in page for cell in ("65.6 %", "50.0 %", "100.0 %", "322"))
    assert "322.000" not in page
    assert "How to read the figures" in page
    # For a program they stay numbers.
    assert json.loads(json.dumps(shares.table.to_dict()))["rows"][0]["right"] == 0.656


def test_no_warning_is_said_too() -> None:
    assert "No fault was found" in render(report(Section("a", "A")))


def test_numbers_that_are_none_are_null_in_json() -> None:
    found = report(Section("a", "A", figures=[Figure("x", float("nan"))])).to_dict()
    assert json.loads(json.dumps(found, allow_nan=False))["sections"]["a"]["figures"][0]["value"] is None


@given(st.text(max_size=30))
def test_a_users_text_never_becomes_markup(text: str) -> None:
    bars = Chart(text, text, text, text, bars=[Bar(text, 0.5)])
    page = render(report(Section("a", text, [text], [text], charts=[bars], tables=[Table(text, [text], [[text]])])))
    ours = render(
        report(
            Section(
                "a",
                "t",
                ["t"],
                ["t"],
                charts=[Chart("t", "t", "t", "t", bars=[Bar("t", 0.5)])],
                tables=[Table("t", ["t"], [["t"]])],
            )
        )
    )
    assert page.count("<") == ours.count("<")
