"""EventBusAdmin: the latest events, and what has become of one."""

import grpc
import pytest
from google.protobuf import timestamp_pb2

from harness.bus import Bus, earliest, event, seconds, unique
from harness.refusal import refused
from harness.stubs import v1
from harness.waiting import DEADLINE, eventually, eventually_equal


@pytest.fixture
def name() -> str:
    """A name for the test's group and for its type, or the first segment of its types."""
    return unique("history")


def recent(bus, *patterns: str, **fields) -> v1.GetRecentEventsResponse:
    request = v1.GetRecentEventsRequest(patterns=patterns, **fields)
    return bus.admin.GetRecentEvents(request, timeout=DEADLINE)


def get(bus, stream: str, position: str) -> v1.GetEventResponse:
    place = v1.GetEventRequest.EventPlace(stream=stream, position=position)
    return bus.admin.GetEvent(v1.GetEventRequest(place=place), timeout=DEADLINE)


def find(bus, type_: str, id_: str, **fields) -> v1.GetEventResponse:
    identity = v1.GetEventRequest.EventIdentity(type=type_, id=id_, **fields)
    return bus.admin.GetEvent(v1.GetEventRequest(identity=identity), timeout=DEADLINE)


def state(bus, published: v1.PublishedEvent) -> v1.GroupEventState:
    """Of the only group that receives the event."""
    [found] = get(bus, published.stream, published.position).groups
    return found


def stored_time(bus, published: v1.PublishedEvent) -> timestamp_pb2.Timestamp:
    return get(bus, published.stream, published.position).event.stored_time


def millis_from_storing_to(bus, published: v1.PublishedEvent, time) -> int:
    return time.ToMilliseconds() - stored_time(bus, published).ToMilliseconds()


def right_after(bus, published: v1.PublishedEvent) -> timestamp_pb2.Timestamp:
    time = timestamp_pb2.Timestamp()
    time.FromMilliseconds(stored_time(bus, published).ToMilliseconds() + 1)
    return time


def let_a_millisecond_pass(bus) -> None:
    """Until the store's clock has moved: of one millisecond nobody can say whether the group or the
    event was first, so that an event that is done with has no state."""

    def now() -> int:
        published = bus.publish("tick.tock")
        return stored_time(bus, published).ToMilliseconds()

    began = now()
    eventually(lambda: now() > began, "the clock moves")


def ids(page: v1.GetRecentEventsResponse) -> list:
    return [one.event.id for one in page.events]


def pages(bus, *patterns: str, **fields) -> list:
    found = [recent(bus, *patterns, **fields)]
    while found[-1].next_page_token:
        found.append(recent(bus, *patterns, page_token=found[-1].next_page_token, **fields))
    return found


def assert_newest_first(events) -> None:
    """By the time; of events of one millisecond in two streams nobody can say which was first."""
    times = [one.stored_time.ToMilliseconds() for one in events]
    assert times == sorted(times, reverse=True)


def one(number: int) -> list:
    return [v1.DeliveryRange(first=number, last=number)]


def policy(**fields) -> v1.GroupPolicy:
    return v1.GroupPolicy(retry_jitter=0, **fields)


# ---- The latest events ----


@pytest.mark.smoke
def test_the_latest_events_come_newest_first(shared_bus, name):
    shared_bus.publish(name, b"first", id="1", source="/shop")
    published = shared_bus.publish(name, b"second", id="2")
    shared_bus.publish(name, b"third", id="3")
    page = recent(shared_bus, name)
    assert ids(page) == ["3", "2", "1"] and page.next_page_token == ""
    assert_newest_first(page.events)
    middle, oldest = page.events[1:]
    assert (middle.stream, middle.position) == (name, published.position)
    assert middle.event.type == name and middle.event.binary_data == b"second"
    assert middle.event.spec_version == "1.0"
    assert oldest.event.source == "/shop"
    now = timestamp_pb2.Timestamp()
    now.GetCurrentTime()
    assert abs(middle.stored_time.seconds - now.seconds) < 60


def test_patterns_choose_the_types(shared_bus, name):
    for id_, type_ in (("1", "a"), ("2", "b"), ("3", "b.c")):
        shared_bus.publish(f"{name}.{type_}", id=id_)
    page = recent(shared_bus, f"{name}.a", f"{name}.b")
    assert sorted(ids(page)) == ["1", "2"]
    assert_newest_first(page.events)
    assert ids(recent(shared_bus, f"{name}.*.c")) == ["3"]
    assert ids(recent(shared_bus, f"{name}.none")) == []


