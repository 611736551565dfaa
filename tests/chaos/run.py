"""One run: Redis, three daemons, clients, faults by a seed, then the checker.

    PYTHONPATH=tests build/venv/e2e/bin/python -m chaos.run --seed 1 --seconds 60

The seed decides who does what and which faults come when; what then happens is up to the machine,
so a seed repeats a plan and not a history. Everything is started here, on loopback and on Unix
sockets, and only what was started here is hurt or stopped.
"""

import argparse
import json
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

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from harness.daemon import Daemon
from harness.redis_server import RedisServer
from harness.stubs import ROOT
from harness.waiting import TooLate

from chaos.checker import matches
from chaos.history import Log

INSTANCES = 3
STORE_TIMEOUT = 1.5
DRAIN_TIMEOUT = 1.0
PAUSE = threading.Event()  # Never set: waiting for it is a pause.

# What is pending or unread, of all groups on all streams.
REST_SCRIPT = """
local pending, unread = {}, {}
for _, key in ipairs(redis.call('KEYS', '*:log')) do
  local stream = redis.call('XINFO', 'STREAM', key)
  local last
  for i = 1, #stream, 2 do if stream[i] == 'last-generated-id' then last = stream[i + 1] end end
  for _, group in ipairs(redis.call('XINFO', 'GROUPS', key)) do
    local facts = {}
    for i = 1, #group, 2 do facts[group[i]] = group[i + 1] end
    local name = key .. ' ' .. facts['name']
    if facts['pending'] > 0 then pending[name] = facts['pending'] end
    if facts['last-delivered-id'] ~= last then
      unread[name] = #redis.call('XRANGE', key, '(' .. facts['last-delivered-id'], '+')
    end
  end
end
return cjson.encode({pending = pending, unread = unread})
"""

# One entry that a group has not read yet; not among the first after it was opened, which it may not
# be owed. Those are given to whoever comes.
LOSE_SCRIPT = """
for _, key in ipairs(redis.call('KEYS', '*:log')) do
  local read = redis.pcall('XREADGROUP', 'GROUP', ARGV[1], 'thief', 'COUNT', 50, 'STREAMS', key, '>')
  if read and not read.err then
    local entries = read[1][2]
    local id = table.remove(entries)[1]
    redis.call('XACK', key, ARGV[1], id)
    for _, entry in ipairs(entries) do
      redis.call('XCLAIM', key, ARGV[1], 'released', 0, entry[1], 'JUSTID')
    end
    return {id, key}
  end
end
return {}
"""


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


# ---- The plan ----


