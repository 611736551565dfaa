"""EventBusAdmin: streams, and what is left of them."""

import grpc
import pytest
from google.protobuf import timestamp_pb2

from harness.bus import Bus, event, seconds
from harness.refusal import refused
from harness.stubs import v1
from harness.waiting import DEADLINE, eventually_equal


def list_streams(bus, *patterns: str, **fields) -> v1.ListStreamsResponse:
    request = v1.ListStreamsRequest(patterns=patterns, **fields)
    return bus.admin.ListStreams(request, timeout=DEADLINE)


def purge(bus, stream: str, **fields) -> v1.PurgeStreamResponse:
    request = v1.PurgeStreamRequest(stream=stream, **fields)
    return bus.admin.PurgeStream(request, timeout=DEADLINE)


def names(page: v1.ListStreamsResponse) -> list:
    return [stream.stream for stream in page.streams]


@pytest.mark.smoke
def test_streams_are_described(start_daemon):
    rules = [{"pattern": "order.*", "ttl": "1h", "max_bytes": "1MiB", "max_events": 5000}]
    daemon = start_daemon({"retention.rules": rules})
    with Bus(daemon.address) as bus:
        bus.group("a", "order.*")
        bus.group("b", "mail")
        published = bus.publish_batch([event("order.placed", b"x" * 100)] * 30)
        [stream] = list_streams(bus).streams
        assert stream.stream == stream.type == "order.placed"
        assert stream.events == pytest.approx(30, rel=0.2) and stream.bytes > 30 * 100 * 0.8
        assert stream.first_position == published[0].position
        assert stream.last_position == published[-1].position
        now = timestamp_pb2.Timestamp()
        now.GetCurrentTime()
        for time in (stream.create_time, stream.first_stored_time, stream.last_stored_time):
            assert abs(time.seconds - now.seconds) < 60
        assert stream.events_per_second > 0 and stream.groups == 1
        retention = stream.retention
        assert retention.ttl == seconds(3600)
        assert (retention.max_bytes, retention.max_events) == (1 << 20, 5000)


def test_lists_are_paged_and_narrowed(bus):
    for type_ in ("b", "a.y", "a.x"):
        bus.publish(type_)
    page = list_streams(bus, page_size=2)
    assert names(page) == ["a.x", "a.y"]
    page = list_streams(bus, page_size=2, page_token=page.next_page_token)
    assert names(page) == ["b"] and page.next_page_token == ""
    assert names(list_streams(bus, "a.*")) == ["a.x", "a.y"]


def test_purge_removes_for_every_group(bus):
    done, idle = bus.group("done", "a.*"), bus.group("idle", "a.*", in_flight=1)
    bus.publish_batch([event("a.b")] * 10)
    taken = done.take(10)
    done.settled(ack=[one.number for one in taken])
    counted = purge(bus, "a.b", all=True, dry_run=True)
    assert counted.purged_events == 10 and dict(counted.unsettled_events) == {"idle": 10}
    assert purge(bus, "a.b", all=True) == counted
    assert purge(bus, "a.b", all=True).purged_events == 0
    bus.publish("a.b", b"after")
    assert done.take(1)[0].data == b"after"
    while True:
        [taken] = idle.take(1)  # What its instance held already may still come.
        idle.ack(taken)
        if taken.data == b"after":
            break


def test_purge_may_end_at_a_position_or_a_time(bus):
    first, second, third = (bus.publish("a.b", b"%d" % n) for n in range(3))
    assert purge(bus, "a.b", before_position=second.position).purged_events == 1
    now = timestamp_pb2.Timestamp()
    now.FromSeconds(1)
    assert purge(bus, "a.b", before_time=now).purged_events == 0
    now.GetCurrentTime()
    now.seconds += 60
    assert purge(bus, "a.b", before_time=now).purged_events == 2


PURGES_REFUSED = {
    "stream": v1.PurgeStreamRequest(stream="", all=True),
    "extent": v1.PurgeStreamRequest(stream="a"),
    "all": v1.PurgeStreamRequest(stream="a", all=False),
    "delete_stream": v1.PurgeStreamRequest(stream="a", delete_stream=False),
    "before_position": v1.PurgeStreamRequest(stream="a", before_position="mine"),
}


@pytest.mark.parametrize("field", PURGES_REFUSED)
def test_wrong_purges_name_the_field(shared_bus, field):
    refusal = refused(shared_bus.admin.PurgeStream, PURGES_REFUSED[field], timeout=DEADLINE)
    assert refusal.code == grpc.StatusCode.INVALID_ARGUMENT
    assert list(refusal.fields) == [field]
    assert refusal.reason == ("BAD_POSITION" if field == "before_position" else "INVALID_FIELD")


def test_stream_that_is_not_there(shared_bus):
    refusal = refused(purge, shared_bus, "no.such.stream", all=True)
    assert refusal.code == grpc.StatusCode.NOT_FOUND
    assert refusal.reason == "STREAM_NOT_FOUND"
    assert refusal.metadata == {"stream": "no.such.stream"}


@pytest.mark.smoke
def test_deleted_stream_makes_room_and_is_born_again(start_daemon):
    with Bus(start_daemon({"limits.max_types": 1}).address) as bus:
        member = bus.group("g", "*")
        bus.publish_batch([event("old")] * 5)
        member.take(5)
        assert refused(bus.publish, "new").reason == "TOO_MANY_TYPES"
        gone = purge(bus, "old", delete_stream=True)
        assert gone.purged_events == 5 and dict(gone.unsettled_events) == {"g": 5}
        assert names(list_streams(bus)) == []
        assert member.next("lost").lost.reason == v1.LOST_REASON_GROUP_CHANGED
        bus.publish("new", b"of another type")
        assert member.take(1)[0].data == b"of another type"
        purge(bus, "new", delete_stream=True)
        bus.publish("old", b"born again")
        assert member.take(1)[0].data == b"born again"


@pytest.mark.redis
def test_other_instances_notice(own_redis, start_on_redis):
    redis = own_redis()
    daemons = [start_on_redis(redis) for _ in range(2)]
    with Bus(daemons[0].address) as a, Bus(daemons[1].address) as b:
        members = [a.group("a", "x.*"), b.group("b", "x.*")]
        for bus in (a, b):  # Both know that the stream is there.
            bus.publish("x.y", b"before")
        for member in members:
            member.take(2)
        purge(a, "x.y", delete_stream=True)
        for member in members:
            member.next("lost")
        eventually_equal(lambda: names(list_streams(b)), [])
        for bus in (b, a):
            bus.publish("x.y", b"after")
        for member in members:
            assert [one.data for one in member.take(2)] == [b"after", b"after"]
