"""Sessions: what a subscriber holds outlives its connection."""

import contextlib
import socket
import threading

import grpc
import pytest

from harness.bus import Bus, group_open, unique
from harness.stubs import v1
from harness.subscription import data_of, numbers


@pytest.fixture
def name() -> str:
    """A name for the test's group and for its type."""
    return unique("session")


class Wire:
    """A TCP way to a daemon that can be cut, without a word of gRPC."""

    def __init__(self, address: str):
        host, port = address.rsplit(":", 1)
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self._listener.getsockname()[1]
        self._ends = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(self._target)
            self._ends += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._copy, args=(source, sink), daemon=True).start()

    @staticmethod
    def _copy(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass

    def cut(self) -> None:
        self._listener.close()
        for end in self._ends:
            # A reset, as of a peer that is gone.
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            # Nothing is closed as long as somebody waits for data on it.
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RD)
            end.close()


def session(token: str = "", last: int | None = None) -> v1.SessionRequest:
    return v1.SessionRequest(resume_token=token, last_delivery=last)


@pytest.fixture
def cut(shared_daemon, shared_bus, name):
    """A subscriber in the middle of a batch whose connection was cut."""
    wire = Wire(shared_daemon.address)
    with Bus(wire.address) as bus:
        member = bus.subscribe(group_open(name, name, session=session())).opening()
        for n in range(5):
            shared_bus.publish(name, b"%d" % n)
        held = member.take(5)
        assert numbers(member.settled(ack=[1, 2]).done) == [1, 2]
        wire.cut()
        assert member.end().code == grpc.StatusCode.UNAVAILABLE
        yield member.opened, held


@pytest.mark.smoke
def test_what_was_held_when_the_connection_was_cut_is_still_held(shared_bus, name, cut):
    opened, _ = cut
    assert opened.session_token
    assert opened.resume_window.seconds == 10
    opening = group_open(name, session=session(opened.session_token))
    member = shared_bus.subscribe(opening).opening()
    assert member.opened.resumed
    assert member.opened.session_token == opened.session_token
    member.going_on_after(5)
    assert numbers(member.settled(ack=[3, 4, 5]).done) == [3, 4, 5]
    shared_bus.publish(name, b"5")
    (next_one,) = member.take(1)
    assert (next_one.data, next_one.number) == (b"5", 6)


def test_what_did_not_come_comes_again_under_its_number(shared_bus, name, cut):
    opened, _ = cut
    opening = group_open(name, session=session(opened.session_token, last=3))
    member = shared_bus.subscribe(opening).opening().going_on_after(3)
    again = member.take(2)
    assert [(one.data, one.number, one.batch.attempt) for one in again] == [
        (b"3", 4, 1),
        (b"4", 5, 1),
    ]
    assert numbers(member.settled(ack=[3, 4, 5]).done) == [3, 4, 5]


def test_a_call_that_is_still_there_gives_way(shared_bus, name):
    first = shared_bus.subscribe(group_open(name, name, session=session())).opening()
    opening = group_open(name, session=session(first.opened.session_token))
    second = shared_bus.subscribe(opening).opening()
    assert second.opened.resumed
    end = first.end()
    assert end.code == grpc.StatusCode.ABORTED
    assert end.reason == "SESSION_RESUMED"


def test_an_unknown_token_begins_a_new_session(shared_bus, name):
    opening = group_open(name, name, session=session("no-such-token"))
    member = shared_bus.subscribe(opening).opening()
    assert not member.opened.resumed
    assert member.opened.session_token not in ("", "no-such-token")


def test_a_tail_has_no_session(shared_bus):
    opening = v1.SubscribeOpen(tail=v1.TailSubscription(patterns=["a"]), session=session())
    end = shared_bus.subscribe(opening).end()
    assert end.code == grpc.StatusCode.INVALID_ARGUMENT
    assert "open.session" in end.message


@pytest.mark.redis
def test_on_another_instance_it_comes_to_the_group_after_the_window(own_redis, start_on_redis, name):
    redis = own_redis()
    short = {"delivery.resume_window": "500ms"}
    daemons = [start_on_redis(redis, short) for _ in range(2)]
    wire = Wire(daemons[0].address)
    with Bus(wire.address) as bus, Bus(daemons[1].address) as other:
        member = bus.subscribe(group_open(name, name, session=session())).opening()
        other.publish(name, b"1")
        member.take(1)
        wire.cut()
        opening = group_open(name, session=session(member.opened.session_token))
        heir = other.subscribe(opening).opening()
        assert not heir.opened.resumed
        assert data_of(heir.take(1)) == [b"1"]
