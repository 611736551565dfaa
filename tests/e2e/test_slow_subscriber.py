"""Subscribers that stop reading cost the others nothing, and memory stays bounded."""

import os

import pytest

from harness.bus import Bus, event, group_open, tail_open
from harness.daemon import is_sanitized
from harness.stubs import v1
from harness.waiting import eventually_equal

MIB = 1 << 20
STORE = 48 * MIB


def stuck(bus, opening: v1.SubscribeOpen):
    """A Receive call whose client takes `opened` and then nothing more."""
    call = bus.receive(opening)
    assert next(call).WhichOneof("message") == "opened"
    return call


@pytest.mark.slow
def test_two_hundred_megabytes_flow_past_subscribers_that_stop_reading(start_daemon, store_kind):
    daemon = start_daemon({"store.memory.max_bytes": STORE})
    data = os.urandom(64 * 1024)
    with Bus(daemon.address) as publisher, Bus(daemon.address) as slow, Bus(daemon.address) as fast:
        stuck_calls = [
            stuck(slow, tail_open("flood.*")),
            stuck(slow, group_open("stuck", "flood.*")),
            # Here the bound on bytes comes first by far.
            stuck(slow, group_open("hungry", "flood.*", in_flight=100_000)),
        ]
        tail = fast.tail("flood.*")
        member = fast.group("working", "flood.*")
        before = daemon.memory("VmHWM")
        batch = [event("flood.event", data)] * 40
        for _ in range(80):
            publisher.publish_batch(batch)
            for delivery in member.take(len(batch)):
                member.ack(delivery)
            tail.take(len(batch))
        grown = daemon.memory("VmHWM") - before
        for call in stuck_calls:
            call.cancel()
    # Twice: what the store holds, and what the allocator keeps of what it dropped.
    bound = 2 * STORE + 64 * MIB
    assert grown < bound * (3 if is_sanitized() else 1), f"grew by {grown / MIB:.0f} MiB"
    if store_kind != "memory":
        return
    assert daemon.metric("eventbus_stored_bytes") <= STORE
    assert daemon.metric("eventbus_dropped_events_total", reason="memory") > 0


def test_stuck_subscriber_holds_no_more_than_its_limit(daemon, bus):
    with Bus(daemon.address) as slow:
        call = stuck(slow, group_open("g", "a.*", in_flight=10))
        bus.publish_batch([event("a.b", b"%d" % n) for n in range(100)])
        member = bus.group("g")
        rest = member.take(90)
        eventually_equal(lambda: daemon.metric("eventbus_in_flight_events"), 100)
        member.ack(*rest)
        call.cancel()
        assert len(member.take(10)) == 10
