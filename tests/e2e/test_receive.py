"""Receive and Settle: the server-streaming twin, by tokens."""

import re

import grpc
import pytest

from harness.bus import event as make_event
from harness.bus import group_open, tail_open, unique
from harness.refusal import refused
from harness.stubs import rpc, v1
from harness.subscription import data_of, deliveries_in


@pytest.fixture
def name() -> str:
    return unique("receive")


def next_deliveries(call) -> list:
    """The events of the next message that has any."""
    for message in call:
        if message.WhichOneof("message") == "deliveries":
            return deliveries_in(message.deliveries)
    raise AssertionError("the call ended without deliveries")


def opened(call) -> v1.SubscribeOpened:
    message = next(call)
    assert message.WhichOneof("message") == "opened"
    return message.opened


class Enough(Exception):
    """Leaves the endless loop of a subscriber."""


def subscribe(address, group, pattern, handle):
    """The six lines, as in the README."""
    bus = rpc.EventBusStub(grpc.insecure_channel(address))
    target = v1.SubscribeOpen(group=v1.GroupSubscription(name=group, patterns=[pattern]))
    for message in bus.Receive(v1.ReceiveRequest(open=target)):
        for batch in message.deliveries.batches:
            for event, token in zip(batch.events, batch.tokens):
                handle(event), bus.Settle(v1.SettleRequest(ack=[token]))


def test_subscriber_on_bare_stubs_is_six_lines(shared_daemon, shared_bus, name):
    shared_bus.group(name, name)
    shared_bus.publish_batch([make_event(name, b"%d" % n) for n in range(3)])
    handled = []

    def handle(event):
        handled.append(event.binary_data)
        if len(handled) == 3:
            raise Enough

    shared_bus.close()  # Gives back what its member of the group holds.
    with pytest.raises(Enough):
        subscribe(shared_daemon.address, name, name, handle)
    assert handled == [b"0", b"1", b"2"]


def test_each_event_has_a_url_safe_token_of_its_own(shared_bus, name):
    call = shared_bus.receive(group_open(name, name))
    assert opened(call).group == name
    shared_bus.publish_batch([make_event(name)] * 20)
    taken = next_deliveries(call)
    while len(taken) < 20:
        taken += next_deliveries(call)
    tokens = [one.token for one in taken]
    assert len(set(tokens)) == 20
    assert all(re.fullmatch(r"[A-Za-z0-9_.~-]+", token) for token in tokens)
    assert {one.number for one in taken} == {0}
    assert {one.batch.attempt for one in taken} == {1}


def test_acked_token_is_done_and_a_second_time_unknown(shared_bus, name):
    call = shared_bus.receive(group_open(name, name))
    opened(call)
    shared_bus.publish(name)
    [taken] = next_deliveries(call)
    answer = shared_bus.settle(ack=[taken.token])
    assert answer.done == 1 and not answer.others
    answer = shared_bus.settle(ack=[taken.token])
    assert answer.done == 0
    assert [(o.token, o.outcome) for o in answer.others] == [
        (taken.token, v1.SETTLE_OUTCOME_UNKNOWN)
    ]


def test_released_token_is_delivered_again(shared_bus, name):
    call = shared_bus.receive(group_open(name, name))
    opened(call)
    shared_bus.publish(name, b"again")
    [first] = next_deliveries(call)
    assert shared_bus.settle(release=[first.token]).done == 1
    [second] = next_deliveries(call)
    assert (second.data, second.batch.attempt, second.batch.times_delivered) == (b"again", 1, 2)
    assert second.token != first.token
    answer = shared_bus.settle(ack=[second.token, first.token])
    assert answer.done == 1
    assert [one.token for one in answer.others] == [first.token]


def test_settling_by_token_makes_room(shared_bus, name):
    call = shared_bus.receive(group_open(name, name, in_flight=2))
    opened(call)
    shared_bus.publish_batch([make_event(name, b"%d" % n) for n in range(6)])
    seen = []
    while len(seen) < 6:
        taken = next_deliveries(call)
        assert len(taken) <= 2
        seen += data_of(taken)
        assert shared_bus.settle(ack=[one.token for one in taken]).done == len(taken)
    assert seen == [b"%d" % n for n in range(6)]


def test_broken_call_gives_its_events_back(shared_bus, name):
    call = shared_bus.receive(group_open(name, name))
    opened(call)
    shared_bus.publish(name, b"held")
    next_deliveries(call)
    call.cancel()
    assert data_of(shared_bus.group(name).take(1)) == [b"held"]


def test_tail_has_no_tokens(shared_bus, name):
    call = shared_bus.receive(tail_open(name))
    opened(call)
    shared_bus.publish(name, b"seen")
    [taken] = next_deliveries(call)
    assert (taken.data, taken.token) == (b"seen", "")


def test_quiet_call_shows_signs_of_life(shared_bus, name):
    call = shared_bus.receive(group_open(name, name, heartbeat=1))
    assert [next(call).WhichOneof("message") for _ in range(3)] == ["opened", "ping", "ping"]


def test_malformed_token_is_refused(shared_bus):
    refusal = refused(shared_bus.settle, ack=["good-looking", "!"])
    assert refusal.code == grpc.StatusCode.INVALID_ARGUMENT
    assert "ack[" in refusal.message
    assert any(field.startswith("ack[") for field in refusal.fields)


def test_more_tokens_than_allowed_are_refused(shared_bus):
    refusal = refused(shared_bus.settle, ack=["t"] * 10_001)
    assert refusal.code == grpc.StatusCode.INVALID_ARGUMENT
    assert "10,000" in refusal.message or "10000" in refusal.message


def test_empty_settle_is_no_error(shared_bus):
    assert shared_bus.settle().done == 0


def test_answers_pings_has_no_meaning_here(shared_bus, name):
    refusal = refused(shared_bus.receive, group_open(name, name, answers_pings=True))
    assert refusal.code == grpc.StatusCode.INVALID_ARGUMENT
    assert list(refusal.fields) == ["open.answers_pings"]


def test_bad_pattern_is_refused(shared_bus, name):
    refusal = refused(shared_bus.receive, group_open(name, "a..b"))
    assert refusal.code == grpc.StatusCode.INVALID_ARGUMENT
    assert list(refusal.fields) == ["open.group.patterns[0]"]
