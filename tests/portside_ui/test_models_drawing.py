"""A report's pictures on a page: bars and curves, each with its intervals and its axes in percent where they are."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from portside.evaluation.report.parts import Bar, Chart, Curve, Figure, Section, Share, Table
from tests.drawn_pages import page_test


def draw(section: object) -> None:
    """Runs inside AppTest, which copies this function's source without its module."""
    import streamlit as st

    from portside.evaluation.report.parts import Section
    from portside_ui.models.drawing import draw_section
    from portside_ui.words import LANGUAGE_KEY

    st.session_state[LANGUAGE_KEY] = "en"
    assert isinstance(section, Section)
    draw_section(section, "test")


def drawn(chart: Chart) -> dict[str, Any]:
    page = page_test(draw, {"section": Section("k", "Title", charts=[chart])})
    page.run()
    assert not page.exception, page.exception
    (found,) = page.get("plotly_chart")
    spec: dict[str, Any] = json.loads(found.proto.spec)
    return spec


def test_bars_have_their_intervals_where_all_have_one() -> None:
    bars = [Bar("card", 0.5, 0.4, 0.7), Bar("fee", 0.25, 0.0, 0.5, stands_out=True)]
    spec = drawn(Chart("Labels", "One.", "right", "label", bars=bars))
    (trace,) = spec["data"]
    assert (trace["orientation"], trace["y"], trace["x"]) == ("h", ["card", "▶ fee"], [0.5, 0.25])
    assert [round(one, 3) for one in trace["error_x"]["array"]] == [0.2, 0.25]
    assert [round(one, 3) for one in trace["error_x"]["arrayminus"]] == [0.1, 0.25]
    assert trace["marker"]["color"][0] != trace["marker"]["color"][1]
    assert spec["layout"]["xaxis"]["tickformat"] == ".0%"
    assert spec["layout"]["yaxis"]["autorange"] == "reversed"
    counts = drawn(Chart("Labels", "One.", "rows", "label", bars=[*bars, Bar("new", 3.0)], share=False))
    assert "error_x" not in counts["data"][0]
    assert "tickformat" not in counts["layout"]["xaxis"]


def test_curves_have_their_intervals_and_what_they_are_compared_with_is_dashed() -> None:
    measured = Curve("measured", [0.25, 0.75], [0.5, 1.0], dots=True, low=[0.25, 0.75], high=[0.75, 1.0])
    even = Curve("even", [0.0, 1.0], [0.0, 1.0], reference=True)
    spec = drawn(Chart("Honest?", "Yes.", "claimed", "true", curves=[measured, even]))
    first, second = spec["data"]
    assert (first["mode"], first["error_y"]["arrayminus"], first["error_y"]["array"]) == (
        "lines+markers", [0.25, 0.25], [0.25, 0.0],
    )  # fmt: skip
    assert (first["line"]["dash"], second["line"]["dash"]) == ("solid", "dash")
    two = [Curve(name, [0.0, 1.0], [0.0, 1.0]) for name in ("one", "other")]
    dashes = [one["line"]["dash"] for one in drawn(Chart("Two", "Yes.", "x", "y", curves=two))["data"]]
    assert len(set(dashes)) == 2, "told apart without colours"
    assert "error_y" not in second
    assert [spec["layout"][axis]["tickformat"] for axis in ("xaxis", "yaxis")] == [".0%", ".0%"]
    rows = drawn(Chart("More?", "Yes.", "rows", "right", curves=[Curve("m", [10, 20], [0.5, 0.6])]))
    assert "tickformat" not in rows["layout"]["xaxis"]
    assert rows["layout"]["showlegend"] is False


def test_a_line_of_zeros_lies_on_the_floor() -> None:
    spec = drawn(Chart("Wrong", "None.", "answered", "wrong", curves=[Curve("m", [0.2, 1.0], [0.0, 0.0])]))
    assert spec["layout"]["yaxis"]["range"] == [0, 0.1]
    usual = drawn(Chart("Wrong", "Some.", "answered", "wrong", curves=[Curve("m", [0.2, 1.0], [0.0, 0.4])]))
    assert "range" not in usual["layout"]["yaxis"]


def draw_over(x: list[object], language: str) -> None:
    """Runs inside AppTest, as above."""
    import pandas as pd
    import streamlit as st

    from portside_ui.charts import figure, show_chart
    from portside_ui.words import LANGUAGE_KEY

    st.session_state[LANGUAGE_KEY] = language
    fig = figure()
    fig.add_bar(x=x, y=[1] * len(x))
    show_chart(fig, summary="So.", table=pd.DataFrame(), key="chart")


def ticks(x: list[object], language: str) -> list[str]:
    page = page_test(draw_over, {"x": x, "language": language})
    page.run()
    assert not page.exception, page.exception
    (found,) = page.get("plotly_chart")
    axis = json.loads(found.proto.spec)["layout"].get("xaxis", {})
    return [one["value"] for one in axis.get("tickformatstops", [])]


def test_months_are_written_in_the_language_of_the_page() -> None:
    days: list[object] = [date(2026, 9, 1), date(2026, 10, 1)]
    assert all("月" in one or "年" in one for one in ticks(days, "zh"))
    assert ticks(days, "zh")
    assert ticks(days, "en") == []
    assert ticks([1, 2], "zh") == [], "numbers are no days"


def test_every_figure_of_a_section_is_drawn() -> None:
    figures = [Figure(f"figure {place}", place / 10, n=10) for place in range(7)]
    page = page_test(draw, {"section": Section("k", "Title", figures=figures)})
    page.run()
    assert not page.exception, page.exception
    assert [one.label for one in page.metric] == [one.name for one in figures]


def rows_of_figures(block: Any) -> list[int]:
    """How many figures stand in each block that holds some."""
    inside = list(getattr(block, "children", {}).values())
    own = sum(one.type == "metric" for one in inside)
    return ([own] if own else []) + [n for one in inside for n in rows_of_figures(one)]


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("right", [4]),
        ("right", [3]),
        ("not adjusted on these rows", [2, 2]),
        ("not adjusted on these rows", [3]),
        ("校正概率之前的校准误差", [2, 2]),
        ("平均把握", [4]),
    ],
)
def test_four_figures_with_long_names_stand_two_in_a_row(name: str, rows: list[int]) -> None:
    figures = [Figure(f"{place}. {name}", 0.5) for place in range(sum(rows))]
    page = page_test(draw, {"section": Section("k", "Title", figures=figures)})
    page.run()
    assert not page.exception, page.exception
    assert rows_of_figures(page.main) == rows


def test_shares_in_tables_are_read_in_percent_and_stay_numbers() -> None:
    table = Table("Labels", ["label", "recall", "weight"], [["card", Share(0.25), 0.5], ["fee", None, 0.75]])
    chart = Chart("Right", "One.", "right", "label", bars=[Bar("card", 0.5)])
    page = page_test(draw, {"section": Section("k", "Title", charts=[chart], tables=[table])})
    page.run()
    assert not page.exception, page.exception
    written = [
        {head: how.get("type_config", {}).get("format") for head, how in config(one).items()} for one in page.dataframe
    ]
    assert written == [{"right": "percent"}, {"recall": "percent"}]
    assert page.dataframe[1].value["recall"].tolist()[0] == 0.25


def config(frame: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(frame.proto.columns)
    return {head: how for head, how in found.items() if head != "_index"}
