"""EventBusAdmin: groups, seen from any instance."""

import grpc
import pytest
from google.protobuf import timestamp_pb2

from harness.bus import Bus, earliest, event, seconds, unique
from harness.refusal import refused
from harness.stubs import v1
from harness.waiting import DEADLINE, TooLate, eventually, eventually_equal


def list_groups(bus, **fields) -> v1.ListGroupsResponse:
    return bus.admin.ListGroups(v1.ListGroupsRequest(**fields), timeout=DEADLINE)


def get_group(bus, name: str, **fields) -> v1.GetGroupResponse:
    return bus.admin.GetGroup(v1.GetGroupRequest(name=name, **fields), timeout=DEADLINE)


def names(page: v1.ListGroupsResponse) -> list:
    return [group.name for group in page.groups]


@pytest.mark.smoke
def test_groups_are_listed_with_how_far_behind_they_are(bus):
    bus.group("all", "**").ack()
    member = bus.group("orders", "order.*", in_flight=10)
    bus.publish_batch([event("order.placed")] * 20 + [event("order.paid")] * 10)
    taken = member.take(10)
    member.settled(ack=[one.number for one in taken[:4]])
    page = list_groups(bus, name_prefix="orders")
    assert names(page) == ["orders"]
    [group] = page.groups
    assert list(group.patterns) == ["order.*"]
    assert group.policy.max_retries == 3 and group.policy.HasField("ack_deadline")
    assert group.generation == 1 and not group.ephemeral
    assert group.create_time == group.update_time
    now = timestamp_pb2.Timestamp()
    now.GetCurrentTime()
    assert abs(group.create_time.seconds - now.seconds) < 60
    state = group.state
    # Settled ones make room for as many others.
    assert (state.lag, state.pending, state.dead_letters, state.lost_events) == (16, 10, 0, 0)
    assert not state.lag_estimated
    assert state.HasField("oldest_unsettled_time")
    assert not list_groups(bus, omit_state=True).groups[0].HasField("state")


def test_lists_are_paged_and_narrowed(bus):
    for name in ("a/1", "a/2", "a/3", "b"):
        bus.group(name, "mail" if name == "a/2" else "order.*")
    page = list_groups(bus, page_size=3)
    assert names(page) == ["a/1", "a/2", "a/3"]
    page = list_groups(bus, page_size=3, page_token=page.next_page_token)
    assert names(page) == ["b"] and page.next_page_token == ""
    assert names(list_groups(bus, name_prefix="a/", page_size=2)) == ["a/1", "a/2"]
    assert names(list_groups(bus, type="order.placed")) == ["a/1", "a/3", "b"]


def test_group_is_shown_stream_by_stream(bus):
    member = bus.group("jobs", "job.*", in_flight=3)
    for type_ in ("job.a", "job.b", "job.c"):
        bus.publish(type_)
    for _ in range(2):
        bus.publish("job.b")
    taken = member.take(3)
    found = get_group(bus, "jobs")
    assert found.group.name == "jobs" and found.group.state.pending == 3
    assert [one.stream for one in found.streams] == ["job.a", "job.b", "job.c"]
    assert [one.state.pending + one.state.lag for one in found.streams] == [1, 3, 1]
    for delivery in taken:
        [stream] = [one for one in found.streams if one.stream == delivery.event.type]
        assert stream.unsettled_position == delivery.batch.position
        assert stream.delivered_position >= delivery.batch.position
    member.ack(*taken)
    member.ack(*member.take(2))
    eventually_equal(lambda: get_group(bus, "jobs").group.state.pending, 0)
    settled = get_group(bus, "jobs")
    assert not settled.group.state.HasField("oldest_unsettled_time")
    assert [one.unsettled_position for one in settled.streams] == ["", "", ""]
    page = get_group(bus, "jobs", page_size=2)
    assert [one.stream for one in page.streams] == ["job.a", "job.b"]
    page = get_group(bus, "jobs", page_size=2, page_token=page.next_page_token)
    assert [one.stream for one in page.streams] == ["job.c"] and page.next_page_token == ""


def test_partly_settled_entries_are_counted_event_by_event(bus):
    member = bus.group("parts", "part.*")
    for _ in range(5):  # Of a busy stream, so that entries hold several events.
        bus.publish_batch([event("part.a")] * 100)
    held = member.take(500)
    assert get_group(bus, "parts").group.state.pending == pytest.approx(500, rel=0.5)
    member.settled(ack=[one.number for one in held[:-3]])
    state = get_group(bus, "parts").group.state
    assert state.pending == 3 and state.lag == 0


