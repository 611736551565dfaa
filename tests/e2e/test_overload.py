"""Publishers that are faster than Redis, subscribers that are slower than publishers: memory stays
bounded, and the daemon goes on. EVENTBUS_OVERLOAD_SECONDS=60 for as long as you like (8)."""

import os
import subprocess
import time

import pytest

from conftest import EVENTBUSCTL
from harness.bus import Bus, group_open, tail_open
from harness.daemon import clean_environment, is_sanitized
from harness.waiting import eventually

MIB = 1 << 20
STORE = 32 * MIB
SECONDS = float(os.environ.get("EVENTBUS_OVERLOAD_SECONDS", "8"))
PUBLISHERS = 3
DATA = "x" * 2048
# Some 0.2 s in which Redis serves nobody.
BUSY = "for i = 1, 30000000 do end"


def flood(daemon) -> subprocess.Popen:
    """A client that publishes as fast as it is let."""
    return subprocess.Popen(
        [EVENTBUSCTL, "pub", "flood.event", "--data", DATA, "--count", "1000000000", "--quiet"],
        env=clean_environment() | {"EVENTBUS_SERVER": daemon.address},
        stderr=subprocess.DEVNULL,
    )


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 120)
def test_overload_costs_no_memory(own_redis, start_on_redis):
    # Kept in bounds by retention; what would grow is what waits for Redis, and for subscribers.
    redis = own_redis("--appendonly", "no")
    daemon = start_on_redis(redis, {"retention.max_bytes": STORE})
    publishers = []
    with Bus(daemon.address) as slow, Bus(daemon.address) as stuck:
        calls = [
            stuck.receive(tail_open("flood.*")),
            stuck.receive(group_open("stuck", "flood.*", in_flight=100_000)),
        ]
        for call in calls:
            assert next(call).WhichOneof("message") == "opened"
        member = slow.group("slow", "flood.*", in_flight=100)
        before = daemon.memory("VmHWM")
        try:
            publishers = [flood(daemon) for _ in range(PUBLISHERS)]
            end = time.monotonic() + SECONDS
            rounds = 0
            while time.monotonic() < end:
                # Redis does nothing for a while, again and again; a subscriber handles one event.
                assert redis.ask("EVAL", BUSY, "0").strip() == "", "Redis was kept busy"
                member.ack(*member.take(1))
                rounds += 1
                # One whose publishes had no answer in time has ended.
                publishers = [one if one.poll() is None else flood(daemon) for one in publishers]
            grown = daemon.memory("VmHWM") - before
        finally:
            for one in publishers:
                one.kill()
                one.wait()
            for call in calls:
                call.cancel()
        # It goes on as before.
        assert slow.publish("flood.event").position
        eventually(daemon.ready, "the daemon is ready")
    published = daemon.metric("eventbus_published_events_total")
    print(f"{published:.0f} events in {SECONDS:.0f} s, {rounds} pauses: {grown / MIB:.0f} MiB more")
    assert published > 1000
    # The limits of three subscribers (16 MiB each by default), of three publishers (8 MiB), what is
    # on its way to and from Redis, and what the allocator keeps.
    assert grown < 320 * MIB * (3 if is_sanitized() else 1), f"grew by {grown / MIB:.0f} MiB"
