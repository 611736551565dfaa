"""A Redis master with replicas, and Sentinels that watch them: all real processes."""

import contextlib
import pathlib
import socket
import subprocess

from harness.redis_server import REDIS_SERVER, RedisServer
from harness.waiting import eventually

NAME = "main"


def free_ports(count: int) -> list:
    """Ports of the loopback interface that were free a moment ago."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


class ReplicatedRedis:
    """A master and its replicas, on ports; `servers[0]` is the first master. A context manager."""

    def __init__(self, directory: pathlib.Path, replicas: int):
        self.ports = free_ports(1 + replicas)
        self.servers = []
        for number, port in enumerate(self.ports):
            place = directory / f"redis-{number}"
            place.mkdir()
            options = ["--port", str(port), "--bind", "127.0.0.1", "--appendonly", "yes"]
            options += ["--repl-diskless-sync-delay", "0"]
            if number > 0:
                options += ["--replicaof", "127.0.0.1", str(self.ports[0])]
            self.servers.append(RedisServer(place, *options))
        self.url = f"redis://127.0.0.1:{self.ports[0]}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for server in self.servers:
            server.kill()

    def wait_for_replicas(self) -> None:
        """Until every replica has what the master had, and follows."""
        for replica in self.servers[1:]:
            eventually(
                lambda server=replica: server.replication().get("master_link_status") == "up",
                "the replica follows its master",
            )
        # Which the master has to know too, or it waits in vain for what the replica has.
        eventually(self._master_sees_all, "the master has heard from its replicas")

    def _master_sees_all(self) -> bool:
        facts = self.servers[0].replication()
        offset = facts.get("master_repl_offset")
        seen = [facts.get(f"slave{number}", "") for number in range(len(self.servers) - 1)]
        return all("state=online" in one and f"offset={offset}," in one for one in seen)


class WatchedRedis(ReplicatedRedis):
    """The same with three Sentinels, two of which are enough to say that the master is gone."""

    def __init__(self, directory: pathlib.Path):
        super().__init__(directory, replicas=2)
        self.wait_for_replicas()
        self._sentinels = []
        self._sentinel_ports = free_ports(3)
        for port in self._sentinel_ports:
            config = directory / f"sentinel-{port}.conf"
            config.write_text(
                f"port {port}\nbind 127.0.0.1\ndir {directory}\nlogfile {config}.log\n"
                f"sentinel monitor {NAME} 127.0.0.1 {self.ports[0]} 2\n"
                f"sentinel down-after-milliseconds {NAME} 700\n"
                f"sentinel failover-timeout {NAME} 4000\n"
                f"sentinel parallel-syncs {NAME} 2\n"
            )
            self._sentinels.append(
                subprocess.Popen([REDIS_SERVER, str(config), "--sentinel"], stdin=subprocess.DEVNULL)
            )
        for port in self._sentinel_ports:
            eventually(lambda port=port: self._sees_all(port), "the Sentinels see each other")
        places = ",".join(f"127.0.0.1:{port}" for port in self._sentinel_ports)
        self.url = f"redis+sentinel://{places}/{NAME}"

    def __exit__(self, *_):
        for sentinel in self._sentinels:
            sentinel.kill()
            sentinel.wait()
        super().__exit__()

    def master(self) -> RedisServer:
        """Where the Sentinels say that the master is."""
        answer = self._ask(self._sentinel_ports[-1], "GET-MASTER-ADDR-BY-NAME", NAME)
        return self.servers[self.ports.index(int(answer[1]))]

    def kill_sentinel(self, number: int) -> None:
        self._sentinels[number].kill()
        self._sentinels[number].wait()

    def _sees_all(self, port: int) -> bool:
        answer = self._ask(port, "MASTER", NAME)
        facts = dict(zip(answer[::2], answer[1::2]))
        return facts.get("num-slaves") == "2" and facts.get("num-other-sentinels") == "2"

    def _ask(self, port: int, *words: str) -> list:
        return subprocess.run(
            ["redis-cli", "-p", str(port), "SENTINEL", *words],
            capture_output=True,
            text=True,
            timeout=30,
        ).stdout.split("\n")
