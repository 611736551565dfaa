"""Groups: delivery, settling, sharing, and what happens to what was not settled."""

import grpc
import pytest

from harness.bus import Bus, earliest, event, group_open, latest, seconds, unique
from harness.stubs import v1
from harness.subscription import data_of, numbers
from harness.waiting import eventually


@pytest.fixture
def name() -> str:
    """A name for the test's group and for its type."""
    return unique("group")


@pytest.fixture
def second_bus(shared_daemon):
    """A second connection to the same daemon."""
    with Bus(shared_daemon.address) as client:
        yield client


@pytest.mark.smoke
def test_published_event_is_delivered_once_and_acked(shared_bus, name):
    member = shared_bus.group(name, name)
    published = shared_bus.publish(name, b"payload", id="the-id")
    [delivery] = member.take(1)
    assert delivery.event.id == "the-id"
    assert delivery.data == b"payload"
    assert delivery.number == 1
    assert delivery.batch.position == published.position
    assert (delivery.batch.attempt, delivery.batch.times_delivered) == (1, 1)
    assert not delivery.batch.redriven and not delivery.batch.last_reason
    assert numbers(member.settled(ack=[1]).done) == [1]


def test_opened_states_what_is_in_force(shared_bus, name):
    opened = shared_bus.group(name, f"{name}.*", revision=7).opened
    assert opened.group == name
    assert opened.group_created
    assert list(opened.patterns) == [f"{name}.*"]
    assert opened.revision == 7
    assert opened.instance_id
    assert opened.flow.max_in_flight == 1000
    assert opened.flow.max_in_flight_bytes == 16 * 1024 * 1024
    assert opened.heartbeat == seconds(15)
    assert not opened.session_token and not opened.resumed and not opened.standing_by
    policy = opened.policy
    assert policy.HasField("ordered") and not policy.ordered
    assert (policy.max_retries, policy.retry_multiplier) == (3, 2)
    assert policy.retry_delay == seconds(1)
    assert policy.max_retry_delay == seconds(60)
    assert policy.ack_deadline == seconds(30)
    assert policy.dead_letter

    again = shared_bus.group(name).opened
    assert not again.group_created
    assert list(again.patterns) == [f"{name}.*"]
    assert again.subscription_id != opened.subscription_id


def test_acks_by_number_and_by_range(shared_bus, name):
    member = shared_bus.group(name, name)
    shared_bus.publish_batch([event(name)] * 10)
    member.take(10)
    settled = member.settled(ack=[2, 9], ack_ranges=[v1.DeliveryRange(first=4, last=7)])
    assert numbers(settled.done) == [2, 4, 5, 6, 7, 9]
    assert not settled.unknown and not settled.too_late and not settled.failed
    settled = member.settled(ack_ranges=[v1.DeliveryRange(first=1, last=10)])
    assert numbers(settled.done) == [1, 3, 8, 10]
    assert numbers(settled.unknown) == [2, 4, 5, 6, 7, 9]


def test_inverted_range_is_empty(shared_bus, name):
    member = shared_bus.group(name, name)
    shared_bus.publish(name)
    member.take(1)
    settled = member.settled(ack_ranges=[v1.DeliveryRange(first=1, last=0)])
    assert not settled.done and not settled.unknown


def test_settle_of_an_unknown_delivery_is_harmless_and_counted(shared_daemon, shared_bus, name):
    before = shared_daemon.metric("eventbus_settles_unknown_total")
    member = shared_bus.group(name, name)
    settled = member.settled(ack=[999], releases=[v1.DeliveryRange(first=5, last=6)])
    assert numbers(settled.unknown) == [5, 6, 999]
    assert not settled.done
    member.settle(ack=[0, 2**64 - 1])
    shared_bus.publish(name, b"goes on")
    assert data_of(member.take(1)) == [b"goes on"]
    eventually(
        lambda: shared_daemon.metric("eventbus_settles_unknown_total") >= before + 5,
        "five unknown settles are counted",
    )


