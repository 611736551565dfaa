"""Connections whose other end is gone, or out of reach, without a word: at default settings both
sides notice it within 30 s, and what was held comes to somebody else at no cost in attempts.

All cases are cut off at the same moment, in the fixture `trial`, and each test waits for its own.
"""

import concurrent.futures
import contextlib
import pathlib
import re
import sys
import time

import pytest

from harness.bus import Bus, unique
from harness.daemon import EVENTBUSCTL, Daemon, clean_environment
from harness.far_host import FarHost, NotPossible
from harness.http2_proxy import Http2Proxy
from harness.stubs import v1
from harness.subscription import Delivery, Subscription, numbers
from harness.waiting import DEADLINE, TooLate, eventually, eventually_equal
from harness.watched_process import WatchedProcess

# It takes as long as it takes; the store is all the same to it.
pytestmark = [pytest.mark.redis, pytest.mark.slow]

NOTICED_WITHIN = 30.0
# Of a client that pings for itself: this often, and it believes in the server for two of them.
CLIENT_PINGS_EVERY = 10.0

# Who is at the far end of a link that goes down, by how it subscribes: see harness.far_subscribers.
FAR_KINDS = ["pongs", "plain", "receive"]
# An event is published for it just after the link went down.
BUSY = "busy"


def subscriber_of(address: str, name: str) -> list[str]:
    """The C++ client: it holds what it prints."""
    return [
        *(str(EVENTBUSCTL), "--server", address, "--timeout", "120s"),
        *("sub", name, "--group", name, "--no-ack", "--output", "ndjson"),
    ]


class Trial:
    """Subscribers of groups that hold two events each, from the moment on when they are cut off.
    The group of each, and the type of its events, is self.name_of(who)."""

    def __init__(self, daemon: Daemon, bus: Bus, far: FarHost | None, stack: contextlib.ExitStack):
        self.daemon = daemon
        self.bus = bus
        self._names = {}
        self._watches = {}
        self._pool = stack.enter_context(concurrent.futures.ThreadPoolExecutor(max_workers=16))
        self.proxy = stack.enter_context(Http2Proxy(daemon.address))
        self._proxied = stack.enter_context(Bus(self.proxy.address))
        if far is not None:
            self._begin_far(far, stack)
        self._begin_proxied(stack)
        held = self._hold(far is not None)

        if far is not None:
            far.cut()
        # The worst moment: both sides have just heard of each other.
        self._ponging.round_trip()
        self.proxy.cut_off()
        self.cut_at = time.monotonic()
        self._watch(held, far is not None)

    def name_of(self, who: str) -> str:
        """Made when it is first asked for. The group has the default policy: an event that comes
        again because its deadline (30 s) has passed says so by its attempt."""
        if who not in self._names:
            name = self._names[who] = unique(who)
            group = v1.Group(name=name, patterns=[name])
            self.bus.admin.CreateGroup(v1.CreateGroupRequest(group=group), timeout=DEADLINE)
        return self._names[who]

    def outcome(self, what: str):
        """What came of a watch, and when it ended, in seconds since the cut."""
        result, ended = self._watches[what].result(2 * NOTICED_WITHIN)
        print(f"{what}: {ended:.1f} s")
        return result, ended

    def left(self) -> float:
        """Seconds until it should have been noticed."""
        return max(0.0, self.cut_at + NOTICED_WITHIN - time.monotonic())

    def _begin_far(self, far: FarHost, stack: contextlib.ExitStack) -> None:
        wanted = [f"{kind}={self.name_of(kind)}" for kind in [*FAR_KINDS, "tail"]]
        wanted.append(f"plain={self.name_of(BUSY)}")
        module = [sys.executable, "-m", "harness.far_subscribers", self.daemon.address, *wanted]
        place = {"cwd": pathlib.Path(__file__).parent, "env": clean_environment()}
        self._far = stack.enter_context(WatchedProcess(far.command(*module), **place))
        self._far.wait_for_lines("all stand", deadline=2 * DEADLINE)
        command = far.command(*subscriber_of(self.daemon.address, self.name_of("far-ctl")))
        self._far_ctl = stack.enter_context(WatchedProcess(command, **place))
        self._far_ctl.wait_for_lines("subscribed to")

    def _begin_proxied(self, stack: contextlib.ExitStack) -> None:
        self._ponging = self._proxied.group(
            self.name_of("proxied"), answer_pings=True, answers_pings=True
        )
        self._pinging = self._proxied.group(self.name_of("pinging"))
        self._pinging.round_trip()
        command = subscriber_of(self.proxy.address, self.name_of("proxied-ctl"))
        self._proxied_ctl = stack.enter_context(WatchedProcess(command, env=clean_environment()))
        self._proxied_ctl.wait_for_lines("subscribed to")

    def _hold(self, far: bool) -> Delivery:
        for name in self._names.values():
            for data in (b"handled", b"held", b"held too"):
                self.bus.publish(name, data)
        handled, held, _ = self._ponging.take(3)
        assert numbers(self._ponging.settled(ack=[handled.number]).done) == [handled.number]
        self._proxied_ctl.wait_for_lines('"id"', 3)
        if far:
            self._far.wait_for_lines("all hold")
            self._far_ctl.wait_for_lines('"id"', 3)
        return held

    def _watch(self, held: Delivery, far: bool) -> None:
        # It was handled, but nobody hears of it.
        self._ponging.ack(held)
        self._start("proxied", self._heir_of("proxied", 2))
        self._start("pinging", lambda: pings_in_vain(self._pinging))
        self._start("proxied-ctl", self._line_of(self._proxied_ctl, "connection lost"))
        self._start("proxied-ctl again", self._line_of(self._proxied_ctl, '"id"', 6))
        if far:
            self.bus.publish(self.name_of(BUSY), b"into the void")
            for kind in FAR_KINDS:
                self._start(kind, self._heir_of(kind, 2))
            self._start(BUSY, self._heir_of(BUSY, 3))
            self._start("far-ctl", self._heir_of("far-ctl", 3))
            self._start("far-ctl notices", self._line_of(self._far_ctl, "connection lost"))
            self._start("tail", self._tail_goes)

    def _start(self, what: str, wait) -> None:
        def timed():
            result = wait()
            return result, time.monotonic() - self.cut_at

        self._watches[what] = self._pool.submit(timed)

    def _heir_of(self, who: str, count: int):
        """Joins the group, which from then on gives the other events to it."""
        heir = self.bus.group(self.name_of(who))

        def inherits() -> tuple[Subscription, list[Delivery]]:
            taken = []
            while len(taken) < count:
                taken += heir.message(deadline=self.left())
            return heir, taken

        return inherits

    def _line_of(self, process: WatchedProcess, pattern: str, count: int = 1):
        return lambda: process.wait_for_lines(pattern, count, deadline=self.left())

    def _tail_goes(self) -> None:
        def tails() -> float:
            return self.daemon.metric("eventbus_subscribers", kind="tail")

        eventually_equal(tails, 0, self.left())


