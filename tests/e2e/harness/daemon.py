"""A running eventbusd, on free ports."""

import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request

from harness.stubs import ROOT
from harness.waiting import DEADLINE, TooLate

BIN_DIR = pathlib.Path(os.environ.get("EVENTBUS_BIN_DIR", ROOT / "build" / "release" / "bin"))
EVENTBUSD = BIN_DIR / "eventbusd"
EVENTBUSCTL = BIN_DIR / "eventbusctl"

_SANITIZER_REPORT = re.compile(r"Sanitizer|runtime error:")


def is_sanitized() -> bool:
    """Whether the daemon was built with the address sanitizer, which makes it large and slow."""
    return b"__asan_init" in EVENTBUSD.read_bytes()


def check_sanitizer_reports(stderr: str) -> None:
    found = _SANITIZER_REPORT.search(stderr)
    assert not found, (
        f"the daemon wrote a sanitizer report:\n{stderr[max(0, found.start() - 500) :]}"
    )


def clean_environment() -> dict:
    """This process' environment without settings that a developer may have in theirs."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("EVENTBUS_") and name not in ("http_proxy", "grpc_proxy")
    }


def yaml_of(settings: dict) -> str:
    """A configuration file for settings given by their dotted names. (JSON is YAML.)"""
    tree = {}
    for name, value in settings.items():
        *sections, key = name.split(".")
        section = tree
        for one in sections:
            section = section.setdefault(one, {})
        section[key] = value
    return json.dumps(tree, indent=2) + "\n"


class Daemon:
    """One process. Use as a context manager, which stops it and asserts that it stopped well."""

    def __init__(
        self, directory: pathlib.Path, settings: dict, arguments=(), address: str = "127.0.0.1:0"
    ):
        """`settings` go into a configuration file in `directory`; `arguments` are further flags;
        it listens on `address`."""
        self._directory = directory
        self._lines = []
        self._asked_to_stop = False
        self.killed = False
        self._changed = threading.Condition()
        self._stderr_path = directory / "eventbusd.stderr"
        config = directory / "eventbus.yaml"
        config.write_text(yaml_of(settings))
        command = [
            str(EVENTBUSD),
            f"--config={config}",
            f"--listen-address={address}",
            "--metrics-address=127.0.0.1:0",
        ]
        with open(self._stderr_path, "wb") as stderr:
            self.process = subprocess.Popen(
                command + list(arguments),
                stdout=subprocess.PIPE,
                stderr=stderr,
                stdin=subprocess.DEVNULL,
                env=clean_environment(),
                text=True,
            )
        self._reader = threading.Thread(target=self._read_stdout, daemon=True)
        self._reader.start()
        try:
            self.address = self.wait_for_line(r"eventbusd listening on (\S+)").group(1)
            self.metrics_url = self.wait_for_line(r"eventbusd metrics on (http://\S+)").group(1)
        except BaseException:
            self.kill()
            raise

    def __enter__(self):
        return self

    def __exit__(self, error_type, *_):
        print(f"--- the daemon's stderr\n{self.stderr()[-20000:]}---")
        if error_type is not None:
            self.kill()
        elif self.process.returncode is None:
            self.stop()

    @property
    def port(self) -> int:
        return int(self.address.rsplit(":", 1)[1])

    def stdout(self) -> str:
        with self._changed:
            return "".join(self._lines)

    def stderr(self) -> str:
        return self._stderr_path.read_text(errors="replace")

    def wait_for_line(self, pattern: str, deadline: float = DEADLINE) -> re.Match:
        """The first match of `pattern` in what the daemon has printed to standard output."""
        end = time.monotonic() + deadline
        with self._changed:
            while True:
                for line in self._lines:
                    match = re.search(pattern, line)
                    if match:
                        return match
                ended = not self._reader.is_alive()
                if ended or not self._changed.wait(max(0.0, end - time.monotonic())):
                    raise TooLate(
                        f"the daemon {'ended' if ended else 'ran'} without printing {pattern!r}; "
                        f"stdout:\n{''.join(self._lines)}\nstderr:\n{self.stderr()}"
                    )

    def terminate(self) -> None:
        """Asks the daemon to stop, without waiting. Once: a second signal would end it at once."""
        if not self._asked_to_stop:
            self._asked_to_stop = True
            self.process.send_signal(signal.SIGTERM)

    def wait(self, deadline: float = DEADLINE) -> int:
        """Its exit code, once it has ended."""
        try:
            return self.process.wait(deadline)
        except subprocess.TimeoutExpired:
            self.kill()
            raise TooLate(f"the daemon runs on {deadline} s after it should have ended") from None

    def stop(self, deadline: float = DEADLINE) -> None:
        assert self.process.poll() is None, (
            f"the daemon had ended by itself, code {self.process.returncode}; "
            f"stderr:\n{self.stderr()}"
        )
        self.terminate()
        code = self.wait(deadline)
        assert code == 0, f"exit code {code} after SIGTERM; stderr:\n{self.stderr()}"
        check_sanitizer_reports(self.stderr())

    def kill(self) -> None:
        self.killed = True
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def ready(self) -> bool:
        return self.http("/readyz")[0] == 200

    def http(self, path: str) -> tuple:
        """Status code and text that the operators' port answers."""
        url = self.metrics_url.removesuffix("/metrics") + path
        try:
            with urllib.request.urlopen(url, timeout=DEADLINE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metric(self, name: str, **labels: str) -> float:
        """The sum of all samples of this name whose labels include those given. None there: 0."""
        wanted = {f'{key}="{value}"' for key, value in labels.items()}
        total = 0.0
        for line in self.http("/metrics")[1].splitlines():
            sample = re.fullmatch(r"([a-z_]+)(?:\{(.*)\})? (\S+)", line)
            if sample and sample[1] == name and wanted <= set((sample[2] or "").split(",")):
                total += float(sample[3])
        return total

    def memory(self, field: str = "VmRSS") -> int:
        """Bytes of memory, from /proc: VmRSS is resident now, VmHWM the most there ever was."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"^{field}:\s+(\d+) kB", status, re.MULTILINE)[1]) * 1024

    def _read_stdout(self) -> None:
        for line in self.process.stdout:
            with self._changed:
                self._lines.append(line)
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()
