"""Charts as plain SVG: a few kilobytes that any browser shows offline, prints, and reads aloud by its summary.

Ink is the colour of the text around, so that one picture serves light and dark pages. Colours are those of Okabe and
Ito; each curve has a dash of its own as well, each outstanding bar a mark.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from portside.evaluation.report.parts import Bar, Chart, Curve

__all__ = ["draw"]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9")
DASHES = ("", "7 3", "2 3", "9 3 2 3", "1 4", "12 4")
OUTSTANDING = "#D55E00"
WIDTH, HEIGHT = 640, 340
LEFT, RIGHT, TOP, BOTTOM = 62, 28, 16, 48
BAR, GAP, NAME_WIDTH = 18, 8, 210
LEGEND_LINE = 18
TICKS = 4
LONGEST_NAME = 32


def draw(chart: Chart) -> str:
    """The chart as an SVG element, its summary as its description."""
    return _bars(chart) if chart.kind == "bars" else _curves(chart)


def _curves(chart: Chart) -> str:
    points_x = [x for curve in chart.curves for x in curve.x]
    points_y = [y for curve in chart.curves for y in (*curve.y, *curve.low, *curve.high)]
    low_x, high_x = _range(points_x)
    low_y, high_y = _range(points_y)
    legend = [(place, curve) for place, curve in enumerate(chart.curves)]
    top = TOP + LEGEND_LINE * (len(legend) + 1)
    height = HEIGHT + LEGEND_LINE * (len(legend) + 1)

    def x(value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (value - low_x) / (high_x - low_x)

    def y(value: float) -> float:
        return top + (height - top - BOTTOM) * (high_y - value) / (high_y - low_y)

    parts = []
    for step in range(TICKS + 1):
        at_y, at_x = low_y + (high_y - low_y) * step / TICKS, low_x + (high_x - low_x) * step / TICKS
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(at_y):.1f}" y2="{y(at_y):.1f}"/>')
        parts.append(_text(LEFT - 6, y(at_y) + 4, _number(at_y, chart.share, high_y - low_y), "end"))
        parts.append(_text(x(at_x), height - BOTTOM + 18, _number(at_x, _is_share(points_x), high_x - low_x), "middle"))
    for place, curve in legend:
        parts.append(_path(curve, place, [(x(a), y(b)) for a, b in zip(curve.x, curve.y, strict=True)]))
        parts += [
            f'<path class="ink" d="M{x(a):.1f} {y(low):.1f}V{y(high):.1f}"/>'
            for a, low, high in zip(curve.x, curve.low, curve.high, strict=False)
        ]
        line = TOP + LEGEND_LINE * place
        parts.append(f'<path d="M{LEFT} {line - 4}h26" {_stroke(curve, place)}/>')
        parts.append(_text(LEFT + 34, line, curve.name, "start"))
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, height - 8, chart.x_title, "middle"))
    parts.append(_text(LEFT - 6, top - 10, f"↑ {chart.y_title}", "start"))
    return _picture(chart, height, parts)


def _path(curve: Curve, place: int, points: Sequence[tuple[float, float]]) -> str:
    line = " ".join(f"{'M' if n == 0 else 'L'}{a:.1f} {b:.1f}" for n, (a, b) in enumerate(points))
    drawn = f'<path d="{line}" {_stroke(curve, place)}/>' if points else ""
    if curve.dots:
        colour = COLOURS[place % len(COLOURS)]
        drawn += "".join(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3.5" fill="{colour}"/>' for a, b in points)
    return drawn


def _stroke(curve: Curve, place: int) -> str:
    if curve.reference:
        return 'fill="none" stroke="currentColor" stroke-opacity=".55" stroke-dasharray="3 4"'
    dash = DASHES[place % len(DASHES)]
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'fill="none" stroke="{COLOURS[place % len(COLOURS)]}" stroke-width="2"{dashed}'


def _bars(chart: Chart) -> str:
    ends = [value for bar in chart.bars for value in (bar.value, bar.low, bar.high) if value is not None]
    low, high = min([0.0, *ends]), max([*ends, 0.0])
    if chart.share and low >= 0 and high <= 1:
        high = 1.0 if high > 0.5 else high
    high = high if high > low else low + 1.0
    height = TOP + len(chart.bars) * (BAR + GAP) + BOTTOM
    right = WIDTH - RIGHT - 60

    def x(value: float) -> float:
        return NAME_WIDTH + (right - NAME_WIDTH) * (value - low) / (high - low)

    parts = []
    for step in range(TICKS + 1):
        at = low + (high - low) * step / TICKS
        parts.append(f'<line class="grid" x1="{x(at):.1f}" x2="{x(at):.1f}" y1="{TOP}" y2="{height - BOTTOM}"/>')
        parts.append(_text(x(at), height - BOTTOM + 16, _number(at, chart.share, high - low), "middle"))
    for place, bar in enumerate(chart.bars):
        parts += _bar(bar, TOP + place * (BAR + GAP), x, chart)
    parts.append(_text((NAME_WIDTH + right) / 2, height - 8, chart.x_title, "middle"))
    return _picture(chart, height, parts)


def _bar(bar: Bar, top: float, x: object, chart: Chart) -> list[str]:
    assert callable(x)
    start, end = sorted((x(0.0), x(bar.value)))
    colour = OUTSTANDING if bar.stands_out else COLOURS[0]
    name = bar.name if len(bar.name) <= LONGEST_NAME else bar.name[: LONGEST_NAME - 1] + "…"
    parts = [
        _text(NAME_WIDTH - 8, top + BAR * 0.72, ("▶ " if bar.stands_out else "") + name, "end"),
        f'<rect x="{start:.1f}" y="{top}" width="{max(end - start, 1):.1f}" height="{BAR}" fill="{colour}"/>',
    ]
    edge = end
    if bar.low is not None and bar.high is not None:
        middle, edge = top + BAR / 2, max(end, x(bar.high))
        parts.append(f'<path class="ink" d="M{x(bar.low):.1f} {middle}H{x(bar.high):.1f}"/>')
    parts.append(_text(edge + 6, top + BAR * 0.72, _number(bar.value, chart.share, 0.1), "start"))
    return parts


def _picture(chart: Chart, height: float, parts: Sequence[str]) -> str:
    label = escape(f"{chart.title}. {chart.summary}")
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{label}" xmlns="http://www.w3.org/2000/svg">'
        f"<title>{escape(chart.title)}</title>{''.join(parts)}</svg>"
    )


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _is_share(values: Sequence[float]) -> bool:
    return bool(values) and min(values) >= 0 and max(values) <= 1


def _number(value: float, share: bool, span: float) -> str:
    if share:
        return f"{100 * value:.{1 if span < 0.1 else 0}f} %"
    return f"{value:,.0f}" if span >= TICKS or value == int(value) else f"{value:.2f}"
