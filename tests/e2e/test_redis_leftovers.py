"""What is deleted leaves nothing behind in Redis."""

import contextlib
import re

import pytest

from harness.bus import Bus, event, seconds
from harness.redis_server import RedisServer
from harness.stubs import v1
from harness.waiting import DEADLINE, eventually_equal

pytestmark = pytest.mark.redis

# What a bus is with nothing in it, as docs/redis.md has it.
BUS_ITSELF = {"meta", "stamp", "signals", "instances", "stats"}
TYPES = ("order.placed", "order.paid", "mail")
# The kinds of keys that there are of streams and groups.
KINDS = {"log", "state", "dead", "side", "seen", "delayed", "lost", "lease", "types", "groups", "due"}


def keys(redis: RedisServer) -> set:
    return {key.removeprefix("eventbus:") for key in redis.ask("KEYS", "*").split()}


def kinds(redis: RedisServer) -> set:
    return {re.sub(r"^{[^}]*}:", "", key).split(":")[0] for key in keys(redis)} - BUS_ITSELF


def left(redis: RedisServer) -> set:
    return {key.removeprefix("{registry}:") for key in keys(redis)} - BUS_ITSELF


def of_groups(redis: RedisServer) -> set:
    """What there is of groups: keys, and the Redis groups of the streams."""
    found = set()
    for key in keys(redis):
        if re.search(r":(state|dead|side|lost|lease|groups)\b", key):
            found.add(key)
        if key.endswith(":log"):
            groups = redis.ask("XINFO", "GROUPS", f"eventbus:{key}")
            found |= {f"{key} {line}" for line in groups.splitlines() if "@" in line}
    return found


def one(delivery) -> list:
    return [v1.DeliveryRange(first=delivery.number, last=delivery.number)]


def leave_everything(bus: Bus, group: str, type_: str, ordered: bool = False) -> None:
    """Of the group on a type: a dead letter, redriven events that are held and that wait, an event
    in retry, an entry that is settled in part, events in flight, events that nobody has read."""
    later = seconds(3600)
    policy = v1.GroupPolicy(
        retry_delay=later, max_retry_delay=later, ack_deadline=later, ordered=ordered
    )
    member = bus.group(group, type_, policy=policy, in_flight=200)
    for _ in range(5):  # Of a busy stream, so that entries hold several events.
        bus.publish_batch([event(type_, b"x")] * 100)
    held = member.take(200)
    rejects = [each for delivery in held[:5] for each in one(delivery)]
    member.settled(
        ack=[held[-2].number],
        rejects=[v1.Reject(deliveries=rejects)],
        nacks=[v1.Nack(deliveries=one(held[6]))],
    )
    redrive = v1.RedriveDeadLettersRequest(group=group, all=True, max_letters=4)
    assert bus.admin.RedriveDeadLetters(redrive, timeout=DEADLINE).redriven == 4
    member.take(1)


def delete_groups(bus: Bus) -> None:
    for group in bus.admin.ListGroups(v1.ListGroupsRequest(), timeout=DEADLINE).groups:
        bus.admin.DeleteGroup(v1.DeleteGroupRequest(name=group.name), timeout=DEADLINE)


def delete_streams(bus: Bus) -> None:
    for stream in bus.admin.ListStreams(v1.ListStreamsRequest(), timeout=DEADLINE).streams:
        purge = v1.PurgeStreamRequest(stream=stream.stream, delete_stream=True)
        bus.admin.PurgeStream(purge, timeout=DEADLINE)


@pytest.fixture
def redis(own_redis):
    return own_redis()


@pytest.fixture
def daemons(redis, start_on_redis):
    rules = [{"pattern": "**", "duplicate_window": "1h"}]
    return [start_on_redis(redis, {"retention.rules": rules}) for _ in range(2)]


@pytest.fixture
def full(redis, daemons):
    """Clients of two instances, of a bus that has something of everything."""
    with contextlib.ExitStack() as stack:
        a, b = (stack.enter_context(Bus(daemon.address)) for daemon in daemons)
        for type_ in TYPES:
            leave_everything(a, f"{type_}/a", type_)
            leave_everything(b, f"{type_}/b", type_)
            leave_everything(b, f"{type_}/ordered", type_, ordered=True)
            a.publish(type_, id="seen-17", source="/shop")
            delay = v1.PublishOptions(deliver_after=seconds(3600))
            a.publish_batch([event(type_)], options=delay)
        idle = v1.Group(name="idle", patterns=["**"])
        start = v1.StartPosition(earliest=v1.StartPosition.Earliest())
        request = v1.CreateGroupRequest(group=idle, start=start)
        a.admin.CreateGroup(request, timeout=DEADLINE)
        sought = v1.SeekGroupRequest(name=f"{TYPES[0]}/b", target=start)
        b.admin.SeekGroup(sought, timeout=DEADLINE)
        # All groups but those that read it lose by it what they have not read.
        purge = v1.PurgeStreamRequest(stream=TYPES[2], all=True)
        a.admin.PurgeStream(purge, timeout=DEADLINE)
        a.publish_batch([event(TYPES[2])] * 3)
        assert kinds(redis) == KINDS
        yield a, b


@pytest.mark.parametrize("first", ["groups", "streams"])
def test_nothing_is_left_when_all_is_deleted(redis, daemons, full, first):
    a, b = full
    if first == "groups":
        delete_groups(a)
        delete_streams(b)
    else:
        delete_streams(a)
        delete_groups(b)
    eventually_equal(lambda: left(redis), set())
    # Nor when those that held something go.
    for bus in full:
        bus.close()
    for daemon in daemons:
        daemon.stop()
        daemon.killed = True  # It need not be stopped again.
    assert left(redis) == set()


def test_a_deleted_group_takes_what_is_its_own_from_every_stream(redis, full):
    a, b = full
    delete_groups(b)
    eventually_equal(lambda: of_groups(redis), set())
    streams = a.admin.ListStreams(v1.ListStreamsRequest(), timeout=DEADLINE).streams
    assert {stream.stream for stream in streams} == set(TYPES)
    assert all(stream.events for stream in streams)


def test_a_deleted_stream_takes_all_of_it_and_leaves_the_others(redis, full):
    a, _ = full
    before = keys(redis)
    purge = v1.PurgeStreamRequest(stream=TYPES[1], delete_stream=True)
    a.admin.PurgeStream(purge, timeout=DEADLINE)
    its_own = {key for key in before if key.startswith(f"{{{TYPES[1]}}}:")}
    assert its_own
    eventually_equal(lambda: keys(redis), before - its_own)
