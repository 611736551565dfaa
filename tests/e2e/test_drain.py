"""SIGTERM: subscribers are told, go on settling, and the daemon ends with 0."""

import signal
import time

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from harness.bus import Bus, event, group_open
from harness.refusal import refused
from harness.stubs import v1
from harness.subscription import data_of, numbers
from harness.waiting import DEADLINE, eventually


@pytest.mark.smoke
def test_idle_daemon_stops_at_once(daemon):
    started = time.monotonic()
    daemon.stop(deadline=10)
    assert time.monotonic() - started < 5


def test_subscribers_are_told_and_settle_what_they_hold(daemon, bus):
    member, tail = bus.group("g", "a.*"), bus.tail("a.*")
    bus.publish_batch([event("a.b", b"%d" % n) for n in range(3)])
    member.take(3)
    daemon.terminate()
    for call in (member, tail):
        drain = call.next("drain").drain
        assert drain.reason == v1.DRAIN_REASON_SHUTDOWN
        assert drain.deadline.ToSeconds() > time.time() - 5
        assert drain.message
    assert numbers(member.settled(ack=[1, 2, 3]).done) == [1, 2, 3]
    refusal = member.end()
    assert refusal is None or (refusal.code, refusal.reason) == (
        grpc.StatusCode.UNAVAILABLE,
        "DRAINING",
    )
    assert daemon.wait() == 0


def test_receive_is_told_too(daemon, bus):
    call = bus.receive(group_open("g", "a.*"))
    assert next(call).WhichOneof("message") == "opened"
    daemon.terminate()
    assert next(call).WhichOneof("message") == "drain"
    assert daemon.wait() == 0


def test_subscriber_that_does_not_care_holds_nobody_up(start_daemon):
    daemon = start_daemon({"drain.timeout": "2s"})
    with Bus(daemon.address) as bus:
        member = bus.group("g", "a.*")
        bus.publish("a.b")
        member.take(1)
        started = time.monotonic()
        daemon.terminate()
        member.next("drain")
        refusal = member.end()
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "DRAINING")
        assert daemon.wait() == 0
        assert 1 <= time.monotonic() - started < 10


def test_new_calls_are_refused_while_draining(daemon, bus):
    member = bus.group("g", "a.*")
    bus.publish("a.b")
    member.take(1)  # Held, so the drain goes on until it is settled.
    daemon.terminate()
    member.next("drain")
    refusal = refused(bus.publish, "a.b")
    assert refusal.code == grpc.StatusCode.UNAVAILABLE
    assert refusal.reason in ("DRAINING", "NOT_STORED")
    member.settle(ack=[1])
    assert daemon.wait() == 0


def test_publishing_stream_with_nothing_under_way_ends_in_peace(daemon, bus):
    tail = bus.tail("a.b")
    call = bus.publish_stream()
    call.window()
    for n in range(50):
        last = call.publish(event("a.b", b"%d" % n))
    call.wait_for(last)
    # Before: a tail goes at once, and goes on elsewhere behind what it has seen.
    assert data_of(tail.take(50)) == [b"%d" % n for n in range(50)]
    daemon.terminate()
    refusal = call.end()
    assert refusal is None or refusal.code == grpc.StatusCode.UNAVAILABLE
    assert daemon.wait() == 0


def test_health_and_readiness_turn_negative(daemon, bus):
    member = bus.group("g", "a.*")
    bus.publish("a.b")
    member.take(1)
    watch = health_pb2_grpc.HealthStub(bus.channel).Watch(
        health_pb2.HealthCheckRequest(), timeout=DEADLINE
    )
    assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
    assert daemon.http("/readyz")[0] == 200
    daemon.terminate()
    assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING
    eventually(lambda: daemon.http("/readyz")[0] == 503, "readiness is false")
    assert daemon.http("/healthz")[0] == 200
    member.settle(ack=[1])
    assert daemon.wait() == 0


def test_interrupt_stops_it_the_same_way(daemon):
    daemon.process.send_signal(signal.SIGINT)
    assert daemon.wait() == 0


def test_a_redrive_that_takes_its_time_holds_nobody_up(start_daemon):
    """It hears in its pause, here of a quarter of an hour, that its call is over."""
    daemon = start_daemon({"drain.timeout": "1s"})
    with Bus(daemon.address) as bus:
        member = bus.group("g", "a.*")
        bus.publish_batch([event("a.b", b"%d" % n) for n in range(4)])
        member.take(4)
        ranges = [v1.DeliveryRange(first=1, last=4)]
        member.settled(rejects=[v1.Reject(deliveries=ranges, reason="bad")])
        request = v1.RedriveDeadLettersRequest(group="g", all=True, max_per_second=0.001)
        call = bus.admin.RedriveDeadLetters.future(request, timeout=DEADLINE)
        # The first one has gone; the next one has to wait.
        member.take(1)
        daemon.terminate()
        assert daemon.wait() == 0
        assert call.exception(timeout=DEADLINE).code() != grpc.StatusCode.DEADLINE_EXCEEDED
