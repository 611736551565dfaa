"""Ordered groups: of each ordering key one event at a time, in order."""

import contextlib

import grpc
import pytest

from harness.bus import Bus, event, group_open, seconds, unique
from harness.refusal import refused
from harness.stubs import v1
from harness.subscription import data_of
from harness.waiting import DEADLINE, eventually

ORDERED = v1.GroupPolicy(ordered=True)


@pytest.fixture
def name() -> str:
    """A name for the test's group and for its type."""
    return unique("ordered")


def keyed(name: str, key: str, data: bytes) -> v1.Event:
    return event(name, data, source="/test", attributes={"partitionkey": key})


def publish(bus: Bus, name: str, *events: bytes) -> None:
    """Publishes events like b"a1": the key and the data."""
    for data in events:
        bus.publish(keyed(name, data[:1].decode(), data))


@pytest.mark.smoke
def test_the_next_of_a_key_comes_when_the_one_before_is_settled(shared_bus, name):
    member = shared_bus.group(name, name, policy=ORDERED)
    publish(shared_bus, name, b"a1", b"a2", b"b1", b"a3")
    first = member.take(2)
    assert data_of(first) == [b"a1", b"b1"]
    member.round_trip()
    assert not member.pending()
    member.ack(first[0])
    second = member.take(1)
    assert data_of(second) == [b"a2"]
    member.ack(*second)
    assert data_of(member.take(1)) == [b"a3"]


def test_the_source_is_the_key_unless_it_was_filled_in(shared_bus, name):
    member = shared_bus.group(name, name, policy=ORDERED)
    for source, data in (("/a", b"a1"), ("/a", b"a2"), ("", b"1"), ("", b"2")):
        shared_bus.publish(event(name, data, source=source))
    assert data_of(member.take(3)) == [b"a1", b"1", b"2"]
    member.round_trip()
    assert not member.pending()


def test_a_retry_holds_up_its_key_alone(shared_bus, name):
    member = shared_bus.group(name, name, policy=ORDERED)
    publish(shared_bus, name, b"a1", b"a2", b"b1", b"b2")
    a1, b1 = member.take(2)
    nack = v1.Nack(deliveries=[v1.DeliveryRange(first=a1.number, last=a1.number)], delay=seconds(1))
    member.settled(ack=[b1.number], nacks=[nack])
    (b2,) = member.take(1)
    assert b2.data == b"b2"
    (again,) = member.take(1)
    assert again.data == b"a1"
    assert again.batch.attempt == 2
    member.ack(again)
    assert data_of(member.take(1)) == [b"a2"]


def test_a_dead_letter_makes_room(shared_bus, name):
    member = shared_bus.group(name, name, policy=ORDERED)
    publish(shared_bus, name, b"a1", b"a2")
    (a1,) = member.take(1)
    reject = v1.Reject(deliveries=[v1.DeliveryRange(first=a1.number, last=a1.number)])
    member.settled(rejects=[reject])
    assert data_of(member.take(1)) == [b"a2"]


def test_whether_a_group_is_ordered_cannot_be_changed(shared_bus, name):
    shared_bus.group(name, name, policy=ORDERED)
    request = v1.UpdateGroupRequest(group=v1.Group(name=name, policy=v1.GroupPolicy(ordered=False)))
    request.update_mask.paths.append("policy.ordered")
    refusal = refused(shared_bus.admin.UpdateGroup, request, timeout=DEADLINE)
    assert refusal.code == grpc.StatusCode.FAILED_PRECONDITION
    assert "policy.ordered" in refusal.message


@pytest.fixture
def two(own_redis, start_on_redis):
    """Two daemons on one Redis, and a client of each."""
    redis = own_redis()
    daemons = [start_on_redis(redis) for _ in range(2)]
    with Bus(daemons[0].address) as a, Bus(daemons[1].address) as b:
        yield daemons, a, b


def standing_by(bus: Bus, name: str) -> bool:
    call = bus.receive(group_open(name))
    opened = next(call).opened
    call.cancel()
    return opened.standing_by


@pytest.mark.redis
def test_another_instance_stands_by_until_the_owner_leaves(two, name):
    _, a, b = two
    owner = a.group(name, name, policy=ORDERED)
    publish(a, name, b"a1", b"a2", b"b1")
    assert data_of(owner.take(2)) == [b"a1", b"b1"]
    assert standing_by(b, name)
    assert not standing_by(a, name)
    standby = b.group(name)
    publish(b, name, b"c1")
    (c1,) = owner.take(1)
    owner.ack(c1)
    owner.round_trip()
    assert not standby.pending()
    owner.cancel()
    first = standby.take(2)
    assert data_of(first) == [b"a1", b"b1"]
    standby.ack(first[0])
    assert data_of(standby.take(1)) == [b"a2"]


@pytest.mark.redis
def test_another_instance_goes_on_in_order_when_the_owner_is_killed(two, name):
    daemons, a, b = two
    owner = a.group(name, name, policy=ORDERED)
    publish(a, name, *(b"%s%d" % (key, n) for n in range(5) for key in (b"a", b"b", b"c")))
    standby = b.group(name)
    held = owner.take(3)
    owner.settled(ack=[delivery.number for delivery in held])
    owner.take(3)
    daemons[0].kill()
    got = []
    while len(got) < 12:
        taken = standby.take(1, deadline=3 * DEADLINE)
        got += data_of(taken)
        standby.ack(*taken)
    for key in (b"a", b"b", b"c"):
        assert [data for data in got if data[:1] == key] == [b"%s%d" % (key, n) for n in range(1, 5)]


@pytest.mark.redis
def test_who_stands_by_does_not_disturb_the_owner(own_redis, start_on_redis, name):
    redis = own_redis()
    daemons = [start_on_redis(redis) for _ in range(4)]
    with contextlib.ExitStack() as stack:
        buses = [stack.enter_context(Bus(daemon.address)) for daemon in daemons]
        # The last one has nothing to do with the group.
        for bus in buses[:3]:
            bus.group(name, name, policy=ORDERED)
        publish(buses[0], name, b"a1")
        lease = f"eventbus:{{{name}}}:lease:{name}"
        signals = "eventbus:{registry}:signals"
        first = eventually(lambda: redis.ask("GET", lease), "somebody owns the stream")
        eventually(lambda: redis.ask("XRANGE", signals, "-", "+").count("wanted") >= 4, "wishes")
        assert redis.ask("GET", lease) == first
