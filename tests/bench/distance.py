"""A way to Redis that takes as long as one to another machine, on loopback."""

from __future__ import annotations

import queue
import socket
import threading
import time
from typing import Callable, Self

READ_BYTES = 1 << 18
# Of each direction of a connection; a sender that is faster than that is held back, as by TCP.
MOST_UNDER_WAY = 4096


class Distance:
    """Passes on what it gets, after half of a round trip. A context manager; in threads of this
    process, which has nothing else to do meanwhile."""

    def __init__(self, port: int, round_trip_seconds: float):
        self._target = port
        self._one_way = round_trip_seconds / 2
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._start(self._accept)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for one in [self._listener, *self._sockets]:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # Its other end has gone already.
            one.close()

    @staticmethod
    def _start(work: Callable[..., None], *arguments: object) -> None:
        threading.Thread(target=work, args=arguments, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._target))
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._sockets.append(one)
            for source, sink in ((client, server), (server, client)):
                under_way: queue.Queue[tuple[float, bytes]] = queue.Queue(MOST_UNDER_WAY)
                self._start(self._take, source, under_way)
                self._start(self._bring, under_way, sink)

    # An empty end of what comes is passed on like the rest.
    def _take(self, source: socket.socket, under_way: queue.Queue[tuple[float, bytes]]) -> None:
        data = b"?"
        while data:
            try:
                data = source.recv(READ_BYTES)
            except OSError:
                data = b""
            under_way.put((time.monotonic() + self._one_way, data))

    @staticmethod
    def _bring(under_way: queue.Queue[tuple[float, bytes]], sink: socket.socket) -> None:
        while True:
            due, data = under_way.get()
            time.sleep(max(0.0, due - time.monotonic()))
            try:
                if data:
                    sink.sendall(data)
                else:
                    sink.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # Nobody is there: the rest goes nowhere.
            if not data:
                return
