"""The same work on other brokers beside eventbusd, as scripts/bench --peers asks for."""

from __future__ import annotations

import dataclasses
import pathlib
import shutil
import statistics
import tempfile
from typing import Any, Callable, Sequence

from measures import Figures, p50, rate
from processes import Bench, BenchError, Program, run_json

# What a run may take beyond the seconds that are measured.
MARGIN_SECONDS = 150

# A JVM compiles what runs often, while it runs: half a second, as the others have, would measure its
# interpreter.
KAFKA_WARM_UP_SECONDS = 20
# Kafka's own start script has these flags for a broker, and the heap of its performance tools is as
# large as the client's here.
JVM_FLAGS = (
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=20",
    "-XX:InitiatingHeapOccupancyPercent=35",
    "-XX:+ExplicitGCInvokesConcurrent",
    "-XX:MaxInlineLevel=15",
)
KAFKA_SERVER_HEAP = ("-Xms1g", "-Xmx1g")
KAFKA_CLIENT_HEAP = ("-Xmx512m",)
# Starting a JVM and a broker of one node, on a machine that is busy.
KAFKA_START_SECONDS = 60.0


class NatsServer(Program):
    """A NATS server with JetStream, on a free port. Ends by itself some time after the run, should
    nobody be left to stop it."""

    def __init__(
        self, binary: pathlib.Path, directory: pathlib.Path, store: str, run_seconds: float
    ):
        command = [str(binary), "server", f"--directory={store}", f"--limit={2 * run_seconds:.0f}s"]
        super().__init__(command, directory)
        self.url = self.wait_for(r"nats-server listening on (\S+)")


class KafkaServer(Program):
    """A Kafka broker of one node, on a free port. Ends by itself like the NATS server."""

    def __init__(self, jar: pathlib.Path, directory: pathlib.Path, store: str, run_seconds: float):
        command = ["java", *KAFKA_SERVER_HEAP, *JVM_FLAGS, "-jar", str(jar), "server"]
        command += [f"--directory={store}", f"--limit={2 * run_seconds:.0f}"]
        super().__init__(command, directory)
        try:
            self.address = self.wait_for(r"kafka listening on (\S+)\n", KAFKA_START_SECONDS)
        except BenchError:
            self.stop()
            raise


def has_java() -> bool:
    """Whether there is what building and running Kafka's part needs."""
    return all(shutil.which(tool) is not None for tool in ("java", "mvn"))


@dataclasses.dataclass(frozen=True)
class Peers:
    """Starts what a run needs, anew for each: an eventbusd, or one of the others."""

    bench: Bench
    nats: pathlib.Path
    # None where Kafka is left out.
    kafka_jar: pathlib.Path | None

    def __post_init__(self) -> None:
        for program in (self.nats, self.kafka_jar):
            if program is not None and not program.exists():
                raise BenchError(f"there is no {program}; scripts/bench --peers builds it")

    def contests(self) -> list[Contest]:
        """All, each with the contenders that are there."""
        return [
            dataclasses.replace(
                one,
                contenders=[
                    each
                    for each in one.contenders
                    if self.kafka_jar is not None or not each.needs_kafka
                ],
            )
            for one in CONTESTS
        ]

    def kafka(self, scenario: str, *arguments: str) -> Figures:
        """eventbus-peer-kafka against a fresh broker: its figures, in the names of eventbus-load."""
        assert self.kafka_jar is not None
        limit = self.bench.seconds + KAFKA_WARM_UP_SECONDS + MARGIN_SECONDS
        with (
            tempfile.TemporaryDirectory(prefix="kafka-", dir=self.bench.directory) as store,
            KafkaServer(self.kafka_jar, self.bench.directory, store, limit) as server,
        ):
            command = ["java", *KAFKA_CLIENT_HEAP, *JVM_FLAGS, "-jar", str(self.kafka_jar)]
            command += [scenario, f"--server={server.address}", *arguments]
            command += [f"--seconds={self.bench.seconds}", f"--warm-up={KAFKA_WARM_UP_SECONDS}"]
            command += [f"--limit={limit:.0f}", f"--server-pid={server.process.pid}"]
            figures = run_json(command, limit)
            figures["server_peak_bytes"] = server.memory("VmHWM")
        return figures

    def jetstream(self, scenario: str, *arguments: str) -> Figures:
        """eventbus-peer-nats against a fresh server: its figures, in the names of eventbus-load."""
        limit = self.bench.seconds + MARGIN_SECONDS
        with (
            tempfile.TemporaryDirectory(prefix="jetstream-", dir=self.bench.directory) as store,
            NatsServer(self.nats, self.bench.directory, store, limit) as server,
        ):
            command = [str(self.nats), scenario, f"--server={server.url}", *arguments]
            command += [f"--seconds={self.bench.seconds}", f"--server-pid={server.process.pid}"]
            figures = run_json(command, limit)
            figures["server_peak_bytes"] = server.memory("VmHWM")
        return figures


