"""Plots as SVG, drawn by hand: no library is needed, and a change in one figure is a small diff."""

from __future__ import annotations

import html
import math
from typing import Any, Sequence

from report import number

WIDTH, HEIGHT = 720, 360
LEFT, RIGHT, TOP, BOTTOM = 70, 200, 50, 50
COLOURS = ["#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e"]
STYLE = (
    "<style>text{font:12px sans-serif;fill:#333}.title{font-size:14px;font-weight:bold}"
    ".axis{stroke:#888}.grid{stroke:#ddd}</style>"
)


def _text(x: float, y: float, text: str, anchor: str = "start", kind: str = "") -> str:
    extra = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}"{extra}>{html.escape(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def _svg(height: int, parts: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}">'
    )
    background = f'<rect width="{WIDTH}" height="{height}" fill="white"/>'
    return "\n".join([head, STYLE, background, *parts, "</svg>"]) + "\n"


def _powers(low: float, high: float) -> list[float]:
    """The powers of ten round an interval."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    return [10.0**power for power in range(first, max(last, first + 1) + 1)]


def lines(title: str, quantity: str, unit: str, at: list[float], series: dict[str, list[float]]) -> str:
    """Several figures over one quantity, both logarithmic."""
    values = [value for one in series.values() for value in one if value > 0]
    ticks = _powers(min(values), max(values))
    low, high = math.log10(ticks[0]), math.log10(ticks[-1])
    # Points stand at equal distances: what is asked is how the figure changes from one to the next.
    step = (WIDTH - LEFT - RIGHT) / max(1, len(at) - 1)

    def y_of(value: float) -> float:
        share = (math.log10(max(value, ticks[0])) - low) / (high - low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    parts = [_text(LEFT, 24, title, kind="title"), _text(LEFT, TOP - 10, unit)]
    for tick in ticks:
        parts.append(_line(LEFT, y_of(tick), WIDTH - RIGHT, y_of(tick), "grid"))
        parts.append(_text(LEFT - 8, y_of(tick) + 4, number(tick), "end"))
    for index, value in enumerate(at):
        parts.append(_text(LEFT + index * step, HEIGHT - BOTTOM + 18, f"{value:g}", "middle"))
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, quantity, "middle"))
    parts.append(_line(LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM, "axis"))
    for index, (name, one) in enumerate(series.items()):
        colour = COLOURS[index % len(COLOURS)]
        points = [(LEFT + i * step, y_of(value)) for i, value in enumerate(one)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
        parts.append(_text(WIDTH - RIGHT + 12, TOP + 16 * index, name))
        parts.append(
            f'<rect x="{WIDTH - RIGHT}" y="{TOP + 16 * index - 9}" width="8" height="8" '
            f'fill="{colour}"/>'
        )
    return _svg(HEIGHT, parts)


def ratios(summaries: list[dict[str, Any]]) -> str:
    """Each ratio as a part of its target: a bar that reaches the line is good enough."""
    row, top, left = 26, 60, 150
    height = top + row * len(summaries) + 30
    scale = (WIDTH - left - 150) / 1.5
    parts = [_text(20, 24, "How far each ratio is", kind="title")]
    parts.append(_text(20, 42, "target = 1; where less is better, target ÷ ratio"))
    for index, one in enumerate(summaries):
        y = top + row * index
        share = one["ratio"] / one["target"] if one["at_least"] else one["target"] / one["ratio"]
        colour = COLOURS[2] if one["reached"] else COLOURS[1]
        length = min(share, 1.5) * scale
        sign = "≥" if one["at_least"] else "≤"
        parts.append(_text(left - 8, y + 14, one["name"], "end"))
        parts.append(
            f'<rect x="{left}" y="{y + 2}" width="{length:.1f}" height="{row - 8}" fill="{colour}"/>'
        )
        parts.append(
            _text(left + length + 6, y + 14, f"{one['ratio']:.2f} ({sign} {one['target']:g})")
        )
    parts.append(_line(left + scale, top - 6, left + scale, height - 20, "axis"))
    return _svg(height, parts)


# Of which columns of a sweep a plot is made, and in what unit.
SWEEP_PLOTS = {
    "latency": (["p50", "p99", "p999"], "µs"),
    "fan-out": (["deliveries"], "deliveries/s"),
    "payload": (["rate", "megabytes"], ""),
    "types": (["daemon", "redis"], "CPU s per million events"),
    "groups": (["daemon", "redis"], "CPU s per million events"),
    "idle": (["daemon", "redis"], "CPU s per million events"),
}


def sweep(figures: dict[str, Any]) -> str | None:
    """The plot of a sweep; None if it has none."""
    if figures["name"] not in SWEEP_PLOTS:
        return None
    names, unit = SWEEP_PLOTS[figures["name"]]
    points = figures["points"]
    series = {
        figures["columns"][name]: [float(point[name]) for point in points] for name in names
    }
    at = [float(point["at"]) for point in points]
    return lines(figures["title"], figures["quantity"], unit, at, series)
