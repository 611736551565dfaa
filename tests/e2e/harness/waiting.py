"""Waiting for a condition with a deadline, in place of sleeping."""

import threading
import time

# How long anything may take that should happen at once. Generous, for busy machines and sanitizers;
# a test that passes never waits for it.
DEADLINE = 20.0

_PAUSE = threading.Event()  # Never set: waiting for it is a pause between two looks.


class TooLate(AssertionError):
    """What was waited for did not happen in time."""


def eventually(condition, what: str, deadline: float = DEADLINE):
    """Looks at `condition()` until it is truthy, and returns that."""
    end = time.monotonic() + deadline
    pause = 0.005
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TooLate(f"not within {deadline} s: {what} (last seen: {value!r})")
        _PAUSE.wait(pause)
        pause = min(pause * 1.5, 0.2)


def eventually_equal(value_of, expected, deadline: float = DEADLINE) -> None:
    """Looks at `value_of()` until it is `expected`; if it never is, shows how they differ."""
    try:
        eventually(lambda: value_of() == expected, "", deadline)
    except TooLate:
        assert value_of() == expected
