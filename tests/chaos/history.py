"""What clients saw, one JSON object a line. Times are of the machine's monotonic clock.

Of clients (one file for each process of them):

    publish  t0 sent, t answered, client, events [[id, type, key, outcome]…]
             outcome: a position (or "", not told) if confirmed, "!REASON" if certainly not stored,
             "?REASON" if that is unknown
    open     t0 asked, t opened, sub, target "group" or "tail", group, patterns, instance, address,
             lasting (false: a group that goes away by itself), chain and resumed (tails)
    recv     t, sub, batches [[stream, position, first number, times delivered, [id…]]…]
    bad      t, sub, what: an event that is not as it was published
    settle   t, sub, act "ack", "nack", "reject" or "release", ranges [[first, last]…], confirm (0: none)
    settled  t, sub, confirm, done, unknown, too_late, failed: ranges
    lost     t, sub, reason, ranges
    end      t, sub, why: "cut" or "quiet" or "stopped" by the client, else what ended the call

Of whoever hurts them:

    fault    t, until (null: to the end), what, address (null: Redis), and details
    letters  t, letters [[group, stream, id, cause, attempts]…]: the dead letters when all is over
    rest     t, pending {"stream group": entries} and unread [same] after the faults: nothing, if all is well
"""

import json
import pathlib
import threading
import time


class Log:
    """Writes a file of history. Any thread."""

    def __init__(self, path: pathlib.Path):
        self._file = open(path, "w", buffering=1 << 16)
        self._lock = threading.Lock()

    def write(self, kind: str, t: float | None = None, **fields) -> None:
        record = {"k": kind, "t": round(time.monotonic() if t is None else t, 6), **fields}
        line = json.dumps(record, separators=(",", ":")) + "\n"
        with self._lock:
            if not self._file.closed:
                self._file.write(line)

    def close(self) -> None:
        with self._lock:
            self._file.close()


def read(paths) -> list[dict]:
    """All records of these files, by time."""
    records = []
    for path in paths:
        with open(path) as lines:
            records += [json.loads(line) for line in lines]
    records.sort(key=lambda record: record["t"])
    return records


def event_positions(position: str, count: int) -> list[tuple[int, int, int]]:
    """Of a batch's events, by the position of its first: the others count on in its last part."""
    ms, sequence, index = (int(part) for part in position.split("-"))
    return [(ms, sequence, index + n) for n in range(count)]
