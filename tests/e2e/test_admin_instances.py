"""EventBusAdmin: instances, and who subscribes where."""

import grpc
import pytest

from harness.bus import Bus, event, group_open
from harness.refusal import refused
from harness.stubs import v1
from harness.waiting import DEADLINE, eventually, eventually_equal


def instances(bus, **fields) -> v1.ListInstancesResponse:
    return bus.admin.ListInstances(v1.ListInstancesRequest(**fields), timeout=DEADLINE)


def subscribers(bus, **fields) -> v1.GetSubscriberStatsResponse:
    request = v1.GetSubscriberStatsRequest(**fields)
    return bus.admin.GetSubscriberStats(request, timeout=DEADLINE)


@pytest.mark.smoke
def test_instance_describes_itself(daemon, bus):
    bus.group("g", "a.*")
    bus.tail("*")
    bus.publish_batch([event("a.b")] * 10)
    [instance] = instances(bus).instances
    assert instance.answering and instance.state == v1.INSTANCE_STATE_ALIVE
    assert instance.host and instance.version and instance.instance_id.startswith(instance.host)
    assert instance.address.startswith("127.0.0.1:")
    assert instance.subscribers == 2 and instance.groups == 1
    assert instance.published_per_second > 0
    eventually(
        lambda: instances(bus).instances[0].delivered_per_second > 0, "deliveries are counted"
    )
    assert instance.HasField("start_time") and not instance.HasField("last_heartbeat_time")


def test_subscribers_are_told_with_how_they_fare(bus):
    opening = group_open("g", "a.*", in_flight=50, client_id="worker-7")
    opening.client_properties["team"] = "billing"
    member = bus.subscribe(opening).opening()
    tail = bus.tail("a.*", "b.*")
    bus.publish_batch([event("a.b", b"x" * 100)] * 20)
    taken = member.take(20)
    tail.take(20)
    numbers = [one.number for one in taken]
    member.settled(ack=numbers[:5])

    stats = subscribers(bus)
    assert stats.active_subscribers == 2 and stats.events_per_second > 0
    by_kind = {one.kind: one for one in stats.subscribers}
    one = by_kind[v1.SUBSCRIBER_KIND_GROUP]
    assert one.subscription_id == member.opened.subscription_id
    assert one.instance_id == member.opened.instance_id
    assert (one.client_id, dict(one.client_properties)) == ("worker-7", {"team": "billing"})
    assert one.peer.startswith("ipv4:127.0.0.1:")
    assert one.group == "g" and list(one.patterns) == []
    assert (one.delivered_events, one.acked_events, one.in_flight) == (20, 5, 15)
    assert one.in_flight_bytes > 15 * 100 and one.flow.max_in_flight == 50
    assert one.connect_time.seconds <= one.last_activity_time.seconds <= one.as_of.seconds
    other = by_kind[v1.SUBSCRIBER_KIND_TAIL]
    assert other.group == "" and list(other.patterns) == ["a.*", "b.*"]
    assert other.delivered_events == 20


def test_receive_is_another_kind(bus):
    bus.receive(group_open("g", "a.*"))
    eventually_equal(
        lambda: [one.kind for one in subscribers(bus, group="g").subscribers],
        [v1.SUBSCRIBER_KIND_RECEIVE_GROUP],
    )


def test_lists_are_paged_and_narrowed(bus):
    for name in ("a", "a", "b"):
        bus.group(name, "x.*")
    page = subscribers(bus, page_size=2)
    assert len(page.subscribers) == 2 and page.active_subscribers == 3
    page = subscribers(bus, page_size=2, page_token=page.next_page_token)
    assert len(page.subscribers) == 1 and page.next_page_token == ""
    assert subscribers(bus, group="a").active_subscribers == 2
    assert subscribers(bus, instance_id="none").active_subscribers == 0


def test_wrong_requests_name_the_field(shared_bus):
    refusal = refused(subscribers, shared_bus, group="no group!")
    assert refusal.code == grpc.StatusCode.INVALID_ARGUMENT and list(refusal.fields) == ["group"]
    refusal = refused(instances, shared_bus, page_size=-1)
    assert list(refusal.fields) == ["page_size"]


@pytest.mark.redis
def test_all_instances_are_told_of(own_redis, start_on_redis):
    redis = own_redis()
    window = {"instances.heartbeat_interval": "250ms", "instances.dead_after": "1s"}
    daemons = [start_on_redis(redis, window) for _ in range(3)]
    buses = [Bus(daemon.address) for daemon in daemons]
    try:
        first, second, third = buses
        for one in (first, second, second):
            one.group("g", "a.*")

        def seen() -> list:
            return sorted(one.state for one in instances(first).instances)

        eventually_equal(seen, [v1.INSTANCE_STATE_ALIVE] * 3)
        eventually_equal(lambda: subscribers(first).active_subscribers, 3)
        eventually_equal(lambda: len(subscribers(third, group="g").subscribers), 3)
        state = lambda: third.admin.GetGroup(v1.GetGroupRequest(name="g")).group.state  # noqa: E731
        assert state().subscribers == 3

        daemons[1].kill()
        eventually_equal(lambda: subscribers(first).active_subscribers, 1)
        eventually(lambda: v1.INSTANCE_STATE_DEAD in seen(), "the one that was killed is dead")
        daemons[2].stop()
        eventually(lambda: v1.INSTANCE_STATE_LEFT in seen(), "the one that stopped has left")
    finally:
        for bus in buses:
            bus.close()
