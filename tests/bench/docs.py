"""Puts the figures of a run into docs/performance.md, and its plots beside it."""

from __future__ import annotations

import pathlib
import statistics
from typing import Any

import plots
from report import number

BEGIN = "<!-- Figures: written by scripts/bench --docs; edit tests/bench/docs.py instead. -->"
END = "<!-- End of the figures. -->"


def _table(rows: list[list[str]]) -> str:
    head, *body = rows
    ruler = ["---", *["--:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ruler, *body])


def _machine(result: dict[str, Any]) -> str:
    about = result["machine"]
    busy = about["load_average"] > about["cores"] / 2
    warning = " **The machine was busy with other work: these figures are provisional.**"
    return (
        f"{about['cores']} cores of {about['cpu']}, {about['memory_gib']} GiB, {about['system']}, "
        f"{about['redis'].split(' sha=')[0]}. {result['rounds']} rounds of each ratio and "
        f"{result['sweep_rounds']} of each sweep, runs of {result['seconds']:g} s; load average at "
        f"the start {about['load_average']:.1f}." + (warning if busy else "")
    )


def _cpu(one: dict[str, Any], who: str) -> str:
    key = f"{who}_cpu_seconds_per_million"
    spent = [pair["value"][key] for pair in one["rounds"] if key in pair["value"]]
    return f"{statistics.median(spent):.2f}" if spent else "–"


def _ratios(summaries: list[dict[str, Any]]) -> list[str]:
    rows = [["measure", "ratio", "min…max", "to reach", "", "by CPU", "measured", "reference"]]
    costs = [["measure", "daemon", "Redis", "client"]]
    for one in summaries:
        sign = "≥" if one["at_least"] else "≤"
        rows.append(
            [
                f"`{one['name']}`: {one['title']}",
                f"**{one['ratio']:.2f}**",
                f"{one['ratio_min']:.2f}…{one['ratio_max']:.2f}",
                f"{sign} {one['target']:g}",
                "reached" if one["reached"] else "missed",
                f"{one['cpu_ratio']:.2f}" if one["cpu_ratio"] else "–",
                f"{number(one['value'])} {one['unit']}",
                f"{number(one['reference'])} {one['unit']}",
            ]
        )
        costs.append([f"`{one['name']}`", *(_cpu(one, who) for who in ("daemon", "redis", "client"))])
    return [
        _table(rows),
        "![The ratios and their targets](performance/ratios.svg)",
        "CPU seconds for a million events, while it was measured:",
        _table(costs),
    ]


def _sweep(sweep: dict[str, Any], has_plot: bool) -> list[str]:
    grows = "growth" in sweep["points"][0]
    rows = [[sweep["quantity"], *sweep["columns"].values(), *(["growth"] if grows else [])]]
    for point in sweep["points"]:
        cells = [f"{point['at']:g}", *(number(point[name]) for name in sweep["columns"])]
        rows.append(cells + ([f"{point['growth']:.2f}"] if grows else []))
    verdict = {None: "", True: " Reached.", False: " Missed."}[sweep["reached"]]
    parts = [f"### {sweep['title']}", f"`{sweep['name']}`.{verdict}", _table(rows)]
    if has_plot:
        parts.append(f"![{sweep['title']}](performance/{sweep['name']}.svg)")
    return parts


def update(result: dict[str, Any], root: pathlib.Path) -> None:
    folder = root / "docs" / "performance"
    folder.mkdir(exist_ok=True)
    parts = [_machine(result)]
    if result["ratios"]:
        (folder / "ratios.svg").write_text(plots.ratios(result["ratios"]))
        parts += _ratios(result["ratios"])
    for sweep in result["sweeps"]:
        drawn = plots.sweep(sweep)
        if drawn is not None:
            (folder / f"{sweep['name']}.svg").write_text(drawn)
        parts += _sweep(sweep, drawn is not None)
    page = root / "docs" / "performance.md"
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(before + "\n\n".join([BEGIN, *parts, END]) + after)
