"""Replicas of Redis: what is confirmed is theirs too, and a failover is followed."""

import grpc
import pytest

from harness.bus import Bus, earliest, event
from harness.refusal import refusal_of, refused
from harness.stubs import v1
from harness.waiting import eventually
from harness.watched_redis import ReplicatedRedis, WatchedRedis

pytestmark = pytest.mark.redis


class Publisher:
    """Publishes numbered events, and keeps which were confirmed and how the others failed."""

    def __init__(self, bus):
        self._bus = bus
        self._count = 0
        self.confirmed = []
        self.refusals = []

    def publish(self) -> bool:
        data = b"%d" % self._count
        self._count += 1
        try:
            self._bus.publish("a.b", data)
        except grpc.RpcError as error:
            self.refusals.append(refusal_of(error))
            return False
        self.confirmed.append(data)
        return True

    def until_confirmed(self) -> None:
        eventually(self.publish, "a publish succeeds")

    def check_refusals(self) -> None:
        """There were some, and each says what became of the event."""
        assert self.refusals
        for refusal in self.refusals:
            assert refusal.code == grpc.StatusCode.UNAVAILABLE, refusal
            assert refusal.reason in ("NOT_STORED", "OUTCOME_UNKNOWN"), refusal
        self.refusals.clear()


class Consumer:
    """A member of a group that acks what it gets."""

    def __init__(self, member):
        self._member = member
        self._got = set()

    def get(self, wanted) -> None:
        """Returns once all of it has come, by now or earlier."""
        while not self._got.issuperset(wanted):
            taken = self._member.take(1)[0]
            self._member.ack(taken)
            self._got.add(taken.data)


def order_of(tail, wanted) -> list:
    """What a tail sees of it, in the order in which it first does."""
    seen = []
    while len(seen) < len(wanted):
        data = tail.take(1)[0].data
        if data in wanted and data not in seen:
            seen.append(data)
    return seen


@pytest.fixture
def replicated_redis(tmp_path):
    """A master with one replica."""
    with ReplicatedRedis(tmp_path, replicas=1) as redis:
        redis.wait_for_replicas()
        yield redis


@pytest.fixture
def watched_redis(tmp_path):
    """A master with two replicas, watched by three Sentinels."""
    with WatchedRedis(tmp_path) as redis:
        yield redis


def test_a_replica_that_stops_leaves_the_outcome_unknown(replicated_redis, start_on_redis):
    redis = replicated_redis
    daemon = start_on_redis(
        redis, {"store.redis.min_replicas": 1, "store.redis.replica_timeout": "2s"}
    )
    with Bus(daemon.address) as bus:
        consumer = Consumer(bus.group("g", "a.*"))
        publisher = Publisher(bus)
        publisher.until_confirmed()
        redis.servers[1].freeze()
        refusal = refused(bus.stub.Publish, v1.PublishRequest(event=event("a.b", b"x")))
        assert refusal.code == grpc.StatusCode.UNAVAILABLE
        assert refusal.reason == "OUTCOME_UNKNOWN"
        assert "0 of the 1 replicas" in refusal.message
        assert daemon.ready()
        redis.servers[1].thaw()
        publisher.until_confirmed()
        consumer.get(publisher.confirmed)


def test_sentinels_lead_to_the_new_master(watched_redis, start_on_redis):
    redis = watched_redis
    settings = {
        "store.redis.timeout": "1s",
        "store.redis.min_replicas": 1,
        "store.redis.replica_timeout": "500ms",
    }
    daemons = [start_on_redis(redis, settings) for _ in range(2)]
    with Bus(daemons[0].address) as bus, Bus(daemons[1].address) as other:
        consumer = Consumer(other.group("g", "a.*"))
        tail = other.tail("a.*", start=earliest())
        publisher = Publisher(bus)
        publisher.until_confirmed()
        for _ in range(20):
            assert publisher.publish()
        consumer.get(publisher.confirmed)

        # The master is killed, and with it the Sentinel that is asked first.
        first = redis.master()
        redis.kill_sentinel(0)
        first.kill()
        publisher.publish()
        publisher.until_confirmed()
        publisher.check_refusals()
        second = redis.master()
        assert second is not first
        eventually(daemons[0].ready, "the daemon is ready")
        for _ in range(20):
            publisher.publish()
        consumer.get(publisher.confirmed)

        # It comes back as a replica.
        first.start()
        eventually(
            lambda: first.replication().get("master_link_status") == "up",
            "the old master follows the new one",
        )
        publisher.until_confirmed()
        assert redis.master() is second

        # The new one hangs, without closing a connection.
        publisher.refusals.clear()
        second.freeze()
        publisher.publish()
        publisher.until_confirmed()
        publisher.check_refusals()
        second.thaw()
        eventually(
            lambda: second.replication().get("role") == "slave", "it is a replica when it wakes"
        )
        publisher.until_confirmed()
        consumer.get(publisher.confirmed)
        # Nothing that was confirmed is missing, and its order is kept.
        assert order_of(tail, publisher.confirmed) == publisher.confirmed


def test_no_sentinel_is_there(start_on_redis):
    class Nowhere:
        url = "redis+sentinel://127.0.0.1:1,127.0.0.1:2/main"

    daemon = start_on_redis(Nowhere, {"drain.timeout": "1s"})
    assert not daemon.ready()
    assert "no Sentinel knows where the master" in daemon.http("/readyz")[1]
