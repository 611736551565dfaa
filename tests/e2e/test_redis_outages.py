"""Redis goes away in every way it can: nothing is confirmed wrongly, and all goes on by itself."""

import functools
import re
import socket

import grpc
import pytest

from harness.bus import Bus, event, group_open
from harness.refusal import refused
from harness.stubs import v1
from harness.waiting import eventually

pytestmark = pytest.mark.redis


def publish(bus, data: bytes):
    return refused(
        bus.stub.Publish, v1.PublishRequest(event=event("a.b", data)), timeout=20
    )


def goes_on(bus, member, data: bytes = b"after") -> None:
    """A publish succeeds again, and the open subscription gets it."""

    def published() -> bool:
        try:
            bus.publish("a.b", data)
            return True
        except grpc.RpcError:
            return False

    eventually(published, "a publish succeeds")
    while True:
        taken = member.take(1)[0]
        member.ack(taken)
        if taken.data == data:
            return


def test_killed_and_started_again(own_redis, start_on_redis):
    redis = own_redis()
    daemon = start_on_redis(redis)
    with Bus(daemon.address) as bus:
        member, tail = bus.group("g", "a.*"), bus.tail("a.*")
        bus.publish("a.b", b"before")
        first = member.take(1)[0]
        redis.kill()
        eventually(lambda: not daemon.ready(), "the daemon says that it is not ready")
        refusal = publish(bus, b"while it is away")
        assert refusal.code == grpc.StatusCode.UNAVAILABLE
        assert refusal.reason == "NOT_STORED"
        member.ack(first)
        redis.start()
        goes_on(bus, member)
        assert [taken.data for taken in tail.take(2)] == [b"before", b"after"]
        assert daemon.ready()


def test_not_there_at_start_and_comes_later(own_redis, start_on_redis):
    redis = own_redis()
    redis.kill()
    daemon = start_on_redis(redis)
    assert not daemon.ready()
    with Bus(daemon.address) as bus:
        redis.start()
        eventually(daemon.ready, "the daemon is ready")
        goes_on(bus, bus.group("g", "a.*"))


def test_never_there(own_redis, start_on_redis):
    """Publishes do not wait for it; and the daemon stops when it is told to."""
    redis = own_redis()
    redis.kill()
    daemon = start_on_redis(redis)
    with Bus(daemon.address) as bus:
        refusal = publish(bus, b"too early")
        assert refusal.code == grpc.StatusCode.UNAVAILABLE
        assert refusal.reason == "NOT_STORED"
        daemon.stop(deadline=10)


def test_frozen(own_redis, start_on_redis):
    redis = own_redis()
    daemon = start_on_redis(redis, {"store.redis.timeout": "1s"})
    with Bus(daemon.address) as bus:
        member, tail = bus.group("g", "a.*"), bus.tail("a.*")
        bus.publish("a.b", b"before")
        # A Redis that is frozen while it answers closes the connection later and reads no more.
        member.settled(ack=[member.take(1)[0].number])
        redis.freeze()
        refusal = publish(bus, b"perhaps")
        assert refusal.code == grpc.StatusCode.UNAVAILABLE
        assert refusal.reason == "OUTCOME_UNKNOWN"
        eventually(lambda: not daemon.ready(), "the daemon says that it is not ready")
        redis.thaw()
        goes_on(bus, member)
        # Redis has carried out what it was sent; nobody has sent it again.
        seen = [taken.data for taken in tail.take(3)]
        assert seen == [b"before", b"perhaps", b"after"]


def test_connections_killed_again_and_again(own_redis, start_on_redis):
    redis = own_redis()
    daemon = start_on_redis(redis)
    confirmed, got = set(), set()
    with Bus(daemon.address) as bus:
        member = bus.group("g", "a.*")
        for n in range(200):
            if n % 20 == 10:
                redis.ask("CLIENT", "KILL", "TYPE", "normal")
            try:
                bus.publish("a.b", b"%d" % n)
                confirmed.add(b"%d" % n)
            except grpc.RpcError as error:
                assert error.code() == grpc.StatusCode.UNAVAILABLE
        assert len(confirmed) > 150
        while not confirmed <= got:
            taken = member.take(1)[0]
            member.ack(taken)
            got.add(taken.data)


def test_becomes_a_replica_and_a_master_again(own_redis, start_on_redis):
    redis = own_redis()
    daemon = start_on_redis(redis)
    with Bus(daemon.address) as bus:
        member = bus.group("g", "a.*")
        bus.publish("a.b", b"before")
        redis.ask("REPLICAOF", "127.0.0.1", "1")
        refusal = publish(bus, b"to a replica")
        assert refusal.code == grpc.StatusCode.UNAVAILABLE
        assert refusal.reason == "NOT_STORED"
        eventually(lambda: not daemon.ready(), "the daemon says that it is not ready")
        redis.ask("REPLICAOF", "NO", "ONE")
        goes_on(bus, member)


