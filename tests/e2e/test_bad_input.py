"""Bad input gets the right code, details and a message naming the field; the daemon goes on."""

import os
import socket

import grpc
import pytest

from harness.bus import earliest, event, group_open, tail_open, unique
from harness.refusal import refused
from harness.stubs import v1
from harness.subscription import data_of
from harness.waiting import DEADLINE

INVALID = grpc.StatusCode.INVALID_ARGUMENT


@pytest.fixture(autouse=True)
def daemon_goes_on(shared_daemon, shared_bus):
    """After every test of this file, an event still makes its way."""
    yield
    type_ = unique("goes-on")
    tail = shared_bus.tail(type_)
    shared_bus.publish(type_, b"still")
    assert data_of(tail.take(1)) == [b"still"]


def with_attribute(name: str, value: str = "v") -> v1.Event:
    return event(attributes={name: value})


# name → (event, field, reason, a part of the message)
BAD_EVENTS = {
    "empty type": (event(""), "type", "INVALID_FIELD", "required"),
    "type with a space": (event("Bad Type!"), "type", "INVALID_FIELD", '"Bad Type!"'),
    "type of 300 bytes": (event("a" * 300), "type", "INVALID_FIELD", "300"),
    "type of 20 segments": (event(".".join("a" * 20)), "type", "INVALID_FIELD", "20 segments"),
    "type with an empty segment": (event("a..b"), "type", "INVALID_FIELD", "segment"),
    "type that ends in a dot": (event("a."), "type", "INVALID_FIELD", "segment"),
    "type that is a pattern": (event("a.*"), "type", "INVALID_FIELD", "a.*"),
    "event of 2 MiB": (event(data=bytes(2 << 20)), "", "TOO_LARGE", "1048576"),
    "id of 256 bytes": (event(id="i" * 256), "id", "INVALID_FIELD", "255"),
    "source of 1025 bytes": (event(source="s" * 1025), "source", "INVALID_FIELD", "1024"),
    "other spec_version": (event(spec_version="0.3"), "spec_version", "INVALID_FIELD", '"0.3"'),
    "attribute in upper case": (with_attribute("Bad"), "attributes", "INVALID_FIELD", "Bad"),
    "partitionkey of 256 bytes": (
        with_attribute("partitionkey", "k" * 256),
        "attributes[partitionkey]",
        "INVALID_FIELD",
        "255",
    ),
}


@pytest.mark.parametrize("case", BAD_EVENTS)
def test_bad_event_is_refused(shared_bus, case):
    bad, field, reason, part = BAD_EVENTS[case]
    refusal = refused(shared_bus.publish, bad)
    assert_names(refusal, "event" + (f".{field}" if field else ""), reason, part)


@pytest.mark.parametrize("case", BAD_EVENTS)
def test_bad_event_in_a_batch_is_named_by_its_index_and_nothing_is_stored(shared_bus, case):
    bad, field, reason, part = BAD_EVENTS[case]
    type_ = unique("beside-bad")
    good = event(type_)
    refusal = refused(shared_bus.publish_batch, [good, good, good, bad])
    assert_names(refusal, "events[3]" + (f".{field}" if field else ""), reason, part)
    shared_bus.publish(type_, b"the first")
    assert data_of(shared_bus.tail(type_, start=earliest()).take(1)) == [b"the first"]


def assert_names(refusal, field: str, reason: str, part: str) -> None:
    assert refusal.code == INVALID
    [named] = refusal.fields
    assert named.startswith(field)
    assert refusal.message.startswith(f"{named}: ")
    assert part in refusal.message and part in refusal.fields[named]
    assert (refusal.reason, refusal.domain) == (reason, "eventbus")
    assert refusal.retry_delay is None
    assert len(refusal.message) < 1000, "a message does not repeat large input"


def test_every_bad_event_of_a_batch_is_named(shared_bus):
    refusal = refused(shared_bus.publish_batch, [event(""), event("good"), event("Bad Type!")])
    assert list(refusal.fields) == ["events[0].type", "events[2].type"]
    assert "events[0].type: " in refusal.message


def test_at_most_a_hundred_bad_events_are_named(shared_bus):
    refusal = refused(shared_bus.publish_batch, [event("")] * 1000)
    assert len(refusal.fields) == 100


def test_too_large_names_limit_and_setting(shared_bus):
    refusal = refused(shared_bus.publish, event(data=bytes(2 << 20)))
    assert refusal.metadata["setting"] == "limits.max_event_bytes"
    assert refusal.metadata["limit"] == str(1 << 20)


@pytest.mark.parametrize("count", [1001, 10_001])
def test_batch_of_too_many_events_is_refused(shared_bus, count):
    refusal = refused(shared_bus.publish_batch, [event("a")] * count)
    assert_names(refusal, "events", "TOO_LARGE", "1000")
    assert str(count) in refusal.message.replace(",", "")
    assert refusal.metadata["setting"] == "limits.max_batch_events"


