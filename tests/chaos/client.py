"""A process of clients: publishers, members of groups, tails. `python -m chaos.client PLAN`.

PLAN is a JSON file that chaos.run writes. Commands come by standard input, one a line: `calm` (no
more publishing and no more mischief: settle all), `markers` (one last event of each type), `stop`.
"""

import collections
import heapq
import itertools
import json
import pathlib
import queue
import random
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import grpc
from harness.refusal import refusal_of
from harness.stubs import rpc, v1

from chaos.history import Log

# Reasons that say for certain that nothing was stored.
NOT_STORED = {
    v1.ERROR_REASON_NOT_STORED,
    v1.ERROR_REASON_PUBLISH_QUEUE_FULL,
    v1.ERROR_REASON_STORE_FULL,
    v1.ERROR_REASON_STREAM_FULL,
    v1.ERROR_REASON_TOO_MANY_TYPES,
    v1.ERROR_REASON_DRAINING,
}
PUBLISH_TIMEOUT = 6.0
STREAM_WINDOW = 8
STOP_DEADLINE = 20.0
PAUSE = threading.Event()  # Never set: waiting for it is a pause.


def reason_name(reason: int) -> str:
    return v1.ErrorReason.Name(reason).removeprefix("ERROR_REASON_")


def outcome_of_error(code: str, reason: str) -> str:
    number = v1.ErrorReason.Value(f"ERROR_REASON_{reason}") if reason else 0
    return ("!" if number in NOT_STORED else "?") + (reason or code)


def ranges_of(ranges) -> list:
    return [[one.first, one.last] for one in ranges]


class Later:
    """Calls things at their time, on a thread of its own."""

    def __init__(self):
        self._changed = threading.Condition()
        self._due: list = []
        self._numbers = itertools.count()
        threading.Thread(target=self._run, daemon=True).start()

    def call(self, delay: float, task) -> None:
        with self._changed:
            heapq.heappush(self._due, (time.monotonic() + delay, next(self._numbers), task))
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._due or self._due[0][0] > time.monotonic():
                    left = self._due[0][0] - time.monotonic() if self._due else None
                    self._changed.wait(left)
                task = heapq.heappop(self._due)[2]
            task()


