"""1,000 events of 2 KiB in one call, with stock settings on both sides."""

import os

from harness.bus import earliest, event
from harness.subscription import deliveries_in

LIMIT = int(3.5 * 1024 * 1024)


def thousand() -> list:
    return [event("bulk.of.data", os.urandom(2048), id=str(n)) for n in range(1000)]


def test_thousand_events_are_published_and_received_in_one_batch(bus):
    member = bus.group("bulk", "bulk.**", batch_size=1000, batch_timeout=20, in_flight=1000)
    sent = thousand()
    bus.publish_batch(sent)
    got = member.message()
    assert [(one.event.id, one.data) for one in got] == [(one.id, one.binary_data) for one in sent]


def test_backlog_of_many_megabytes_comes_in_messages_below_the_limit(bus):
    """A batch size says how many events at most; the bound on bytes comes first."""
    for _ in range(5):
        bus.publish_batch(thousand())
    tail = bus.tail("bulk.**", start=earliest(), batch_size=5000, batch_timeout=1)
    sizes, seen = [], 0
    while seen < 5000:
        message = tail.next("deliveries").deliveries
        sizes.append(message.ByteSize())
        seen += len(deliveries_in(message))
    assert seen == 5000
    assert max(sizes) <= LIMIT
    assert max(sizes) > LIMIT // 4, "messages are filled, not sent one by one"


def test_events_of_the_largest_size_pass(bus):
    member = bus.group("large", "large.*")
    data = os.urandom((1 << 20) - 1000)
    for _ in range(5):
        bus.publish("large.event", data)
    for delivery in member.take(5):
        assert delivery.data == data
        member.ack(delivery)
