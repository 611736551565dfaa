"""1,000 tails and 100 groups at once."""

import pathlib
import subprocess
import sys

import pytest

from harness.daemon import clean_environment
from harness.waiting import eventually_equal

TAILS, GROUPS, CONNECTIONS, EVENTS = 1000, 100, 10, 5


@pytest.mark.slow
def test_thousand_tails_and_a_hundred_groups_work_at_once(daemon, bus):
    def counts() -> list:
        return [daemon.metric(f"eventbus_{name}") for name in ("subscribers", "groups")]

    numbers = map(str, (TAILS, GROUPS, CONNECTIONS, EVENTS))
    with subprocess.Popen(
        [sys.executable, "-m", "harness.many_subscribers", daemon.address, *numbers],
        cwd=pathlib.Path(__file__).parent,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        text=True,
    ) as clients:
        try:
            assert clients.stdout.readline().strip() == "standing"
            eventually_equal(counts, [TAILS + GROUPS, GROUPS])
            for _ in range(EVENTS):
                bus.publish("many.events")
            # One that gets too much fails too: all stop at EVENTS, and the sum says so.
            assert clients.stdout.readline().strip() == f"seen {(TAILS + GROUPS) * EVENTS}"
            assert clients.wait() == 0
        finally:
            clients.kill()
