"""PublishStream: window, cumulative acknowledgements, failures, half-close."""

import grpc
import pytest

from harness.bus import Bus, earliest, event, unique
from harness.stubs import v1
from harness.subscription import data_of
from harness.waiting import eventually


@pytest.fixture
def type_() -> str:
    return unique("publish-stream")


def test_server_states_the_window_before_it_is_asked(shared_bus):
    window = shared_bus.publish_stream().window()
    assert window.max_messages == 32
    assert window.max_bytes == 8 * 1024 * 1024


def test_everything_is_acknowledged_in_order_and_stored(shared_bus, type_):
    call = shared_bus.publish_stream()
    last = 0
    for message in range(100):
        last = call.publish(*(event(type_, b"%d" % (message * 10 + n)) for n in range(10)))
    call.wait_for(last)
    assert not call.failures and not call.results
    got = shared_bus.tail(type_, start=earliest()).take(1000)
    assert data_of(got) == [b"%d" % n for n in range(1000)]


def test_acknowledged_events_are_stored(shared_bus, type_):
    call = shared_bus.publish_stream()
    call.wait_for(call.publish(event(type_, b"stored")))
    assert data_of(shared_bus.tail(type_, start=earliest()).take(1)) == [b"stored"]


def test_half_close_answers_what_is_open_and_ends_with_ok(shared_bus, type_):
    call = shared_bus.publish_stream()
    for _ in range(20):
        last = call.publish(event(type_))
    call.half_close()
    call.wait_for(last)
    assert call.end() is None


def test_results_are_given_where_they_are_asked_for(shared_bus, type_):
    call = shared_bus.publish_stream()
    call.publish(event(type_, id="unasked"))
    asked = call.publish(event(type_, id="a"), event(f"{type_}.other", id="b"), return_results=True)
    call.half_close()
    assert call.end() is None
    call.wait_for(asked)
    [result] = call.results
    assert result.sequence == asked
    assert [one.id for one in result.published] == ["a", "b"]
    assert [one.stream for one in result.published] == [type_, f"{type_}.other"]
    assert all(one.position for one in result.published)


def test_refused_message_is_named_and_the_stream_goes_on(shared_bus, type_):
    call = shared_bus.publish_stream()
    call.publish(event(type_, b"before"))
    bad = call.publish(event(type_, b"beside"), event("Bad Type!"), event(type_, b"beside too"))
    call.wait_for(call.publish(event(type_, b"after")))

    assert {failure.sequence for failure in call.failures} == {bad}
    named = [index for failure in call.failures for index in failure.indexes]
    assert not named or sorted(named) == [0, 1, 2], "none of the message is stored, so all failed"
    errors = [
        failure.error for failure in call.failures if not failure.indexes or 1 in failure.indexes
    ]
    assert errors[0].code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert errors[0].field.endswith("type")
    assert "Bad Type!" in errors[0].message

    got = shared_bus.tail(type_, start=earliest()).take(2)
    assert data_of(got) == [b"before", b"after"]


@pytest.mark.parametrize("sequences", [[0], [2], [1, 1], [1, 3], [1, 2, 1]], ids=str)
def test_wrong_sequence_ends_the_call(shared_bus, type_, sequences):
    call = shared_bus.publish_stream()
    for sequence in sequences:
        call.send_message(v1.PublishStreamRequest(events=[event(type_)], sequence=sequence))
    refusal = call.end()
    assert refusal.code == grpc.StatusCode.INVALID_ARGUMENT
    assert "sequence" in refusal.fields
    assert refusal.message.startswith("sequence: ")


def test_events_of_one_publisher_keep_their_order(shared_bus, type_):
    tail = shared_bus.tail(type_)
    call = shared_bus.publish_stream()
    for n in range(300):
        last = call.publish(event(type_, b"%d" % n, source="/one"))
    call.wait_for(last)
    assert data_of(tail.take(300)) == [b"%d" % n for n in range(300)]


def test_publisher_that_takes_no_acknowledgements_is_not_read_from(daemon, bus):
    """It stalls, and the daemon keeps no more of it than the window."""
    pulled = 0
    events = [event("flood.test", id=f"{n:0100}") for n in range(1000)]

    def requests():
        nonlocal pulled
        while True:
            pulled += 1
            yield v1.PublishStreamRequest(sequence=pulled, events=events, return_results=True)

    with Bus(daemon.address) as flooding:
        call = flooding.stub.PublishStream(requests())

        def stands_still() -> bool:
            before = pulled
            for _ in range(100):
                bus.publish("other.test")
            return pulled == before

        eventually(stands_still, "the publisher stalls")
        call.cancel()
    assert pulled < 1000, "the window, and what lies in the buffers of the connection"
