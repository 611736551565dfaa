"""In-flight limits and the shape of batches."""

import time

import grpc
import pytest

from harness.bus import event, group_open, unique
from harness.stubs import v1
from harness.subscription import data_of


@pytest.fixture
def name() -> str:
    return unique("flow")


def limits(events: int = None, bytes_: int = None) -> v1.FlowLimits:
    return v1.FlowLimits(max_in_flight=events, max_in_flight_bytes=bytes_)


def publish_numbered(bus, name: str, count: int, size: int = 0) -> None:
    bus.publish_batch([event(name, b"%d" % n + bytes(size)) for n in range(count)])


def assert_quiet(member) -> None:
    """Nothing is on its way: what the server had to say before the round trip is here."""
    member.round_trip()
    assert not member.pending()


def test_no_more_is_in_flight_than_asked_for(shared_bus, name):
    member = shared_bus.group(name, name, in_flight=3)
    assert member.opened.flow.max_in_flight == 3
    publish_numbered(shared_bus, name, 10)
    taken = member.take(3)
    assert_quiet(member)
    member.ack(*taken[:2])
    taken = member.take(2)
    assert data_of(taken) == [b"3", b"4"]
    assert_quiet(member)


def test_no_more_bytes_are_in_flight_than_asked_for(shared_bus, name):
    member = shared_bus.group(name, name, in_flight_bytes=5000)
    publish_numbered(shared_bus, name, 10, size=1500)
    taken = member.take(3)
    assert_quiet(member)
    member.ack(*taken)
    member.take(3)
    assert_quiet(member)


def test_one_event_always_goes_however_large(shared_bus, name):
    member = shared_bus.group(name, name, in_flight_bytes=1)
    publish_numbered(shared_bus, name, 2, size=100_000)
    first = member.take(1)
    assert_quiet(member)
    member.ack(*first)
    assert member.take(1)[0].data.startswith(b"1")


def test_raised_limit_delivers_at_once(shared_bus, name):
    member = shared_bus.group(name, name, in_flight=2)
    publish_numbered(shared_bus, name, 10)
    member.take(2)
    assert_quiet(member)
    member.send(flow=limits(events=6))
    assert data_of(member.take(4)) == [b"2", b"3", b"4", b"5"]
    assert_quiet(member)


def test_lowered_limit_leaves_what_is_in_flight(shared_bus, name):
    member = shared_bus.group(name, name, in_flight=6)
    publish_numbered(shared_bus, name, 20)
    taken = member.take(6)
    member.send(flow=limits(events=2))
    member.ack(*taken[:4])
    assert_quiet(member)
    settled = member.settled(ack=[taken[4].number])
    assert [(r.first, r.last) for r in settled.done] == [(5, 5)]
    member.take(1)
    assert_quiet(member)


def test_release_makes_room_too(shared_bus, name):
    member = shared_bus.group(name, name, in_flight=1)
    publish_numbered(shared_bus, name, 1)
    member.release(*member.take(1))
    assert data_of(member.take(1)) == [b"0"]


@pytest.mark.parametrize(
    "flow, field",
    [
        (limits(events=0), "flow.max_in_flight"),
        (limits(events=100_001), "flow.max_in_flight"),
        (limits(bytes_=0), "flow.max_in_flight_bytes"),
        (limits(bytes_=2**40), "flow.max_in_flight_bytes"),
    ],
    ids=str,
)
def test_limit_out_of_range_is_refused(shared_bus, name, flow, field):
    opening = group_open(name, name)
    opening.flow.CopyFrom(flow)
    refusal = shared_bus.subscribe(opening).end()
    assert refusal.code == grpc.StatusCode.INVALID_ARGUMENT
    assert list(refusal.fields) == [f"open.{field}"]


def test_full_batch_comes_at_once_in_one_message(shared_bus, name):
    member = shared_bus.group(name, name, batch_size=50, batch_timeout=60)
    publish_numbered(shared_bus, name, 130)
    assert [len(member.message()) for _ in range(2)] == [50, 50]
    assert_quiet(member)
    publish_numbered(shared_bus, name, 20)
    assert len(member.message()) == 50


def test_batch_is_put_together_from_single_events(shared_bus, name):
    member = shared_bus.group(name, f"{name}.*", batch_size=20, batch_timeout=60)
    for n in range(20):
        shared_bus.publish(f"{name}.{n % 3}", b"%d" % n)
    assert sorted(data_of(member.message())) == sorted(b"%d" % n for n in range(20))


def test_batch_goes_when_its_time_is_up(shared_bus, name):
    member = shared_bus.group(name, name, batch_size=1000, batch_timeout=0.5)
    started = time.monotonic()
    publish_numbered(shared_bus, name, 5)
    assert len(member.message()) == 5
    assert time.monotonic() - started >= 0.4


def test_batch_size_bounds_the_messages_of_a_backlog(shared_bus, name):
    member = shared_bus.group(name, name)
    member.cancel()
    member.end()
    publish_numbered(shared_bus, name, 100)
    again = shared_bus.group(name, batch_size=30, batch_timeout=0.2)
    sizes = [len(again.message()) for _ in range(4)]
    assert sum(sizes) == 100 and max(sizes) == 30


def test_tail_gets_batches_too(shared_bus, name):
    tail = shared_bus.tail(name, batch_size=40, batch_timeout=60)
    publish_numbered(shared_bus, name, 80)
    assert [len(tail.message()) for _ in range(2)] == [40, 40]