def test_events_that_retention_took_are_lost(start_daemon):
    rules = [{"pattern": "a.*", "max_events": 5, "max_events_per_entry": 1}]
    daemon = start_daemon({"retention.rules": rules})
    with Bus(daemon.address) as bus:
        bus.group("g", "a.*", in_flight=1)
        bus.publish_batch([event("a.b")] * 20)
        eventually_equal(lambda: get_group(bus, "g").group.state.lost_events, 15)


REFUSED = {
    "page_size": (v1.ListGroupsRequest(page_size=1001), "page_size"),
    "page_token": (v1.ListGroupsRequest(page_token="mine"), "page_token"),
    "type": (v1.ListGroupsRequest(type="order.*"), "type"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_wrong_requests_name_the_field(shared_bus, case):
    request, field = REFUSED[case]
    refusal = refused(shared_bus.admin.ListGroups, request, timeout=DEADLINE)
    assert refusal.code == grpc.StatusCode.INVALID_ARGUMENT
    assert refusal.reason == "INVALID_FIELD" and list(refusal.fields) == [field]


def test_group_that_is_not_there(shared_bus):
    name = unique("none")
    refusal = refused(get_group, shared_bus, name)
    assert refusal.code == grpc.StatusCode.NOT_FOUND
    assert refusal.reason == "GROUP_NOT_FOUND" and refusal.metadata == {"group": name}
    refusal = refused(get_group, shared_bus, "")
    assert refusal.code == grpc.StatusCode.INVALID_ARGUMENT and "name" in refusal.fields


@pytest.mark.redis
def test_any_instance_answers_for_all(own_redis, start_on_redis):
    redis = own_redis()
    daemons = [start_on_redis(redis) for _ in range(2)]
    with Bus(daemons[0].address) as a, Bus(daemons[1].address) as b:
        a.group("g", "a.*", in_flight=1)
        a.publish_batch([event("a.b")] * 3)
        state = get_group(b, "g").group.state
        assert state.lag + state.pending == 3
        assert names(list_groups(b)) == ["g"]


def test_while_the_store_is_away_it_says_so(own_redis, start_on_redis):
    redis = own_redis()
    daemon = start_on_redis(redis)
    with Bus(daemon.address) as bus:
        redis.kill()
        refusal = refused(list_groups, bus)
        assert refusal.code == grpc.StatusCode.UNAVAILABLE
        assert refusal.reason == "STORE_UNAVAILABLE"
        assert refusal.retry_delay is not None


# ---- Creating and deleting ----


def create(bus, name: str, *patterns: str, start=None, paused=False, **fields) -> v1.Group:
    group = v1.Group(name=name, patterns=patterns, **fields)
    request = v1.CreateGroupRequest(group=group, start=start, paused=paused)
    return bus.admin.CreateGroup(request, timeout=DEADLINE).group


def delete(bus, name: str, **fields) -> v1.Group:
    return bus.admin.DeleteGroup(v1.DeleteGroupRequest(name=name, **fields), timeout=DEADLINE).group


@pytest.mark.smoke
def test_created_group_gets_what_is_published_before_anybody_subscribes(bus):
    bus.publish("order.placed", b"before")
    policy = v1.GroupPolicy(max_retries=7)
    group = create(bus, "orders", "order.*", policy=policy, revision=3)
    assert (group.name, list(group.patterns), group.revision) == ("orders", ["order.*"], 3)
    assert group.policy.max_retries == 7 and group.policy.HasField("ack_deadline")
    assert group.generation == 1 and not group.paused and group.HasField("create_time")
    bus.publish("order.placed", b"after")
    bus.publish("order.paid", b"first of its type")
    got = {one.data for one in bus.group("orders").take(2)}
    assert got == {b"after", b"first of its type"}


def test_created_group_may_begin_earlier_or_paused(bus):
    bus.publish("a.b", b"before")
    create(bus, "earlier", "a.*", start=earliest())
    assert bus.group("earlier").take(1)[0].data == b"before"
    assert create(bus, "paused", "a.*", start=earliest(), paused=True).paused
    member = bus.group("paused")
    with pytest.raises(TooLate):
        member.take(1, deadline=0.5)
    bus.admin.ResumeGroup(v1.ResumeGroupRequest(name="paused"), timeout=DEADLINE)
    assert member.take(1)[0].data == b"before"


def test_group_is_created_once(bus):
    create(bus, "g", "a.*")
    refusal = refused(create, bus, "g", "a.*")
    assert refusal.code == grpc.StatusCode.ALREADY_EXISTS and refusal.reason == "GROUP_EXISTS"


CREATIONS_REFUSED = {
    "group.name": v1.Group(name="no group!", patterns=["a"]),
    "group.patterns": v1.Group(name="g"),
    "group.patterns[1]": v1.Group(name="g", patterns=["a", "b..c"]),
    "group.policy.max_retry_delay": v1.Group(
        name="g", patterns=["a"], policy=v1.GroupPolicy(max_retry_delay=seconds(-1))
    ),
}


@pytest.mark.parametrize("field", CREATIONS_REFUSED)
def test_wrong_creations_name_the_field(shared_bus, field):
    request = v1.CreateGroupRequest(group=CREATIONS_REFUSED[field])
    refusal = refused(shared_bus.admin.CreateGroup, request, timeout=DEADLINE)
    assert refusal.code == grpc.StatusCode.INVALID_ARGUMENT
    assert list(refusal.fields) == [field]


def test_too_many_groups(start_daemon):
    with Bus(start_daemon({"limits.max_groups": 1}).address) as bus:
        create(bus, "a", "x")
        refusal = refused(create, bus, "b", "x")
        assert refusal.code == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert refusal.reason == "TOO_MANY_GROUPS"
        delete(bus, "a")
        create(bus, "b", "x")


@pytest.mark.smoke
def test_deleted_group_is_gone_and_its_subscribers_are_told(bus):
    member = bus.group("g", "a.*")
    bus.publish_batch([event("a.b")] * 5)
    member.take(5)
    group = delete(bus, "g")
    assert group.name == "g" and group.state.pending == 5 and group.state.subscribers == 1
    refusal = member.end()
    assert refusal.code == grpc.StatusCode.ABORTED and refusal.reason == "GROUP_CHANGED"
    assert refused(get_group, bus, "g").reason == "GROUP_NOT_FOUND"
    assert refused(delete, bus, "g").reason == "GROUP_NOT_FOUND"
    # One of the same name begins from nothing.
    again = bus.group("g", "a.*")
    bus.publish("a.b", b"new")
    assert [one.data for one in again.take(1)] == [b"new"]


def test_deleting_is_tried_first(bus):
    member = bus.group("g", "a.*")
    bus.publish("a.b")
    member.take(1)
    assert delete(bus, "g", dry_run=True).state.pending == 1
    refusal = refused(delete, bus, "g", only_if_idle=True)
    assert refusal.code == grpc.StatusCode.FAILED_PRECONDITION
    assert refusal.reason == "GROUP_IN_USE" and refusal.metadata == {"group": "g"}
    member.cancel()
    eventually_equal(lambda: get_group(bus, "g").group.state.subscribers, 0)
    delete(bus, "g", only_if_idle=True)


@pytest.mark.redis
def test_other_instances_notice_and_nothing_is_left_in_redis(own_redis, start_on_redis):
    redis = own_redis()
    daemons = [start_on_redis(redis) for _ in range(2)]
    with Bus(daemons[0].address) as a, Bus(daemons[1].address) as b:
        # Neither can have all of it.
        members = [bus.group("gone", "a.*", in_flight=300) for bus in (a, b)]
        stays = a.group("stays", "a.*")
        for _ in range(5):  # Of a busy stream, so that entries hold several events.
            a.publish_batch([event("a.b", b"x")] * 100)
        held = members[1].take(20)
        members[1].settled(ack=[held[-1].number])
        rejected = v1.Settlement(rejects=[v1.Reject(deliveries=[v1.DeliveryRange(first=1, last=1)])])
        members[1].send(settle=rejected)
        eventually_equal(lambda: get_group(a, "gone").group.state.dead_letters, 1)
        assert "gone" in redis.ask("KEYS", "*gone*")
        delete(a, "gone")
        for member in members:
            assert member.end().reason == "GROUP_CHANGED"

        def left() -> str:
            groups = redis.ask("XINFO", "GROUPS", "eventbus:{a.b}:log")
            return redis.ask("KEYS", "*gone*") + groups + redis.ask("HGETALL", "eventbus:{registry}:groups")

        eventually(lambda: "gone" not in left(), "the group leaves nothing behind")
        assert "stays" in left() and len(stays.take(500)) == 500
