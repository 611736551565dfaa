"""Runs the measures and reports them; called by scripts/bench."""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import platform
import subprocess
import sys
import time
from typing import Any

from measures import RATIOS, Measure, Pair
from processes import Bench, BenchError
from report import number, ratio_table, summary

ROOT = pathlib.Path(__file__).resolve().parents[2]


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    model = "unknown"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    release = {}
    for line in pathlib.Path("/etc/os-release").read_text().splitlines():
        name, _, value = line.partition("=")
        release[name] = value.strip('"')
    memory_kib = int(pathlib.Path("/proc/meminfo").read_text().split()[1])
    redis = subprocess.run(
        [os.environ.get("EVENTBUS_REDIS_SERVER", "redis-server"), "--version"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "memory_gib": round(memory_kib / 2**20),
        "system": release.get("PRETTY_NAME", "unknown"),
        "kernel": platform.release(),
        "redis": redis,
        "load_average": os.getloadavg()[0],
    }


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--list", action="store_true", help="name the measures and end")
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="measures whose name has this"
    )
    parser.add_argument("--rounds", type=int, default=5, help="of each measure (%(default)s)")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each run (%(default)s)")
    parser.add_argument("--json", metavar="FILE", help="write all figures there")
    parser.add_argument("--daemon", type=pathlib.Path, help="another eventbusd to measure")
    parser.add_argument("--build", default="release", help="the preset's build (%(default)s)")
    return parser.parse_args(arguments)


def selected(only: list[str]) -> list[Measure]:
    return [one for one in RATIOS if not only or any(part in one.name for part in only)]


def run_rounds(bench: Bench, measures: list[Measure], rounds: int) -> dict[str, list[Pair]]:
    """All measures once, then all again: what disturbs the machine for a while hits them alike."""
    pairs: dict[str, list[Pair]] = {one.name: [] for one in measures}
    for number_of_round in range(rounds):
        for one in measures:
            pair = one.run(bench, number_of_round)
            pairs[one.name].append(pair)
            print(
                f"round {number_of_round + 1}/{rounds}  {one.name:18} ratio {pair.ratio:5.2f}   "
                f"{number(pair.value)} ÷ {number(pair.reference)} {one.unit}",
                file=sys.stderr,
                flush=True,
            )
    return pairs


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    measures = selected(options.only)
    if options.list:
        for one in measures:
            print(f"{one.name:18} {one.title}")
        return 0
    if not measures:
        print("no measure has such a name; --list tells them", file=sys.stderr)
        return 2
    build = ROOT / "build" / options.build
    started = time.time()
    result: dict[str, Any] = {"machine": machine()}
    result["settings"] = {"rounds": options.rounds, "seconds": options.seconds}
    try:
        with Bench(
            options.daemon or build / "bin" / "eventbusd", build / "bench", options.seconds
        ) as bench:
            pairs = run_rounds(bench, measures, options.rounds)
    except BenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    result["ratios"] = [summary(one, pairs[one.name]) for one in measures]
    result["took_seconds"] = round(time.time() - started)
    print(ratio_table(result["ratios"]))
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(result, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
