"""Handlers that fail: retries, deadlines, rejects, extensions, on the wire."""

import time

import pytest

from harness.bus import event, group_open, seconds, unique
from harness.stubs import v1
from harness.subscription import deliveries_in, numbers
from harness.waiting import eventually_equal


@pytest.fixture
def name() -> str:
    """A name for the test's group and for its type."""
    return unique("settling")


def one(number: int) -> list:
    return [v1.DeliveryRange(first=number, last=number)]


def policy(**fields) -> v1.GroupPolicy:
    """A policy with retries that come at once, and without jitter."""
    fields.setdefault("retry_delay", seconds(0.05))
    return v1.GroupPolicy(retry_jitter=0, **fields)


@pytest.mark.smoke
def test_a_handler_that_fails_twice_and_then_succeeds(shared_bus, name):
    member = shared_bus.group(name, name, policy=policy())
    shared_bus.publish(name, b"work", id="the-id")
    for attempt in (1, 2, 3):
        [delivery] = member.take(1)
        assert delivery.event.id == "the-id"
        assert delivery.batch.attempt == attempt
        assert delivery.batch.last_reason == ("" if attempt == 1 else f"failure {attempt - 1}")
        if attempt < 3:
            nack = v1.Nack(deliveries=one(delivery.number), reason=f"failure {attempt}")
            assert numbers(member.settled(nacks=[nack]).done) == [delivery.number]
    assert numbers(member.settled(ack=[3]).done) == [3]
    assert not member.pending()


def test_the_default_retries_come_after_about_1_2_and_4_seconds(shared_bus, name):
    """... and the fifth time never: it is a dead letter."""
    member = shared_bus.group(name, name)
    shared_bus.publish(name)
    waits = []
    for attempt in (1, 2, 3, 4):
        [delivery] = member.take(1)
        waits.append(time.monotonic())
        assert delivery.batch.attempt == attempt
        member.settled(nacks=[v1.Nack(deliveries=one(delivery.number))])
    gaps = [later - sooner for sooner, later in zip(waits, waits[1:])]
    for gap, expected in zip(gaps, (1, 2, 4)):
        assert 0.85 * expected <= gap <= 1.2 * expected + 1, gaps


def test_retries_go_to_the_group_that_failed_only(shared_bus, name):
    failing = shared_bus.group(f"{name}.a", name, policy=policy())
    other = shared_bus.group(f"{name}.b", name, policy=policy())
    shared_bus.publish(name)
    failing.take(1)
    other.take(1)
    other.settled(ack=[1])
    failing.settled(nacks=[v1.Nack(deliveries=one(1))])
    failing.take(1)
    assert not other.pending()


def test_a_slow_handler_loses_its_lease_and_is_told(shared_bus, name):
    member = shared_bus.group(name, name, policy=policy(ack_deadline=seconds(1)))
    shared_bus.publish(name)
    member.take(1)
    lost = member.next("lost").lost
    assert numbers(lost.deliveries) == [1]
    assert lost.reason == v1.LOST_REASON_DEADLINE
    assert "ack deadline" in lost.message
    [again] = member.take(1)
    assert (again.number, again.batch.attempt) == (2, 2)
    assert "deadline" in again.batch.last_reason


def test_extending_keeps_the_lease(shared_bus, name):
    member = shared_bus.group(name, name, policy=policy(ack_deadline=seconds(1)))
    shared_bus.publish_batch([event(name)] * 2)
    member.take(2)
    extension = v1.Extension(deliveries=one(1), deadline=seconds(60))
    assert numbers(member.settled(extensions=[extension]).done) == [1]
    assert numbers(member.next("lost").lost.deliveries) == [2]
    assert numbers(member.settled(ack=[1]).done) == [1]


def test_a_late_ack_is_honoured(shared_bus, name):
    slow = policy(ack_deadline=seconds(1), retry_delay=seconds(60))
    member = shared_bus.group(name, name, policy=slow)
    shared_bus.publish(name)
    member.take(1)
    member.next("lost")
    assert numbers(member.settled(ack=[1]).done) == [1]


def test_a_late_nack_is_too_late(shared_bus, name):
    slow = policy(ack_deadline=seconds(1), retry_delay=seconds(60))
    member = shared_bus.group(name, name, policy=slow)
    shared_bus.publish(name)
    member.take(1)
    member.next("lost")
    settled = member.settled(nacks=[v1.Nack(deliveries=one(1))])
    assert numbers(settled.too_late) == [1]


def test_what_is_rejected_does_not_come_again(shared_bus, name):
    member = shared_bus.group(name, name, policy=policy())
    shared_bus.publish_batch([event(name, id="good"), event(name, id="bad")])
    member.take(2)
    reject = v1.Reject(deliveries=one(2), reason="no such account")
    assert numbers(member.settled(rejects=[reject], ack=[1]).done) == [1, 2]
    member.round_trip()
    assert not member.pending()
    member.cancel()
    again = shared_bus.group(name)
    again.round_trip()
    assert not again.pending()


def test_nack_reject_and_extend_by_token(shared_bus, name):
    opening = group_open(name, name, policy=policy(ack_deadline=seconds(30)))
    call = shared_bus.receive(opening)
    assert next(call).WhichOneof("message") == "opened"
    shared_bus.publish_batch([event(name, id=str(i)) for i in range(4)])
    tokens = []
    while len(tokens) < 4:
        message = next(call)
        for batch in message.deliveries.batches:
            tokens.extend(batch.tokens)
    answer = shared_bus.settle(
        ack=[tokens[0]],
        nacks=[v1.TokenNack(tokens=[tokens[1]], reason="later")],
        rejects=[v1.TokenReject(tokens=[tokens[2]], reason="never")],
        extensions=[v1.TokenExtension(tokens=[tokens[3]], deadline=seconds(100))],
    )
    assert answer.done == 4 and not answer.others
    [delivery] = deliveries_in(next(call).deliveries)
    assert (delivery.event.id, delivery.batch.attempt) == ("1", 2)
    assert delivery.batch.last_reason == "later"
    late = shared_bus.settle(nacks=[v1.TokenNack(tokens=[tokens[1], tokens[0]])])
    assert late.done == 0
    assert {other.token: other.outcome for other in late.others} == {
        tokens[1]: v1.SETTLE_OUTCOME_TOO_LATE,
        tokens[0]: v1.SETTLE_OUTCOME_UNKNOWN,
    }


def test_metrics_count_what_failed(shared_daemon, shared_bus, name):
    def counts() -> list:
        return [
            shared_daemon.metric(f"eventbus_{metric}_total")
            for metric in ("nacked_events", "rejected_events", "dead_letters")
        ]

    before = counts()
    member = shared_bus.group(name, name, policy=policy(max_retries=0))
    shared_bus.publish_batch([event(name)] * 2)
    member.take(2)
    member.settled(
        nacks=[v1.Nack(deliveries=one(1))], rejects=[v1.Reject(deliveries=one(2))]
    )
    eventually_equal(counts, [before[0] + 1, before[1] + 1, before[2] + 2])