@dataclasses.dataclass(frozen=True)
class Contender:
    """A broker, set up in one way, and how it is given the work."""

    name: str
    title: str
    run: Callable[[Peers], Figures]
    needs_kafka: bool = False


@dataclasses.dataclass(frozen=True)
class Contest:
    """The same work for several contenders; the first one is what the others are compared with."""

    name: str
    title: str
    unit: str
    contenders: Sequence[Contender]
    # What of the figures counts, and whether more of it is better.
    value_of: Callable[[Figures], float]
    more_is_better: bool

    def run(self, peers: Peers, round_number: int) -> dict[str, Figures]:
        """All once, by name; the order changes from round to round."""
        order = self.contenders if round_number % 2 == 0 else self.contenders[::-1]
        return {one.name: one.run(peers) for one in order}

    def summary(self, rounds: list[dict[str, Figures]]) -> dict[str, Any]:
        """What the rounds come to: medians, and for each peer how many times better the first
        contender was in the same round."""
        return {
            "name": self.name,
            "title": self.title,
            "unit": self.unit,
            "more_is_better": self.more_is_better,
            "contenders": [self._row(one, rounds) for one in self.contenders],
            "rounds": rounds,
        }

    def _row(self, one: Contender, rounds: list[dict[str, Figures]]) -> dict[str, Any]:
        mine = [figures[one.name] for figures in rounds]
        ratios = [self._times_better(figures, one) for figures in rounds]
        row = {
            "name": one.name,
            "title": one.title,
            "value": statistics.median(self.value_of(figures) for figures in mine),
            "times_better": statistics.median(ratios),
            "times_better_min": min(ratios),
            "times_better_max": max(ratios),
            "server_cpu": statistics.median(server_cpu(figures) for figures in mine),
            "client_cpu": statistics.median(
                float(figures["client_cpu_seconds_per_million"]) for figures in mine
            ),
        }
        if "latency" in mine[0]:
            row["p99"] = statistics.median(float(f["latency"]["p99_us"]) for f in mine)
        return row

    def _times_better(self, figures: dict[str, Figures], other: Contender) -> float:
        first = self.value_of(figures[self.contenders[0].name])
        second = self.value_of(figures[other.name])
        return first / second if self.more_is_better else second / first


def server_cpu(figures: Figures) -> float:
    """CPU seconds for a million events of all processes that are not the client."""
    spent = [
        figures[f"{who}_cpu_seconds_per_million"]
        for who in ("daemon", "redis", "server")
        if f"{who}_cpu_seconds_per_million" in figures
    ]
    return float(sum(spent))


def versions(contests: list[dict[str, Any]]) -> dict[str, str]:
    """Of the peers, as their figures tell; and the flags of the JVMs, if there were any."""
    told: dict[str, str] = {}
    for contest in contests:
        for figures in contest["rounds"][0].values():
            told |= {
                name: figures[name]
                for name in ("nats_server", "go", "kafka", "java")
                if name in figures
            }
    if "kafka" in told:
        told["kafka_server_flags"] = " ".join((*KAFKA_SERVER_HEAP, *JVM_FLAGS))
        told["kafka_client_flags"] = " ".join((*KAFKA_CLIENT_HEAP, *JVM_FLAGS))
    return told


def on_redis(*arguments: str, settings: Sequence[str] = ()) -> Callable[[Peers], Figures]:
    return lambda peers: peers.bench.load(*arguments, settings=settings)


