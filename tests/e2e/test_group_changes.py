"""Groups that change while they are used: pauses, updates, seeks, over the wire."""

import datetime

import grpc
import pytest
from google.protobuf import field_mask_pb2, timestamp_pb2

from harness.bus import Bus, event, group_open, seconds, unique
from harness.refusal import refused
from harness.stubs import v1
from harness.subscription import data_of, numbers
from harness.waiting import DEADLINE


@pytest.fixture
def name() -> str:
    """A name for the test's group and for its type."""
    return unique("changes")


def update(bus, group: v1.Group, *paths: str, **fields) -> v1.Group:
    mask = field_mask_pb2.FieldMask(paths=paths)
    request = v1.UpdateGroupRequest(group=group, update_mask=mask, **fields)
    return bus.admin.UpdateGroup(request, timeout=DEADLINE).group


def pause(bus, name: str, **fields) -> v1.Group:
    return bus.admin.PauseGroup(v1.PauseGroupRequest(name=name, **fields), timeout=DEADLINE).group


def resume(bus, name: str) -> v1.Group:
    return bus.admin.ResumeGroup(v1.ResumeGroupRequest(name=name), timeout=DEADLINE).group


def seek(bus, name: str, target: v1.StartPosition, **fields) -> v1.SeekGroupResponse:
    request = v1.SeekGroupRequest(name=name, target=target, **fields)
    return bus.admin.SeekGroup(request, timeout=DEADLINE)


BEGINNING = v1.StartPosition(earliest=v1.StartPosition.Earliest())
END = v1.StartPosition(latest=v1.StartPosition.Latest())


def test_a_paused_group_delivers_nothing_and_keeps_its_subscribers(shared_bus, name):
    member = shared_bus.group(name, name)
    shared_bus.publish(name, b"before")
    member.take(1)
    assert pause(shared_bus, name).paused
    assert pause(shared_bus, name).paused  # No error.
    shared_bus.publish(name, b"during")
    assert numbers(member.settled(ack=[1]).done) == [1]
    member.round_trip()
    assert not member.pending()
    group = resume(shared_bus, name)
    assert not group.paused
    assert group.create_time.ToDatetime() <= group.update_time.ToDatetime()
    assert data_of(member.take(1)) == [b"during"]


def test_a_pause_may_end_by_itself(shared_bus, name):
    member = shared_bus.group(name, name)
    until = timestamp_pb2.Timestamp()
    until.FromDatetime(datetime.datetime.utcnow() + datetime.timedelta(seconds=2))
    pause(shared_bus, name, until=until)
    shared_bus.publish(name, b"later")
    member.round_trip()
    assert not member.pending()
    [delivery] = member.take(1)
    assert delivery.batch.HasField("stored_time")


def test_update_changes_what_the_mask_names(shared_bus, name):
    member = shared_bus.group(name, name, policy=v1.GroupPolicy(max_retries=5, ordered=False))
    changed = v1.Group(name=name, patterns=[f"{name}.*", name], revision=7)
    changed.policy.ack_deadline.CopyFrom(seconds(77))
    changed.policy.max_retries = 9
    group = update(shared_bus, changed, "patterns", "revision", "policy.ack_deadline")
    assert list(group.patterns) == [f"{name}.*", name]
    assert group.revision == 7
    assert group.policy.ack_deadline == seconds(77)
    assert group.policy.max_retries == 5
    shared_bus.publish(f"{name}.new", b"new")
    assert data_of(member.take(1)) == [b"new"]
    # All of the policy: what is unset goes back to the default.
    group = update(shared_bus, v1.Group(name=name, policy=v1.GroupPolicy(max_crashes=2)), "policy")
    assert (group.policy.max_retries, group.policy.max_crashes) == (3, 2)
    assert group.policy.ack_deadline == seconds(30)


BAD_UPDATES = {
    "no mask": ([], {}, "update_mask"),
    "unknown": (["colour"], {}, "update_mask"),
    "output only": (["paused"], {}, "update_mask"),
    "unknown policy": (["policy.colour"], {}, "update_mask"),
    "unset": (["policy.max_retries"], {}, "group.policy.max_retries"),
    "pattern": (["patterns"], {"patterns": ["a", "!"]}, "group.patterns[1]"),
    "no pattern": (["patterns"], {}, "group.patterns"),
    "range": (
        ["policy.max_retries"],
        {"policy": v1.GroupPolicy(max_retries=100000)},
        "group.policy.max_retries",
    ),
}


