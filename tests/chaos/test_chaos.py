"""A short run keeps its promises; and one in which an event is lost on purpose is found out."""

import os
import pathlib
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.timeout(900)]

# scripts/test --chaos makes it longer.
SECONDS = os.environ.get("EVENTBUS_CHAOS_SECONDS", "15")
SEED = os.environ.get("EVENTBUS_CHAOS_SEED", "")
TESTS = pathlib.Path(__file__).resolve().parents[1]


def run(directory: pathlib.Path, *options: str) -> subprocess.CompletedProcess:
    process = subprocess.Popen(
        [sys.executable, "-m", "chaos.run", "--directory", str(directory), *options],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        out, errors = process.communicate()
    finally:
        if process.poll() is None:
            process.terminate()  # It stops what it has started.
            process.wait(60)
    done = subprocess.CompletedProcess(process.args, process.returncode, out, errors)
    print(done.stdout + done.stderr)
    return done


def test_promises_are_kept(tmp_path, capsys):
    options = ["--seconds", SECONDS, "--rate", "4000" if float(SECONDS) >= 60 else "1500"]
    if SEED:
        options += ["--seed", SEED]
    # A short run needs a short window to fit in an instance, and Redis, away for longer than that.
    options += ["--dead-after", "5" if float(SECONDS) >= 60 else "4"]
    done = run(tmp_path / "run", *options)
    # The seed and the summary, also of a good run.
    with capsys.disabled():
        print("\n" + done.stdout)
    assert done.returncode == 0, done.stderr
    assert "broken promises: 0" in done.stdout


def test_lost_event_is_found_out(tmp_path):
    done = run(tmp_path / "run", "--seconds", "4", "--rate", "1000", "--calm", "--lose")
    assert done.returncode == 1, done.stdout
    lines = done.stdout.splitlines()
    assert any(line.startswith("BROKEN confirmed-is-delivered: ") for line in lines)
    # Nothing but that.
    assert sum(line.startswith("BROKEN") for line in lines) == 1
    assert "never came to group dormant" in done.stdout
    lost = next(line for line in lines if line.startswith("lost on purpose: entry ")).split()[4]
    assert f" {lost}-" in done.stdout.partition("the story of")[2]
