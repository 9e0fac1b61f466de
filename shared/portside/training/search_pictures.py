"""A search as pictures: plain SVG, a few kilobytes, that any browser shows offline and any editor takes apart.

A drawing library that makes files without a browser would be one more dependency, and its interactive pages hold four
megabytes of script each. Colours are those of Okabe and Ito, which colour-blind people can tell apart; each kind of
trial has a shape of its own as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape

from portside.training.trials import Trial, finished

__all__ = ["draw_history", "draw_importance"]

BLUE, ORANGE, GREY, INK = "#0072B2", "#E69F00", "#999999", "#333333"
WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 60, 50
LABEL_WIDTH, BAR, GAP = 150, 22, 10
TICKS = 4


def draw_history(trials: Sequence[Trial], metric: str) -> str:
    """Each finished trial by its score, and the best so far as a line."""
    counted = finished(trials)
    scores = [one.score for one in counted if one.score is not None]
    low, high = (min(scores), max(scores)) if scores else (0.0, 1.0)
    low, high = (low, high) if high > low else (low - 0.5, high + 0.5)

    def x(place: int) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (place + 0.5) / max(len(counted), 1)

    def y(score: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (high - score) / (high - low)

    floor = HEIGHT - BOTTOM + 12
    parts = [_tick(y(value), f"{value:.4f}") for value in (low + (high - low) * n / TICKS for n in range(TICKS + 1))]
    parts += [_best_line(counted, x, y)]
    parts += [_mark(one, x(n), floor if one.score is None else y(one.score)) for n, one in enumerate(counted)]
    parts.append(_text(WIDTH / 2, HEIGHT - 8, "trials in the order they were begun", "middle"))
    parts.append(
        _text(LEFT, 44, f"{metric} on validation rows: ● completed  △ given up early  × failed  — best so far")
    )
    best = max((one.score or 0.0 for one in counted if one.state == "complete"), default=None)
    words = "none was completed" if best is None else f"the best reaches {best:.4f}"
    return _picture(f"{len(counted)} trials, {words}", HEIGHT, parts)


def draw_importance(importance: Mapping[str, float]) -> str:
    """A bar for each searched field: the share of the scores' variance that it explains."""
    parts = []
    room = WIDTH - LABEL_WIDTH - RIGHT - 60
    for place, (name, share) in enumerate(importance.items()):
        top = TOP + place * (BAR + GAP)
        wide = max(room * share, 1.0)
        parts.append(_text(LABEL_WIDTH - 8, top + BAR * 0.7, name, "end"))
        parts.append(f'<rect x="{LABEL_WIDTH}" y="{top}" width="{wide:.1f}" height="{BAR}" fill="{BLUE}"/>')
        parts.append(_text(LABEL_WIDTH + wide + 6, top + BAR * 0.7, f"{100 * share:.0f} %"))
    parts.append(_text(LABEL_WIDTH, 44, "share of the scores' variance that it explains, among completed trials"))
    return _picture("What made the difference", TOP + len(importance) * (BAR + GAP) + 10, parts)


def _best_line(counted: Sequence[Trial], x: Callable[[int], float], y: Callable[[float], float]) -> str:
    points: list[tuple[float, float]] = []
    best: float | None = None
    for place, one in enumerate(counted):
        if one.state == "complete" and one.score is not None and (best is None or one.score > best):
            if best is not None:
                points.append((x(place), y(best)))
            best = one.score
            points.append((x(place), y(best)))
    if best is not None:
        points.append((x(len(counted) - 1), y(best)))
    path = " ".join(f"{across:.1f},{down:.1f}" for across, down in points)
    return f'<polyline points="{path}" fill="none" stroke="{INK}" stroke-width="1.5"/>'


def _mark(one: Trial, x: float, y: float) -> str:
    values = ", ".join(f"{name} {value}" for name, value in one.values.items())
    told = f"<title>{escape(f'trial {one.number}, {one.state}: {values} {one.reason}'.strip())}</title>"
    if one.state == "complete":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{BLUE}">{told}</circle>'
    if one.state == "pruned":
        corners = f"{x:.1f},{y - 6:.1f} {x - 6:.1f},{y + 5:.1f} {x + 6:.1f},{y + 5:.1f}"
        return f'<polygon points="{corners}" fill="none" stroke="{ORANGE}" stroke-width="2">{told}</polygon>'
    cross = f"M{x - 5:.1f},{y - 5:.1f} l10,10 m0,-10 l-10,10"
    return f'<path d="{cross}" stroke="{GREY}" stroke-width="2">{told}</path>'


def _tick(y: float, label: str) -> str:
    line = f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#DDDDDD"/>'
    return line + _text(LEFT - 8, y + 4, label, "end")


def _text(x: float, y: float, words: str, anchor: str = "start", size: int = 12) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(words)}</text>'


def _picture(title: str, height: float, parts: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" '
        f'height="{height:.0f}" role="img" font-family="system-ui, sans-serif" fill="{INK}">'
    )
    body = [f"<title>{escape(title)}</title>", '<rect width="100%" height="100%" fill="white"/>']
    return "\n".join([head, *body, _text(20, 24, title, size=16), *parts, "</svg>"]) + "\n"
