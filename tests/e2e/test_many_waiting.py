"""Very many events that wait, for their retries or for their time: memory and CPU stay in
proportion."""

import time

import pytest

from harness.bus import Bus, event, seconds
from harness.daemon import is_sanitized
from harness.stubs import v1
from harness.usage import cpu_seconds
from harness.waiting import TooLate, eventually_equal

pytestmark = pytest.mark.slow

EVENTS = 100_000
DATA = bytes(200)
IDLE_SECONDS = 5
# Sanitizers make everything larger and slower.
SLACK = 5 if is_sanitized() else 1


class Usage:
    """What the daemon uses more from now on."""

    def __init__(self, daemon):
        self._daemon = daemon
        self._cpu, self._memory = self._now()

    def _now(self) -> tuple:
        return cpu_seconds(self._daemon.process.pid), self._daemon.memory()

    def so_far(self) -> tuple:
        cpu, memory = self._now()
        return cpu - self._cpu, memory - self._memory


@pytest.fixture
def waiting_daemon(start_daemon):
    """Entries hold up to 100 events, as on any busy type."""
    return start_daemon({"store.memory.max_bytes": "1GiB"})


def publish(bus, options=None) -> None:
    batch = [event("job.done", DATA)] * 1000
    for _ in range(EVENTS // 1000):
        bus.publish_batch(batch, options=options)


def idle_share(daemon, member) -> float:
    """How much of a core the daemon uses while nothing is due."""
    used = Usage(daemon)
    with pytest.raises(TooLate):
        member.message(deadline=IDLE_SECONDS)
    return used.so_far()[0] / IDLE_SECONDS


def all_acked(member, count: int, deadline: float) -> None:
    got = 0
    while got < count:
        message = member.message(deadline)
        got += len(message)
        first, last = message[0].number, message[-1].number
        member.settle(ack_ranges=[v1.DeliveryRange(first=first, last=last)])


def test_hundred_thousand_in_retry(waiting_daemon, store_kind, capsys):
    daemon = waiting_daemon
    with Bus(daemon.address) as bus:
        member = bus.group("g", "job.*", in_flight=EVENTS, in_flight_bytes=1 << 28)
        publish(bus)
        member.take(EVENTS, deadline=60 * SLACK)
        before = Usage(daemon)
        nacked = time.monotonic()
        delay = 15 * SLACK
        for first in range(1, EVENTS, 1000):
            number = v1.DeliveryRange(first=first, last=first + 999)
            member.settle(nacks=[v1.Nack(deliveries=[number], delay=seconds(delay), reason="busy")])
        eventually_equal(lambda: daemon.metric("eventbus_retrying_events"), EVENTS, 60 * SLACK)
        member.round_trip()
        to_wait, memory = before.so_far()
        assert time.monotonic() - nacked < delay - IDLE_SECONDS, "too slow a machine"
        idle = idle_share(daemon, member)
        before = Usage(daemon)
        again = member.message(deadline=2 * delay)
        late = time.monotonic() - nacked - delay
        assert again[0].batch.attempt == 2 and again[0].batch.last_reason == "busy"
        member.ack(*again)
        all_acked(member, EVENTS - len(again), deadline=60 * SLACK)
        to_retry, _ = before.so_far()
    with capsys.disabled():
        print(
            f"\n{EVENTS} events in retry ({store_kind}): {memory / 2**20:.1f} MiB more, "
            f"{to_wait:.2f} s of CPU until all wait, idle {idle:.1%} of a core, the first "
            f"{late:.2f} s late, {to_retry:.2f} s of CPU to deliver all again"
        )
    assert late > -0.05
    assert memory < 200 * 2**20 * SLACK
    assert idle < 0.05 * SLACK


def test_hundred_thousand_delayed(waiting_daemon, store_kind, capsys):
    daemon = waiting_daemon
    with Bus(daemon.address) as bus:
        member = bus.group("g", "job.*", in_flight=EVENTS, in_flight_bytes=1 << 28)
        before = Usage(daemon)
        delay = 15 * SLACK
        began = time.monotonic()
        publish(bus, v1.PublishOptions(deliver_after=seconds(delay)))
        to_wait, memory = before.so_far()
        assert time.monotonic() - began < delay - IDLE_SECONDS, "too slow a machine"
        idle = idle_share(daemon, member)
        before = Usage(daemon)
        all_acked(member, EVENTS, deadline=2 * delay)
        to_deliver, _ = before.so_far()
    with capsys.disabled():
        print(
            f"\n{EVENTS} delayed events ({store_kind}): {memory / 2**20:.1f} MiB more, "
            f"{to_wait:.2f} s of CPU to publish them, idle {idle:.1%} of a core, "
            f"{to_deliver:.2f} s of CPU to deliver them"
        )
    # In Redis they take no memory of the daemon; in the memory store about their size.
    assert memory < 150 * 2**20 * SLACK
    assert idle < 0.05 * SLACK