def test_nearly_full_refuses_publishes_and_goes_on_settling(own_redis, start_on_redis):
    redis = own_redis()
    daemon = start_on_redis(redis)
    with Bus(daemon.address) as bus:
        member = bus.group("g", "a.*")
        bus.publish_batch([event("a.b", b"x" * 1000) for _ in range(100)])
        held = member.take(100)
        used = int(redis.ask("INFO", "memory").split("used_memory:")[1].split()[0])
        redis.ask("CONFIG", "SET", "maxmemory", str(int(used * 1.05)))

        def full():
            try:
                bus.publish("a.b", b"one more")
            except grpc.RpcError as error:
                return error

        error = eventually(full, "publishes are refused")
        assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert publish(bus, b"another").reason == "STORE_FULL"
        settled = member.settled(ack=[delivery.number for delivery in held])
        assert sum(one.last - one.first + 1 for one in settled.done) == 100
        redis.ask("CONFIG", "SET", "maxmemory", "0")
        goes_on(bus, member)


def test_full_keeps_settlements_until_there_is_room(own_redis, start_on_redis):
    """Redis takes no state records then; they are written when it does."""
    redis = own_redis()
    daemon = start_on_redis(redis)
    with Bus(daemon.address) as bus:
        member = bus.group("g", "a.*")
        for _ in range(5):  # Of a busy stream, so that entries hold several events.
            bus.publish_batch([event("a.b", b"x") for _ in range(100)])
        held = member.take(500)
        redis.ask("CONFIG", "SET", "maxmemory", "1")
        settled = member.settled(ack=[held[-1].number])
        assert [one.first for one in settled.failed] == [held[-1].number]
        assert redis.ask("EXISTS", "eventbus:{a.b}:state:g@1").strip() == "0"
        redis.ask("CONFIG", "SET", "maxmemory", "0")
        eventually(
            lambda: redis.ask("EXISTS", "eventbus:{a.b}:state:g@1").strip() == "1",
            "the state record is written",
        )


@pytest.mark.parametrize(
    "options, words",
    [
        (["--maxmemory-policy", "allkeys-lru"], ["allkeys-lru", "store.redis.allow_eviction"]),
    ],
)
def test_what_only_an_operator_can_mend_is_refused_at_start(
    own_redis, start_on_redis, options, words
):
    redis = own_redis(*options)
    with pytest.raises(AssertionError) as error:
        start_on_redis(redis)
    for word in words:
        assert word in str(error.value)
    assert start_on_redis(redis, {"store.redis.allow_eviction": True}).ready()


def test_password(own_redis, start_on_redis):
    redis = own_redis("--requirepass", "s3cret")
    daemon = start_on_redis(redis)
    assert not daemon.ready()
    assert "NOAUTH" in daemon.http("/readyz")[1]
    daemon.stop()
    redis.url = redis.url.replace("unix://", "unix://:s3cret@")
    daemon = start_on_redis(redis)
    assert daemon.ready()
    assert "s3cret" not in daemon.stderr()


def test_everything_deleted(own_redis, start_on_redis):
    """FLUSHALL: what was stored is gone, and said to be; the bus goes on."""
    redis = own_redis()
    daemon = start_on_redis(redis)
    with Bus(daemon.address) as bus:
        member = bus.group("g", "a.*")
        bus.publish("a.b", b"before")
        member.ack(*member.take(1))
        redis.ask("FLUSHALL")
        goes_on(bus, member)


def test_stream_deleted_behind_our_back_is_born_again_with_its_groups(own_redis, start_on_redis):
    redis = own_redis()
    daemon = start_on_redis(redis)
    with Bus(daemon.address) as bus:
        call = bus.receive(group_open("idle", "a.*"))
        assert next(call).WhichOneof("message") == "opened"
        call.cancel()
        member = bus.group("g", "a.*")
        bus.publish("a.b", b"before")
        member.ack(*member.take(1))
        assert redis.ask("DEL", "eventbus:{a.b}:log").strip() == "1"
        goes_on(bus, member)
        # The one without a subscriber too, from the first event of the new stream.
        assert [taken.data for taken in bus.group("idle").take(1)] == [b"after"]


def test_scripts_flushed(own_redis, start_on_redis):
    redis = own_redis()
    daemon = start_on_redis(redis)
    with Bus(daemon.address) as bus:
        redis.ask("SCRIPT", "FLUSH")
        member = bus.group("g", "a.*")
        goes_on(bus, member)
        assert daemon.ready()


