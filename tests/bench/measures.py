"""What is measured: for each measure the run, what it is compared with, and what to reach."""

from __future__ import annotations

import dataclasses
from typing import Any, Callable

from processes import Bench

Figures = dict[str, Any]


def cpu(figures: Figures) -> float | None:
    """CPU seconds for a million events of all who took part; None where that was not measured."""
    spent = [
        figures[f"{who}_cpu_seconds_per_million"]
        for who in ("daemon", "redis", "client")
        if f"{who}_cpu_seconds_per_million" in figures
    ]
    return float(sum(spent)) if spent else None


# Of a virtual machine whose host keeps more than this part of the CPU time that it wants, figures say
# more about the host than about what runs there.
MOST_STOLEN = 0.05


@dataclasses.dataclass(frozen=True)
class Pair:
    """One round of a measure."""

    value: float
    reference: float
    value_figures: Figures
    reference_figures: Figures

    @property
    def ratio(self) -> float:
        return self.value / self.reference

    @property
    def stolen(self) -> float:
        """The larger part of CPU time that the host kept, of both runs."""
        return float(max(self.value_figures["stolen"], self.reference_figures["stolen"]))

    @property
    def quiet(self) -> bool:
        return self.stolen <= MOST_STOLEN

    @property
    def cpu_ratio(self) -> float | None:
        """How many times less CPU an event costs than in the reference: what the ratio of rates
        would be if both kept all cores busy. What else the machine does moves it least."""
        mine, theirs = cpu(self.value_figures), cpu(self.reference_figures)
        return theirs / mine if mine and theirs else None


@dataclasses.dataclass(frozen=True)
class Measure:
    """A ratio of two runs that are made one right after the other."""

    name: str
    title: str
    unit: str
    # The ratio to reach, and whether it must be at least or at most that.
    target: float
    at_least: bool
    # Both runs' figures; the one in question first.
    value: Callable[[Bench], Figures]
    reference: Callable[[Bench], Figures]
    # What of the figures counts.
    value_of: Callable[[Figures], float]
    reference_of: Callable[[Figures], float]

    def run(self, bench: Bench, round_number: int) -> Pair:
        """The order changes from round to round, so that neither gains from what came before."""
        if round_number % 2 == 0:
            reference = self.reference(bench)
            value = self.value(bench)
        else:
            value = self.value(bench)
            reference = self.reference(bench)
        return Pair(self.value_of(value), self.reference_of(reference), value, reference)

    def reached(self, ratio: float) -> bool:
        return ratio >= self.target if self.at_least else ratio <= self.target


def rate(figures: Figures) -> float:
    return float(figures["events_per_second"])


def p50(what: str) -> Callable[[Figures], float]:
    return lambda figures: float(figures[what]["p50_us"])


def throughput(
    name: str,
    title: str,
    target: float,
    value: Callable[[Bench], Figures],
    reference: Callable[[Bench], Figures],
) -> Measure:
    return Measure(name, title, "events/s", target, True, value, reference, rate, rate)


def raw_flow(bench: Bench) -> Figures:
    """Raw XADD, XREADGROUP(256) and XACK of the same events: two connections at once."""
    return bench.raw_redis("flow")


def raw_xadd(bench: Bench) -> Figures:
    return bench.raw_redis("xadd", "--depth=128")


def raw_xadd_to_100_streams(bench: Bench) -> Figures:
    return bench.raw_redis("xadd", "--depth=128", "--streams=100")


def echo_and_round_trip(bench: Bench) -> Figures:
    """An echo of one call at a time, and one round trip to Redis (an XADD of the event)."""
    echo = bench.echo("unary", "--in-flight=1")
    redis = bench.raw_redis("round-trip")
    return {
        "echo": echo["latency"],
        "redis": redis["latency"],
        "p50_us": echo["latency"]["p50_us"] + redis["latency"]["p50_us"],
        "stolen": max(echo["stolen"], redis["stolen"]),
        "daemon_cpu_seconds_per_million": echo["daemon_cpu_seconds_per_million"],
        "redis_cpu_seconds_per_million": redis["redis_cpu_seconds_per_million"],
        "client_cpu_seconds_per_million": echo["client_cpu_seconds_per_million"]
        + redis["client_cpu_seconds_per_million"],
    }


