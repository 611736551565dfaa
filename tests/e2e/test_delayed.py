"""Events that are to be delivered later."""

import subprocess
import time

import grpc
import pytest
from google.protobuf import timestamp_pb2

from harness.bus import Bus, event, seconds, unique
from harness.daemon import EVENTBUSCTL
from harness.refusal import refused
from harness.stubs import v1
from harness.subscription import data_of
from harness.waiting import DEADLINE, eventually


def after(delay: float) -> v1.PublishOptions:
    return v1.PublishOptions(deliver_after=seconds(delay))


def at(when: float) -> v1.PublishOptions:
    return v1.PublishOptions(
        deliver_at=timestamp_pb2.Timestamp(seconds=int(when), nanos=int(when % 1 * 1e9))
    )


def delay(bus, options, *arguments, **fields):
    request = v1.PublishRequest(event=event(*arguments, **fields), options=options)
    return bus.stub.Publish(request, timeout=DEADLINE).published


def listed(bus, **fields) -> list:
    return bus.admin.ListDelayed(v1.ListDelayedRequest(**fields), timeout=DEADLINE).events


def cancel(bus, schedule_id: str):
    request = v1.CancelDelayedRequest(schedule_id=schedule_id)
    return bus.admin.CancelDelayed(request, timeout=DEADLINE).cancelled


def test_is_delivered_when_it_is_due_and_not_before(bus):
    member, tail = bus.group("g", "a.*"), bus.tail("a.*")
    begin = time.time()
    published = delay(bus, after(0.5), "a.b", b"later", id="1")
    assert published.schedule_id and not published.position
    assert (published.id, published.stream) == ("1", "a.b")
    bus.publish("a.b", b"now")
    assert data_of(member.take(2)) == [b"now", b"later"]
    assert 0.5 <= time.time() - begin < 2
    assert data_of(tail.take(2)) == [b"now", b"later"]


def test_at_a_time(bus):
    member = bus.group("g", "a.*")
    due = time.time() + 0.3
    delay(bus, at(due), "a.b", b"later")
    delay(bus, at(due - 1000), "a.b", b"in the past")
    assert data_of(member.take(2)) == [b"in the past", b"later"]
    assert time.time() >= due - 0.001  # Clocks are read to the millisecond.


def test_batches_and_streams(bus):
    member = bus.group("g", "**")
    results = bus.publish_batch([event("a"), event("b"), event("a")], options=after(0.2))
    assert len({one.schedule_id for one in results}) == 3
    call = bus.publish_stream()
    call.window()
    call.wait_for(call.publish(event("a"), event("c"), options=after(0.2), return_results=True))
    assert not call.failures
    assert all(one.schedule_id for one in call.results[0].published)
    assert sorted(one.event.type for one in member.take(5)) == ["a", "a", "a", "b", "c"]


def test_more_than_a_year_ahead_is_refused(bus):
    for options in (after(400 * 86400), at(time.time() + 400 * 86400)):
        request = v1.PublishRequest(event=event(), options=options)
        refusal = refused(bus.stub.Publish, request, timeout=DEADLINE)
        assert refusal.code == grpc.StatusCode.INVALID_ARGUMENT
        assert [name.split(".")[0] for name in refusal.fields] == ["options"]


def test_list_and_cancel(bus):
    member = bus.group("g", "**")
    late = delay(bus, after(3600), "b.late", b"data", id="x", source="/s")
    soon = delay(bus, after(1800), "a.soon")
    first, second = listed(bus)
    assert (first.schedule_id, second.schedule_id) == (soon.schedule_id, late.schedule_id)
    assert second.event.id == "x" and second.event.binary_data == b"data"
    assert second.stream == "b.late"
    assert 3590 < second.due_time.seconds - second.stored_time.seconds < 3610
    assert [one.stream for one in listed(bus, patterns=["b.*"])] == ["b.late"]
    soonest = timestamp_pb2.Timestamp(seconds=int(time.time()) + 2000)
    assert [one.stream for one in listed(bus, due_before=soonest)] == ["a.soon"]
    assert cancel(bus, late.schedule_id).event.id == "x"
    assert [one.stream for one in listed(bus)] == ["a.soon"]
    refusal = refused(cancel, bus, late.schedule_id)
    assert refusal.code == grpc.StatusCode.NOT_FOUND
    assert refusal.reason == "STREAM_NOT_FOUND"
    assert refused(cancel, bus, "nonsense").code == grpc.StatusCode.INVALID_ARGUMENT
    assert not member.pending()


