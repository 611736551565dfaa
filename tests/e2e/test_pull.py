"""Pull: leases for callers that hold no stream."""

import time

import grpc
import pytest

from harness.bus import Bus, earliest, seconds, unique
from harness.bus import event as make_event
from harness.daemon import Daemon
from harness.refusal import refused
from harness.stubs import v1
from harness.subscription import data_of, deliveries_in
from harness.waiting import DEADLINE, eventually_equal


@pytest.fixture(scope="module")
def shared_daemon(programs, store, tmp_path_factory):
    """One daemon for all tests here. It does not wait long for leases that they leave behind."""
    settings = store() | {"drain.timeout": "1s"}
    with Daemon(tmp_path_factory.mktemp("daemon"), settings) as daemon:
        yield daemon


@pytest.fixture
def name() -> str:
    """A name for the test's group and for its type."""
    return unique("pull")


@pytest.fixture
def group(shared_bus, name) -> str:
    """A group on its type, from now on."""
    assert not shared_bus.pull(name, name).batches
    return name


def pulled(response: v1.PullResponse) -> list:
    return deliveries_in(response) if response.batches else []


def tokens(response: v1.PullResponse) -> list:
    return [delivery.token for delivery in pulled(response)]


def soon(bus, group: str, count: int, **fields) -> list:
    """The next events of the group, in as many pulls as it takes."""
    got = []
    while len(got) < count:
        response = bus.pull(group, wait=DEADLINE, max_events=count - len(got), **fields)
        assert response.batches
        got += pulled(response)
    return got


@pytest.mark.smoke
def test_what_is_there_is_leased_and_settled(shared_bus, group):
    shared_bus.publish_batch([make_event(group, b"%d" % n) for n in range(3)])
    got = soon(shared_bus, group, 3)
    assert data_of(got) == [b"0", b"1", b"2"]
    assert {one.batch.attempt for one in got} == {1}
    assert {one.number for one in got} == {0}
    assert shared_bus.settle(ack=[one.token for one in got]).done == 3
    assert not shared_bus.pull(group).batches


def test_nothing_there_is_an_empty_answer_at_once(shared_bus, group):
    began = time.monotonic()
    response = shared_bus.pull(group)
    assert not response.batches and not response.HasField("lease_deadline")
    assert time.monotonic() - began < 2


def test_wait_is_kept(shared_bus, group):
    began = time.monotonic()
    assert not shared_bus.pull(group, wait=1.5).batches
    assert 1.4 <= time.monotonic() - began < 4


def test_a_first_event_ends_the_wait(shared_bus, group):
    request = v1.PullRequest(group=v1.GroupSubscription(name=group), wait=seconds(60))
    call = shared_bus.stub.Pull.future(request, timeout=2 * DEADLINE)
    shared_bus.publish(group, b"came")
    assert data_of(pulled(call.result())) == [b"came"]


def test_at_most_max_events(shared_bus, group):
    shared_bus.publish_batch([make_event(group, b"%d" % n) for n in range(500)])
    seen = []
    while len(seen) < 500:
        response = shared_bus.pull(group, max_events=70, wait=DEADLINE)
        assert 1 <= len(pulled(response)) <= 70
        seen += data_of(pulled(response))
        assert shared_bus.settle(ack=tokens(response)).done == len(tokens(response))
    assert sorted(map(int, seen)) == list(range(500))


def test_no_answer_is_larger_than_stock_clients_take(shared_bus, group):
    shared_bus.publish_batch([make_event(group, bytes(100_000)) for n in range(25)])
    shared_bus.publish_batch([make_event(group, bytes(100_000)) for n in range(25)])
    seen = 0
    while seen < 50:
        response = shared_bus.pull(group, wait=DEADLINE)
        assert response.ByteSize() <= 3.5 * 2**20
        seen += len(tokens(response))
        shared_bus.settle(ack=tokens(response))


def test_one_event_always_goes(shared_bus, group):
    shared_bus.publish(group, bytes(50_000))
    shared_bus.publish(group, bytes(50_000))
    assert len(soon(shared_bus, group, 1, max_bytes=1)) == 1


def test_what_is_not_settled_comes_again_after_the_deadline(shared_bus, name):
    policy = v1.GroupPolicy(ack_deadline=seconds(1), retry_delay=seconds(0.05))
    opened = shared_bus.pull(name, name, policy=policy)
    assert not opened.batches
    shared_bus.publish(name, b"slow")
    first = shared_bus.pull(name, wait=DEADLINE)
    assert abs(first.lease_deadline.ToNanoseconds() / 1e9 - time.time() - 1) < 0.9
    [again] = soon(shared_bus, name, 1)
    assert (again.data, again.batch.attempt) == (b"slow", 2)
    assert "ack deadline" in again.batch.last_reason