class Plan:
    """Who does what, and what happens when: by the seed alone."""

    TYPES = ("order.placed", "order.paid", "mail.sent", "slow.job", "audit.login")

    def __init__(self, seed: int, seconds: float, rate: float, dead_after: float, gap: float):
        self.random = random.Random(seed)
        self.seconds = seconds
        self.births = self._births()
        self.types = [*self.TYPES, *sorted({type_ for _, type_ in self.births})]
        self.publishers = self._publishers(rate)
        self.members = self._members()
        self.tails = self._tails()
        self.faults = self._faults(dead_after, gap)

    def _seed(self) -> int:
        return self.random.getrandbits(48)

    def _births(self) -> list:
        births, at = [], 1.0
        while at < self.seconds - 1:
            births.append([round(at, 2), f"born.n{len(births)}"])
            at += self.random.uniform(0.7, 5)
        return births

    def _publishers(self, rate: float) -> list:
        specs = []
        for name, mode, share, key_in, size in (
            ("p1", "batch", 0.35, "partitionkey", 60),
            ("p2", "stream", 0.35, "partitionkey", 150),
            ("p3", "batch", 0.15, "source", 900),
            ("p4", "stream", 0.15, "source", 30),
        ):
            specs.append(
                {
                    "name": name,
                    "mode": mode,
                    "rate": rate * share,
                    "key_in": key_in,
                    "keys": self.random.choice((1, 7, 50)),
                    "bytes": size,
                    "types": self.TYPES,
                    # Each birth is two publishers' at the same moment.
                    "births": [one for one in self.births if self.random.random() < 0.5],
                    "seed": self._seed(),
                }
            )
        specs[0]["births"] = self.births
        return specs

    def _member(self, group: str, patterns: list, temper: str, **more) -> dict:
        return {
            "name": f"{group}.{self._seed() % 10000}",
            "group": group,
            "patterns": patterns,
            "temper": temper,
            "start": more.pop("start", "latest"),
            "in_flight": more.pop("in_flight", self.random.choice((30, 300, 1000))),
            "from": more.pop("from_", self.random.uniform(0, 1)),
            "patience": self.random.choice((3, 3, 30)),
            "seed": self._seed(),
            **more,
        }

    def _members(self) -> list:
        members = []
        for group, patterns, tempers, more in (
            ("all", ["**"], ("fast", "fast", "dying"), {"start": "earliest", "in_flight": 1000}),
            ("orders", ["order.*"], ("fast", "dying", "piecemeal"), {}),
            ("mail", ["mail.*", "audit.*"], ("releasing", "fast", "dying"), {}),
            ("slow", ["slow.*"], ("slow", "slow", "slow"), {"in_flight": 1000}),
            ("slow", ["slow.*"], ("holding", "holding"), {"in_flight": 20}),
            ("born", ["born.*"], ("fast", "piecemeal", "dying"), {}),
            # Somebody opens it and leaves; others come when all is over.
            ("dormant", ["order.placed", "born.*"], ("fast",), {"once": True, "from_": 0.2}),
            ("dormant", ["order.placed", "born.*"], ("fast", "fast"), {"from_": 1e9}),
            ("brief", ["audit.*"], ("dying",), {"expiry": 2}),
            ("guests", ["order.paid"], ("fast", "dying"), {"expiry": 300}),
        ):
            members += [self._member(group, patterns, temper, **more) for temper in tempers]
        # Groups that are made at the moment at which a type is first published.
        for at, type_ in self.births[:: self.random.choice((1, 2))]:
            for patterns in ([type_], ["born.*"])[: self.random.choice((1, 2))]:
                more = {"from_": at + self.random.uniform(-0.05, 0.05), "in_flight": 300}
                group = f"{type_}:{len(patterns[0])}"
                members.append(self._member(group, patterns, "fast", **more))
        return members

    def _tails(self) -> list:
        return [
            {
                "name": name,
                "patterns": patterns,
                "streams": [t for t in self.types if any(matches(p, t) for p in patterns)],
                "in_flight": in_flight,
                "from": self.random.uniform(0, 1),
                "patience": self.random.choice((3, 30)),
                "seed": self._seed(),
            }
            for name, patterns, in_flight in (
                ("everything", ["**"], 1000),
                ("order", ["order.*"], 1000),
                ("newborn", ["born.*", "audit.*"], 20),
                ("small", ["mail.*", "slow.*"], 50),
            )
        ]

    def _faults(self, dead_after: float, gap: float) -> list:
        """(at, what, instance or none, duration). Long ones come one after the other, each kind at
        least once; short ones at any time, but never two of one target at a time."""
        pick = self.random
        faults: list = []
        busy: dict = {}

        def add(at: float, what: str, target, duration: float) -> None:
            begin, end = at, at + duration
            if end > self.seconds or any(
                begin < b[1] + 0.5 and end + 0.5 > b[0] for b in busy.get(target, [])
            ):
                return
            busy.setdefault(target, []).append((begin, end))
            faults.append((round(at, 2), what, target, round(duration, 2)))

        long_ones = ["freeze", "redis-kill"]
        pick.shuffle(long_ones)
        # In a short run both must fit.
        spare = max(0.2, min(3, (self.seconds - 2 * dead_after - 3) / 4))
        at = pick.uniform(1, 1 + spare)
        while at + dead_after < self.seconds:
            what = long_ones[0]
            long_ones = [*long_ones[1:], what]
            duration = dead_after + pick.uniform(0.5, 0.5 + spare)
            add(at, what, pick.randrange(INSTANCES) if what == "freeze" else None, duration)
            at += duration + pick.uniform(0.1, 0.1 + spare)
        at = pick.uniform(1, 3)
        while at < self.seconds:
            what = pick.choice(
                ("kill", "kill", "kill", "stop", "freeze", "client-kill", "reply-loss",
                 "reply-loss", "reply-loss", "redis-kill", "redis-freeze")  # fmt: skip
            )
            if what in ("client-kill", "reply-loss"):
                faults.append((round(at, 2), what, None, 0))
            elif what == "stop":
                add(at, what, pick.randrange(INSTANCES), DRAIN_TIMEOUT + pick.uniform(0.5, 3))
            elif what == "kill":
                longest = pick.choice((0.5, 3, dead_after + 3))
                add(at, what, pick.randrange(INSTANCES), pick.uniform(0.1, longest))
            elif what == "freeze":
                add(at, what, pick.randrange(INSTANCES), pick.uniform(0.2, dead_after))
            else:
                add(at, what, None, pick.uniform(0.1, 2 * STORE_TIMEOUT))
            at += pick.uniform(0.1, 1.9) * gap
        # What these lose nobody's death brings back later.
        faults += [(self.seconds - 0.3 * n, "reply-loss", None, 0) for n in range(1, 5)]
        return sorted(faults, key=lambda fault: fault[0])


