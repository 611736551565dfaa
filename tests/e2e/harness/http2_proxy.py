"""An HTTP/2 proxy that can cut a client off from its server, and lets neither of them know."""

import socket
import struct
import threading

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _SETTINGS, _PING, _WINDOW_UPDATE = 0x0, 0x4, 0x6, 0x8
_ACK = 0x1


class Http2Proxy:
    """Answers the pings of both sides itself, as proxies do which end HTTP/2 on each side, and
    passes on all other frames. A context manager.

    What is cut off is passed on no more, but keeps its two TCP connections, whose pings are
    answered and whose data is taken, with new windows for more, as if somebody had read it.
    """

    def __init__(self, address: str):
        host, port = address.rsplit(":", 1)
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._pairs = []
        self._closed = False
        self._swallows = False
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> "Http2Proxy":
        return self

    def __exit__(self, *_) -> None:
        with self._lock:
            self._closed = True
            pairs = list(self._pairs)
        # Wakes up the thread that waits in accept.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for pair in pairs:
            pair.close()

    @property
    def pings(self) -> int:
        """How many it has answered of connections that are cut off."""
        with self._lock:
            return sum(pair.pings for pair in self._pairs)

    @property
    def accepted(self) -> int:
        """How many connections there have been."""
        with self._lock:
            return len(self._pairs)

    def cut_off(self, newcomers: bool = False) -> None:
        """Cuts off all connections; with `newcomers` those too which come before `restore`."""
        with self._lock:
            self._swallows = newcomers
            for pair in self._pairs:
                pair.cut_off = True

    def restore(self) -> None:
        """Serves those that come from now on."""
        with self._lock:
            self._swallows = False

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._target)
            with self._lock:
                pair = _Pair(client, server, self._swallows)
                self._pairs.append(pair)
                closed = self._closed
            pair.start()
            if closed:
                pair.close()


class _End:
    """One side's connection."""

    def __init__(self, connection: socket.socket):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection = connection
        self._reader = connection.makefile("rb")
        self._writing = threading.Lock()

    def read(self, size: int) -> bytes:
        found = self._reader.read(size)
        if len(found) < size:
            raise EOFError
        return found

    def read_frame(self) -> tuple[int, int, int, bytes]:
        """Type, flags, stream and content of the next frame."""
        head = self.read(9)
        kind, flags, stream = struct.unpack(">BBI", head[3:])
        return kind, flags, stream, self.read(int.from_bytes(head[:3], "big"))

    def write(self, data: bytes) -> None:
        with self._writing:
            self.connection.sendall(data)

    def write_frame(self, kind: int, flags: int, stream: int, content: bytes) -> None:
        head = len(content).to_bytes(3, "big") + struct.pack(">BBI", kind, flags, stream)
        self.write(head + content)


class _Pair:
    """A client's connection and the one to the server that was made for it."""

    def __init__(self, client: socket.socket, server: socket.socket, cut_off: bool):
        self._client, self._server = _End(client), _End(server)
        self.cut_off = cut_off
        self.pings = 0

    def start(self) -> None:
        for source, sink in ((self._client, self._server), (self._server, self._client)):
            threading.Thread(target=self._copy, args=(source, sink), daemon=True).start()

    def close(self) -> None:
        for end in (self._client, self._server):
            try:
                end.connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # It has gone already.

    def _copy(self, source: _End, sink: _End) -> None:
        try:
            if source is self._client:
                # Also to one that is cut off, which would not take a ping without.
                sink.write(source.read(len(_PREFACE)))
                if self.cut_off:
                    source.write_frame(_SETTINGS, 0, 0, b"")
                    sink.write_frame(_SETTINGS, 0, 0, b"")
            while True:
                kind, flags, stream, content = source.read_frame()
                if kind == _PING:
                    if not flags & _ACK:
                        self.pings += self.cut_off
                        source.write_frame(_PING, _ACK, 0, content)
                elif not self.cut_off:
                    sink.write_frame(kind, flags, stream, content)
                elif kind == _SETTINGS and not flags & _ACK:
                    source.write_frame(_SETTINGS, _ACK, 0, b"")
                elif kind == _DATA and content:
                    for number in (0, stream):
                        source.write_frame(
                            _WINDOW_UPDATE, 0, number, struct.pack(">I", len(content))
                        )
        except (EOFError, OSError):
            if not self.cut_off:
                self.close()