def test_range_over_all_numbers_costs_nothing(shared_bus, name):
    member = shared_bus.group(name, name)
    shared_bus.publish_batch([event(name)] * 3)
    member.take(3)
    member.settle(ack_ranges=[v1.DeliveryRange(first=0, last=2**64 - 1)])
    shared_bus.publish(name, b"next")
    assert member.take(1)[0].number == 4
    assert numbers(member.settled(ack=[3]).unknown) == [3]


def test_released_event_is_delivered_again_at_no_cost_in_attempts(shared_bus, name):
    member = shared_bus.group(name, name)
    shared_bus.publish(name, b"again")
    first = member.take(1)
    member.release(*first)
    [second] = member.take(1)
    assert second.data == b"again"
    assert second.number == 2
    assert (second.batch.attempt, second.batch.times_delivered) == (1, 2)
    assert numbers(member.settled(ack=[1, 2]).done) == [2]


def test_released_part_of_a_batch_comes_again_alone(shared_bus, name):
    member = shared_bus.group(name, name)
    shared_bus.publish_batch([event(name, b"%d" % n) for n in range(10)])
    taken = member.take(10)
    member.release(taken[3], taken[7])
    member.ack(*taken[:3], *taken[4:7], *taken[8:])
    again = member.take(2)
    assert sorted(data_of(again)) == [b"3", b"7"]
    member.ack(*again)
    shared_bus.publish(name, b"last")
    assert data_of(member.take(1)) == [b"last"]


def test_two_members_share_each_event_goes_to_one(shared_bus, second_bus, name):
    members = [bus.group(name, name, in_flight=10) for bus in (shared_bus, second_bus)]
    sent = {b"%d" % n for n in range(400)}
    for data in sorted(sent):
        shared_bus.publish(name, data)
    got = [[], []]

    def take_what_came() -> bool:
        for member, seen in zip(members, got):
            while member.pending():
                taken = member.take(1)
                member.ack(*taken)
                seen += data_of(taken)
        return sum(map(len, got)) >= len(sent)

    eventually(take_what_came, "all events came")
    assert sorted(got[0] + got[1]) == sorted(sent)
    assert got[0] and got[1], "both members have a share"


def test_two_groups_each_get_every_event(shared_bus, name):
    groups = [shared_bus.group(f"{name}-{n}", name) for n in range(2)]
    shared_bus.publish_batch([event(name, b"%d" % n) for n in range(50)])
    for member in groups:
        assert data_of(member.take(50)) == [b"%d" % n for n in range(50)]


def test_what_a_broken_stream_held_goes_to_another_member_at_once(shared_bus, second_bus, name):
    first = shared_bus.group(name, name)
    shared_bus.publish_batch([event(name, b"%d" % n) for n in range(5)])
    taken = first.take(5)
    assert numbers(first.settled(ack=[taken[0].number]).done) == [1]
    second = second_bus.group(name)
    first.cancel()
    redelivered = second.take(4)
    assert sorted(data_of(redelivered)) == [b"1", b"2", b"3", b"4"]
    assert {one.batch.attempt for one in redelivered} == {1}
    assert {one.batch.times_delivered for one in redelivered} == {2}


def test_group_goes_on_where_it_was(shared_bus, name):
    member = shared_bus.group(name, name)
    shared_bus.publish(name, b"one")
    member.settled(ack=[member.take(1)[0].number])
    member.cancel()
    member.end()
    shared_bus.publish(name, b"two")
    assert data_of(shared_bus.group(name, start=earliest()).take(1)) == [b"two"]


@pytest.mark.parametrize(
    "start, expected", [(None, b"after"), (latest(), b"after"), (earliest(), b"before")]
)
def test_new_group_starts_where_it_is_told(shared_bus, name, start, expected):
    shared_bus.publish(name, b"before")
    member = shared_bus.group(name, name, start=start)
    shared_bus.publish(name, b"after")
    assert data_of(member.take(1)) == [expected]


