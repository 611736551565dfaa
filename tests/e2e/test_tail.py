"""Tails: start positions, patterns, and that they leave nothing behind."""

import grpc
import pytest
from google.protobuf import timestamp_pb2

from harness.bus import after, at_time, earliest, event, latest, tail_open, unique
from harness.stubs import v1
from harness.subscription import data_of


@pytest.fixture
def name() -> str:
    return unique("tail")


@pytest.mark.parametrize("start", [None, latest()], ids=["default", "latest"])
def test_tail_from_latest_sees_what_is_published_after_opened(shared_bus, name, start):
    shared_bus.publish(name, b"before")
    tail = shared_bus.tail(name, start=start)
    shared_bus.publish(name, b"after")
    assert data_of(tail.take(1)) == [b"after"]


def test_tail_from_earliest_sees_all_then_what_comes(shared_bus, name):
    shared_bus.publish_batch([event(name, b"%d" % n) for n in range(250)])
    tail = shared_bus.tail(name, start=earliest())
    assert data_of(tail.take(250)) == [b"%d" % n for n in range(250)]
    shared_bus.publish(name, b"live")
    assert data_of(tail.take(1)) == [b"live"]


def test_tail_from_a_time_begins_with_the_first_event_stored_then(shared_bus, name):
    for n in range(4):
        shared_bus.publish(name, b"%d" % n)
    stored = [d.batch.stored_time for d in shared_bus.tail(name, start=earliest()).take(4)]
    wanted = [
        b"%d" % n
        for n, time in enumerate(stored)
        if time.ToNanoseconds() >= stored[2].ToNanoseconds()
    ]
    assert data_of(shared_bus.tail(name, start=at_time(stored[2])).take(len(wanted))) == wanted


def test_tail_from_a_time_long_ago_sees_all(shared_bus, name):
    shared_bus.publish(name, b"first")
    past = at_time(timestamp_pb2.Timestamp(seconds=1))
    assert data_of(shared_bus.tail(name, start=past).take(1)) == [b"first"]


@pytest.mark.parametrize("index", [0, 1, 57, 118])
def test_tail_after_a_position_begins_with_the_next_event(shared_bus, name, index):
    """Also where the position is inside an entry of the store."""
    published = shared_bus.publish_batch([event(name, b"%d" % n) for n in range(120)])
    start = after({name: published[index].position})
    rest = [b"%d" % n for n in range(index + 1, 120)]
    assert data_of(shared_bus.tail(name, start=start).take(len(rest))) == rest


def test_tail_after_positions_reads_the_other_streams_from_earliest(shared_bus, name):
    one = shared_bus.publish_batch([event(f"{name}.one", b"one %d" % n) for n in range(2)])
    shared_bus.publish(f"{name}.two", b"two")
    tail = shared_bus.tail(f"{name}.*", start=after({f"{name}.one": one[0].position}))
    assert sorted(data_of(tail.take(2))) == [b"one 1", b"two"]


def test_position_of_a_delivery_continues_where_it_left(shared_bus, name):
    for n in range(4):
        shared_bus.publish(name, b"%d" % n)
    first = shared_bus.tail(name, start=earliest()).take(1)[0]
    rest = shared_bus.tail(name, start=after({first.batch.stream: first.batch.position}))
    assert data_of(rest.take(3)) == [b"1", b"2", b"3"]


def test_malformed_position_is_refused(shared_bus, name):
    refusal = shared_bus.subscribe(tail_open(name, start=after({name: "not a position"}))).end()
    assert refusal.code == grpc.StatusCode.INVALID_ARGUMENT
    assert refusal.reason == "BAD_POSITION"
    assert "position" in refusal.message


TYPES = ["", "a", "a.b", "a.b.c", "a.x.c", "b", "A.b"]

MATCHES = {
    "{}": [""],
    "{}.a": ["a"],
    "{}.a.b": ["a.b"],
    "{}.*": ["a", "a.b", "a.b.c", "a.x.c", "b", "A.b"],
    "{}.+": ["a", "b"],
    "{}.**": ["", "a", "a.b", "a.b.c", "a.x.c", "b", "A.b"],
    "{}.a.*": ["a.b", "a.b.c", "a.x.c"],
    "{}.a.+": ["a.b"],
    "{}.*.b": ["a.b", "A.b"],
    "{}.a.*.c": ["a.b.c", "a.x.c"],
    "{}.**.c": ["a.b.c", "a.x.c"],
    "{}.a.**": ["a", "a.b", "a.b.c", "a.x.c"],
    "{}.nothing.*": [],
}


@pytest.mark.parametrize("pattern", MATCHES)
def test_pattern_takes_the_types_it_says(shared_bus, name, pattern):
    tail = shared_bus.tail(pattern.format(name), f"{name}-end")
    types = [f"{name}.{one}" if one else name for one in TYPES]
    for one in types:
        shared_bus.publish(one)
    shared_bus.publish(f"{name}-end")
    wanted = [f"{name}.{one}" if one else name for one in MATCHES[pattern]]
    assert sorted(d.event.type for d in tail.take(len(wanted) + 1)) == sorted(
        [*wanted, f"{name}-end"]
    )


def test_event_that_two_patterns_match_comes_once(shared_bus, name):
    tail = shared_bus.tail(f"{name}.*", f"{name}.a", "*")
    shared_bus.publish(f"{name}.a", b"once")
    shared_bus.publish(f"{name}.a", b"end")
    assert data_of(tail.take(2)) == [b"once", b"end"]


def test_star_alone_takes_every_type(daemon, bus):
    tail = bus.tail("*")
    for type_ in ("a", "b.c", "d.e.f.g"):
        bus.publish(type_)
    assert [d.event.type for d in tail.take(3)] == ["a", "b.c", "d.e.f.g"]


def test_tail_settles_nothing_and_has_no_numbers(shared_bus, name):
    tail = shared_bus.tail(name)
    assert tail.opened.group == "" and not tail.opened.HasField("policy")
    shared_bus.publish(name)
    [delivery] = tail.take(1)
    batch = delivery.batch
    assert (batch.first_delivery, batch.attempt, batch.times_delivered) == (0, 0, 0)
    assert numbers_are_unknown(tail)


def numbers_are_unknown(tail) -> bool:
    settled = tail.settled(ack=[1])
    return not settled.done and settled.unknown == [v1.DeliveryRange(first=1, last=1)]


def test_tails_see_events_whatever_groups_do(shared_bus, name):
    member = shared_bus.group(name, name)
    first, second = (shared_bus.tail(name) for _ in range(2))
    shared_bus.publish(name, b"seen")
    member.ack(*member.take(1))
    assert data_of(first.take(1)) == data_of(second.take(1)) == [b"seen"]


def test_tail_leaves_no_trace(daemon, bus):
    bus.publish("a.b")
    tail = bus.tail("*", start=earliest())
    tail.take(1)
    tail.cancel()
    tail.end()
    assert daemon.metric("eventbus_groups") == 0
