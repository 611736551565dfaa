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

import docs
from measures import MOST_STOLEN, RATIOS, Figures, Measure, Pair
from peers import CONTESTS, Contest, Peers, has_java, versions
from processes import Bench, BenchError, CpuTimes
from report import contest_table, cpu_table, number, ratio_table, summary, sweep_table
from sweeps import SWEEPS, Sweep, SweepResult, latency_sweep

ROOT = pathlib.Path(__file__).resolve().parents[2]
PEER_PROGRAMS = ROOT / "build" / "peers"


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
        "busy": round(busy_part(), 2),
    }


def busy_part(seconds: float = 1.0) -> float:
    """What part of the machine others use, 0 to 1, over a moment. The load average would still tell
    of the build that has just ended."""
    before = CpuTimes.now()
    time.sleep(seconds)
    spent = CpuTimes.now().since(before)
    return 1 - spent.idle / spent.total


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--list", action="store_true", help="name the measures and end")
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="measures whose name has this"
    )
    parser.add_argument("--rounds", type=int, default=5, help="of each ratio (%(default)s)")
    parser.add_argument("--sweep-rounds", type=int, default=3, help="of each sweep (%(default)s)")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each run (%(default)s)")
    parser.add_argument(
        "--patience",
        type=float,
        default=300.0,
        metavar="SECONDS",
        help="for how long rounds are repeated during which the host of a virtual machine kept more "
        f"than {MOST_STOLEN * 100:.0f} %% of the CPU time from it; they do not count if there are "
        "quiet ones (%(default)s)",
    )
    parser.add_argument("--json", metavar="FILE", help="write all figures there")
    parser.add_argument("--docs", action="store_true", help="update docs/performance.md")
    parser.add_argument(
        "--docs-from", metavar="FILE", help="update it from what --json has written, and end"
    )
    parser.add_argument(
        "--peers",
        action="store_true",
        help="also the same work on NATS JetStream and Apache Kafka beside eventbusd; scripts/bench "
        "builds them, with Go and Maven",
    )
    parser.add_argument("--daemon", type=pathlib.Path, help="another eventbusd to measure")
    parser.add_argument("--build", default="release", help="the preset's build (%(default)s)")
    return parser.parse_args(arguments)


def chosen(name: str, only: list[str]) -> bool:
    return not only or any(part in name for part in only)


def progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Rounds:
    """The rounds of all measures."""

    def __init__(self, bench: Bench, measures: list[Measure], options: argparse.Namespace):
        self.pairs: dict[str, list[Pair]] = {one.name: [] for one in measures}
        self.failed: list[str] = []
        self._bench = bench
        self._measures = measures
        self._wanted: int = options.rounds
        self._patience: float = options.patience

    def run(self) -> None:
        """All measures once, then all again: what disturbs the machine for a while hits them alike.
        Then once more those that the host disturbed, for as long as patience lasts."""
        for round_number in range(self._wanted):
            for one in self._measures:
                self._run_one(one, round_number)
        end = time.monotonic() + self._patience
        while time.monotonic() < end:
            disturbed = [one for one in self._measures if self._lacks(one)]
            if not disturbed:
                return
            for one in disturbed:
                if time.monotonic() < end:
                    self._run_one(one, len(self.pairs[one.name]))

    def _lacks(self, one: Measure) -> bool:
        quiet = sum(pair.quiet for pair in self.pairs[one.name])
        return quiet < self._wanted and one.name not in self.failed

    def _run_one(self, one: Measure, round_number: int) -> None:
        repeated = round_number >= self._wanted
        shown = f"round {'more' if repeated else f'{round_number + 1}/{self._wanted}'}  {one.name:18}"
        try:
            pair = one.run(self._bench, round_number)
        except BenchError as error:
            progress(f"{shown} failed: {error}")
            if one.name not in self.failed:
                self.failed.append(one.name)
            return
        self.pairs[one.name].append(pair)
        stolen = "" if pair.quiet else f"   disturbed: the host kept {pair.stolen:.0%}"
        progress(
            f"{shown} ratio {pair.ratio:5.2f}   "
            f"{number(pair.value)} ÷ {number(pair.reference)} {one.unit}{stolen}"
        )


def run_sweep(bench: Bench, sweep: Sweep, rounds: int) -> SweepResult:
    figures: list[list[dict[str, Any]]] = []
    for round_number in range(rounds):
        figures.append([])
        for point in sweep.points:
            figures[-1].append(sweep.run(bench, point))
            shown = "   ".join(
                f"{number(column.of(figures[-1][-1]))} {column.title}" for column in sweep.columns
            )
            progress(
                f"round {round_number + 1}/{rounds}  {sweep.name:12} {point:g} {sweep.quantity}: "
                f"{shown}"
            )
    return SweepResult(sweep, figures)


