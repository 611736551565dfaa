"""Measures along one quantity: rates, tails, sizes, types, groups, idle subscribers."""

from __future__ import annotations

import dataclasses
import statistics
from typing import Any, Callable, Sequence

from measures import Figures, rate
from processes import Bench, Daemon, Redis


@dataclasses.dataclass(frozen=True)
class Column:
    """One figure of each point: where it is found and how it is called."""

    name: str
    title: str
    of: Callable[[Figures], float]


@dataclasses.dataclass(frozen=True)
class Sweep:
    """The same run at several points of one quantity."""

    name: str
    title: str
    quantity: str
    points: Sequence[float]
    run: Callable[[Bench, float], Figures]
    columns: Sequence[Column]
    # What may become of a column from the first point to any other, at most; and of one column,
    # whatever the point.
    growth: tuple[str, float] | None = None
    at_most: tuple[str, float] | None = None


@dataclasses.dataclass(frozen=True)
class SweepResult:
    """What the rounds of a sweep come to: for each point the median of each column."""

    sweep: Sweep
    rounds: list[list[Figures]]

    def median(self, point: int, column: Column) -> float:
        return statistics.median(column.of(figures[point]) for figures in self.rounds)

    def growth(self, point: int) -> float:
        """How the column of `growth` has grown since the first point; rounds are compared one by
        one, since what disturbs the machine changes from round to round."""
        assert self.sweep.growth is not None
        column = next(one for one in self.sweep.columns if one.name == self.sweep.growth[0])
        return statistics.median(
            column.of(figures[point]) / column.of(figures[0]) for figures in self.rounds
        )

    def reached(self) -> bool | None:
        """None where nothing is to be reached."""
        points = range(len(self.sweep.points))
        if self.sweep.growth is not None:
            limit = self.sweep.growth[1]
            return all(self.growth(point) <= limit for point in points)
        if self.sweep.at_most is not None:
            name, limit = self.sweep.at_most
            column = next(one for one in self.sweep.columns if one.name == name)
            return all(self.median(point, column) <= limit for point in points)
        return None

    def summary(self) -> dict[str, Any]:
        return {
            "name": self.sweep.name,
            "title": self.sweep.title,
            "quantity": self.sweep.quantity,
            "reached": self.reached(),
            "points": [
                {"at": at}
                | {one.name: self.median(index, one) for one in self.sweep.columns}
                | ({"growth": self.growth(index)} if self.sweep.growth else {})
                for index, at in enumerate(self.sweep.points)
            ],
            "columns": {one.name: one.title for one in self.sweep.columns},
            "rounds": self.rounds,
        }


def cost(figures: Figures) -> float:
    """CPU seconds of the daemon and Redis together for a million events."""
    return float(
        figures["daemon_cpu_seconds_per_million"] + figures["redis_cpu_seconds_per_million"]
    )


RATE = Column("rate", "events/s", rate)
COST = Column("cost", "CPU s per million, daemon + Redis", cost)
DAEMON = Column(
    "daemon", "CPU s per million, daemon", lambda f: float(f["daemon_cpu_seconds_per_million"])
)
REDIS = Column(
    "redis", "CPU s per million, Redis", lambda f: float(f["redis_cpu_seconds_per_million"])
)

# One event an entry: the same whatever the rate of a type is.
EQUAL_ENTRIES = "--limits-max-events-per-entry=1"
# The budget of a run's deliveries, shared by all tails.
FAN_OUT_DELIVERIES = 4_000_000
# What one PublishStream message may hold, with room to spare.
MESSAGE_BYTES = 2 << 20
# What a run of large events may put into Redis.
SWEEP_BYTES = 2 << 30


def delivered(percentile: str, title: str) -> Column:
    return Column(percentile, title, lambda figures: float(figures["delivered"][f"{percentile}_us"]))


LATENCY_COLUMNS = [
    delivered("p50", "p50 µs"),
    delivered("p99", "p99 µs"),
    delivered("p999", "p99.9 µs"),
    Column("late", "sent late, p99 µs", lambda figures: float(figures["sent_late"]["p99_us"])),
    RATE,
]


def latency(bench: Bench, events_per_second: float) -> Figures:
    return bench.load("latency", f"--rate={events_per_second:.0f}")


