"""A tail that goes on where it was when its connection breaks."""

import time

from harness.stubs import v1

from chaos.subscriber import Subscriber
from chaos.world import STOP_DEADLINE, World


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
