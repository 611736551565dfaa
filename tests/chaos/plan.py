"""Who does what in a run, and what happens when: by the seed alone."""

import random

from chaos.seen import matches

INSTANCES = 3
STORE_TIMEOUT = 1.5
DRAIN_TIMEOUT = 1.0
# Groups in which much fails, and a little for the last time.
FAILING = {"policy": {"max_retries": 2, "retry_delay": 0.1}}
# One event of a key at a time, also while others fail.
ORDERED = {"policy": {"ordered": True, "max_retries": 2, "retry_delay": 0.1}, "in_flight": 300}
LATE = {"policy": {"max_retries": 3, "retry_delay": 0.2, "ack_deadline": 2}}


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
            # What they get fails now and then, also for good; or is not settled in time.
            ("failing", ["order.*", "mail.*"], ("failing", "failing", "dying"), FAILING),
            ("late", ["audit.*", "slow.*"], ("late", "fast", "late"), LATE),
            ("ordered", ["order.*"], ("failing", "fast", "dying"), ORDERED),
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
