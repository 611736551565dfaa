"""Tables of what was measured."""

from __future__ import annotations

import statistics
from typing import Any

from measures import Measure, Pair


def number(value: float) -> str:
    """Three significant digits, with k and M."""
    for limit, unit in ((1e6, "M"), (1e4, "k")):
        if abs(value) >= limit:
            scaled = value / (1e6 if unit == "M" else 1e3)
            return f"{scaled:.{max(0, 3 - len(str(int(scaled))))}f}{unit}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def rounds_of(pairs: list[Pair]) -> list[dict[str, Any]]:
    return [{"value": pair.value_figures, "reference": pair.reference_figures} for pair in pairs]


def summary(measure: Measure, pairs: list[Pair]) -> dict[str, Any]:
    """What the rounds of a measure come to: the quiet ones, unless there is none."""
    quiet = [pair for pair in pairs if pair.quiet]
    left_out = [pair for pair in pairs if not pair.quiet] if quiet else []
    pairs = quiet or pairs
    ratios = [pair.ratio for pair in pairs]
    ratio = statistics.median(ratios)
    cpu_ratios = [pair.cpu_ratio for pair in pairs if pair.cpu_ratio is not None]
    return {
        "name": measure.name,
        "title": measure.title,
        "unit": measure.unit,
        "ratio": ratio,
        "ratio_min": min(ratios),
        "ratio_max": max(ratios),
        "cpu_ratio": statistics.median(cpu_ratios) if cpu_ratios else None,
        "target": measure.target,
        "at_least": measure.at_least,
        "reached": measure.reached(ratio),
        "value": statistics.median(pair.value for pair in pairs),
        "reference": statistics.median(pair.reference for pair in pairs),
        "stolen": max(pair.stolen for pair in pairs),
        "rounds": rounds_of(pairs),
        "left_out": rounds_of(left_out),
    }


def aligned(rows: list[list[str]]) -> str:
    """Columns, the first one to the left, the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        first = row[0].ljust(widths[0])
        others = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        lines.append("  ".join([first, *others]).rstrip())
    return "\n".join(lines)


def rounds_used(one: dict[str, Any]) -> str:
    """How many rounds count, of how many there were."""
    used, left_out = len(one["rounds"]), len(one["left_out"])
    return f"{used} of {used + left_out}" if left_out else f"{used}"


def ratio_table(summaries: list[dict[str, Any]]) -> str:
    rows = [["measure", "ratio", "min…max", "target", "", "by CPU", "measured", "reference", "unit"]]
    rows[0] += ["rounds", "stolen"]
    for one in summaries:
        sign = "≥" if one["at_least"] else "≤"
        rows.append(
            [
                one["name"],
                f"{one['ratio']:.2f}",
                f"{one['ratio_min']:.2f}…{one['ratio_max']:.2f}",
                f"{sign} {one['target']:g}",
                "reached" if one["reached"] else "missed",
                f"{one['cpu_ratio']:.2f}" if one["cpu_ratio"] else "–",
                number(one["value"]),
                number(one["reference"]),
                one["unit"],
                rounds_used(one),
                f"{one['stolen']:.0%}",
            ]
        )
    return aligned(rows)


def cpu_table(summaries: list[dict[str, Any]]) -> str:
    """CPU seconds for a million events, of each who took part."""
    rows = [["CPU s per million events", "daemon", "Redis", "client"]]
    for one in summaries:
        row = [one["name"]]
        for who in ("daemon", "redis", "client"):
            key = f"{who}_cpu_seconds_per_million"
            spent = [pair["value"][key] for pair in one["rounds"] if key in pair["value"]]
            row.append(f"{statistics.median(spent):.2f}" if spent else "–")
        rows.append(row)
    return aligned(rows)


def sweep_table(sweep: dict[str, Any]) -> str:
    columns = list(sweep["columns"].items())
    grows = "growth" in sweep["points"][0]
    rows = [[sweep["quantity"], *(title for _, title in columns), *(["growth"] if grows else [])]]
    for point in sweep["points"]:
        row = [f"{point['at']:g}", *(number(point[name]) for name, _ in columns)]
        rows.append(row + ([f"{point['growth']:.2f}"] if grows else []))
    verdict = {None: "", True: " — reached", False: " — missed"}[sweep["reached"]]
    return f"{sweep['name']}: {sweep['title']}{verdict}\n{aligned(rows)}"


def contest_rows(contest: dict[str, Any]) -> list[list[str]]:
    """Each contender's figures, and how many times better the first one was; with a head."""
    percentile = "p99" in contest["contenders"][0]
    ratio = "eventbusd ÷ it" if contest["more_is_better"] else "it ÷ eventbusd"
    head = [contest["name"], contest["unit"], *(["p99 µs"] if percentile else []), ratio, "min…max"]
    rows = [[*head, "CPU s per million, server", "client"]]
    for one in contest["contenders"]:
        rows.append(
            [
                one["title"],
                number(one["value"]),
                *([number(one["p99"])] if percentile else []),
                f"{one['times_better']:.2f}",
                f"{one['times_better_min']:.2f}…{one['times_better_max']:.2f}",
                f"{one['server_cpu']:.2f}",
                f"{one['client_cpu']:.2f}",
            ]
        )
    return rows


def contest_table(contest: dict[str, Any]) -> str:
    return f"{contest['title']}\n{aligned(contest_rows(contest))}"