def test_batch_of_too_many_bytes_is_refused(shared_bus):
    refusal = refused(shared_bus.publish_batch, [event(data=bytes(800_000))] * 4)
    assert_names(refusal, "events", "TOO_LARGE", "3145728")
    assert refusal.metadata["setting"] == "limits.max_batch_bytes"


def test_message_above_all_limits_is_refused_by_the_transport(shared_bus):
    batch = [event(data=bytes(900_000))] * 10
    assert refused(shared_bus.publish_batch, batch).code == grpc.StatusCode.RESOURCE_EXHAUSTED


def test_batch_of_no_events_is_refused(shared_bus):
    assert_names(refused(shared_bus.publish_batch, []), "events", "INVALID_FIELD", "")


def test_publish_without_an_event_is_refused(shared_bus):
    refusal = refused(shared_bus.stub.Publish, v1.PublishRequest(), timeout=DEADLINE)
    assert refusal.code == INVALID
    [field] = refusal.fields
    assert field in ("event", "event.type")


# ---- Bytes that no Protobuf library would send --------------------------------------------------


def field(number: int, value: bytes) -> bytes:
    """A length-delimited field in the Protobuf wire format."""
    size, length = len(value), b""
    while size >= 0x80:
        length += bytes([size & 0x7F | 0x80])
        size >>= 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + value


TYPE = field(4, b"a.b")

MALFORMED_EVENTS = {
    "type twice": (TYPE + TYPE, "type"),
    "id twice": (TYPE + field(1, b"1") + field(1, b"2"), "id"),
    "source twice": (TYPE + field(2, b"/1") + field(2, b"/2"), "source"),
    "two kinds of data": (TYPE + field(6, b"1") + field(7, b"2"), "data"),
    "the same data twice": (TYPE + field(6, b"1") + field(6, b"2"), ""),
    "type that is not UTF-8": (field(4, b"a.\xff"), "type"),
    "id that is not UTF-8": (TYPE + field(1, b"\xc3\x28"), "id"),
    "source that is not UTF-8": (TYPE + field(2, b"\xed\xa0\x80"), "source"),
    "text that is not UTF-8": (TYPE + field(7, b"\xff"), "text_data"),
    "type of a wrong wire type": (bytes([4 << 3 | 0, 1]), "type"),
    "field that is cut off": (TYPE + b"\x0a\x05ab", ""),
    "attribute twice": (TYPE + field(5, field(1, b"x")) + field(5, field(1, b"x")), "attributes"),
}


def raw(bus, method: str, request: bytes):
    """A unary call whose request is these bytes."""
    call = bus.channel.unary_unary(
        f"/eventbus.v1.EventBus/{method}",
        request_serializer=lambda whole: whole,
        response_deserializer=lambda whole: whole,
    )
    return call(request, timeout=DEADLINE)


@pytest.mark.parametrize("case", MALFORMED_EVENTS)
@pytest.mark.parametrize("method, place", [("Publish", "event"), ("PublishBatch", "events[1]")])
def test_malformed_event_is_refused(shared_bus, case, method, place):
    wire, name = MALFORMED_EVENTS[case]
    before = field(1, TYPE) if method == "PublishBatch" else b""
    refusal = refused(raw, shared_bus, method, before + field(1, wire))
    assert refusal.code == INVALID
    assert refusal.reason in ("MALFORMED", "INVALID_FIELD")
    [named] = refusal.fields
    assert named.startswith(place) and name in named
    assert refusal.message.startswith(f"{named}: ")


def test_request_with_two_events_is_refused(shared_bus):
    refusal = refused(raw, shared_bus, "Publish", field(1, TYPE) + field(1, TYPE))
    assert (refusal.code, refusal.reason) == (INVALID, "MALFORMED")
    assert refusal.message.startswith("event: ")


def test_unknown_fields_of_an_event_are_kept(shared_bus):
    type_ = unique("unknown-field")
    unknown = field(15, b"from the future")
    raw(shared_bus, "Publish", field(1, field(4, type_.encode()) + unknown))
    [delivery] = shared_bus.tail(type_, start=earliest()).take(1)
    assert unknown in delivery.event.SerializeToString()


@pytest.mark.parametrize("method", ["Publish", "PublishBatch", "Settle"])
@pytest.mark.parametrize("wire", [b"\xff", b"\x0a", b"\x0a\x7fshort", b"\x00", b"\x0f"], ids=repr)
def test_bytes_that_are_no_message_are_refused(shared_bus, method, wire):
    refusal = refused(raw, shared_bus, method, wire)
    assert refusal.code == INVALID