def test_without_patterns_all_types_are_meant(shared_bus, name):
    shared_bus.publish(name, id="one of all")
    assert "one of all" in ids(recent(shared_bus, page_size=1000))


def test_they_may_begin_at_a_time(shared_bus, name):
    shared_bus.publish(name, id="1")
    second = shared_bus.publish(name, id="2")
    # They may have been stored within a millisecond.
    at_second = ids(recent(shared_bus, name, since=stored_time(shared_bus, second)))
    assert at_second[0] == "2"
    assert ids(recent(shared_bus, name, since=right_after(shared_bus, second))) == []


def test_a_filter_chooses_by_attributes(shared_bus, name):
    for id_, source in (("1", "/eu/a"), ("2", "/us/a"), ("3", "/eu/b")):
        shared_bus.publish(name, id=id_, source=source)
    condition = v1.AttributeCondition(attribute="source", prefix="/eu/")
    eu = v1.AttributeFilter(conditions=[condition])
    assert ids(recent(shared_bus, name, filter=eu)) == ["3", "1"]
    by_one = pages(shared_bus, name, filter=eu, page_size=1)
    assert [id_ for page in by_one for id_ in ids(page)] == ["3", "1"]


def test_pages_together_are_the_whole(shared_bus, name):
    """Also where entries hold several events, and streams take turns."""
    sent = {f"{name}.a": [], f"{name}.b": []}
    for n in range(5):
        for stream, of_stream in sent.items():
            batch = [f"{n}-{m}" for m in range(20)]
            shared_bus.publish_batch([event(stream, id=id_) for id_ in batch])
            of_stream += batch
    got = pages(shared_bus, f"{name}.*", page_size=7)
    assert [len(page.events) for page in got] == [7] * 28 + [4]
    together = [one for page in got for one in page.events]
    assert_newest_first(together)
    for stream, of_stream in sent.items():
        assert [one.event.id for one in together if one.stream == stream] == of_stream[::-1]


def test_a_page_is_bounded_by_bytes(shared_bus, name):
    for n in range(5):
        shared_bus.publish(name, b"x" * 900_000, id=str(n))
    assert [ids(page) for page in pages(shared_bus, name)] == [["4", "3", "2"], ["1", "0"]]


def test_looking_leaves_no_trace(bus):
    bus.group("g", "a.*", in_flight=1)
    bus.publish("a.b", id="1")
    bus.publish("a.b", id="2")

    def group() -> v1.GroupState:
        request = v1.GetGroupRequest(name="g")
        return bus.admin.GetGroup(request, timeout=DEADLINE).group.state

    eventually_equal(lambda: (group().lag, group().pending), (1, 1))
    assert ids(recent(bus)) == ["2", "1"]
    assert (group().lag, group().pending) == (1, 1)


NO_CONDITION = v1.AttributeFilter(conditions=[v1.AttributeCondition(attribute="source")])
NO_TIME = timestamp_pb2.Timestamp(nanos=-1)
RECENT_REFUSED = {
    "patterns[1]": v1.GetRecentEventsRequest(patterns=["a", "b..c"]),
    "patterns": v1.GetRecentEventsRequest(patterns=["a"] * 101),
    "since": v1.GetRecentEventsRequest(since=NO_TIME),
    "filter.conditions[0].match": v1.GetRecentEventsRequest(filter=NO_CONDITION),
    "page_size": v1.GetRecentEventsRequest(page_size=1001),
    "page_token": v1.GetRecentEventsRequest(page_token="mine"),
}


@pytest.mark.parametrize("field", RECENT_REFUSED)
def test_wrong_requests_name_the_field(shared_bus, field):
    refusal = refused(shared_bus.admin.GetRecentEvents, RECENT_REFUSED[field], timeout=DEADLINE)
    assert refusal.code == grpc.StatusCode.INVALID_ARGUMENT
    assert list(refusal.fields) == [field]


def test_another_list_s_page_token_is_refused(shared_bus, name):
    for stream in ("a", "b"):
        shared_bus.publish(f"{name}.{stream}")
    streams = v1.ListStreamsRequest(patterns=[f"{name}.*"], page_size=1)
    token = shared_bus.admin.ListStreams(streams, timeout=DEADLINE).next_page_token
    assert list(refused(recent, shared_bus, page_token=token).fields) == ["page_token"]


