"""Groups and tails that want only some events, by their attributes."""

import grpc
import pytest

from harness.bus import earliest, group_open, tail_open, unique
from harness.bus import event as make_event
from harness.refusal import refused
from harness.stubs import v1
from harness.subscription import data_of, numbers
from harness.waiting import eventually_equal


@pytest.fixture
def name() -> str:
    """A name for the test's group and for its type."""
    return unique("filter")


def where(attribute: str, **match) -> v1.AttributeFilter:
    """A filter of one condition: where("source", prefix="/eu/")."""
    return v1.AttributeFilter(conditions=[v1.AttributeCondition(attribute=attribute, **match)])


def policy(*filters: v1.AttributeFilter, **fields) -> v1.GroupPolicy:
    conditions = [condition for one in filters for condition in one.conditions]
    return v1.GroupPolicy(filter=v1.AttributeFilter(conditions=conditions), **fields)


def event(name: str, data: bytes, source: str = "/eu/shop", **attributes) -> v1.Event:
    return make_event(name, data, source=source, attributes=attributes)


def filtered(daemon) -> float:
    return daemon.metric("eventbus_filtered_events_total")


@pytest.mark.smoke
def test_a_group_gets_the_events_that_match(shared_bus, name):
    member = shared_bus.group(name, name, policy=policy(where("source", prefix="/eu/")))
    for data, source in ((b"1", "/eu/a"), (b"2", "/us/a"), (b"3", "/eu/b")):
        shared_bus.publish(event(name, data, source))
    assert data_of(member.take(2)) == [b"1", b"3"]
    assert numbers(member.settled(ack=[1, 2]).done) == [1, 2]
    assert not member.pending()


def test_what_does_not_match_counts_as_settled(shared_bus, name):
    member = shared_bus.group(name, name, policy=policy(where("level", exact="high")))
    shared_bus.publish(event(name, b"low", level="low"))
    shared_bus.publish(event(name, b"none"))
    shared_bus.publish(event(name, b"high", level="high"))
    assert data_of(member.take(1)) == [b"high"]
    member.settled(ack=[1])
    member.cancel()
    heir = shared_bus.group(name)
    shared_bus.publish(event(name, b"next", level="high"))
    assert data_of(heir.take(1)) == [b"next"]


def test_all_conditions_must_hold(shared_bus, name):
    both = policy(where("source", prefix="/eu/"), where("level", suffix="gh"))
    member = shared_bus.group(name, name, policy=both)
    shared_bus.publish(event(name, b"no", "/us/", level="high"))
    shared_bus.publish(event(name, b"no", level="low"))
    shared_bus.publish(event(name, b"yes", level="high"))
    assert data_of(member.take(1)) == [b"yes"]


def test_attributes_are_compared_in_their_text_form(shared_bus, name):
    made = event(name, b"typed")
    made.attributes["number"].ce_integer = -7
    made.attributes["flag"].ce_boolean = True
    made.attributes["hash"].ce_bytes = b"\xff\xfe"
    made.attributes["time"].ce_timestamp.FromJsonString("2024-02-29T12:00:00.5Z")
    wanted = policy(
        where("number", exact="-7"),
        where("flag", exact="true"),
        where("hash", exact="//4="),
        where("time", exact="2024-02-29T12:00:00.500Z"),
        where("type", exact=name),
        where("id", prefix=""),
    )
    member = shared_bus.group(name, name, policy=wanted)
    shared_bus.publish(made)
    assert data_of(member.take(1)) == [b"typed"]


def test_batches_go_out_in_part(shared_bus, name):
    member = shared_bus.group(name, name, policy=policy(where("odd", exact="1")))
    tail = shared_bus.tail(name, filter=where("odd", exact="0"))
    for start in range(0, 3000, 500):
        batch = [event(name, b"%d" % n, odd=str(n % 2)) for n in range(start, start + 500)]
        shared_bus.publish_batch(batch)
        assert sorted(data_of(member.take(250))) == sorted(b"%d" % n for n in range(start + 1, start + 500, 2))
        member.settled(ack_ranges=[v1.DeliveryRange(first=1, last=10_000)])
    assert data_of(tail.take(1500)) == [b"%d" % n for n in range(0, 3000, 2)]


def test_a_tail_reads_back_what_matches(shared_bus, name):
    for data, source in ((b"1", "/eu/a"), (b"2", "/us/a"), (b"3", "/eu/b")):
        shared_bus.publish(event(name, data, source))
    tail = shared_bus.tail(name, start=earliest(), filter=where("source", prefix="/eu/"))
    assert data_of(tail.take(2)) == [b"1", b"3"]


def test_the_filter_is_part_of_the_group(shared_bus, name):
    mine = policy(where("source", prefix="/eu/"))
    opened = shared_bus.group(name, name, policy=mine).opened
    assert opened.policy.filter == mine.filter
    # Who names none takes it as it is; who names the same, too.
    assert shared_bus.group(name, name).opened.policy.filter == mine.filter
    assert shared_bus.group(name, name, policy=mine).opened.policy.filter == mine.filter
    other = group_open(name, name, policy=policy(where("source", prefix="/us/")))
    refusal = shared_bus.subscribe(other).end()
    assert refusal.code == grpc.StatusCode.FAILED_PRECONDITION
    assert refusal.reason == "GROUP_MISMATCH"
    assert "policy.filter" in refusal.message


def test_filtered_events_are_counted(daemon, bus, name):
    member = bus.group(name, name, policy=policy(where("source", prefix="/eu/")))
    bus.publish_batch([event(name, b"no", "/us/")] * 3 + [event(name, b"yes")])
    assert data_of(member.take(1)) == [b"yes"]
    eventually_equal(lambda: filtered(daemon), 3)


BAD = {
    "conditions": v1.AttributeFilter(),
    "conditions[0].match": where("source"),
    "conditions[0].attribute": where("Not-A-Name", exact="x"),
}


@pytest.mark.parametrize("field", BAD)
def test_a_bad_filter_is_named(shared_bus, name, field):
    refusal = shared_bus.subscribe(tail_open(name, filter=BAD[field])).end()
    assert refusal.code == grpc.StatusCode.INVALID_ARGUMENT
    assert list(refusal.fields) == [f"open.tail.filter.{field}"]
    asked = group_open(name, name, policy=v1.GroupPolicy(filter=BAD[field]))
    refusal = refused(shared_bus.receive, asked)
    assert list(refusal.fields) == [f"open.group.policy.filter.{field}"]
