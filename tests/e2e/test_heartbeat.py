"""Heartbeats inside the stream, both ways."""

import time

import grpc
import pytest

from harness.bus import group_open, unique
from harness.stubs import rpc, v1
from harness.subscription import data_of
from harness.waiting import eventually


@pytest.fixture
def name() -> str:
    return unique("heartbeat")


def test_ping_of_the_client_gets_a_pong_with_its_number(shared_bus, name):
    for call in (shared_bus.group(name, name), shared_bus.tail(name)):
        call.send(ping=v1.Ping(number=42))
        assert call.next("pong").pong.number == 42


def test_quiet_server_pings_at_the_interval_asked_for(shared_bus, name):
    member = shared_bus.group(name, name, heartbeat=1)
    assert member.opened.heartbeat.ToSeconds() == 1
    member.next("ping")
    first = time.monotonic()
    member.next("ping")
    assert 0.5 <= time.monotonic() - first < 10


def test_client_that_never_promised_to_answer_stays(shared_bus, name):
    member = shared_bus.group(name, name, heartbeat=1)
    for _ in range(4):
        member.next("ping")
    shared_bus.publish(name, b"still here")
    assert data_of(member.take(1)) == [b"still here"]


def test_client_that_answers_stays(shared_bus, name):
    member = shared_bus.group(name, name, heartbeat=1, answers_pings=True, answer_pings=True)
    for _ in range(4):
        member.next("ping")
    shared_bus.publish(name, b"still here")
    assert data_of(member.take(1)) == [b"still here"]


def test_client_that_goes_silent_is_dropped_and_its_events_go_to_another(shared_bus, name):
    silent = shared_bus.group(name, name, heartbeat=1, answers_pings=True)
    shared_bus.publish(name, b"held")
    silent.take(1)
    other = shared_bus.group(name)
    refusal = silent.end()
    assert refusal.code == grpc.StatusCode.UNAVAILABLE
    assert refusal.reason == "HEARTBEAT_MISSED"
    assert silent.has("ping")
    [delivery] = other.take(1)
    assert (delivery.data, delivery.batch.attempt) == (b"held", 1)


def test_client_that_goes_silent_is_dropped_however_much_is_sent_to_it(shared_bus, name):
    """Events that leave no room for a ping of a quiet server must not make it trust a dead client."""
    silent = shared_bus.group(name, name, heartbeat=1, answers_pings=True)
    answering = shared_bus.group(
        f"{name}-2", name, heartbeat=1, answers_pings=True, answer_pings=True
    )

    def ended() -> bool:
        shared_bus.publish(name, b"one more")
        return silent.ended

    eventually(ended, "the silent client is dropped", deadline=10)
    assert silent.end().reason == "HEARTBEAT_MISSED"
    answering.round_trip()


@pytest.mark.parametrize("heartbeat", [0.5, 0.0, 3601])
def test_interval_out_of_range_is_refused(shared_bus, name, heartbeat):
    refusal = shared_bus.subscribe(group_open(name, name, heartbeat=heartbeat)).end()
    assert refusal.code == grpc.StatusCode.INVALID_ARGUMENT
    assert list(refusal.fields) == ["open.heartbeat"]


def test_stock_keepalive_of_the_transport_is_allowed(shared_daemon, name):
    """HTTP/2 pings every second, without calls too, must not make the server say GOAWAY."""
    options = [
        ("grpc.keepalive_time_ms", 1000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.use_local_subchannel_pool", 1),
    ]
    with grpc.insecure_channel(shared_daemon.address, options=options) as channel:
        opening = group_open(name, name, heartbeat=3)
        call = rpc.EventBusStub(channel).Receive(v1.ReceiveRequest(open=opening), timeout=60)
        kinds = [next(call).WhichOneof("message") for _ in range(3)]
        assert kinds == ["opened", "ping", "ping"]
        call.cancel()