# ---- One event ----


@pytest.mark.smoke
def test_an_event_is_found_by_stream_and_position(shared_bus, name):
    batch = [event(name, b"%d" % n, id=str(n)) for n in range(3)]
    published = shared_bus.publish_batch(batch)
    for n in (0, 1, 2):
        found = get(shared_bus, name, published[n].position)
        assert (found.event.event.id, found.event.event.binary_data) == (str(n), b"%d" % n)
        assert (found.event.stream, found.event.position) == (name, published[n].position)
        assert found.event.HasField("stored_time")
        assert found.further_matches == 0 and not found.groups


def test_an_event_goes_from_waiting_to_acked(shared_bus, name):
    member = shared_bus.group(name, name, in_flight=1, policy=policy(ack_deadline=seconds(600)))
    let_a_millisecond_pass(shared_bus)
    first = shared_bus.publish(name, b"1")
    second = shared_bus.publish(name, b"2")
    [delivery] = member.take(1)
    held = state(shared_bus, first)
    assert held.group == name and held.state == v1.EVENT_STATE_IN_FLIGHT
    assert (held.attempt, held.times_delivered) == (1, 1)
    assert held.subscription_id == member.opened.subscription_id
    [instance] = shared_bus.admin.ListInstances(v1.ListInstancesRequest()).instances
    assert held.instance_id == instance.instance_id
    assert 590_000 < millis_from_storing_to(shared_bus, first, held.due_time) < 660_000
    waiting = state(shared_bus, second)
    assert waiting.state == v1.EVENT_STATE_WAITING
    assert (waiting.attempt, waiting.instance_id, waiting.subscription_id) == (0, "", "")
    member.settled(ack=[delivery.number])
    assert state(shared_bus, first).state == v1.EVENT_STATE_ACKED


def test_what_failed_is_retrying(shared_bus, name):
    member = shared_bus.group(name, name, policy=policy(retry_delay=seconds(600), max_retry_delay=seconds(600)))
    published = shared_bus.publish(name)
    [delivery] = member.take(1)
    member.settled(nacks=[v1.Nack(deliveries=one(delivery.number), reason="no such account")])
    seen = state(shared_bus, published)
    assert seen.state == v1.EVENT_STATE_RETRYING
    assert (seen.attempt, seen.times_delivered, seen.last_reason) == (1, 1, "no such account")
    assert seen.subscription_id == "" and seen.instance_id
    assert 590_000 < millis_from_storing_to(shared_bus, published, seen.due_time) < 660_000


def test_what_was_given_up_is_a_dead_letter_until_redriven(shared_bus, name):
    member = shared_bus.group(name, name)
    let_a_millisecond_pass(shared_bus)
    published = shared_bus.publish(name)
    [delivery] = member.take(1)
    member.settled(rejects=[v1.Reject(deliveries=one(delivery.number), reason="malformed")])
    dead = state(shared_bus, published)
    assert (dead.state, dead.last_reason) == (v1.EVENT_STATE_DEAD_LETTER, "malformed")
    assert dead.attempt == 1 and dead.times_delivered == 1
    request = v1.RedriveDeadLettersRequest(group=name, all=True)
    assert shared_bus.admin.RedriveDeadLetters(request, timeout=DEADLINE).redriven == 1
    [again] = member.take(1)
    assert state(shared_bus, published).state == v1.EVENT_STATE_IN_FLIGHT
    member.settled(ack=[again.number])
    assert state(shared_bus, published).state == v1.EVENT_STATE_ACKED


def test_every_group_that_receives_it_is_named(shared_bus, name):
    early = shared_bus.publish(name, b"early")
    shared_bus.group(f"{name}/b", name)
    condition = v1.AttributeCondition(attribute="source", exact="/elsewhere")
    elsewhere = policy(filter=v1.AttributeFilter(conditions=[condition]))
    shared_bus.group(f"{name}/c", f"{name}.*", name, policy=elsewhere)
    shared_bus.group(f"{name}/a", name, start=earliest()).take(1)
    shared_bus.group(f"{name}/d", f"{name}.other")
    let_a_millisecond_pass(shared_bus)
    late = shared_bus.publish(name, b"late", source="/here")

    def states(published) -> dict:
        found = get(shared_bus, name, published.position)
        assert [one.group for one in found.groups] == sorted(one.group for one in found.groups)
        return {one.group.removeprefix(f"{name}/"): one.state for one in found.groups}

    # Of what came before it, a group that began with the latest knows nothing.
    assert states(early) == {
        "a": v1.EVENT_STATE_IN_FLIGHT,
        "b": v1.EVENT_STATE_UNSPECIFIED,
        "c": v1.EVENT_STATE_UNSPECIFIED,
    }
    expected = {
        "a": v1.EVENT_STATE_IN_FLIGHT,
        "b": v1.EVENT_STATE_IN_FLIGHT,
        "c": v1.EVENT_STATE_FILTERED_OUT,
    }
    eventually_equal(lambda: states(late), expected)


