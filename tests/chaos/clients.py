"""A process of clients (chaos.client), seen from the run."""

import json
import os
import pathlib
import subprocess
import sys
import threading

from harness.stubs import ROOT
from harness.waiting import TooLate


class Clients:
    """A process of clients."""

    def __init__(self, directory: pathlib.Path, name: str, plan: dict):
        self.history = directory / f"{name}.ndjson"
        path = directory / f"{name}.json"
        path.write_text(json.dumps({**plan, "history": str(self.history)}))
        self._errors = directory / f"{name}.stderr"
        with open(self._errors, "w") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "chaos.client", str(path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**os.environ, "PYTHONPATH": str(ROOT / "tests")},
            )
        self._lines: list[str] = []
        self._changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stdout:
            with self._changed:
                self._lines.append(line.strip())
                self._changed.notify_all()

    def tell(self, command: str) -> None:
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def wait_for(self, line: str, deadline: float) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: line in self._lines, deadline):
                raise TooLate(f"clients did not say {line!r} in {deadline} s")

    def errors(self) -> str:
        return self._errors.read_text()

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