@pytest.mark.parametrize("method", ["PublishStream", "Subscribe"])
def test_bytes_that_are_no_message_end_a_stream(shared_bus, method):
    call = shared_bus.channel.stream_stream(
        f"/eventbus.v1.EventBus/{method}",
        request_serializer=lambda whole: whole,
        response_deserializer=lambda whole: whole,
    )
    refusal = refused(call, iter([b"\x0a\x7fshort"]), timeout=DEADLINE)
    assert refusal.code == INVALID


# ---- Subscribing --------------------------------------------------------------------------------

BAD_PATTERNS = ["", "a..b", ".a", "a.", "a b", "a.b*", "***", "*x", "a" * 300, ".".join("a" * 20)]


@pytest.mark.parametrize("pattern", BAD_PATTERNS, ids=lambda pattern: pattern[:10] or "empty")
def test_bad_pattern_is_refused(shared_bus, pattern):
    for opening, place in (
        (group_open(unique("bad"), "good", pattern), "open.group.patterns[1]"),
        (tail_open("good", pattern), "open.tail.patterns[1]"),
    ):
        refusal = shared_bus.subscribe(opening).end()
        assert refusal.code == INVALID
        assert list(refusal.fields) == [place]
        assert refusal.message.startswith(f"{place}: ")
        assert refusal.reason == "INVALID_FIELD"


BAD_OPENS = {
    "no target": (v1.SubscribeOpen(), "open"),
    "tail without patterns": (tail_open(), "open.tail.patterns"),
    "101 patterns": (tail_open(*["a"] * 101), "open.tail.patterns"),
    "durable group without a name": (group_open("", "a"), "open.group.name"),
    "group name with a space": (group_open("a b", "a"), "open.group.name"),
    "group name of 256 bytes": (group_open("g" * 256, "a"), "open.group.name"),
    "batch of 10,001": (tail_open("a", batch_size=10_001), "open.batch.batch_size"),
    "batch over 2 minutes": (tail_open("a", batch_timeout=120), "open.batch.batch_timeout"),
    "client_id of 256 bytes": (tail_open("a", client_id="c" * 256), "open.client_id"),
    "33 properties": (
        tail_open("a", client_properties={str(n): "v" for n in range(33)}),
        "open.client_properties",
    ),
}


@pytest.mark.parametrize("case", BAD_OPENS)
def test_bad_open_is_refused(shared_bus, case):
    opening, place = BAD_OPENS[case]
    refusal = shared_bus.subscribe(opening).end()
    assert refusal.code == INVALID
    [named] = refusal.fields
    assert named.startswith(place)
    assert refusal.message.startswith(f"{named}: ")


@pytest.mark.parametrize(
    "first",
    [
        v1.SubscribeRequest(settle=v1.Settlement(ack=[1])),
        v1.SubscribeRequest(ping=v1.Ping(number=1)),
        v1.SubscribeRequest(),
    ],
    ids=["settle", "ping", "nothing"],
)
def test_first_message_must_be_open(shared_bus, first):
    call = shared_bus.subscribe()
    call.send_message(first)
    refusal = call.end()
    assert refusal.code == INVALID
    assert refusal.reason == "OUT_OF_TURN"
    assert "open" in refusal.message


def test_first_message_that_is_not_known_is_refused(shared_bus):
    """As a client of a later version would send."""
    call = shared_bus.channel.stream_stream(
        "/eventbus.v1.EventBus/Subscribe",
        request_serializer=lambda whole: whole,
        response_deserializer=lambda whole: whole,
    )
    refusal = refused(call, iter([field(15, b"from the future")]), timeout=DEADLINE)
    assert (refusal.code, refusal.reason) == (INVALID, "OUT_OF_TURN")
    assert "open" in refusal.message


def test_open_comes_only_once(shared_bus):
    call = shared_bus.tail("a")
    call.send(open=tail_open("b"))
    refusal = call.end()
    assert refusal.code == INVALID
    assert refusal.reason == "OUT_OF_TURN"
    assert "open" in refusal.message


def test_half_close_without_open_ends_the_call(shared_bus):
    call = shared_bus.subscribe()
    call.half_close()
    refusal = call.end()
    assert refusal.code == INVALID


# ---- Bytes that are no gRPC ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "garbage",
    [
        os.urandom(100_000),
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 5000,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
    ],
    ids=["random", "HTTP/1.1", "HTTP/2 and garbage", "TLS"],
)
def test_garbage_on_the_port_ends_only_its_connection(shared_daemon, garbage):
    with socket.create_connection(
        ("127.0.0.1", shared_daemon.port), timeout=DEADLINE
    ) as connection:
        try:
            connection.sendall(garbage)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
        except OSError:
            pass  # The daemon may have closed it already.