def test_an_event_is_found_by_its_id(shared_bus, name):
    first = shared_bus.publish(name, b"1", id="7", source="/a")
    last = shared_bus.publish(name, b"2", id="7", source="/b")
    shared_bus.publish(name, b"3", id="8")
    found = find(shared_bus, name, "7")
    assert found.event.position == last.position and found.further_matches == 1
    found = find(shared_bus, name, "7", source="/a")
    assert found.event.position == first.position and found.further_matches == 0
    later = right_after(shared_bus, last)
    assert find(shared_bus, name, "7", until=later).event.position == last.position
    assert refused(find, shared_bus, name, "7", since=later).reason == "STREAM_NOT_FOUND"
    assert refused(find, shared_bus, name, "9").reason == "STREAM_NOT_FOUND"


@pytest.mark.redis
def test_another_instance_knows_who_has_it(own_redis, start_on_redis):
    redis = own_redis()
    daemons = [start_on_redis(redis) for _ in range(2)]
    with Bus(daemons[0].address) as a, Bus(daemons[1].address) as b:
        member = a.group("g", "a.*")
        published = a.publish("a.b")
        [delivery] = member.take(1)
        held = state(a, published)
        seen = eventually(lambda: state(b, published), "the other one answers")
        assert seen.state == v1.EVENT_STATE_IN_FLIGHT
        assert seen.instance_id == held.instance_id
        reject = v1.Reject(deliveries=one(delivery.number), reason="malformed")
        member.settled(rejects=[reject])
        assert state(b, published).state == v1.EVENT_STATE_DEAD_LETTER
        assert ids(recent(b)) == ids(recent(a)) != []


def test_what_is_not_there_is_not_found(shared_bus, name):
    published = shared_bus.publish(name)
    behind = published.position.removesuffix("-0") + "-1"
    for stream, position in ((f"{name}.none", published.position), (name, behind)):
        refusal = refused(get, shared_bus, stream, position)
        assert refusal.code == grpc.StatusCode.NOT_FOUND
        assert (refusal.reason, refusal.metadata) == ("STREAM_NOT_FOUND", {"stream": stream})
    purge = v1.PurgeStreamRequest(stream=name, all=True)
    shared_bus.admin.PurgeStream(purge, timeout=DEADLINE)
    assert refused(get, shared_bus, name, published.position).reason == "STREAM_NOT_FOUND"


Place, Identity = v1.GetEventRequest.EventPlace, v1.GetEventRequest.EventIdentity
GET_REFUSED = {
    "by": v1.GetEventRequest(),
    "place.stream": v1.GetEventRequest(place=Place(position="1-1-0")),
    "place.position": v1.GetEventRequest(place=Place(stream="a")),
    "place.position ": v1.GetEventRequest(place=Place(stream="a", position="mine")),
    "identity.type": v1.GetEventRequest(identity=Identity(type="a.*", id="7")),
    "identity.id": v1.GetEventRequest(identity=Identity(type="a")),
    "identity.since": v1.GetEventRequest(identity=Identity(type="a", id="7", since=NO_TIME)),
    "identity.until": v1.GetEventRequest(identity=Identity(type="a", id="7", until=NO_TIME)),
}


@pytest.mark.parametrize("case", GET_REFUSED)
def test_wrong_questions_name_the_field(shared_bus, case):
    refusal = refused(shared_bus.admin.GetEvent, GET_REFUSED[case], timeout=DEADLINE)
    assert refusal.code == grpc.StatusCode.INVALID_ARGUMENT
    assert list(refusal.fields) == [case.strip()]
    assert refusal.reason == ("BAD_POSITION" if case.endswith(" ") else "INVALID_FIELD")