def test_refused_connection_is_said(start_on_redis, own_redis):
    """Over TCP, by name: nobody listens there."""
    daemon = start_on_redis(own_redis(), {"store.redis.url": "redis://localhost:1"})
    assert not daemon.ready()
    assert "refused" in daemon.http("/readyz")[1]


def test_name_that_does_not_exist_is_said(start_on_redis, own_redis):
    daemon = start_on_redis(own_redis(), {"store.redis.url": "redis://no-such-host.invalid"})
    eventually(lambda: "no-such-host" in daemon.http("/readyz")[1], "the name is said")
    assert daemon.http("/healthz")[0] == 200


class OpenConnection:
    """One to a redis-server, for a time in which it takes no new ones."""

    def __init__(self, url: str):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(url.removeprefix("unix://"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def ask(self, line: str) -> str:
        self._socket.sendall(line.encode() + b"\r\n")
        return self._socket.recv(1 << 20).decode()


def test_readiness_looks_at_the_connection_that_waits_for_replicas(own_redis, start_on_redis):
    redis = own_redis()
    daemon = start_on_redis(redis, {"store.redis.min_replicas": 1})
    eventually(daemon.ready, "the daemon is ready")
    with OpenConnection(redis.url) as connection:
        clients = connection.ask("CLIENT LIST")
        connections = len(re.findall(r"^id=", clients, re.MULTILINE))
        connection.ask(f"CONFIG SET maxclients {connections - 1}")
        writes = re.search(r"id=(\d+) .*name=eventbusd-writes ", clients)[1]
        connection.ask(f"CLIENT KILL ID {writes}")
        eventually(lambda: not daemon.ready(), "the daemon says that it is not ready")
        assert "waits for replicas" in daemon.http("/readyz")[1]
        connection.ask("CONFIG SET maxclients 10000")
        eventually(daemon.ready, "the daemon is ready again")


def test_metrics_say_what_may_lose_events(own_redis, start_on_redis):
    redis = own_redis("--appendonly", "no", "--maxmemory-policy", "allkeys-lru")
    daemon = start_on_redis(redis, {"store.redis.allow_eviction": True})
    for risk in ("eviction", "no_append_only_file"):
        eventually(lambda: daemon.metric("eventbus_redis_risk", risk=risk) == 1, risk)
    durable = start_on_redis(own_redis())
    with Bus(durable.address) as bus:
        bus.publish("a.b")
        eventually(lambda: durable.metric("eventbus_streams") == 1, "a sample was taken")
        assert durable.metric("eventbus_redis_risk") == 0


def test_plain_path_needs_no_script(own_redis, start_on_redis):
    """A script would halve the rate."""
    redis = own_redis()
    daemon = start_on_redis(redis)

    def calls(command: str) -> int:
        found = re.search(rf"cmdstat_{command}:calls=(\d+)", redis.ask("INFO", "commandstats"))
        return int(found[1]) if found else 0

    with Bus(daemon.address) as bus:
        member = bus.group("g", "a.*")
        bus.publish("a.b")
        member.ack(*member.take(1))
        before = {command: calls(command) for command in ("evalsha", "xadd")}
        for _ in range(200):
            bus.publish("a.b")
            member.ack(*member.take(1))

        def pending() -> str:
            return redis.ask("XPENDING", "eventbus:{a.b}:log", "g@1").split()[0]

        # Acks of one turn share a command.
        eventually(lambda: pending() == "0", "all is acknowledged")
        assert calls("xadd") >= before["xadd"] + 200
        # Heartbeats and sweeps only.
        assert calls("evalsha") - before["evalsha"] < 100


def test_group_that_may_not_read_is_reported_as_stalled(own_redis, start_on_redis):
    """Nothing else tells: publishes succeed, and Redis is there."""
    redis = own_redis()
    daemon = start_on_redis(redis, {"delivery.stalled_after": "1s"})
    with Bus(daemon.address) as bus:
        member = bus.group("g", "a.*")
        bus.publish("a.b", b"before")
        member.ack(*member.take(1))
        redis.ask("ACL", "SETUSER", "default", "-xreadgroup")
        bus.publish("a.b", b"unread")
        stalled = functools.partial(daemon.metric, "eventbus_stalled_groups")
        eventually(lambda: stalled() == 1, "the group counts as stalled", deadline=30)
        [warning] = [line for line in daemon.stderr().splitlines() if "delivers nothing" in line]
        assert "WARN" in warning.upper() and "a.b" in warning
        redis.ask("ACL", "SETUSER", "default", "+xreadgroup")
        assert member.take(1)[0].data == b"unread"
        eventually(lambda: stalled() == 0, "it goes on", deadline=30)
