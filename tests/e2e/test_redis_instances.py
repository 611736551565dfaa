"""Several daemons on one Redis are one bus."""

import pytest

from harness.bus import Bus, event, group_open, seconds
from harness.stubs import v1
from harness.subscription import data_of, deliveries_in
from harness.waiting import DEADLINE, TooLate, eventually

pytestmark = pytest.mark.redis


@pytest.fixture
def two(own_redis, start_on_redis):
    """Two daemons on one Redis, and a client of each."""
    redis = own_redis()
    daemons = [start_on_redis(redis) for _ in range(2)]
    with Bus(daemons[0].address) as a, Bus(daemons[1].address) as b:
        yield redis, daemons, a, b


def test_what_one_takes_the_other_delivers(two):
    _, _, a, b = two
    member, tail = b.group("g", "a.*"), b.tail("a.*")
    a.publish("a.b", b"one")
    assert data_of(member.take(1)) == data_of(tail.take(1)) == [b"one"]


def test_group_gets_a_type_from_its_first_event_on_whichever_instance(two):
    _, _, a, b = two
    call = b.receive(group_open("idle", "new.*"))
    assert next(call).WhichOneof("message") == "opened"
    call.cancel()
    # Nobody is connected to the group, and the other instance takes the first event.
    a.publish("new.type", b"first")
    assert data_of(a.group("idle").take(1)) == [b"first"]


def test_members_on_both_share_the_work(two):
    _, _, a, b = two
    members = [a.group("g", "a.*", in_flight=1), b.group("g", "a.*", in_flight=1)]
    a.publish_batch([event("a.b", b"%d" % n) for n in range(10)])
    # Each has one now. Who gets the others depends on who is faster.
    held = [member.take(1)[0] for member in members]
    got = data_of(held)
    for member, delivery in zip(members, held, strict=True):
        member.ack(delivery)
    while len(got) < 10:
        member = eventually(
            lambda: next((one for one in members if one.pending()), None), "a member gets more"
        )
        taken = member.take(1)
        got += data_of(taken)
        member.ack(*taken)
    assert sorted(got) == [b"%d" % n for n in range(10)]


def test_what_the_last_member_held_goes_to_the_other_instance_at_once(two):
    _, _, a, b = two
    # However fast it is, it cannot take all.
    leaving, staying = a.group("g", "a.*", in_flight=19), b.group("g", "a.*", in_flight=1)
    a.publish_batch([event("a.b", b"%d" % n) for n in range(20)])
    held = staying.take(1)
    leaving.take(1)
    leaving.cancel()
    got = data_of(held)
    staying.ack(*held)
    while len(set(got)) < 20:
        taken = staying.take(1, deadline=5)
        got += data_of(taken)
        staying.ack(*taken)


def test_drained_instance_leaves_everything_to_the_other(two):
    _, daemons, a, b = two
    member = a.group("g", "a.*")
    a.publish_batch([event("a.b", b"%d" % n) for n in range(20)])
    held = member.take(20)
    daemons[0].terminate()
    member.next("drain")
    member.settled(ack=[delivery.number for delivery in held[:10]])
    member.cancel()
    daemons[0].wait()
    other = b.group("g")
    assert sorted(data_of(other.take(10))) == sorted(data_of(held[10:]))


def test_hundred_slow_jobs_of_one_batch_are_worked_on_everywhere(two):
    """The entry is what instances share; on a quiet stream it holds one event."""
    _, _, a, b = two
    members = [bus.group("g", "a.*", in_flight=10) for bus in (a, b, a, b)]
    a.publish_batch([event("a.b", b"%d" % n) for n in range(100)])
    # None of them settles anything.
    held = [data_of(member.take(10)) for member in members]
    assert len(set(sum(held, []))) == 40


def test_slow_handler_is_not_robbed(own_redis, start_on_redis):
    """However much longer than the liveness window it takes: its instance lives."""
    redis = own_redis()
    window = {"instances.heartbeat_interval": "250ms", "instances.dead_after": "1s"}
    daemons = [start_on_redis(redis, window) for _ in range(2)]
    with Bus(daemons[0].address) as a, Bus(daemons[1].address) as b:
        slow = a.group("g", "a.*", in_flight=1)
        a.publish("a.b", b"job")
        job = slow.take(1)[0]
        other = b.group("g")
        with pytest.raises(TooLate):
            other.take(1, deadline=4)
        assert slow.settled(ack=[job.number]).done[0].first == job.number
        assert not slow.has("lost")


def test_nothing_is_left_of_a_group_that_has_expired(two):
    redis, _, a, _ = two
    policy = v1.GroupPolicy(inactive_expiry=seconds(1))
    member = a.group("gone", "a.*", ephemeral=True, policy=policy)
    # Of a busy stream, so that entries hold several events and one can be settled in part.
    for _ in range(5):
        a.publish_batch([event("a.b", b"x") for _ in range(100)])
    held = member.take(500)
    member.settled(ack=[held[-1].number])
    assert "state:gone@" in redis.ask("KEYS", "eventbus:*state*")
    member.cancel()

    def left() -> str:
        return redis.ask("KEYS", "*gone*") + redis.ask("XINFO", "GROUPS", "eventbus:{a.b}:log")

    eventually(lambda: "gone" not in left(), "the group leaves nothing behind")
    assert "gone" not in redis.ask("HGETALL", "eventbus:{registry}:groups")