def fan_out(bench: Bench, tails: float) -> Figures:
    events = max(1000, FAN_OUT_DELIVERIES // int(max(tails, 4)))
    return bench.load("fan-out", f"--subscribers={tails:.0f}", f"--events={events}")


def payload(bench: Bench, data_bytes: float) -> Figures:
    per_message = max(1, min(100, MESSAGE_BYTES // int(data_bytes + 128)))
    # By count, for what is fast by bytes would need more memory than there may be.
    events = min(1_000_000, int(SWEEP_BYTES / (data_bytes + 128)))
    return bench.load(
        "flow-count",
        "--event-bytes=0",
        f"--data-bytes={data_bytes:.0f}",
        f"--events-per-message={per_message}",
        f"--events={events}",
    )


def types(bench: Bench, count: float) -> Figures:
    return bench.load("flow", f"--types={count:.0f}", settings=[EQUAL_ENTRIES])


def groups(bench: Bench, count: float) -> Figures:
    return bench.load("flow", f"--other-groups={count - 1:.0f}")


def far_redis(bench: Bench, milliseconds: float) -> Figures:
    away = milliseconds / 1000

    def load(*arguments: object) -> Figures:
        return bench.load(*arguments, round_trip_seconds=away)

    return {
        "one": load("unary", "--in-flight=1"),
        "calls": load("unary", "--in-flight=64"),
        "batches": load("batch", "--in-flight=16"),
        "types": load("batch", "--in-flight=16", "--types=100"),
        "flow": load("flow"),
    }


def idle_cost(bench: Bench, subscribers: float) -> Figures:
    return bench.load("flow", idle_subscribers=int(subscribers))


def idle_memory(bench: Bench, subscribers: float) -> Figures:
    """What the daemon's memory grows by when idle subscribers come, 100 on a connection."""
    with Redis(bench.directory) as redis:
        with Daemon(bench.daemon, bench.directory, redis) as daemon:
            # What the first one costs is not what each one costs.
            with bench.idle(daemon.address, 1):
                before = daemon.memory()
                with bench.idle(daemon.address, int(subscribers)):
                    after = daemon.memory()
    return {"before_bytes": before, "after_bytes": after, "each_bytes": (after - before) / subscribers}


SWEEPS = [
    Sweep(
        "fan-out",
        "Tails that all see everything",
        "tails",
        [1, 10, 100, 1000],
        fan_out,
        [
            Column("deliveries", "deliveries/s", lambda f: float(f["deliveries_per_second"])),
            DAEMON,
        ],
    ),
    Sweep(
        "payload",
        "Size of the events' data: PublishStream → group → ack",
        "bytes",
        [64, 256, 1024, 4096, 16384, 65536],
        payload,
        [
            RATE,
            Column(
                "megabytes",
                "MB/s",
                lambda f: rate(f) * float(f["data_bytes"]) / 1e6,
            ),
            DAEMON,
            REDIS,
        ],
    ),
    Sweep(
        "types",
        "Types at equal entry size (1 event): PublishStream → group → ack",
        "types",
        [1, 10, 100, 1000],
        types,
        [COST, DAEMON, REDIS, RATE],
        growth=("cost", 1.25),
    ),
    Sweep(
        "groups",
        "Groups, of which one gets the events",
        "groups",
        [1, 10, 100],
        groups,
        [COST, DAEMON, REDIS, RATE],
        growth=("cost", 1.25),
    ),
    Sweep(
        "idle",
        "Idle subscribers beside the one that gets the events",
        "subscribers",
        [0, 100, 1000, 5000],
        idle_cost,
        [COST, DAEMON, REDIS, RATE],
        growth=("cost", 1.25),
    ),
    Sweep(
        "far-redis",
        "Redis further away, through a proxy on the same two cores",
        "ms more per round trip",
        [0, 1, 5],
        far_redis,
        [
            Column(
                "p50",
                "Publish one at a time, p50 µs",
                lambda figures: float(figures["one"]["latency"]["p50_us"]),
            ),
            Column("calls", "64 at once, calls/s", lambda figures: rate(figures["calls"])),
            Column(
                "batches",
                "PublishBatch(100), 16 in flight, events/s",
                lambda figures: rate(figures["batches"]),
            ),
            Column("types", "the same, 100 types", lambda figures: rate(figures["types"])),
            Column(
                "flow",
                "PublishStream → group → ack, events/s",
                lambda figures: rate(figures["flow"]),
            ),
        ],
    ),
    Sweep(
        "idle-memory",
        "Memory of an idle subscriber, 100 of them on a connection",
        "subscribers",
        [100, 1000, 5000],
        idle_memory,
        [Column("each", "KiB each", lambda figures: float(figures["each_bytes"]) / 1024)],
        at_most=("each", 32),
    ),
]


def latency_sweep(half_of_maximum: float) -> Sweep:
    return Sweep(
        "latency",
        "Publish → delivered to a group, at a given rate",
        "events/s",
        [1_000, 10_000, round(half_of_maximum, -3)],
        latency,
        LATENCY_COLUMNS,
    )