def on_memory_store(*arguments: str) -> Callable[[Peers], Figures]:
    return lambda peers: peers.bench.load(*arguments, memory_store=True)


# As many events unanswered as with the default window of 32 messages of 100 events.
ONE_EVENT_WINDOW = "--publish-stream-window-messages=3200"


def eventbusd_streams(scenario: str) -> list[Contender]:
    """Streams, by each kind of client. The typed one comes first, as nats.go is the like of it: a
    library that is given what it should publish."""
    return [
        Contender(
            "eventbusd-typed",
            "eventbusd on Redis, typed client",
            on_redis(scenario, "--typed"),
        ),
        Contender("eventbusd-raw", "eventbusd on Redis, raw client", on_redis(scenario)),
        Contender(
            "eventbusd-typed-singles",
            "eventbusd on Redis, typed client, one event a message",
            on_redis(scenario, "--typed", "--events-per-message=1", settings=[ONE_EVENT_WINDOW]),
        ),
        Contender(
            "eventbusd-memory",
            "eventbusd on the memory store, typed client",
            on_memory_store(scenario, "--typed"),
        ),
    ]


EVENTBUSD_UNARY = [
    Contender("eventbusd-redis", "eventbusd on Redis", on_redis("unary", "--in-flight=1")),
    Contender(
        "eventbusd-memory",
        "eventbusd on the memory store",
        on_memory_store("unary", "--in-flight=1"),
    ),
]


def jetstream(scenario: str) -> list[Contender]:
    """With each kind of storage."""
    return [
        Contender(
            "jetstream-memory",
            "JetStream, memory storage",
            lambda peers: peers.jetstream(scenario, "--storage=memory"),
        ),
        Contender(
            "jetstream-file",
            "JetStream, file storage",
            lambda peers: peers.jetstream(scenario, "--storage=file"),
        ),
    ]


JETSTREAM_ACK_ALL = Contender(
    "jetstream-memory-ack-all",
    "JetStream, memory storage, one ack for 256 messages",
    lambda peers: peers.jetstream("flow", "--storage=memory", "--ack-every=256"),
)


def kafka(name: str, title: str, scenario: str, *arguments: str) -> Contender:
    return Contender(name, title, lambda peers: peers.kafka(scenario, *arguments), needs_kafka=True)


# 640 events of 256 bytes: five requests, which is what a producer has unanswered at most, are then
# as many events as the others may have unanswered.
KAFKA_LARGE_BATCHES = "--batch-bytes=171000"


def kafka_streams(scenario: str) -> list[Contender]:
    """With the producer as it is by default, and with larger batches."""
    return [
        kafka("kafka", "Kafka, batches of 16 KiB (default)", scenario),
        kafka("kafka-large-batches", "Kafka, batches of 640 events", scenario, KAFKA_LARGE_BATCHES),
    ]


KAFKA_AUTO_COMMIT = kafka(
    "kafka-large-batches-auto-commit",
    "Kafka, batches of 640 events, a commit every 5 s (default)",
    "flow",
    KAFKA_LARGE_BATCHES,
    "--auto-commit=true",
)

KAFKA_ONE_BY_ONE = [
    kafka("kafka-no-linger", "Kafka, linger.ms=0", "latency", "--linger-ms=0"),
    kafka("kafka", "Kafka, linger.ms=5 (default)", "latency"),
]

CONTESTS = [
    Contest(
        "peer-flow",
        "Publish → group or durable consumer → ack or commit",
        "events/s",
        [
            *eventbusd_streams("flow"),
            *jetstream("flow"),
            JETSTREAM_ACK_ALL,
            *kafka_streams("flow"),
            KAFKA_AUTO_COMMIT,
        ],
        rate,
        True,
    ),
    Contest(
        "peer-publish",
        "Publish as fast as it is acknowledged, nobody subscribes",
        "events/s",
        [
            *eventbusd_streams("publish-stream"),
            *jetstream("publish"),
            *kafka_streams("publish"),
        ],
        rate,
        True,
    ),
    Contest(
        "peer-latency",
        "Publish one event at a time",
        "p50 µs",
        [*EVENTBUSD_UNARY, *jetstream("latency"), *KAFKA_ONE_BY_ONE],
        p50("latency"),
        False,
    ),
]
