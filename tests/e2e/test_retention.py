"""What streams keep, by the configuration, on both stores."""

import grpc

from harness.bus import Bus, event
from harness.refusal import refused
from harness.stubs import v1
from harness.waiting import eventually, eventually_equal

RULES = [
    {"pattern": "work.*", "discard": "settled"},
    {"pattern": "full.*", "max_events": 3, "when_full": "refuse"},
    {"pattern": "ring.*", "max_events": 3},
    {"pattern": "short.*", "ttl": "1s"},
]


def test_each_rule_does_what_it_says(start_daemon):
    daemon = start_daemon({"retention.rules": RULES})
    with Bus(daemon.address) as bus:
        member = bus.group("g", "work.*")
        for type_ in ("work.done", "full.up", "ring.buffer", "short.lived", "kept.all"):
            bus.publish_batch([event(type_, b"%d" % n) for n in range(3)])
        member.settled(ack=[delivery.number for delivery in member.take(3)])

        refusal = refused(
            bus.stub.Publish, v1.PublishRequest(event=event("full.up")), timeout=20
        )
        assert refusal.code == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert refusal.reason == "STREAM_FULL"
        assert refusal.metadata["limit"] == "3"
        # Others of the same call have room.
        mixed = bus.stub.PublishBatch(
            v1.PublishBatchRequest(events=[event("full.up"), event("kept.all", b"3")]), timeout=20
        )
        assert [one.WhichOneof("outcome") for one in mixed.results] == ["error", "published"]

        bus.publish_batch([event("ring.buffer", b"%d" % n) for n in range(3, 6)])
        dropped = {"settled": 3, "max_events": 3, "ttl": 3}

        def counts() -> dict:
            return {
                why: daemon.metric("eventbus_dropped_events_total", reason=why) for why in dropped
            }

        eventually_equal(counts, dropped)
        assert daemon.metric("eventbus_lost_unsettled_events_total") == 0

        call = bus.receive(
            v1.SubscribeOpen(
                tail=v1.TailSubscription(patterns=["*"]),
                start=v1.StartPosition(earliest=v1.StartPosition.Earliest()),
            )
        )
        left = []

        def rest() -> bool:
            message = next(call)
            for batch in message.deliveries.batches:
                left.extend((e.type, e.binary_data) for e in batch.events)
            return len(left) >= 10

        eventually(rest, "the rest of all streams")
        call.cancel()
        assert sorted(left) == sorted(
            [("full.up", b"%d" % n) for n in range(3)]
            + [("kept.all", b"%d" % n) for n in range(4)]
            + [("ring.buffer", b"%d" % n) for n in range(3, 6)]
        )