def chosen_sweeps(bench: Bench, only: list[str], flow: list[Pair]) -> list[Sweep]:
    sweeps = [one for one in SWEEPS if chosen(one.name, only)]
    if chosen("latency", only):
        maximum = (
            max(pair.value for pair in flow)
            if flow
            else float(bench.load("flow")["events_per_second"])
        )
        sweeps.insert(0, latency_sweep(maximum / 2))
    return sweeps


def run_contests(peers: Peers, contests: list[Contest], rounds: int) -> dict[str, Any]:
    """Summaries, and the names of those of which a round failed."""
    played: dict[str, list[dict[str, Figures]]] = {one.name: [] for one in contests}
    for round_number in range(rounds):
        for one in contests:
            try:
                figures = one.run(peers, round_number)
            except BenchError as error:
                progress(f"round {round_number + 1}/{rounds}  {one.name:18} failed: {error}")
                continue
            played[one.name].append(figures)
            shown = "   ".join(
                f"{number(one.value_of(figures[contender.name]))} {contender.name}"
                for contender in one.contenders
            )
            progress(f"round {round_number + 1}/{rounds}  {one.name:18} {one.unit}: {shown}")
    summaries = [one.summary(played[one.name]) for one in contests if played[one.name]]
    return {
        "versions": versions(summaries),
        "contests": summaries,
        "failed": [one.name for one in contests if len(played[one.name]) < rounds],
    }


def measure(bench: Bench, options: argparse.Namespace) -> dict[str, Any]:
    """Everything that was asked for; prints the tables as they get ready."""
    measures = [one for one in RATIOS if chosen(one.name, options.only)]
    result: dict[str, Any] = {"ratios": [], "sweeps": [], "failed": []}
    rounds = Rounds(bench, measures, options)
    rounds.run()
    pairs = rounds.pairs
    if measures:
        result["ratios"] = [summary(one, pairs[one.name]) for one in measures if pairs[one.name]]
        result["failed"] = rounds.failed
        print(ratio_table(result["ratios"]), end="\n\n", flush=True)
        print(cpu_table(result["ratios"]), end="\n\n", flush=True)
    for sweep in chosen_sweeps(bench, options.only, pairs.get("flow", [])):
        figures = run_sweep(bench, sweep, options.sweep_rounds).summary()
        result["sweeps"].append(figures)
        print(sweep_table(figures), end="\n\n", flush=True)
    return result


def find_peers(bench: Bench) -> Peers:
    """What scripts/bench --peers has built; Kafka only where there is what it needs."""
    kafka_jar = PEER_PROGRAMS / "kafka" / "eventbus-peer-kafka.jar" if has_java() else None
    if kafka_jar is None:
        progress("Kafka is left out: it needs java and mvn on the PATH")
    return Peers(bench, PEER_PROGRAMS / "eventbus-peer-nats", kafka_jar)


def measure_peers(peers: Peers, options: argparse.Namespace) -> dict[str, Any]:
    contests = [one for one in peers.contests() if chosen(one.name, options.only)]
    result = run_contests(peers, contests, options.rounds)
    for figures in result["contests"]:
        print(contest_table(figures), end="\n\n", flush=True)
    return result


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    if options.list:
        listed: list[Measure | Sweep | Contest] = [*RATIOS, latency_sweep(0), *SWEEPS]
        for one in [*listed, *(CONTESTS if options.peers else [])]:
            if chosen(one.name, options.only):
                print(f"{one.name:18} {one.title}")
        return 0
    if options.docs_from:
        docs.update(json.loads(pathlib.Path(options.docs_from).read_text()), ROOT)
        return 0
    build = ROOT / "build" / options.build
    daemon = options.daemon or build / "bin" / "eventbusd"
    started = time.time()
    about = {
        "machine": machine(),
        "rounds": options.rounds,
        "sweep_rounds": options.sweep_rounds,
        "seconds": options.seconds,
    }
    try:
        with Bench(daemon, build / "bench", options.seconds) as bench:
            peers = find_peers(bench) if options.peers else None
            result = about | measure(bench, options)
            if peers is not None:
                result["peers"] = measure_peers(peers, options)
                result["failed"] += result["peers"].pop("failed")
    except BenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    result["took_seconds"] = round(time.time() - started)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(result, indent=1) + "\n")
    if options.docs:
        docs.update(result, ROOT)
    if result["failed"]:
        print(f"error: rounds failed of {', '.join(result['failed'])}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