# ---- The run ----


class Clients:
    """A process of clients."""

    def __init__(self, directory: pathlib.Path, name: str, plan: dict):
        self.history = directory / f"{name}.ndjson"
        path = directory / f"{name}.json"
        path.write_text(json.dumps({**plan, "history": str(self.history)}))
        self._errors = directory / f"{name}.stderr"
        with open(self._errors, "w") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "chaos.client", str(path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**os.environ, "PYTHONPATH": str(ROOT / "tests")},
            )
        self._lines: list[str] = []
        self._changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stdout:
            with self._changed:
                self._lines.append(line.strip())
                self._changed.notify_all()

    def tell(self, command: str) -> None:
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def wait_for(self, line: str, deadline: float) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: line in self._lines, deadline):
                raise TooLate(f"clients did not say {line!r} in {deadline} s")

    def errors(self) -> str:
        return self._errors.read_text()

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


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
            self._lose()
        self._say("calm")
        for clients in self._clients:
            clients.tell("calm")
        self._clients[0].wait_for("calm", 60)
        self._clients[0].tell("markers")
        self._clients[0].wait_for("marked", 60)
        self._say("waiting for rest")
        deadline = time.monotonic() + 4 * self._options.dead_after + 40
        while True:
            state = self._state()
            if not state["pending"] and not state["unread"]:
                break
            if time.monotonic() > deadline:
                break
            PAUSE.wait(0.3)
            self._pass_time(0)
        self._log.write("rest", **state)
        self._say("stopping")
        for clients in self._clients:
            clients.tell("stop")
        for clients in self._clients:
            clients.wait_for("stopped", 60)

    def _state(self) -> dict:
        state = json.loads(self._redis.ask("EVAL", REST_SCRIPT, "0"))
        return {what: dict(state[what]) for what in ("pending", "unread")}

    def _lose(self) -> None:
        """Takes one entry away from a group behind the daemons' back, as a daemon with a bug might:
        read and acknowledged, and nobody got it."""
        taken = self._redis.ask("EVAL", LOSE_SCRIPT, "0", "dormant@1").split()
        assert taken, "the group has nothing to lose"
        print(f"lost on purpose: entry {taken[0]} of {taken[1]}, for group dormant")

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
