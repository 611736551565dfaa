"""A real redis-server of the tests' own."""

import os
import pathlib
import signal
import socket
import subprocess

from harness.waiting import eventually

REDIS_SERVER = os.environ.get("EVENTBUS_REDIS_SERVER", "redis-server")


class RedisServer:
    """One process, on a Unix socket and with its files in `directory`. A context manager."""

    def __init__(self, directory: pathlib.Path, *options: str):
        """`options` are more of its command line, such as "--appendonly", "yes"."""
        self._directory = directory
        self._options = options
        self._socket = directory / "redis.sock"
        self.url = f"unix://{self._socket}"
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def start(self) -> None:
        """Starts it, again if it was killed, with what it had stored, and waits for it."""
        self._socket.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [
                REDIS_SERVER,
                *("--port", "0", "--unixsocket", str(self._socket)),
                *("--dir", str(self._directory), "--save", "", "--daemonize", "no"),
                *("--logfile", str(self._directory / "redis.log")),
                *self._options,
            ],
            stdin=subprocess.DEVNULL,
        )
        eventually(self._accepts, "redis-server accepts connections")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def ask(self, *words: str) -> str:
        """What redis-cli prints for a command."""
        return subprocess.run(
            ["redis-cli", "-s", str(self._socket), *words],
            capture_output=True,
            text=True,
            errors="replace",  # Events are no text.
            check=True,
            timeout=30,
        ).stdout

    def replication(self) -> dict:
        """What INFO says of it: role, master_link_status, connected_slaves, …; nothing while a
        Sentinel that makes it a replica closes its connections."""
        try:
            lines = self.ask("INFO", "replication").split()
        except subprocess.CalledProcessError:
            return {}
        return dict(line.split(":", 1) for line in lines if ":" in line)

    def _accepts(self) -> bool:
        assert self.process.poll() is None, "redis-server has ended"
        with socket.socket(socket.AF_UNIX) as connection:
            try:
                connection.connect(str(self._socket))
            except OSError:
                return False
            return True