def pings_in_vain(member: Subscription) -> None:
    """A client's rule: who lets two pings pass is gone."""
    for number in (1, 2):
        member.send(ping=v1.Ping(number=number))
        with pytest.raises(TooLate):
            member.next("pong", deadline=CLIENT_PINGS_EVERY)


@pytest.fixture(scope="module")
def far_host(store):
    """The host, one for each store, or why there can be none."""
    with contextlib.ExitStack() as stack:
        try:
            host = stack.enter_context(FarHost())
        except NotPossible as why:
            host = why
        yield host


@pytest.fixture(scope="module")
def trial(programs, store, far_host, tmp_path_factory):
    far = far_host if isinstance(far_host, FarHost) else None
    # The daemon must not wait at its end for those who are not noticed.
    settings = store() | {"insecure": True, "drain.timeout": "1s"}
    address = f"{far.here if far else '127.0.0.1'}:0"
    with contextlib.ExitStack() as stack:
        daemon = Daemon(tmp_path_factory.mktemp("daemon"), settings, address=address)
        stack.enter_context(daemon)
        bus = stack.enter_context(Bus(daemon.address))
        yield Trial(daemon, bus, far, stack)


@pytest.fixture
def link(far_host) -> None:
    """For tests of what is at the other end of the link."""
    if isinstance(far_host, NotPossible):
        pytest.skip(str(far_host))


def came_unharmed(trial: Trial, who: str, expected: list[bytes]) -> None:
    """Whether these events and no others came to the heir, as if they had never been handed out."""
    (heir, taken), ended = trial.outcome(who)
    assert ended <= NOTICED_WITHIN
    assert sorted(one.data for one in taken) == sorted(expected)
    assert {one.batch.attempt for one in taken} == {1}
    assert {one.batch.times_delivered for one in taken} == {2}
    everything = [one.number for one in taken]
    assert numbers(heir.settled(ack=everything).done) == everything
    trial.bus.publish(trial.name_of(who), b"the next one")
    assert [one.data for one in heir.take(1)] == [b"the next one"]


@pytest.mark.parametrize("kind", FAR_KINDS)
def test_subscriber_whose_link_is_down_is_noticed(link, trial, kind):
    came_unharmed(trial, kind, [b"held", b"held too"])


def test_event_sent_over_a_link_that_is_down_comes_to_another(link, trial):
    came_unharmed(trial, BUSY, [b"held", b"held too", b"into the void"])


def test_client_library_whose_link_is_down_is_noticed(link, trial):
    came_unharmed(trial, "far-ctl", [b"handled", b"held", b"held too"])


def test_tail_whose_link_is_down_is_noticed(link, trial):
    _, ended = trial.outcome("tail")
    assert ended <= NOTICED_WITHIN


def test_client_library_notices_that_its_link_is_down(link, trial):
    _, ended = trial.outcome("far-ctl notices")
    assert ended <= NOTICED_WITHIN


def test_subscriber_cut_off_behind_a_proxy_is_noticed_by_its_missing_pongs(trial):
    came_unharmed(trial, "proxied", [b"held", b"held too"])


def test_client_cut_off_behind_a_proxy_gets_no_pongs(trial):
    _, ended = trial.outcome("pinging")
    assert ended <= NOTICED_WITHIN


def test_client_library_notices_that_it_is_cut_off_behind_a_proxy(trial):
    _, ended = trial.outcome("proxied-ctl")
    assert ended <= NOTICED_WITHIN
    assert trial.proxy.pings > 0, "the transport was no help: its pings were answered"


def test_client_library_cut_off_behind_a_proxy_gets_what_it_held_over_a_new_connection(trial):
    lines, _ = trial.outcome("proxied-ctl again")
    ids = [re.search(r'"id":\s*"([^"]+)"', line.string)[1] for line in lines]
    assert sorted(ids[3:]) == sorted(ids[:3])


def test_client_library_does_not_wait_on_a_new_connection_that_leads_nowhere(start_daemon):
    daemon = start_daemon({"heartbeat.interval": "1s"})
    name = unique("nowhere")
    with Http2Proxy(daemon.address) as proxy, WatchedProcess(
        subscriber_of(proxy.address, name), env=clean_environment()
    ) as client:
        client.wait_for_lines("subscribed to")
        proxy.cut_off(newcomers=True)
        client.wait_for_lines("connection lost")
        eventually(lambda: proxy.accepted > 1, "it connects once more")
        proxy.restore()
        client.wait_for_lines("connected again", deadline=NOTICED_WITHIN)
