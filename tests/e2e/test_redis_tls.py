"""Redis over TLS (rediss://). Skipped where hiredis has no TLS library, as on Debian 12."""

import pathlib
import subprocess

import pytest

from harness.bus import Bus
from harness.daemon import Daemon
from harness.redis_server import RedisServer
from harness.waiting import eventually
from harness.watched_redis import free_ports

pytestmark = pytest.mark.redis


class Certificates:
    """Of two authorities, "right" and "other"; and "here", the first one's for this machine."""

    def __init__(self, directory: pathlib.Path):
        self._directory = directory
        self._make("right")
        self._make("other")
        self._make(
            "here",
            *("-CA", self.file("right.pem"), "-CAkey", self.file("right.key")),
            *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
            *("-addext", "basicConstraints=critical,CA:FALSE"),
        )

    def file(self, name: str) -> str:
        return str(self._directory / name)

    def _make(self, name: str, *more: str) -> None:
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
        files = ("-keyout", self.file(f"{name}.key"), "-out", self.file(f"{name}.pem"))
        subprocess.run(
            ["openssl", "req", "-x509", *curve, "-nodes", "-days", "2", "-subj", f"/CN={name}"]
            + [*files, *more],
            check=True,
            capture_output=True,
        )


@pytest.fixture(scope="module")
def certificates(tmp_path_factory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def tls_redis(own_redis, certificates) -> RedisServer:
    """A server that speaks TLS at `tls_port`, and asks for a certificate."""
    [port] = free_ports(1)
    server = own_redis(
        *("--tls-port", str(port), "--bind", "127.0.0.1"),
        *("--tls-cert-file", certificates.file("here.pem")),
        *("--tls-key-file", certificates.file("here.key")),
        *("--tls-ca-cert-file", certificates.file("right.pem")),
    )
    server.tls_port = port
    return server


@pytest.fixture
def start_over_tls(start_on_redis, tls_redis, certificates):
    """start_over_tls(authority) starts a daemon that trusts that one."""

    def start(authority: str) -> Daemon:
        settings = {
            "store.redis.url": f"rediss://localhost:{tls_redis.tls_port}",
            "store.redis.ca_file": certificates.file(f"{authority}.pem"),
            "store.redis.cert_file": certificates.file("here.pem"),
            "store.redis.key_file": certificates.file("here.key"),
        }
        try:
            return start_on_redis(tls_redis, settings)
        except AssertionError as error:
            if "is not in this build" in str(error):
                pytest.skip("hiredis has no TLS library here")
            raise

    return start


def test_events_go_to_redis_and_back_over_tls(tls_redis, start_over_tls):
    daemon = start_over_tls("right")
    eventually(daemon.ready, "the daemon is ready")
    with Bus(daemon.address) as bus:
        member, tail = bus.group("g", "a.*"), bus.tail("a.*")
        large = b"x" * 1_000_000  # Many records of TLS.
        for data in (b"small", large):
            bus.publish("a.b", data)
        taken = member.take(2)
        assert [one.data for one in taken] == [one.data for one in tail.take(2)] == [b"small", large]
        member.ack(*taken)

        tls_redis.kill()
        eventually(lambda: not daemon.ready(), "the daemon says that it is not ready")
        tls_redis.start()
        eventually(daemon.ready, "the daemon is ready again")
        bus.publish("a.b", b"after")
        assert member.take(1)[0].data == b"after"


def test_server_of_another_authority_is_not_trusted(start_over_tls):
    daemon = start_over_tls("other")
    eventually(lambda: "certificate" in daemon.http("/readyz")[1], "it says why it is not ready")
    assert not daemon.ready()
