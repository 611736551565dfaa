"""What all clients of a process share: the plan, the history, the state of the run."""

import heapq
import itertools
import pathlib
import threading
import time

import grpc

from chaos.history import Log

STOP_DEADLINE = 20.0
PAUSE = threading.Event()  # Never set: waiting for it is a pause.


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
