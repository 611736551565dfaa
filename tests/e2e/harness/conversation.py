"""A bidirectional call whose two directions can be used apart, from one test's thread."""

import queue
import threading
import time

import grpc

from harness.refusal import Refusal, refusal_of
from harness.waiting import DEADLINE, TooLate

_HALF_CLOSE = object()


class Conversation:
    """Sends when told to, and keeps what comes until it is asked for.

    A thread of its own reads, so the call always takes what the server sends, as a client should.
    """

    def __init__(self, method, timeout: float = 5 * DEADLINE):
        self._requests = queue.SimpleQueue()
        self._messages = []
        self._refusal = None
        self._ended = False
        self._changed = threading.Condition()
        self.call = method(iter(self._requests.get, _HALF_CLOSE), timeout=timeout)
        threading.Thread(target=self._read, daemon=True).start()

    def send_message(self, message) -> None:
        self._requests.put(message)

    def half_close(self) -> None:
        """Says that nothing more will be sent."""
        self._requests.put(_HALF_CLOSE)

    def cancel(self) -> None:
        self._requests.put(_HALF_CLOSE)
        self.call.cancel()

    def next(self, *kinds: str, deadline: float = DEADLINE):
        """The next message of one of these kinds (of any, without), each exactly once. What is
        passed over stays for later calls."""

        def found():
            for index, message in enumerate(self._messages):
                if not kinds or message.WhichOneof("message") in kinds:
                    return self._messages.pop(index)
            return None

        return self._wait(found, f"a message of kind {' or '.join(kinds) or 'any'}", deadline)

    def has(self, *kinds: str) -> bool:
        """Whether such a message is there already."""
        with self._changed:
            return any(message.WhichOneof("message") in kinds for message in self._messages)

    @property
    def ended(self) -> bool:
        """Whether the call has ended."""
        with self._changed:
            return self._ended

    def end(self, deadline: float = DEADLINE) -> Refusal:
        """How the call ended: None for OK. What came before the end stays for `next`."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._ended, deadline):
                raise TooLate(
                    f"the call did not end within {deadline} s; unread: {self._messages!r:.2000}"
                )
            return self._refusal

    def _wait(self, found, what: str, deadline: float):
        end = time.monotonic() + deadline
        with self._changed:
            while True:
                value = found()
                if value is not None:
                    return value
                if self._ended:
                    raise AssertionError(
                        f"the call ended with {self._refusal or 'OK'} before {what} came"
                    )
                if not self._changed.wait(max(0.0, end - time.monotonic())):
                    raise TooLate(
                        f"{what} did not come within {deadline} s; unread: {self._messages!r:.2000}"
                    )

    def _read(self) -> None:
        refusal = None
        try:
            for message in self.call:
                if self.came(message):
                    with self._changed:
                        self._messages.append(message)
                        self._changed.notify_all()
        except grpc.RpcError as error:
            refusal = refusal_of(error)
        with self._changed:
            self._refusal, self._ended = refusal, True
            self._changed.notify_all()

    def came(self, message) -> bool:
        """Called by the reading thread for each message; False drops it."""
        return True
