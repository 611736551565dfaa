"""Fixtures of the end-to-end tests. They drive the programs in EVENTBUS_BIN_DIR (default:
build/release/bin)."""

import itertools
import os
import shutil
import subprocess

import pytest

from harness.bus import Bus
from harness.daemon import (
    EVENTBUSCTL,
    EVENTBUSD,
    Daemon,
    check_sanitizer_reports,
    clean_environment,
)
from harness.redis_server import RedisServer
from harness.stubs import ROOT
from harness.waiting import DEADLINE

# The stores that the suite runs on. What a test says of one store only carries the marker of that
# store's name.
STORES = ["memory", "redis"]

_namespaces = itertools.count(1)

GRPCURL_VERSION = "v1.9.3"
GRPCURL_MODULE = "github.com/fullstorydev/grpcurl/cmd/grpcurl"


@pytest.fixture(scope="session", params=STORES)
def store(request, tmp_path_factory):
    """store() is settings that choose the store, for one daemon that shares it with no other one."""
    if request.param == "memory":
        yield lambda: {"store.kind": "memory"}
        return
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield lambda: {
            "store.redis.url": server.url,
            "store.redis.prefix": f"e2e-{next(_namespaces)}",
        }


@pytest.fixture(autouse=True)
def _only_on(request):
    """Skips a test marked for one store on the other ones."""
    if "store" not in request.fixturenames:
        return
    wanted = [name for name in STORES if request.node.get_closest_marker(name)]
    if wanted and request.node.callspec.params["store"] not in wanted:
        pytest.skip(f"a test of the {wanted[0]} store")


@pytest.fixture
def store_kind(request, store) -> str:
    """What the daemons of the test keep their events in: one of STORES."""
    return request.node.callspec.params["store"]


@pytest.fixture(scope="session")
def programs():
    for program in (EVENTBUSD, EVENTBUSCTL):
        if not program.exists():
            pytest.fail(f"{program} is not there: build it first, or set EVENTBUS_BIN_DIR")


@pytest.fixture
def start_daemon(programs, store, tmp_path_factory):
    """start_daemon({setting: value}, *flags) starts one; it is stopped and judged afterwards."""
    daemons = []

    def start(settings: dict = {}, *arguments: str) -> Daemon:
        daemons.append(Daemon(tmp_path_factory.mktemp("daemon"), store() | settings, arguments))
        return daemons[-1]

    yield start
    _finish(daemons)


@pytest.fixture
def own_redis(tmp_path_factory):
    """own_redis(option…) starts a redis-server of the test's own, which keeps what it confirmed."""
    servers = []

    def start(*options: str) -> RedisServer:
        durable = ("--appendonly", "yes", "--appendfsync", "always")
        servers.append(RedisServer(tmp_path_factory.mktemp("redis"), *durable, *options))
        return servers[-1]

    yield start
    for server in servers:
        server.kill()


@pytest.fixture
def start_on_redis(programs, tmp_path_factory):
    """start_on_redis(server, {setting: value}) starts a daemon there; all there are one bus."""
    daemons = []

    def start(server: RedisServer, settings: dict = {}) -> Daemon:
        chosen = {"store.redis.url": server.url}
        daemons.append(Daemon(tmp_path_factory.mktemp("daemon"), chosen | settings))
        return daemons[-1]

    yield start
    _finish(daemons)


@pytest.fixture
def daemon(start_daemon) -> Daemon:
    """A daemon of the test's own, with stock settings."""
    return start_daemon()


@pytest.fixture
def bus(daemon):
    """A client of it."""
    with Bus(daemon.address) as client:
        yield client


@pytest.fixture
def ctl(daemon):
    """ctl(argument, …, code=expected exit code) → eventbusctl's output, and what it said of errors."""

    def run(*arguments: str, code: int = 0) -> tuple[str, str]:
        done = subprocess.run(
            [str(EVENTBUSCTL), *arguments],
            capture_output=True,
            env=clean_environment() | {"EVENTBUS_SERVER": daemon.address},
            timeout=2 * DEADLINE,
            text=True,
        )
        check_sanitizer_reports(done.stderr)
        assert done.returncode == code, done.stderr
        return done.stdout, done.stderr

    return run


@pytest.fixture(scope="module")
def shared_daemon(programs, store, tmp_path_factory):
    """One daemon for all tests of a file that leave nothing behind which others could see."""
    daemon = Daemon(tmp_path_factory.mktemp("daemon"), store())
    yield daemon
    _finish([daemon])


@pytest.fixture
def shared_bus(shared_daemon):
    """A client of the shared daemon."""
    with Bus(shared_daemon.address) as client:
        yield client


@pytest.fixture(scope="session")
def grpcurl() -> str:
    """The program: EVENTBUS_GRPCURL, else the one installed, else built with Go (build/tools)."""
    built = ROOT / "build" / "tools" / f"grpcurl-{GRPCURL_VERSION}" / "grpcurl"
    found = os.environ.get("EVENTBUS_GRPCURL") or shutil.which("grpcurl")
    if found or built.exists():
        return found or str(built)
    if not shutil.which("go"):
        pytest.skip("needs grpcurl, or a Go toolchain to build it: neither is installed")
    environment = os.environ | {"GOBIN": str(built.parent), "GOFLAGS": "-mod=mod"}
    done = subprocess.run(
        ["go", "install", f"{GRPCURL_MODULE}@{GRPCURL_VERSION}"], capture_output=True, text=True, env=environment
    )
    if not built.exists():
        pytest.skip(f"grpcurl could not be built: {done.stderr.strip().splitlines()[-1:]}")
    return str(built)


def _finish(daemons) -> None:
    """Stops those that a test has not killed, and says what was wrong with any."""
    errors = []
    for daemon in daemons:
        if daemon.killed:
            continue
        try:
            with daemon:
                pass
        except AssertionError as error:
            errors.append(error)
    if errors:
        raise errors[0]