def test_pages(bus):
    for n in range(25):
        delay(bus, at(time.time() + 3600 + n // 4), f"t{n % 3}")
    found, token = [], ""
    while True:
        page = bus.admin.ListDelayed(
            v1.ListDelayedRequest(page_size=7, page_token=token), timeout=DEADLINE
        )
        found += [one.schedule_id for one in page.events]
        token = page.next_page_token
        if not token:
            break
        assert len(page.events) == 7
    assert len(found) == len(set(found)) == 25


def test_with_a_duplicate_window_a_repeat_is_recognised(start_daemon):
    with Bus(start_daemon({"retention.duplicate_window": "1h"}).address) as bus:
        first = delay(bus, after(3600), "a.b", id="1")
        again = delay(bus, after(3600), "a.b", id="1")
        assert again.duplicate and again.schedule_id == first.schedule_id
        assert bus.publish("a.b", id="1").schedule_id == first.schedule_id
        assert len(listed(bus)) == 1


def test_eventbusctl(daemon, bus):
    def ctl(*arguments: str) -> str:
        command = [str(EVENTBUSCTL), "--server", daemon.address, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    id_, stream, schedule_id = ctl("pub", "a.b", "--after", "1h", "--data", "x").split()
    assert stream == "a.b"
    due, listed_id, type_, event_id = ctl("delayed", "list").split()
    assert (listed_id, type_, event_id) == (schedule_id, "a.b", id_)
    assert due.endswith("Z")
    assert ctl("delayed", "list", "other.*") == ""
    assert ctl("delayed", "list", "--within", "10m") == ""
    assert schedule_id in ctl("delayed", "cancel", schedule_id)
    assert ctl("delayed", "list") == ""


def test_many_at_once_are_on_time(daemon, bus):
    type_ = unique("many")
    member = bus.group("g", type_, in_flight=20_000, in_flight_bytes=64 << 20)
    due = time.time() + 2
    delayed = 0
    for _ in range(10):
        results = bus.publish_batch([event(type_) for _ in range(1000)], options=at(due))
        # On a slow machine the time may have come.
        delayed += sum(1 for one in results if one.schedule_id)
    member.take(10_000)
    assert due <= time.time() < due + 3
    assert daemon.metric("eventbus_delayed_moved_events_total") == delayed
    eventually(lambda: daemon.metric("eventbus_delayed_events") == 0, "nothing waits")


@pytest.mark.redis
def test_survives_restarts_and_any_instance_delivers_it(own_redis, start_on_redis):
    redis = own_redis()
    daemons = [start_on_redis(redis) for _ in range(2)]
    with Bus(daemons[0].address) as a, Bus(daemons[1].address) as b:
        members = b.group("g", "a.*")
        due = time.time() + 2
        delay(a, at(due), "a.b", b"later")
        daemons[0].kill()
        redis.kill()
        redis.start()
        assert data_of(members.take(1)) == [b"later"]
        assert due <= time.time() < due + 8


@pytest.mark.redis
def test_several_instances_deliver_it_once(own_redis, start_on_redis):
    redis = own_redis()
    daemons = [start_on_redis(redis) for _ in range(3)]
    buses = [Bus(daemon.address) for daemon in daemons]
    try:
        tail = buses[0].tail("a.*")
        due = time.time() + 1
        for n in range(30):
            delay(buses[n % 3], at(due), "a.b", b"%d" % n)
        got = data_of(tail.take(30))
        assert sorted(got) == sorted(b"%d" % n for n in range(30))
        buses[0].publish("a.b", b"end")
        assert data_of(tail.take(1)) == [b"end"]
    finally:
        for bus in buses:
            bus.close()


@pytest.mark.redis
def test_stream_that_was_deleted_is_born_again_with_its_groups(own_redis, start_on_redis):
    redis = own_redis()
    with Bus(start_on_redis(redis).address) as bus:
        member = bus.group("g", "a.*")
        delay(bus, after(1), "a.b", b"later")
        redis.ask("DEL", "eventbus:{a.b}:log")
        assert data_of(member.take(1)) == [b"later"]
