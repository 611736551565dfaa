"""The programs that take part in a run, each on a free port, and what they cost."""

from __future__ import annotations

import json
import os
import pathlib
import re
import select
import shutil
import socket
import subprocess
import tempfile
import time
from typing import Any, NamedTuple, Self, Sequence

from distance import Distance

START_SECONDS = 20.0

# Whose options a JVM takes besides those of its command line.
JAVA_SETTINGS = ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS")


class BenchError(Exception):
    """A program of the bench failed; the message says which and how."""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def clean_environment() -> dict[str, str]:
    """This process' environment without settings that a developer may have in theirs."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("EVENTBUS_")
        and not name.lower().endswith("_proxy")
        and name not in JAVA_SETTINGS
    }


class Program:
    """A process that runs in the background, with its output in a file. A context manager."""

    def __init__(self, command: Sequence[str], directory: pathlib.Path):
        self.name = pathlib.Path(command[0]).name
        self._output = directory / f"{self.name}.{time.monotonic_ns()}.log"
        with open(self._output, "wb") as output:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=clean_environment(),
                cwd=directory,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Nothing is to be kept, so nobody is asked to end in peace."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def output(self) -> str:
        return self._output.read_text(errors="replace")

    def wait_for(self, pattern: str, limit_seconds: float = START_SECONDS) -> str:
        """What the first group of the pattern matches in the program's output."""
        end = time.monotonic() + limit_seconds
        while time.monotonic() < end:
            found = re.search(pattern, self.output())
            if found:
                return found.group(1)
            if self.process.poll() is not None:
                break
            time.sleep(0.01)
        raise BenchError(f"{self.name} did not start; it wrote:\n{self.output()[-2000:]}")

    def memory(self, field: str = "VmRSS") -> int:
        """Bytes of memory: VmRSS is resident now, VmHWM the most there ever was."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(rf"^{field}:\s+(\d+) kB", status, re.MULTILINE)
        return int(found[1]) * 1024 if found else 0


class Redis(Program):
    """A redis-server that keeps nothing on disk."""

    def __init__(self, directory: pathlib.Path, *options: str):
        self.port = free_port()
        command = [os.environ.get("EVENTBUS_REDIS_SERVER", "redis-server")]
        command += ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(directory)]
        command += ["--save", "", "--appendonly", "no", "--daemonize", "no", *options]
        super().__init__(command, directory)
        self.wait_for(r"(Ready to accept connections)")


class Daemon(Program):
    """An eventbusd, ready to serve; on the memory store unless there is a Redis."""

    def __init__(
        self,
        binary: pathlib.Path,
        directory: pathlib.Path,
        redis: Redis | Distance | None,
        *options: str,
    ):
        command = [str(binary), "--listen-address=127.0.0.1:0", "--metrics-address=127.0.0.1:0"]
        if redis is not None:
            command.append(f"--redis=redis://127.0.0.1:{redis.port}")
        super().__init__([*command, *options], directory)
        self.address = self.wait_for(r"eventbusd listening on (\S+)")


class Echo(Program):
    """The echo server."""

    def __init__(self, binary: pathlib.Path, directory: pathlib.Path, *options: str):
        super().__init__([str(binary), *options], directory)
        self.address = self.wait_for(r"listening on (\S+)")


class CpuTimes(NamedTuple):
    """Time of all cores together, in ticks."""

    idle: int
    # Wanted, and kept by the host.
    stolen: int
    total: int

    @classmethod
    def now(cls) -> "CpuTimes":
        """Since the machine was started."""
        with open("/proc/stat", encoding="ascii") as stat:
            times = [int(field) for field in stat.readline().split()[1:9]]
        return cls(idle=times[3] + times[4], stolen=times[7], total=sum(times))

    def since(self, before: "CpuTimes") -> "CpuTimes":
        return CpuTimes(*(now - then for now, then in zip(self, before)))


class StolenTime:
    """What part of its CPU time the machine wanted and did not get, because its host ran something
    else: 0 to 1, since this was made. 0 on a machine that is not virtual."""

    def __init__(self) -> None:
        self._begin = CpuTimes.now()

    def part(self) -> float:
        spent = CpuTimes.now().since(self._begin)
        busy = spent.total - spent.idle
        return spent.stolen / busy if busy else 0.0


class Holder:
    """An eventbus-load that holds something until it is let go. A context manager."""

    def __init__(self, command: Sequence[str]):
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=clean_environment(),
        )
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], 60)
        if not ready or self.process.stdout.readline().strip() != b"ready":
            self.stop()
            raise BenchError("the subscribers that should stay idle did not come up")

    def __enter__(self) -> "Holder":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def run_json(command: Sequence[str], limit_seconds: float) -> dict[str, Any]:
    """Runs a program to its end: the JSON object that it prints, and as `stolen` what the host kept
    from us meanwhile."""
    stolen = StolenTime()
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=clean_environment(),
            timeout=limit_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise BenchError(f"{' '.join(command)}: not over after {limit_seconds:.0f} s") from late
    if done.returncode != 0:
        raise BenchError(f"{' '.join(command)}: {done.stderr.strip()[-1000:]}")
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures | {"stolen": round(stolen.part(), 3)}


class Bench:
    """Starts what a measure needs, anew for each run: a fresh Redis, a fresh daemon."""

    def __init__(self, daemon: pathlib.Path, programs: pathlib.Path, seconds: float):
        if not daemon.exists():
            raise BenchError(f"there is no {daemon}")
        self.programs = programs
        self.seconds = seconds
        self._directory = tempfile.TemporaryDirectory(prefix="eventbus-bench-")
        # All rounds measure the same daemon, whatever is built meanwhile.
        self.daemon = pathlib.Path(shutil.copy(daemon, self._directory.name))

    def __enter__(self) -> "Bench":
        return self

    def __exit__(self, *_: object) -> None:
        self._directory.cleanup()

    @property
    def directory(self) -> pathlib.Path:
        return pathlib.Path(self._directory.name)

    def load(
        self,
        *arguments: object,
        memory_store: bool = False,
        settings: Sequence[str] = (),
        idle_subscribers: int = 0,
        round_trip_seconds: float = 0,
    ) -> dict[str, Any]:
        """eventbus-load against a daemon: its figures, and the CPU time of all who took part.
        `round_trip_seconds`: what the way to Redis and back takes more than on loopback."""
        if round_trip_seconds:
            with Redis(self.directory) as redis, Distance(redis.port, round_trip_seconds) as way:
                with Daemon(self.daemon, self.directory, way, *settings) as daemon:
                    return self._measure(daemon, redis, arguments)
        redis = None if memory_store else Redis(self.directory)
        try:
            with Daemon(self.daemon, self.directory, redis, *settings) as daemon:
                if idle_subscribers:
                    with self.idle(daemon.address, idle_subscribers):
                        return self._measure(daemon, redis, arguments)
                return self._measure(daemon, redis, arguments)
        finally:
            if redis is not None:
                redis.stop()

    def idle(self, address: str, subscribers: int) -> Holder:
        return Holder(
            [str(self.programs / "eventbus-load"), "idle", f"--address={address}"]
            + [f"--subscribers={subscribers}"]
        )

    def _measure(
        self, daemon: Daemon, redis: Redis | None, arguments: Sequence[object]
    ) -> dict[str, Any]:
        watched = [f"--daemon-pid={daemon.process.pid}"]
        if redis is not None:
            watched.append(f"--redis-pid={redis.process.pid}")
        figures = self._run_load(daemon.address, [*arguments, *watched])
        figures["daemon_peak_bytes"] = daemon.memory("VmHWM")
        return figures

    def _run_load(self, address: str, arguments: Sequence[object]) -> dict[str, Any]:
        command = [str(self.programs / "eventbus-load"), *map(str, arguments)]
        command += [f"--address={address}", f"--seconds={self.seconds}"]
        return run_json(command, self.seconds + 150)

    def echo(self, *arguments: object, queue: bool = False) -> dict[str, Any]:
        """The same load against the echo server; `queue`: with one thread and completion queue."""
        options = ["--queue"] if queue else []
        with Echo(self.programs / "eventbus-echo", self.directory, *options) as echo:
            return self._run_load(
                echo.address, [*arguments, f"--daemon-pid={echo.process.pid}"]
            )

    def raw_redis(self, *arguments: object) -> dict[str, Any]:
        """eventbus-raw-redis."""
        with Redis(self.directory) as redis:
            command = [str(self.programs / "eventbus-raw-redis"), *map(str, arguments)]
            command += [f"--port={redis.port}", f"--seconds={self.seconds}"]
            command.append(f"--redis-pid={redis.process.pid}")
            return run_json(command, self.seconds + 150)
