"""Reading what a program prints while it runs."""

import re
import subprocess
import threading
import time

from harness.waiting import DEADLINE, TooLate


class Printed:
    """What a process has printed to its standard output so far, whoever waits for it."""

    def __init__(self, process: subprocess.Popen):
        self._stream = process.stdout
        self._text = ""
        self._ended = False
        self._changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def wait_for(self, pattern: str, deadline: float = DEADLINE) -> re.Match:
        """The first match of `pattern`, as soon as there is one."""
        end = time.monotonic() + deadline
        with self._changed:
            while True:
                match = re.search(pattern, self._text)
                if match:
                    return match
                if self._ended or not self._changed.wait(max(0.0, end - time.monotonic())):
                    raise TooLate(f"{pattern!r} was not printed; there was:\n{self._text}")

    def _read(self) -> None:
        for line in self._stream:
            with self._changed:
                self._text += line
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()
