"""Puts the figures of a run into docs/performance.md, and its plots beside it."""

from __future__ import annotations

import pathlib
import statistics
from typing import Any

import plots
from measures import MOST_STOLEN
from report import contest_rows, number, rounds_used

BEGIN = "<!-- Figures: written by scripts/bench --docs; edit tests/bench/docs.py instead. -->"
END = "<!-- End of the figures. -->"
# The comparison with peers is kept apart, since not every run has it.
PEERS_BEGIN = (
    "<!-- Peers: written by scripts/bench --peers --docs; edit tests/bench/docs.py instead. -->"
)
PEERS_END = "<!-- End of the peers. -->"


def _table(rows: list[list[str]]) -> str:
    head, *body = rows
    ruler = ["---", *["--:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ruler, *body])


def _machine(result: dict[str, Any], rounds: str) -> str:
    about = result["machine"]
    busy = about["busy"] > 0.1
    warning = " **The machine was busy with other work: these figures are provisional.**"
    return (
        f"{about['cores']} cores of {about['cpu']}, {about['memory_gib']} GiB, {about['system']}, "
        f"{about['redis'].split(' sha=')[0]}. {rounds}, runs of {result['seconds']:g} s; "
        f"{about['busy']:.0%} of the machine was in use at the start." + (warning if busy else "")
    )


def _cpu(one: dict[str, Any], who: str) -> str:
    key = f"{who}_cpu_seconds_per_million"
    spent = [pair["value"][key] for pair in one["rounds"] if key in pair["value"]]
    return f"{statistics.median(spent):.2f}" if spent else "–"


def _ratios(summaries: list[dict[str, Any]]) -> list[str]:
    rows = [["measure", "ratio", "min…max", "to reach", "", "by CPU", "measured", "reference"]]
    rows[0] += ["rounds", "stolen"]
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
                rounds_used(one),
                f"{one['stolen']:.0%}",
            ]
        )
        costs.append([f"`{one['name']}`", *(_cpu(one, who) for who in ("daemon", "redis", "client"))])
    return [
        _table(rows),
        f"Rounds of which the host of a virtual machine stole more than {MOST_STOLEN:.0%} of the CPU "
        "time are repeated and left out, unless all are so; the last column is the worst of those "
        "that count.",
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


def _peer_versions(versions: dict[str, str]) -> list[str]:
    parts = []
    if "nats_server" in versions:
        parts.append(f"NATS server {versions['nats_server']}, built with {versions['go']}.")
    if "kafka" in versions:
        parts.append(
            f"Kafka {versions['kafka']} on Java {versions['java']}; the broker's JVM with "
            f"`{versions['kafka_server_flags']}`, the client's with "
            f"`{versions['kafka_client_flags']}`."
        )
    return parts


def _peers(result: dict[str, Any]) -> list[str]:
    parts = _peer_versions(result["peers"]["versions"])
    parts.append(_machine(result, f"{result['rounds']} rounds"))
    for contest in result["peers"]["contests"]:
        parts += [f"### {contest['title']}", _table(contest_rows(contest))]
    return parts


def _replace(page: pathlib.Path, begin: str, parts: list[str], end: str) -> None:
    """Puts the parts between the two marks of the page."""
    before, _, rest = page.read_text().partition(begin)
    _, _, after = rest.partition(end)
    page.write_text(before + "\n\n".join([begin, *parts, end]) + after)


def _figures(result: dict[str, Any], folder: pathlib.Path) -> list[str]:
    """The ratios and the sweeps; draws their plots."""
    rounds = f"{result['rounds']} rounds of each ratio and {result['sweep_rounds']} of each sweep"
    parts = [_machine(result, rounds)]
    if result["ratios"]:
        (folder / "ratios.svg").write_text(plots.ratios(result["ratios"]))
        parts += _ratios(result["ratios"])
    for sweep in result["sweeps"]:
        drawn = plots.sweep(sweep)
        if drawn is not None:
            (folder / f"{sweep['name']}.svg").write_text(drawn)
        parts += _sweep(sweep, drawn is not None)
    return parts


def update(result: dict[str, Any], root: pathlib.Path) -> None:
    """What the run did not measure stays as it is: the figures, or the peers."""
    folder = root / "docs" / "performance"
    folder.mkdir(exist_ok=True)
    page = root / "docs" / "performance.md"
    if result["ratios"] or result["sweeps"]:
        _replace(page, BEGIN, _figures(result, folder), END)
    if result.get("peers", {}).get("contests"):
        _replace(page, PEERS_BEGIN, _peers(result), PEERS_END)