def test_nack_reject_release_and_extend(shared_bus, group):
    shared_bus.publish(group, b"x")
    [one] = soon(shared_bus, group, 1)
    assert shared_bus.settle(release=[one.token]).done == 1
    [one] = soon(shared_bus, group, 1)
    assert (one.batch.attempt, one.batch.times_delivered) == (1, 2)
    nack = v1.TokenNack(tokens=[one.token], delay=seconds(0.1), reason="busy")
    assert shared_bus.settle(nacks=[nack]).done == 1
    [one] = soon(shared_bus, group, 1)
    assert (one.batch.attempt, one.batch.last_reason) == (2, "busy")
    extension = v1.TokenExtension(tokens=[one.token], deadline=seconds(60))
    assert shared_bus.settle(extensions=[extension]).done == 1
    reject = v1.TokenReject(tokens=[one.token], reason="never")
    assert shared_bus.settle(rejects=[reject]).done == 1
    assert not shared_bus.pull(group, wait=1).batches


def test_a_repeated_pull_returns_the_same_lease(shared_bus, group):
    shared_bus.publish(group, b"first")
    first = shared_bus.pull(group, attempt_id="a", wait=DEADLINE)
    shared_bus.publish(group, b"second")
    again = shared_bus.pull(group, attempt_id="a", wait=DEADLINE)
    assert again == first
    assert data_of(soon(shared_bus, group, 1)) == [b"second"]
    assert shared_bus.settle(ack=tokens(again)).done == 1
    assert not shared_bus.pull(group, attempt_id="a").batches


def test_two_calls_of_one_attempt_wait_together(shared_bus, group):
    request = v1.PullRequest(
        group=v1.GroupSubscription(name=group), wait=seconds(60), attempt_id="a"
    )
    calls = [shared_bus.stub.Pull.future(request, timeout=2 * DEADLINE) for _ in range(2)]
    shared_bus.publish(group, b"both")
    one, two = [call.result() for call in calls]
    assert data_of(pulled(one)) == [b"both"]
    assert one == two


def test_a_caller_that_has_gone_while_it_waited_holds_nothing(shared_daemon, group):
    with Bus(shared_daemon.address) as impatient, Bus(shared_daemon.address) as bus:
        request = v1.PullRequest(group=v1.GroupSubscription(name=group), wait=seconds(60))
        with pytest.raises(grpc.RpcError) as gone:
            impatient.stub.Pull(request, timeout=0.3)
        assert gone.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        cancelled = impatient.stub.Pull.future(request)
        cancelled.cancel()
        bus.publish(group, b"mine")
        assert data_of(soon(bus, group, 1)) == [b"mine"]


def test_start_of_a_new_group(shared_bus, name):
    shared_bus.publish(name, b"old")
    assert data_of(pulled(shared_bus.pull(name, name, start=earliest()))) == [b"old"]


def test_pulls_are_counted(daemon, bus, name):
    pulls = {"method": "eventbus.v1.EventBus/Pull", "code": "OK"}
    bus.pull(name, name)
    bus.publish(name, b"x")
    got = soon(bus, name, 1)
    eventually_equal(lambda: daemon.metric("eventbus_rpc_requests_total", **pulls), 2)
    assert daemon.metric("eventbus_delivered_events_total") == 1
    eventually_equal(lambda: daemon.metric("eventbus_in_flight_events"), 1)
    bus.settle(ack=[got[0].token])
    assert daemon.metric("eventbus_acked_events_total") == 1
    eventually_equal(lambda: daemon.metric("eventbus_in_flight_events"), 0)


def test_a_drain_ends_the_wait(daemon, bus, name):
    bus.pull(name, name)
    request = v1.PullRequest(group=v1.GroupSubscription(name=name), wait=seconds(60))
    call = bus.stub.Pull.future(request, timeout=2 * DEADLINE)
    assert not bus.pull(name).batches  # So the other one has arrived.
    daemon.terminate()
    assert call.exception().code() == grpc.StatusCode.UNAVAILABLE
    daemon.wait()


def test_a_group_that_does_not_exist(shared_bus, name):
    refusal = refused(shared_bus.pull, name)
    assert refusal.code == grpc.StatusCode.NOT_FOUND
    assert refusal.reason == "GROUP_NOT_FOUND"


BAD = {
    "group.name": v1.PullRequest(),
    "max_events": v1.PullRequest(group=v1.GroupSubscription(name="g"), max_events=1001),
    "max_bytes": v1.PullRequest(group=v1.GroupSubscription(name="g"), max_bytes=2**22),
    "wait": v1.PullRequest(group=v1.GroupSubscription(name="g"), wait=seconds(61)),
}


@pytest.mark.parametrize("field", BAD)
def test_a_bad_field_is_named(shared_bus, field):
    refusal = refused(shared_bus.stub.Pull, BAD[field], timeout=DEADLINE)
    assert refusal.code == grpc.StatusCode.INVALID_ARGUMENT
    assert list(refusal.fields) == [field]
