"""A process whose lines are read as they come."""

import re
import subprocess
import threading
import time

from harness.waiting import DEADLINE, TooLate


class WatchedProcess:
    """Runs a command, and kills it at the end. A context manager."""

    def __init__(self, command: list[str], **options):
        self._lines = []
        self._changed = threading.Condition()
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **options,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> "WatchedProcess":
        return self

    def __exit__(self, *_) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()
        self.process.stdout.close()
        self.process.stdin.close()

    def output(self) -> str:
        """What it has printed, to standard output and standard error."""
        with self._changed:
            return "".join(self._lines)

    def wait_for_lines(self, pattern: str, count: int = 1, deadline: float = DEADLINE) -> list:
        """The first `count` matches of lines, once there are as many."""
        end = time.monotonic() + deadline
        with self._changed:
            while True:
                found = [match for line in self._lines if (match := re.search(pattern, line))]
                if len(found) >= count:
                    return found[:count]
                ended = not self._reader.is_alive()
                if ended or not self._changed.wait(max(0.0, end - time.monotonic())):
                    raise TooLate(
                        f"{'ended' if ended else f'ran {deadline} s'} without {count} lines like "
                        f"{pattern!r}: {self.process.args}\n{''.join(self._lines)}"
                    )

    def _read(self) -> None:
        for line in self.process.stdout:
            with self._changed:
                self._lines.append(line)
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()
