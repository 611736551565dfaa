"""Publish and PublishBatch: the answer, what is filled in, and what is kept."""

import datetime
import re
import uuid

import pytest

from harness.bus import Bus, earliest, event, unique

UUID_V7 = r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


@pytest.fixture
def type_(request) -> str:
    return unique("publish")


def stored(bus, type_: str, count: int) -> list:
    """The first events of a type, as a tail gets them."""
    return [delivery.event for delivery in bus.tail(type_, start=earliest()).take(count)]


def test_answer_says_where_the_event_is(shared_bus, type_):
    first = shared_bus.publish(type_, id="first")
    second = shared_bus.publish(type_, id="second")
    assert first.id == "first"
    assert first.stream == second.stream == type_
    assert first.position and second.position and first.position != second.position
    assert not first.duplicate
    assert first.schedule_id == ""


def test_position_of_the_answer_is_that_of_the_delivery(shared_bus, type_):
    published = shared_bus.publish(type_)
    delivery = shared_bus.tail(type_, start=earliest()).take(1)[0]
    assert (delivery.batch.stream, delivery.batch.position) == (
        published.stream,
        published.position,
    )


def test_what_is_absent_is_filled_in(shared_bus, type_):
    before = datetime.datetime.now(datetime.timezone.utc)
    published = shared_bus.publish(type_, b"data")
    [got] = stored(shared_bus, type_, 1)
    assert re.fullmatch(UUID_V7, got.id) and got.id == published.id
    assert got.source == "eventbus"
    assert got.spec_version == "1.0"
    time = got.attributes["time"].ce_timestamp.ToDatetime(datetime.timezone.utc)
    assert before - datetime.timedelta(seconds=1) <= time <= before + datetime.timedelta(minutes=1)
    assert set(got.attributes) == {"time"}
    assert got.binary_data == b"data"


def test_filled_in_ids_differ_and_rise(shared_bus, type_):
    ids = [published.id for published in shared_bus.publish_batch([event(type_)] * 200)]
    assert len(set(ids)) == 200
    assert [uuid.UUID(one).int >> 80 for one in ids] == sorted(
        uuid.UUID(one).int >> 80 for one in ids
    )


def test_what_is_given_is_kept(shared_bus, type_):
    given = event(
        type_,
        id="given",
        source="https://example.com/källa",
        spec_version="1.0",
        text_data="grüße",
        attributes={"datacontenttype": "text/plain", "partitionkey": "7", "subject": "s"},
    )
    given.attributes["time"].ce_timestamp.FromJsonString("1969-07-20T20:17:40.000000001Z")
    given.attributes["number"].ce_integer = -5
    given.attributes["flag"].ce_boolean = True
    shared_bus.publish(given)
    assert stored(shared_bus, type_, 1) == [given]


def test_protobuf_data_is_kept(shared_bus, type_):
    given = event(type_, id="given", source="/test", spec_version="1.0")
    given.attributes["time"].ce_timestamp.GetCurrentTime()
    given.proto_data.Pack(event("inner", b"\0\xff"))
    shared_bus.publish(given)
    assert stored(shared_bus, type_, 1) == [given]


def test_trace_context_of_the_call_goes_into_the_event(shared_bus, type_):
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    own = "00-11111111111111111111111111111111-2222222222222222-00"
    metadata = [("traceparent", trace), ("tracestate", "vendor=1")]
    shared_bus.publish(type_, metadata=metadata)
    shared_bus.publish(type_, metadata=metadata, attributes={"traceparent": own})
    first, second = stored(shared_bus, type_, 2)
    assert first.attributes["traceparent"].ce_string == trace
    assert first.attributes["tracestate"].ce_string == "vendor=1"
    assert second.attributes["traceparent"].ce_string == own


def test_default_source_is_a_setting(start_daemon):
    with Bus(start_daemon({"publish.default_source": "/plant/7"}).address) as bus:
        bus.publish("a.b")
        assert stored(bus, "a.b", 1)[0].source == "/plant/7"


def test_batch_answers_one_result_per_event_in_order(shared_bus, type_):
    types = [f"{type_}.{n % 7}" for n in range(100)]
    published = shared_bus.publish_batch([event(t, id=f"id-{n}") for n, t in enumerate(types)])
    assert [one.id for one in published] == [f"id-{n}" for n in range(100)]
    assert [one.stream for one in published] == types
    assert len({(one.stream, one.position) for one in published}) == 100


def test_batch_keeps_the_order_of_its_events_within_a_type(shared_bus, type_):
    sent = [b"%d" % n for n in range(500)]
    shared_bus.publish_batch([event(type_, data, source="/one") for data in sent])
    assert [one.binary_data for one in stored(shared_bus, type_, 500)] == sent


def test_same_id_is_published_twice_without_a_duplicate_window(shared_bus, type_):
    shared_bus.publish(type_, id="same", source="/same")
    assert not shared_bus.publish(type_, id="same", source="/same").duplicate
    assert [one.id for one in stored(shared_bus, type_, 2)] == ["same", "same"]
