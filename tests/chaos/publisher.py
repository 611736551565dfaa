"""A publisher: events at its pace, each once, and what it was told of each."""

import collections
import itertools
import queue
import random
import threading
import time

import grpc
from harness.refusal import refusal_of
from harness.stubs import rpc, v1

from chaos.world import World

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


def reason_name(reason: int) -> str:
    return v1.ErrorReason.Name(reason).removeprefix("ERROR_REASON_")


def outcome_of_error(code: str, reason: str) -> str:
    number = v1.ErrorReason.Value(f"ERROR_REASON_{reason}") if reason else 0
    return ("!" if number in NOT_STORED else "?") + (reason or code)


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