def leased(bus, group: str, count: int) -> list:
    """Deliveries of pulls."""
    got = []
    while len(got) < count:
        response = bus.pull(group, wait=DEADLINE, max_events=count - len(got))
        got += deliveries_in(response)
    return got


def nothing_pending(redis, group: str) -> bool:
    return redis.ask("XPENDING", "eventbus:{a.b}:log", group).split()[0] == "0"


def test_tokens_are_settled_on_any_instance(two):
    redis, _, a, b = two
    quick = v1.GroupPolicy(retry_delay=seconds(0.05), retry_jitter=0)
    a.pull("g", "a.*", policy=quick)
    for _ in range(5):  # Of a busy stream, so that entries hold several events.
        a.publish_batch([event("a.b", b"%d" % n) for n in range(100)])
    held = leased(a, "g", 500)
    tokens = [one.token for one in held]
    nacks = [v1.TokenNack(tokens=tokens[1:3], reason="not yet")]
    rejects = [v1.TokenReject(tokens=tokens[3:4], reason="malformed")]
    assert b.settle(ack=tokens[4:], nacks=nacks, rejects=rejects, release=tokens[:1]).done == 500
    again = leased(b, "g", 3)
    assert sorted((one.batch.attempt, one.batch.last_reason) for one in again) == [
        (1, ""),
        (2, "not yet"),
        (2, "not yet"),
    ]
    assert b.settle(ack=[one.token for one in again]).done == 3
    assert a.settle(ack=tokens).done == 0
    [letter] = a.admin.ListDeadLetters(v1.ListDeadLettersRequest(group="g")).letters
    assert letter.reasons[-1] == "malformed"
    eventually(lambda: nothing_pending(redis, "g@1"), "nothing stays pending")
    eventually(lambda: "state" not in redis.ask("KEYS", "*"), "no mail is left")


@pytest.mark.slow
def test_tokens_of_a_dead_instance_are_settled_on_another(two):
    redis, daemons, a, b = two
    a.pull("g", "a.*")
    a.publish_batch([event("a.b", b"%d" % n) for n in range(3)])
    tokens = [one.token for one in leased(a, "g", 3)]
    daemons[0].kill()
    assert b.settle(ack=tokens[:2]).done == 2
    [last] = leased(b, "g", 1)
    assert last.batch.attempt == 1 and last.token != tokens[2]
    assert b.settle(ack=[last.token]).done == 1
    eventually(lambda: nothing_pending(redis, "g@1"), "nothing stays pending")


@pytest.mark.slow
def test_killed_instance_loses_nothing(two):
    redis, daemons, a, b = two
    doomed, other = a.group("g", "a.*"), b.group("g", "a.*", in_flight=1)
    a.publish_batch([event("a.b", b"%d" % n) for n in range(20)])
    doomed.take(1)
    daemons[0].kill()
    got = set()
    while len(got) < 20:
        taken = other.take(1, deadline=30)
        got |= set(data_of(taken))
        other.ack(*taken)

    eventually(lambda: nothing_pending(redis, "g@1"), "nothing stays pending")


@pytest.mark.slow
def test_frozen_instance_that_wakes_does_no_harm(two):
    _, daemons, a, b = two
    frozen, other = a.group("g", "a.*"), b.group("g", "a.*", in_flight=1)
    a.publish_batch([event("a.b", b"%d" % n) for n in range(20)])
    held = frozen.take(1)
    daemons[0].freeze()
    got = set()
    while not set(data_of(held)) <= got:
        taken = other.take(1, deadline=30)
        got |= set(data_of(taken))
        other.ack(*taken)
    daemons[0].thaw()
    lost = frozen.next("lost").lost
    assert lost.deliveries[0].first == held[0].number
    b.publish("a.b", b"after")
    while b"after" not in got:
        for member in (other, frozen):
            if member.pending():
                taken = member.take(1)
                got |= set(data_of(taken))
                member.ack(*taken)


BEHIND_THE_BACK = """
local entry = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
local id = redis.call('XADD', KEYS[1], '*', unpack(entry[2]))
if ARGV[1] then redis.call('XREADGROUP', 'GROUP', 'g@1', ARGV[1], 'STREAMS', KEYS[1], '>') end
return id
"""


def append_unheard(redis, *consumer: str) -> None:
    """Appends the first event once more, and no signal tells of it; as when whoever appended it died
    at that moment. Perhaps read for a consumer, who does not get the answer."""
    redis.ask("EVAL", BEHIND_THE_BACK, "1", "eventbus:{a.b}:log", *consumer)


@pytest.mark.slow
def test_what_no_signal_told_of_is_found(two):
    redis, _, a, b = two
    member, tail = b.group("g", "a.*"), b.tail("a.*")
    a.publish("a.b", b"one")
    assert data_of(member.take(1)) == data_of(tail.take(1)) == [b"one"]
    append_unheard(redis)
    assert data_of(member.take(1)) == data_of(tail.take(1)) == [b"one"]


@pytest.mark.slow
def test_what_was_read_for_an_instance_and_never_told_to_it_is_found(two):
    """A command that waits in a frozen Redis is carried out when it wakes, though its connection was
    given up, and after the instance has looked through its pending list."""
    redis, _, a, _ = two
    member = a.group("g", "a.*")
    a.publish("a.b", b"one")
    member.ack(*member.take(1))
    append_unheard(redis, member.opened.instance_id)
    assert data_of(member.take(1)) == [b"one"]
