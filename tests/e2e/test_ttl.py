"""The lifetime of one event: past it, the event is dropped undelivered."""

import time

from harness.bus import earliest, event, group_open, seconds
from harness.refusal import refused
from harness.stubs import v1
from harness.subscription import data_of
from harness.waiting import DEADLINE, eventually


def ttl(lifetime: float) -> v1.PublishOptions:
    return v1.PublishOptions(ttl=seconds(lifetime))


def durable(bus, name: str, pattern: str) -> None:
    """A group that nobody is connected to."""
    call = bus.receive(group_open(name, pattern))
    assert next(call).WhichOneof("message") == "opened"
    call.cancel()


def past(lifetime_end: float) -> None:
    eventually(lambda: time.time() > lifetime_end, "its time is over")


def test_is_an_attribute_that_subscribers_see(bus):
    member = bus.group("g", "a.*")
    bus.publish_batch([event("a.b")], options=ttl(60))
    expiry = member.take(1)[0].event.attributes["expirytime"].ce_timestamp
    assert 50 < expiry.seconds - time.time() < 70


def test_expired_events_are_dropped_and_the_others_delivered(daemon, bus):
    durable(bus, "g", "a.*")
    bus.publish_batch([event("a.b", b"short")], options=ttl(0.2))
    bus.publish_batch([event("a.b", b"long")], options=ttl(3600))
    own = event("a.b", b"own")
    own.attributes["expirytime"].ce_timestamp.seconds = 1_000_000_000
    bus.publish(own)
    bus.publish("a.b", b"none")
    past(time.time() + 0.3)
    member = bus.group("g")
    tail = bus.tail("a.*", start=earliest())
    taken = member.take(2)
    assert data_of(taken) == [b"long", b"none"]
    assert data_of(tail.take(2)) == [b"long", b"none"]
    member.settled(ack=[one.number for one in taken])
    assert daemon.metric("eventbus_expired_events_total") == 2
    assert not member.pending() and not tail.pending()


def test_within_a_shared_entry(daemon, bus):
    durable(bus, "g", "a.*")
    for _ in range(5):
        bus.publish_batch([event("a.b", b"x") for _ in range(200)])
    batch = [event("a.b", b"%d" % n) for n in range(100)]
    for one in batch[::2]:
        one.attributes["expirytime"].ce_timestamp.seconds = int(time.time())
    bus.publish_batch(batch)
    member = bus.group("g", in_flight=2000)
    got = [data for data in data_of(member.take(1050)) if data != b"x"]
    assert got == [b"%d" % n for n in range(1, 100, 2)]
    assert daemon.metric("eventbus_expired_events_total") == 50


def test_with_a_delay_the_lifetime_begins_when_it_is_due(bus):
    member = bus.group("g", "a.*")
    options = v1.PublishOptions(deliver_after=seconds(0.5), ttl=seconds(0.4))
    bus.publish_batch([event("a.b", b"later")], options=options)
    assert data_of(member.take(1)) == [b"later"]


def test_on_a_publishing_stream(bus):
    member = bus.group("g", "a.*")
    call = bus.publish_stream()
    call.window()
    call.wait_for(call.publish(event("a.b"), options=ttl(60)), deadline=DEADLINE)
    assert "expirytime" in member.take(1)[0].event.attributes


def test_setting_it_to_nothing_is_refused(bus):
    refusal = refused(bus.publish_batch, [event("a.b")], options=ttl(0))
    assert list(refusal.fields) == ["options.ttl"]