def test_group_gets_a_new_type_from_its_first_event_with_nobody_connected(shared_bus, name):
    member = shared_bus.group(name, f"{name}.*")
    member.cancel()
    member.end()
    for n in range(3):
        shared_bus.publish(f"{name}.born.later", b"%d" % n)
    assert data_of(shared_bus.group(name).take(3)) == [b"0", b"1", b"2"]


def test_group_without_patterns_must_exist(shared_bus, name):
    refusal = shared_bus.subscribe(group_open(name)).end()
    assert refusal.code == grpc.StatusCode.NOT_FOUND
    assert refusal.reason == "GROUP_NOT_FOUND"
    assert refusal.domain == "eventbus"
    assert refusal.metadata["group"] == name
    assert name in refusal.message


def test_other_patterns_than_the_stored_ones_are_refused(shared_bus, name):
    shared_bus.group(name, "a.*", "b.*")
    assert list(shared_bus.group(name, "a.*", "b.*").opened.patterns) == ["a.*", "b.*"]
    refusal = shared_bus.subscribe(group_open(name, "a.*")).end()
    assert refusal.code == grpc.StatusCode.FAILED_PRECONDITION
    assert refusal.reason == "GROUP_MISMATCH"
    assert refusal.metadata["group"] == name
    assert "patterns" in refusal.metadata["field"] and "patterns" in refusal.message


def test_only_policy_fields_that_are_set_are_compared(shared_bus, name):
    shared_bus.group(name, name, policy=v1.GroupPolicy(max_retries=5, ack_deadline=seconds(60)))
    policy = shared_bus.group(name, policy=v1.GroupPolicy(max_retries=5)).opened.policy
    assert policy.max_retries == 5 and policy.ack_deadline == seconds(60)
    refusal = shared_bus.subscribe(group_open(name, policy=v1.GroupPolicy(max_retries=6))).end()
    assert refusal.reason == "GROUP_MISMATCH"
    assert refusal.metadata["field"].endswith("max_retries")
    assert (refusal.metadata["stored"], refusal.metadata["requested"]) == ("5", "6")


def test_half_close_goes_on_delivering(shared_bus, name):
    member = shared_bus.subscribe(group_open(name, name))
    member.half_close()
    member.opening()
    for n in range(3):
        shared_bus.publish(name, b"%d" % n)
    assert data_of(member.take(3)) == [b"0", b"1", b"2"]


def test_ephemeral_group_gets_a_name_from_the_server(shared_bus, name):
    first = shared_bus.group("", name, ephemeral=True)
    second = shared_bus.group("", name, ephemeral=True)
    assert first.opened.group and first.opened.group != second.opened.group
    shared_bus.publish(name, b"both")
    assert data_of(first.take(1)) == data_of(second.take(1)) == [b"both"]


def test_ephemeral_group_waits_for_its_member_to_come_back(shared_bus, name):
    member = shared_bus.group(
        name, name, ephemeral=True, policy=v1.GroupPolicy(inactive_expiry=seconds(60))
    )
    member.cancel()
    member.end()
    shared_bus.publish(name, b"meanwhile")
    again = shared_bus.group(name, ephemeral=True)
    assert not again.opened.group_created
    assert data_of(again.take(1)) == [b"meanwhile"]


def test_ephemeral_group_is_removed_once_nobody_was_connected_for_its_expiry(daemon, bus, name):
    policy = v1.GroupPolicy(inactive_expiry=seconds(1))
    member = bus.group(name, name, ephemeral=True, policy=policy)
    assert member.opened.policy.inactive_expiry == seconds(1)
    durable = bus.group(f"{name}-durable", name)
    eventually(lambda: daemon.metric("eventbus_groups") == 2, "two groups are counted")
    for one in (member, durable):
        one.cancel()
        one.end()
    eventually(lambda: daemon.metric("eventbus_groups") == 1, "one group is gone")
    assert bus.subscribe(group_open(name)).end().reason == "GROUP_NOT_FOUND"
    assert not bus.group(f"{name}-durable").opened.group_created
