"""What subscribers of every kind do: connect, write down what comes, connect again."""

import itertools
import queue
import random
import threading
import time

import grpc
from harness.refusal import refusal_of
from harness.stubs import rpc, v1

from chaos.world import PAUSE, World


def ranges_of(ranges) -> list:
    return [[one.first, one.last] for one in ranges]


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