class World:
    """What all clients of the process share."""

    def __init__(self, plan: dict):
        self.plan = plan
        self.log = Log(pathlib.Path(plan["history"]))
        self.later = Later()
        self.calm = threading.Event()
        self.markers = threading.Event()
        self.stop = threading.Event()

    def channel(self, address: str) -> grpc.Channel:
        return grpc.insecure_channel(
            address,
            options=[
                ("grpc.use_local_subchannel_pool", 1),
                ("grpc.initial_reconnect_backoff_ms", 100),
                ("grpc.max_reconnect_backoff_ms", 500),
            ],
        )

    def now(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self.plan["began"]


# ---- Publishing ----


class Publisher(threading.Thread):
    """Publishes at its pace, each event once, over whichever instance answers."""

    def __init__(self, world: World, spec: dict):
        super().__init__(daemon=True)
        self._world = world
        self._spec = spec
        self._name = spec["name"]
        self._random = random.Random(spec["seed"])
        self._next = 1
        self._births = collections.deque(spec["births"])  # [at, type]
        self._types = list(spec["types"])
        self._padding = b"." * spec["bytes"]
        # Batches of one type that still follow each other without a pause: that makes entries of
        # many events.
        self._burst = 0
        self._burst_type = ""
        self._owed = 0.0

    def run(self) -> None:
        while not self._world.calm.is_set():
            address = self._random.choice(self._world.plan["addresses"])
            with self._world.channel(address) as channel:
                stub = rpc.EventBusStub(channel)
                if self._spec["mode"] == "stream":
                    self._stream(stub)
                else:
                    self._batches(stub)
            self._world.calm.wait(self._random.uniform(0.05, 0.3))

    def make(self, type_: str) -> v1.Event:
        name, number = f"{self._name}-{self._next}", self._next
        self._next += 1
        made = v1.Event(id=name, type=type_)
        key = f"{self._name}/k{number % self._spec['keys']}"
        if self._spec["key_in"] == "source":
            made.source = key
        else:
            made.source = f"/{self._name}"
            made.attributes["partitionkey"].ce_string = key
        made.binary_data = name.encode() + self._padding
        return made

    @staticmethod
    def key_of(event: v1.Event) -> str:
        return event.attributes["partitionkey"].ce_string if event.attributes else event.source

    def _next_batch(self) -> list:
        while self._births and self._births[0][0] <= self._world.now():
            self._types.append(self._births.popleft()[1])
            # The first events of a type, at once.
            return [self.make(self._types[-1]) for _ in range(self._random.choice((1, 5, 50)))]
        size = self._random.choice((1, 3, 20, 60, 150, 300))
        if self._burst > 0:
            self._burst -= 1
            return [self.make(self._burst_type) for _ in range(max(size, 150))]
        if self._random.random() < 0.15:
            return [self.make(self._random.choice(self._types)) for _ in range(size)]
        type_ = self._random.choice(self._types)
        if self._random.random() < 0.5:
            most = max(2, int(self._spec["rate"] / 100))
            self._burst, self._burst_type = self._random.randint(1, most), type_
        return [self.make(type_) for _ in range(size)]

    def _pace(self, events: int) -> None:
        self._owed += events
        if self._burst > 0:
            return
        pause = self._owed / self._spec["rate"]
        if self._births:
            # A birth does not wait.
            pause = min(pause, max(0.0, self._births[0][0] - self._world.now()))
        self._world.calm.wait(pause)
        self._owed -= pause * self._spec["rate"]

    def write(self, began: float, events: list, outcomes: list) -> None:
        self._world.log.write(
            "publish",
            t0=round(began, 6),
            client=self._name,
            events=[
                [event.id, event.type, self.key_of(event), outcome]
                for event, outcome in zip(events, outcomes, strict=True)
            ],
        )

    def publish(self, stub, events: list) -> bool:
        """Whether all were confirmed."""
        began = time.monotonic()
        try:
            answer = stub.PublishBatch(
                v1.PublishBatchRequest(events=events), timeout=PUBLISH_TIMEOUT
            )
        except grpc.RpcError as error:
            refusal = refusal_of(error)
            outcome = outcome_of_error(refusal.code.name, refusal.reason)
            self.write(began, events, [outcome] * len(events))
            return False
        outcomes = []
        for result in answer.results:
            if result.WhichOneof("outcome") == "published":
                outcomes.append(result.published.position)
            else:
                error = result.error
                outcomes.append(outcome_of_error(str(error.code), reason_name(error.reason)))
        self.write(began, events, outcomes)
        return all(outcome[:1] not in ("!", "?") for outcome in outcomes)

    def _batches(self, stub) -> None:
        switch_at = time.monotonic() + self._random.uniform(2, 10)
        while not self._world.calm.is_set() and time.monotonic() < switch_at:
            events = self._next_batch()
            if not self.publish(stub, events):
                return
            self._pace(len(events))

    def _stream(self, stub) -> None:
        requests: queue.SimpleQueue = queue.SimpleQueue()
        call = stub.PublishStream(iter(requests.get, None), timeout=60)
        open_: collections.OrderedDict = collections.OrderedDict()  # sequence → (began, events)
        changed = threading.Condition()
        ended = threading.Event()
        last_heard = [time.monotonic()]

        def decide(acknowledgement) -> None:
            results = {one.sequence: one.published for one in acknowledgement.results}
            failed: dict = {}
            for failure in acknowledgement.failures:
                outcome = outcome_of_error(
                    str(failure.error.code), reason_name(failure.error.reason)
                )
                failed.setdefault(failure.sequence, []).append((list(failure.indexes), outcome))
            while open_ and next(iter(open_)) <= acknowledgement.through:
                sequence, (began, events) = open_.popitem(last=False)
                outcomes = [one.position for one in results.get(sequence, [])]
                outcomes = outcomes or [""] * len(events)
                for indexes, outcome in failed.get(sequence, []):
                    for index in indexes or range(len(events)):
                        outcomes[index] = outcome
                self.write(began, events, outcomes)

        def read() -> None:
            try:
                for message in call:
                    with changed:
                        last_heard[0] = time.monotonic()
                        if message.WhichOneof("message") == "acknowledgement":
                            decide(message.acknowledgement)
                        changed.notify_all()
            except grpc.RpcError:
                pass
            ended.set()
            with changed:
                changed.notify_all()

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        sequence = 0
        until = time.monotonic() + self._random.uniform(3, 12)
        while not self._world.calm.is_set() and not ended.is_set() and time.monotonic() < until:
            with changed:
                if not changed.wait_for(
                    lambda: len(open_) < STREAM_WINDOW or ended.is_set(), PUBLISH_TIMEOUT
                ):
                    break
                if ended.is_set():
                    break
                events = self._next_batch()
                sequence += 1
                open_[sequence] = (time.monotonic(), events)
                requests.put(
                    v1.PublishStreamRequest(
                        events=events,
                        sequence=sequence,
                        return_results=self._random.random() < 0.8,
                    )
                )
            self._pace(len(events))
        requests.put(None)
        if not ended.wait(PUBLISH_TIMEOUT):
            call.cancel()
        reader.join()
        for began, events in open_.values():
            self.write(began, events, ["?BROKEN"] * len(events))

    def publish_markers(self, types: list) -> None:
        """A last event of each type, confirmed."""
        missing = list(types)
        for number in itertools.count(1):
            address = self._random.choice(self._world.plan["addresses"])
            with self._world.channel(address) as channel:
                stub = rpc.EventBusStub(channel)
                while missing:
                    event = v1.Event(id=f"marker-{missing[-1]}-{number}", type=missing[-1])
                    event.binary_data = event.id.encode()
                    event.source = f"{self._name}/markers"
                    if not self.publish(stub, [event]):
                        break
                    missing.pop()
            if not missing or self._world.stop.wait(0.1):
                return


# ---- Subscribing ----


class Session:
    """One call of a subscriber."""

    def __init__(self, sub: str):
        self.sub = sub
        self.requests: queue.SimpleQueue = queue.SimpleQueue()
        self.call = None
        self.heard = time.monotonic()
        self.why = ""
        self.open = False
        self.confirm = 0

    def cut(self, why: str) -> None:
        self.why = self.why or why
        if self.call is not None:
            self.call.cancel()


class Subscriber(threading.Thread):
    """One subscription after the other, each with a name of its own."""

    def __init__(self, world: World, spec: dict):
        super().__init__(daemon=True)
        self._world = world
        self._spec = spec
        self._random = random.Random(spec["seed"])
        self.session = Session("")

    def run(self) -> None:
        # `from`: when it comes; later only if everything has calmed down by then.
        while self._world.now() < self._spec["from"] and not self._world.calm.is_set():
            self._world.calm.wait(max(0.0, self._spec["from"] - self._world.now()))
        for number in itertools.count(1):
            if self.is_done():
                return
            self.session = Session(f"{self._spec['name']}#{number}")
            address = self._random.choice(self._world.plan["addresses"])
            with self._world.channel(address) as channel:
                self._talk(self.session, rpc.EventBusStub(channel), address)
            if self._spec.get("once") and self.session.why == "cut":
                return
            PAUSE.wait(self._random.uniform(0.02, 0.4))

    def is_done(self) -> bool:
        return self._world.stop.is_set()

    def watch(self) -> None:
        """Called now and then: a client that hears nothing for too long goes elsewhere."""
        session = self.session
        if self._world.stop.is_set() and self.is_done():
            session.cut("stopped")
        elif time.monotonic() - session.heard > self._spec["patience"]:
            session.cut("quiet")

    def _talk(self, session: Session, stub, address: str) -> None:
        session.requests.put(v1.SubscribeRequest(open=self.opening()))
        asked = time.monotonic()
        session.call = stub.Subscribe(iter(session.requests.get, None))
        why = "ended"
        try:
            for message in session.call:
                session.heard = time.monotonic()
                self._take(message, asked, address)
        except grpc.RpcError as error:
            refusal = refusal_of(error)
            why = f"{refusal.code.name} {refusal.reason} {refusal.message}"
        if session.open:
            session.open = False
            self._world.log.write("end", sub=session.sub, why=session.why or why)
        session.requests.put(None)

    def _take(self, message, asked: float, address: str) -> None:
        kind = message.WhichOneof("message")
        if kind == "opened":
            self.opened(asked, message.opened, address)
        elif kind == "deliveries":
            self.deliver(message.deliveries)
        elif kind == "settled":
            settled = message.settled
            self._world.log.write(
                "settled",
                sub=self.session.sub,
                confirm=settled.confirm,
                done=ranges_of(settled.done),
                unknown=ranges_of(settled.unknown),
                too_late=ranges_of(settled.too_late),
                failed=ranges_of(settled.failed),
            )
        elif kind == "lost":
            self._world.log.write(
                "lost",
                sub=self.session.sub,
                reason=v1.LostReason.Name(message.lost.reason).removeprefix("LOST_REASON_"),
                ranges=ranges_of(message.lost.deliveries),
            )

    def opened(self, asked: float, opened, address: str) -> None:
        self.session.open = True
        self._world.log.write(
            "open",
            t0=round(asked, 6),
            sub=self.session.sub,
            instance=opened.instance_id,
            address=address,
            patterns=list(opened.patterns),
            **self.described(),
        )

    def deliver(self, deliveries) -> None:
        batches = []
        for batch in deliveries.batches:
            ids = [event.id for event in batch.events]
            batches.append(
                [batch.stream, batch.position, batch.first_delivery, batch.times_delivered, ids]
            )
            for event in batch.events:
                if not event.binary_data.startswith(event.id.encode()) or (
                    event.type != batch.stream
                ):
                    self._world.log.write("bad", sub=self.session.sub, what=str(event))
        self._world.log.write("recv", sub=self.session.sub, batches=batches)
        self.handle(batches)

    def opening(self) -> v1.SubscribeOpen:
        opening = v1.SubscribeOpen(client_id=self.session.sub)
        opening.heartbeat.seconds = 1
        opening.flow.max_in_flight = self._spec["in_flight"]
        return opening

    def described(self) -> dict:
        raise NotImplementedError

    def handle(self, batches: list) -> None:
        raise NotImplementedError


class Member(Subscriber):
    """A member of a group. Its temper says how it treats what it gets."""

    def __init__(self, world: World, spec: dict):
        super().__init__(world, spec)
        self._dies_at = 0.0

    def opening(self) -> v1.SubscribeOpen:
        opening = super().opening()
        group = opening.group
        group.name = self._spec["group"]
        group.patterns.extend(self._spec["patterns"])
        if self._spec["start"] == "earliest":
            opening.start.earliest.SetInParent()
        if self._spec.get("expiry"):
            group.ephemeral = True
            group.policy.inactive_expiry.seconds = self._spec["expiry"]
        self._dies_at = time.monotonic() + self._random.uniform(0.5, 5)
        return opening

    def described(self) -> dict:
        expiry = self._spec.get("expiry") or 0
        return {
            "target": "group",
            "group": self._spec["group"],
            "lasting": expiry == 0 or expiry >= 60,
        }

    def opened(self, asked: float, opened, address: str) -> None:
        super().opened(asked, opened, address)
        if self._spec.get("once"):
            self.session.cut("cut")

    def handle(self, batches: list) -> None:
        temper = "fast" if self._world.calm.is_set() else self._spec["temper"]
        chance, session = self._random, self.session
        ranges = [[batch[2], batch[2] + len(batch[4]) - 1] for batch in batches]
        if temper == "dying" and time.monotonic() > self._dies_at:
            # In the middle of a batch: some of it is settled, some is not.
            self.settle(session, "ack", [[ranges[0][0], ranges[0][0]]])
            session.cut("cut")
            return
        if temper in ("slow", "holding"):
            # Longer than any outage: they must not lose what they hold.
            delay = chance.uniform(0.2, 3) if temper == "slow" else chance.uniform(4, 12)
            self._world.later.call(delay, lambda: self.settle(session, "ack", ranges))
            return
        if temper == "releasing" and chance.random() < 0.3:
            chosen = chance.choice(ranges)
            first, last = chosen
            middle = chance.randint(first, last)
            self.settle(session, "release", [[first, middle]])
            ranges = [one for one in ranges if one is not chosen]
            if middle < last:
                ranges.append([middle + 1, last])
        if temper == "piecemeal":
            # Every entry stays partly settled for a while, so its state has to be written down.
            early, late = [], []
            for first, last in ranges:
                for number in range(first, last + 1):
                    (early if chance.random() < 0.5 else late).append([number, number])
            if early:
                self.settle(session, "ack", early, confirmed=True)
            if late:
                self._world.later.call(
                    chance.uniform(0.1, 4),
                    lambda: self.settle(session, "ack", late, confirmed=True),
                )
            return
        if ranges:
            self.settle(session, "ack", ranges, confirmed=chance.random() < 0.1)

    def settle(self, session: Session, act: str, ranges: list, confirmed: bool = False) -> None:
        if not session.open:
            return
        confirm = 0
        if confirmed:
            session.confirm = confirm = session.confirm + 1
        settlement = v1.Settlement(confirm=confirm)
        target = settlement.ack_ranges if act == "ack" else settlement.releases
        target.extend(v1.DeliveryRange(first=first, last=last) for first, last in ranges)
        self._world.log.write("settle", sub=session.sub, act=act, ranges=ranges, confirm=confirm)
        session.requests.put(v1.SubscribeRequest(settle=settlement))


class Tail(Subscriber):
    """Sees everything from when it first opens, over all its connections: it goes on after the last
    position of each stream."""

    def __init__(self, world: World, spec: dict):
        super().__init__(world, spec)
        self._positions: dict = {}
        self._since = 0.0
        self._dies_at = 0.0
        self._resuming = False
        self._markers: set = set()
        self._stopping = 0.0

    def opening(self) -> v1.SubscribeOpen:
        opening = super().opening()
        opening.tail.patterns.extend(self._spec["patterns"])
        self._dies_at = time.monotonic() + self._random.uniform(1, 12)
        self._resuming = self._since > 0
        if self._resuming:
            after = opening.start.after
            after.positions.update(self._positions)
            # Streams of which nothing came yet: from when the tail began. By the store's clock,
            # which is this machine's, in whole milliseconds.
            after.others_from.FromMilliseconds(int(self._since * 1000) - 1000)
        return opening

    def described(self) -> dict:
        if not self._since:
            self._since = time.time()
        return {"target": "tail", "chain": self._spec["name"], "resumed": self._resuming}

    def handle(self, batches: list) -> None:
        for stream, position, _, _, ids in batches:
            ms, sequence, index = position.split("-")
            self._positions[stream] = f"{ms}-{sequence}-{int(index) + len(ids) - 1}"
            self._markers.update(stream for id_ in ids if id_.startswith("marker-"))
        if time.monotonic() > self._dies_at and not self._world.calm.is_set():
            self.session.cut("cut")

    def is_done(self) -> bool:
        if not self._world.stop.is_set():
            return False
        self._stopping = self._stopping or time.monotonic()
        return (
            self._markers >= set(self._spec["streams"])
            or time.monotonic() - self._stopping > STOP_DEADLINE
        )


def main() -> None:
    plan = json.loads(pathlib.Path(sys.argv[1]).read_text())
    world = World(plan)
    publishers = [Publisher(world, spec) for spec in plan["publishers"]]
    subscribers: list[Subscriber] = [Member(world, spec) for spec in plan["members"]]
    subscribers += [Tail(world, spec) for spec in plan["tails"]]
    for thread in [*publishers, *subscribers]:
        thread.start()
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.2):
            for subscriber in subscribers:
                subscriber.watch()

    threading.Thread(target=watch, daemon=True).start()
    print("running", flush=True)
    for line in sys.stdin:
        if line.strip() == "calm":
            world.calm.set()
            for publisher in publishers:
                publisher.join()
            print("calm", flush=True)
        elif line.strip() == "markers":
            publishers[0].publish_markers(plan["types"])
            print("marked", flush=True)
        elif line.strip() == "stop":
            break
    world.calm.set()
    world.stop.set()
    for thread in subscribers:
        thread.join(STOP_DEADLINE + 10)
    over.set()
    world.log.close()
    print("stopped", flush=True)


if __name__ == "__main__":
    main()
