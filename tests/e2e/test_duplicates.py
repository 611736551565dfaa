"""Duplicates at the door: the same id and source again, within the type's window."""

import grpc
import pytest

from harness.bus import Bus, earliest, event
from harness.subscription import data_of
from harness.waiting import eventually

RULES = {"retention.rules": [{"pattern": "once.**", "duplicate_window": "1h"}]}


@pytest.fixture
def bus(start_daemon):
    with Bus(start_daemon(RULES).address) as client:
        yield client


def test_second_one_is_answered_with_the_place_of_the_first(bus):
    member = bus.group("g", "once.*")
    first = bus.publish("once.a", b"1", id="same", source="/s")
    again = bus.publish("once.a", b"2", id="same", source="/s")
    assert not first.duplicate and again.duplicate
    assert (again.id, again.stream, again.position) == ("same", "once.a", first.position)
    assert not bus.publish("once.a", b"3", id="same", source="/other").duplicate
    assert not bus.publish("once.b", b"4", id="same", source="/s").duplicate
    assert sorted(data_of(member.take(3))) == [b"1", b"3", b"4"]


def test_filled_in_source_counts_as_one(bus):
    bus.publish("once.a", b"1", id="same")
    assert bus.publish("once.a", b"1", id="same").duplicate


def test_ids_that_are_filled_in_are_no_duplicates(bus):
    results = bus.publish_batch([event("once.a", b"%d" % n) for n in range(100)])
    assert not any(one.duplicate for one in results)
    assert len({one.position for one in results}) == 100


def test_within_a_batch_and_against_an_earlier_one(bus):
    for _ in range(5):
        # A busy stream shares entries.
        bus.publish_batch([event("once.a", b"x") for _ in range(200)])
    bus.publish("once.a", b"b", id="b")
    batch = [event("once.a", one.encode(), id=one) for one in "abcad"]
    results = bus.publish_batch(batch)
    assert [one.duplicate for one in results] == [False, True, False, True, False]
    assert results[3].position == results[0].position
    tail = bus.tail("once.a", start=earliest())
    assert sorted(one for one in data_of(tail.take(1004)) if one != b"x") == [b"a", b"b", b"c", b"d"]
    again = bus.publish_batch(batch)
    assert [one.duplicate for one in again] == [True] * 5
    assert [one.position for one in again] == [one.position for one in results]
    assert not tail.pending()


def test_on_a_publishing_stream(bus):
    call = bus.publish_stream()
    call.window()
    call.wait_for(call.publish(event("once.a", id="1"), return_results=True))
    call.wait_for(call.publish(event("once.a", id="1"), event("once.a", id="2"), return_results=True))
    first, second = call.results
    assert [one.duplicate for one in second.published] == [True, False]
    assert second.published[0].position == first.published[0].position


def test_without_a_window_nothing_is_recognised(bus):
    bus.publish("other", id="1")
    assert not bus.publish("other", id="1").duplicate


def test_duplicates_are_counted_apart(start_daemon):
    daemon = start_daemon(RULES)
    with Bus(daemon.address) as bus:
        for _ in range(3):
            bus.publish("once.a", id="1")
    assert daemon.metric("eventbus_published_events_total") == 1
    assert daemon.metric("eventbus_publish_duplicates_total") == 2


@pytest.mark.redis
def test_on_every_instance_and_through_crashes(own_redis, start_on_redis):
    redis = own_redis()
    daemons = [start_on_redis(redis, RULES) for _ in range(2)]
    with Bus(daemons[0].address) as a, Bus(daemons[1].address) as b:
        first = a.publish("once.a", id="1")
        assert b.publish("once.a", id="1").position == first.position
        daemons[0].kill()
        redis.kill()
        redis.start()
        with Bus(start_on_redis(redis, RULES).address) as c:
            assert c.publish("once.a", id="1").position == first.position


def attempt(bus, *arguments, **fields):
    """What was published, or None."""
    try:
        return bus.publish(*arguments, **fields)
    except grpc.RpcError:
        return None


@pytest.mark.redis
def test_publishing_again_after_an_unclear_outcome_is_safe(own_redis, start_on_redis):
    """Redis freezes with the publish in its socket: the answer is lost, the effect is not."""
    redis = own_redis()
    settings = RULES | {"store.redis.timeout": "1s"}
    with Bus(start_on_redis(redis, settings).address) as bus:
        member = bus.group("g", "once.*")
        bus.publish("once.a", b"first", id="first")
        assert data_of(member.take(1)) == [b"first"]
        # A Redis that owes an answer (to a heartbeat, say) finds the connection broken when it thaws,
        # and drops what else came over it: then there is nothing to recognise, and once more.
        for number in range(5):
            text = str(number)
            redis.freeze()
            with pytest.raises(grpc.RpcError, match="outcome unknown"):
                bus.publish("once.a", text.encode(), id=text)
            redis.thaw()
            published = eventually(
                lambda: attempt(bus, "once.a", text.encode(), id=text), "the store is back"
            )
            assert data_of(member.take(1)) == [text.encode()]
            if published.duplicate:
                break
        assert published.duplicate
        bus.publish("once.a", b"last", id="last")
        assert data_of(member.take(1)) == [b"last"]
