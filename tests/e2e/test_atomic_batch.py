"""Batches of which all is stored or nothing."""

import grpc
import pytest

from harness.bus import Bus, earliest, event
from harness.refusal import refused
from harness.subscription import data_of
from harness.waiting import eventually


def test_is_one_entry(bus):
    results = bus.publish_batch([event("a.b", b"%d" % n) for n in range(1000)], atomic=True)
    entries = {one.position.rsplit("-", 1)[0] for one in results}
    assert len(entries) == 1
    assert [int(one.position.rsplit("-", 1)[1]) for one in results] == list(range(1000))
    tail = bus.tail("a.*", start=earliest())
    assert data_of(tail.take(1000)) == [b"%d" % n for n in range(1000)]


def test_large_ones_are_delivered(bus):
    member = bus.group("g", "a.*", in_flight=2000, in_flight_bytes=64 << 20)
    batch = [event("a.b", b"x" * 5800) for _ in range(530)]
    results = bus.publish_batch(batch, atomic=True)
    assert len({one.position.rsplit("-", 1)[0] for one in results}) == 1
    assert len(member.take(530)) == 530


def test_across_types_is_refused(bus):
    refusal = refused(bus.publish_batch, [event("a.b"), event("a.c")], atomic=True)
    assert refusal.code == grpc.StatusCode.INVALID_ARGUMENT
    assert refusal.reason == "ATOMIC_ACROSS_STREAMS"
    assert "events[1]" in refusal.message


def test_with_a_duplicate_window(start_daemon):
    with Bus(start_daemon({"retention.duplicate_window": "1h"}).address) as bus:
        batch = [event("a.b", id=str(n)) for n in range(5)]
        first = bus.publish_batch(batch, atomic=True)
        again = bus.publish_batch(batch, atomic=True)
        assert all(one.duplicate for one in again)
        assert [one.position for one in again] == [one.position for one in first]


@pytest.mark.redis
def test_of_an_unclear_outcome_all_is_there_or_nothing(own_redis, start_on_redis):
    redis = own_redis()
    settings = {"store.redis.timeout": "1s", "retention.duplicate_window": "1h"}
    with Bus(start_on_redis(redis, settings).address) as bus:
        bus.publish("a.b", id="first")
        redis.freeze()
        batch = [event("a.b", id=str(n)) for n in range(100)]
        with pytest.raises(grpc.RpcError):
            bus.publish_batch(batch, atomic=True)
        redis.kill()
        redis.start()

        def again():
            try:
                return bus.publish_batch(batch, atomic=True)
            except grpc.RpcError:
                return None

        results = eventually(again, "the store is back")
        assert len({one.duplicate for one in results}) == 1
        assert len(bus.tail("a.*", start=earliest()).take(101)) == 101