@pytest.mark.parametrize("case", BAD_UPDATES)
def test_bad_updates_name_the_field(shared_bus, name, case):
    paths, fields, field = BAD_UPDATES[case]
    shared_bus.group(name, name)
    request = v1.UpdateGroupRequest(
        group=v1.Group(name=name, **fields), update_mask=field_mask_pb2.FieldMask(paths=paths)
    )
    refusal = refused(shared_bus.admin.UpdateGroup, request, timeout=DEADLINE)
    assert refusal.code == grpc.StatusCode.INVALID_ARGUMENT
    assert refusal.message.startswith(f"{field}: "), refusal.message


def test_an_unexpected_revision_is_refused(shared_bus, name):
    shared_bus.group(name, name, revision=3)
    request = v1.UpdateGroupRequest(
        group=v1.Group(name=name, revision=4),
        update_mask=field_mask_pb2.FieldMask(paths=["revision"]),
        expected_revision=2,
    )
    refusal = refused(shared_bus.admin.UpdateGroup, request, timeout=DEADLINE)
    assert refusal.code == grpc.StatusCode.FAILED_PRECONDITION


def test_subscribing_with_a_higher_revision_updates_the_group(shared_bus, name):
    old = shared_bus.group(name, name, revision=1)
    new = shared_bus.group(name, name, f"{name}.x", update_group=True, revision=2)
    assert new.opened.revision == 2
    assert list(new.opened.patterns) == [name, f"{name}.x"]
    opening = group_open(name, name, update_group=True, revision=1)
    refusal = shared_bus.subscribe(opening).end()
    assert (refusal.code, refusal.reason) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "GROUP_MISMATCH",
    )
    # The old half goes on with what it has.
    old.round_trip()


def test_replay_from_the_beginning_and_of_the_last_hour(shared_bus, name):
    member = shared_bus.group(name, name)
    shared_bus.publish_batch([event(name, data=b"%d" % i) for i in range(5)])
    member.take(5)
    member.settled(ack_ranges=[v1.DeliveryRange(first=1, last=5)])
    answer = seek(shared_bus, name, BEGINNING)
    assert (answer.repeated_events, answer.skipped_events) == (5, 0)
    assert answer.group.generation > 1
    assert data_of(member.take(5)) == [b"0", b"1", b"2", b"3", b"4"]
    member.settled(ack_ranges=[v1.DeliveryRange(first=6, last=10)])
    hour_ago = timestamp_pb2.Timestamp()
    hour_ago.FromDatetime(datetime.datetime.utcnow() - datetime.timedelta(hours=1))
    seek(shared_bus, name, v1.StartPosition(time=hour_ago))
    assert len(member.take(5)) == 5


def test_a_seek_takes_what_is_in_flight(shared_bus, name):
    member = shared_bus.group(name, name)
    shared_bus.publish(name)
    member.take(1)
    seek(shared_bus, name, END)
    lost = member.next("lost").lost
    assert numbers(lost.deliveries) == [1]
    assert lost.reason == v1.LOST_REASON_GROUP_CHANGED
    assert numbers(member.settled(ack=[1]).unknown) == [1]
    shared_bus.publish(name, b"after")
    assert data_of(member.take(1)) == [b"after"]


def test_a_dry_run_of_a_seek_moves_nothing(shared_bus, name):
    member = shared_bus.group(name, name)
    shared_bus.publish_batch([event(name)] * 3)
    member.take(3)
    member.settled(ack=[1, 2, 3])
    assert seek(shared_bus, name, BEGINNING, dry_run=True).repeated_events == 3
    member.round_trip()
    assert not member.pending()


BAD_SEEKS = {
    "name": (v1.SeekGroupRequest(target=END), "name"),
    "target": (v1.SeekGroupRequest(name="g"), "target"),
    "position": (
        v1.SeekGroupRequest(
            name="g",
            target=v1.StartPosition(
                after=v1.StartPosition.AfterPositions(positions={"a": "no position"})
            ),
        ),
        "target.after.positions[a]",
    ),
}


@pytest.mark.parametrize("case", BAD_SEEKS)
def test_bad_seeks_name_the_field(shared_bus, case):
    request, field = BAD_SEEKS[case]
    refusal = refused(shared_bus.admin.SeekGroup, request, timeout=DEADLINE)
    assert refusal.code == grpc.StatusCode.INVALID_ARGUMENT
    assert refusal.message.startswith(f"{field}: "), refusal.message


@pytest.mark.redis
def test_another_instance_follows_pauses_and_seeks(own_redis, start_on_redis, name):
    server = own_redis()
    first, second = start_on_redis(server), start_on_redis(server)
    with Bus(first.address) as here, Bus(second.address) as there:
        member = there.group(name, name)
        there.publish(name, b"one")
        member.take(1)
        member.settled(ack=[1])
        pause(here, name)
        resume(here, name)
        seek(here, name, BEGINNING)
        assert data_of(member.take(1)) == [b"one"]
