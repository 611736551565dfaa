"""A host at the other end of a link that can go dead: a network namespace and a veth pair."""

import os
import pathlib
import secrets
import shutil
import subprocess
import time

from harness.waiting import DEADLINE, eventually

# Longer than TCP puts off an acknowledgement.
QUIET = 0.5


class NotPossible(Exception):
    """Why there can be no such host here."""


class FarHost:
    """A network namespace without a name, which its last process takes with it, and the link to it
    too: nothing is left behind, whatever becomes of the test. A context manager.

    `here` is the address of our end of the link, on which a daemon can listen.
    """

    def __init__(self):
        if os.geteuid() != 0:
            raise NotPossible("needs root, to make a network namespace")
        for program in ("ip", "unshare", "nsenter"):
            if not shutil.which(program):
                raise NotPossible(f"needs the program {program} (iproute2, util-linux)")
        self._holder = subprocess.Popen(
            ["unshare", "--net", "--", "sh", "-c", "echo stands; exec cat"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            if self._holder.stdout.readline() != "stands\n":
                raise NotPossible(f"no network namespace: {self._holder.stderr.read().strip()}")
            self._connect()
        except BaseException:
            self._end_holder()
            raise

    def __enter__(self) -> "FarHost":
        return self

    def __exit__(self, *_) -> None:
        try:
            _ip("link", "del", self._near_end)
        finally:
            self._end_holder()

    def command(self, *command: str) -> list[str]:
        """The command line that runs `command` over there."""
        return ["nsenter", "--net", "--target", str(self._holder.pid), "--", *command]

    def cut(self) -> None:
        """From now on no packet gets through, and nobody is told. Waits before for a while in which
        none is sent: TCP would miss an acknowledgement sooner than anybody a sign of life."""
        counters = [
            pathlib.Path(f"/sys/class/net/{self._near_end}/statistics/{direction}_packets")
            for direction in ("rx", "tx")
        ]
        last, since = None, 0.0

        def quiet() -> bool:
            nonlocal last, since
            now = [int(counter.read_text()) for counter in counters]
            if now != last:
                last, since = now, time.monotonic()
            return time.monotonic() - since > QUIET

        eventually(quiet, "nothing is sent over the link for a while")
        self._over_there("link", "set", self._far_end, "down")

    def _connect(self) -> None:
        number = secrets.randbits(32)
        self._near_end, self._far_end = f"eb{number:08x}n", f"eb{number:08x}f"
        # 198.18.0.0/15 is for tests of networks (RFC 2544): nobody's address.
        network = f"198.{18 + (number >> 16) % 2}.{(number >> 8) % 256}"
        first = number % 64 * 4
        self.here = f"{network}.{first + 1}"
        pair = ["type", "veth", "peer", "name", self._far_end, "netns", str(self._holder.pid)]
        _ip("link", "add", self._near_end, *pair)
        # From here on the link goes when the namespace goes.
        _ip("address", "add", f"{self.here}/30", "dev", self._near_end)
        # Without addresses of IPv6, whose machinery talks by itself.
        _ip("link", "set", self._near_end, "addrgenmode", "none", "up")
        self._over_there("address", "add", f"{network}.{first + 2}/30", "dev", self._far_end)
        self._over_there("link", "set", self._far_end, "addrgenmode", "none", "up")

    def _over_there(self, *words: str) -> None:
        _run(self.command("ip", *words))

    def _end_holder(self) -> None:
        self._holder.kill()
        self._holder.communicate()


def _ip(*words: str) -> None:
    _run(["ip", *words])


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE)
    if done.returncode != 0:
        raise NotPossible(f"{' '.join(command)}: {done.stderr.strip()}")