def sum_p50(figures: Figures) -> float:
    return float(figures["p50_us"])


RATIOS = [
    throughput(
        "flow",
        "PublishStream (100 a message) → group → ack, raw client ÷ raw XADD + XREADGROUP + XACK",
        4.0,
        lambda bench: bench.load("flow"),
        raw_flow,
    ),
    throughput(
        "flow-nacks",
        "the same with 1 % nacked",
        3.5,
        lambda bench: bench.load("flow", "--settle=nacks"),
        raw_flow,
    ),
    throughput(
        "flow-scattered",
        "the same with acks out of order, one by one",
        3.5,
        lambda bench: bench.load("flow", "--settle=scattered"),
        raw_flow,
    ),
    throughput(
        "flow-typed",
        "the same with a typed client (generated stubs, arenas)",
        2.0,
        lambda bench: bench.load("flow", "--typed"),
        raw_flow,
    ),
    throughput(
        "publish-stream",
        "PublishStream alone, raw client ÷ raw pipelined XADD (128 deep)",
        2.5,
        lambda bench: bench.load("publish-stream"),
        raw_xadd,
    ),
    throughput(
        "publish-batch",
        "PublishBatch(100), 4 in flight ÷ the same",
        1.5,
        lambda bench: bench.load("batch", "--in-flight=4"),
        raw_xadd,
    ),
    throughput(
        "publish-unary",
        "unary Publish over Redis, 64 in flight ÷ echo of the same message",
        0.8,
        lambda bench: bench.load("unary", "--in-flight=64"),
        lambda bench: bench.echo("unary", "--in-flight=64"),
    ),
    throughput(
        "publish-unary-queue",
        "the same ÷ echo of a server with one completion queue",
        0.8,
        lambda bench: bench.load("unary", "--in-flight=64"),
        lambda bench: bench.echo("unary", "--in-flight=64", queue=True),
    ),
    Measure(
        "publish-latency",
        "one-in-flight Publish p50 ÷ (echo p50 + one Redis round trip)",
        "µs",
        1.15,
        False,
        lambda bench: bench.load("unary", "--in-flight=1"),
        echo_and_round_trip,
        p50("latency"),
        sum_p50,
    ),
    Measure(
        "delivery-latency",
        "one-in-flight publish → delivered p50 ÷ the same",
        "µs",
        1.6,
        False,
        lambda bench: bench.load("one-delivered"),
        echo_and_round_trip,
        p50("delivered"),
        sum_p50,
    ),
    throughput(
        "drain",
        "backlog drain ÷ raw XREADGROUP + XACK",
        5.0,
        lambda bench: bench.load("drain", "--events=2000000"),
        lambda bench: bench.raw_redis("read", "--events=500000"),
    ),
    throughput(
        "drain-live",
        "a backlog of 1 million drained ÷ the live rate (flow)",
        1.0,
        lambda bench: bench.load("drain", "--events=1000000"),
        lambda bench: bench.load("flow"),
    ),
    throughput(
        "memory-batch",
        "PublishBatch(100) on the memory store ÷ the same batch echoed",
        0.9,
        lambda bench: bench.load("batch", "--in-flight=4", memory_store=True),
        lambda bench: bench.echo("batch", "--in-flight=4"),
    ),
    throughput(
        "memory-batch-queue",
        "the same ÷ echo of a server with one completion queue",
        0.9,
        lambda bench: bench.load("batch", "--in-flight=4", memory_store=True),
        lambda bench: bench.echo("batch", "--in-flight=4", queue=True),
    ),
    throughput(
        "many-types-batch",
        "PublishBatch of 100 events of 100 types, 4 in flight ÷ raw pipelined XADD to 100 streams",
        0.9,
        lambda bench: bench.load("batch", "--in-flight=4", "--types=100"),
        raw_xadd_to_100_streams,
    ),
    throughput(
        "many-types-batch-16",
        "the same with 16 in flight",
        0.9,
        lambda bench: bench.load("batch", "--in-flight=16", "--types=100"),
        raw_xadd_to_100_streams,
    ),
]
