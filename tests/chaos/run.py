"""One run: Redis, three daemons, clients, faults by a seed, then the checker.

    PYTHONPATH=tests build/venv/e2e/bin/python -m chaos.run --seed 1 --seconds 60

The seed decides who does what and which faults come when; what then happens is up to the machine,
so a seed repeats a plan and not a history. Everything is started here, on loopback and on Unix
sockets, and only what was started here is hurt or stopped.
"""

import argparse
import os
import pathlib
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

from harness.daemon import Daemon
from harness.redis_server import RedisServer
from harness.stubs import ROOT

from chaos.behind_the_back import dead_letters, lose_entry, unsettled
from chaos.clients import Clients
from chaos.history import Log
from chaos.plan import DRAIN_TIMEOUT, INSTANCES, STORE_TIMEOUT, Plan

PAUSE = threading.Event()  # Never set: waiting for it is a pause.


def free_ports(count: int, rng: random.Random) -> list[int]:
    """Ports that nobody listens on, outside of those that outgoing connections get: they must still
    be free when an instance starts again."""
    found: list[int] = []
    while len(found) < count:
        port = rng.randint(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in found:
            found.append(port)
    return found


class Run:
    def __init__(self, options: argparse.Namespace, directory: pathlib.Path):
        self._options = options
        self._directory = directory
        self._plan = Plan(
            options.seed, options.seconds, options.rate, options.dead_after, options.gap
        )
        ports = free_ports(INSTANCES, random.Random())
        self._addresses = [f"127.0.0.1:{port}" for port in ports]
        self._daemons: list[Daemon | None] = [None] * INSTANCES
        self._starts = 0
        self._clients: list[Clients] = []
        self._log = Log(directory / "faults.ndjson")
        # What is being done to whom: target → (what, since).
        self._under_way: dict = {}
        self._began = 0.0
        self._chance = random.Random(options.seed)

    def histories(self) -> list[pathlib.Path]:
        return [self._directory / "faults.ndjson", *(one.history for one in self._clients)]

    def run(self) -> None:
        redis_directory = self._directory / "redis"
        redis_directory.mkdir()
        self._redis = RedisServer(
            redis_directory, "--appendonly", "yes", "--appendfsync", "always"
        )
        try:
            for instance in range(INSTANCES):
                self._start(instance)
            self._start_clients()
            self._hurt()
            self._come_to_rest()
        finally:
            self._end()

    def _start(self, instance: int) -> None:
        self._starts += 1
        directory = self._directory / f"eventbusd-{instance}-{self._starts}"
        directory.mkdir()
        settings = {
            "store.redis.url": self._redis.url,
            "store.redis.timeout": f"{int(STORE_TIMEOUT * 1000)}ms",
            "instances.dead_after": f"{int(self._options.dead_after * 1000)}ms",
            "instances.heartbeat_interval": f"{int(self._options.dead_after * 100)}ms",
            "drain.timeout": f"{int(DRAIN_TIMEOUT * 1000)}ms",
            "logging.level": "debug",
        }
        self._daemons[instance] = Daemon(directory, settings, address=self._addresses[instance])

    def _start_clients(self) -> None:
        plan = self._plan
        self._began = time.monotonic() + 2.5  # When they have all started.
        common = {"began": self._began, "addresses": self._addresses, "types": plan.types}
        nobody: dict = {"publishers": [], "members": [], "tails": []}
        for name, clients in (
            ("publishers", {"publishers": plan.publishers}),
            ("members-1", {"members": plan.members[::2]}),
            ("members-2", {"members": plan.members[1::2]}),
            ("tails", {"tails": plan.tails}),
        ):
            self._clients.append(Clients(self._directory, name, {**common, **nobody, **clients}))
        for clients in self._clients:
            clients.wait_for("running", 30)

    # ---- Faults ----

    def _hurt(self) -> None:
        steps = []
        for at, what, target, duration in [] if self._options.calm else self._plan.faults:
            steps.append((at, self._begin, what, target))
            if duration > 0:
                steps.append((at + duration, self._finish, what, target))
        steps.sort(key=lambda step: step[0])
        for at, act, what, target in steps:
            self._pass_time(at)
            act(what, target)
        self._pass_time(self._plan.seconds)

    def _pass_time(self, until: float) -> None:
        while True:
            for target, daemon in enumerate(self._daemons):
                code = None if daemon is None else daemon.process.poll()
                stopping = self._under_way.get(target, ("", 0))[0] == "stop"
                if code is not None and not (stopping and code == 0):
                    raise AssertionError(
                        f"instance {target} has ended by itself, code {code}:\n"
                        f"{daemon.stderr()[-3000:]}"
                    )
            for clients in self._clients:
                if clients.process.poll() is not None:
                    raise AssertionError(f"clients have ended by themselves:\n{clients.errors()}")
            left = self._began + until - time.monotonic()
            if left <= 0:
                return
            PAUSE.wait(min(left, 0.5))

    def _say(self, what: str) -> None:
        if self._options.verbose:
            print(f"{time.monotonic() - self._began:7.2f}  {what}", flush=True)

    def _begin(self, what: str, target: int | None) -> None:
        self._say(f"{what} {'redis' if target is None else target}")
        if what in ("client-kill", "reply-loss"):
            if "redis" not in self._under_way:
                now = time.monotonic()
                if what == "client-kill":
                    self._redis.ask("CLIENT", "KILL", "TYPE", "normal")
                else:
                    self._lose_replies()
                self._log.write("fault", now, until=time.monotonic(), what=what, address=None)
            return
        self._under_way["redis" if target is None else target] = (what, time.monotonic())
        if what == "redis-kill":
            self._redis.kill()
        elif what == "redis-freeze":
            self._redis.freeze()
        elif what == "freeze":
            self._daemons[target].freeze()
        elif what == "stop":
            self._daemons[target].terminate()
        else:
            self._daemons[target].kill()
            self._daemons[target] = None

    def _lose_replies(self) -> None:
        """Redis carries out what waits for it and cuts the connections in one go, before it has
        answered: much is done of which nobody hears."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10)
            connection.connect(self._redis.url.removeprefix("unix://"))
            self._redis.freeze()
            PAUSE.wait(self._chance.uniform(0.02, 0.2))  # Commands gather.
            connection.sendall(b"CLIENT KILL TYPE normal\r\n")
            self._redis.thaw()
            connection.recv(100)

    def _finish(self, what: str, target: int | None) -> None:
        self._say(f"{what} of {'redis' if target is None else target} is over")
        _, since = self._under_way.pop("redis" if target is None else target)
        if what == "redis-kill":
            self._redis.start()
        elif what == "redis-freeze":
            self._redis.thaw()
        elif what == "freeze":
            self._daemons[target].thaw()
        else:
            if what == "stop":
                self._daemons[target].wait()
            self._start(target)
        address = None if target is None else self._addresses[target]
        self._log.write("fault", since, until=time.monotonic(), what=what, address=address)

    # ---- The end ----

    def _come_to_rest(self) -> None:
        if self._options.lose:
            entry, key = lose_entry(self._redis, "dormant@1")
            print(f"lost on purpose: entry {entry} of {key}, for group dormant")
        self._say("calm")
        for clients in self._clients:
            clients.tell("calm")
        self._clients[0].wait_for("calm", 60)
        self._clients[0].tell("markers")
        self._clients[0].wait_for("marked", 60)
        self._say("waiting for rest")
        deadline = time.monotonic() + 4 * self._options.dead_after + 40
        while True:
            state = unsettled(self._redis)
            if not state["pending"] and not state["unread"]:
                break
            if time.monotonic() > deadline:
                break
            PAUSE.wait(0.3)
            self._pass_time(0)
        self._log.write("rest", **state)
        self._log.write("letters", letters=dead_letters(self._redis))
        self._say("stopping")
        for clients in self._clients:
            clients.tell("stop")
        for clients in self._clients:
            clients.wait_for("stopped", 60)

    def _end(self) -> None:
        failure = sys.exc_info()[0] is not None
        for clients in self._clients:
            clients.end()
        try:
            for daemon in self._daemons:
                if daemon is not None and not failure:
                    daemon.stop()
        finally:
            for daemon in self._daemons:
                if daemon is not None:
                    daemon.kill()
            self._redis.kill()
            self._log.close()


def stop(*_) -> None:
    """Whoever stops a run has it stop what it started; once, for a second signal would stop that."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(143)


def main() -> int:
    parser = argparse.ArgumentParser(prog="chaos.run", description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, default=None, help="default: a new one")
    parser.add_argument("--seconds", type=float, default=60, help="how long the faults last")
    parser.add_argument("--rate", type=float, default=4000, help="events a second, about")
    parser.add_argument("--dead-after", type=float, default=5, help="instances.dead_after, seconds")
    parser.add_argument("--gap", type=float, default=2, help="mean seconds between short faults")
    parser.add_argument("--directory", type=pathlib.Path, help="default: build/chaos/SEED")
    parser.add_argument("--keep", action="store_true", help="keep the files if all went well too")
    parser.add_argument("--calm", action="store_true", help="no faults")
    parser.add_argument("--lose", action="store_true", help="lose an event, to try the checker")
    parser.add_argument("--verbose", action="store_true", help="say what is done to whom")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, stop)
    if options.seed is None:
        options.seed = secrets.randbelow(10**6)
    print(f"chaos: seed {options.seed}, {options.seconds:g} s", flush=True)
    directory = options.directory or ROOT / "build" / "chaos" / str(options.seed)
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    run = Run(options, directory)
    problem = None
    try:
        run.run()
    except (AssertionError, OSError, subprocess.SubprocessError) as error:
        problem = error
        print(f"the run failed: {type(error).__name__}: {error}")
    if problem is not None:
        # It did not come to its end, so what is missing proves nothing.
        print(f"chaos: seed {options.seed} FAILED; logs are in {directory}", flush=True)
        return 1
    code = subprocess.run(
        [sys.executable, "-m", "chaos.checker", *map(str, run.histories())],
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests")},
        check=False,
    ).returncode
    if code == 0:
        if not options.keep:
            shutil.rmtree(directory, ignore_errors=True)
        print(f"chaos: seed {options.seed} kept its promises", flush=True)
        return 0
    print(f"chaos: seed {options.seed} FAILED; histories and logs are in {directory}", flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
