"""What README.md and the manuals tell people to type does what they say.

The commands run as they stand, but for two things: the address is that of the test's daemon, and
the programs are those of the build under test."""

import json
import os
import re
import shlex
import subprocess
import sys

import pytest

from harness.daemon import BIN_DIR, EVENTBUSCTL, clean_environment
from harness.reading import Printed
from harness.stubs import ROOT
from harness.subscription import data_of
from harness.waiting import DEADLINE, eventually_equal

README = (ROOT / "README.md").read_text()
DEFAULT_ADDRESS = "localhost:9463"


def blocks(text: str, language: str) -> list:
    """The fenced code blocks of a page in this language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def commands(text: str, program: str) -> list:
    """The lines of a page's shell blocks that call this program."""
    lines = "".join(blocks(text, "sh")).splitlines()
    return [line for line in lines if shlex.split(line, comments=True)[:1] == [program]]


def one_line_with(text: str, part: str) -> str:
    """The one piece of inline code that has `part` in it."""
    [found] = [code for code in re.findall(r"`([^`\n]+)`", text) if part in code]
    return found


@pytest.fixture
def start(daemon):
    """start(command line) runs it at the top of the repository; ends it after the test."""
    running = []

    def run(command, directory=ROOT, **environment) -> subprocess.Popen:
        process = subprocess.Popen(
            command,
            shell=isinstance(command, str),
            cwd=directory,
            env=clean_environment() | {"EVENTBUS_SERVER": daemon.address} | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    yield run
    for process in running:
        if process.poll() is None:
            process.kill()
        process.wait()


def finish(process: subprocess.Popen) -> str:
    out, _ = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0
    return out


def of_this_build(line: str) -> str:
    return "exec " + line.replace("build/release/bin/eventbusctl", shlex.quote(str(EVENTBUSCTL)), 1)


def test_sixty_seconds(start, daemon):
    """A subscriber in one terminal, events from another."""
    program = "build/release/bin/eventbusctl"
    sub, pub, pub_file = commands(README, program)
    assert " sub " in sub and " pub " in pub and " pub --ndjson " in pub_file
    seen = Printed(start(of_this_build(sub)))
    eventually_equal(lambda: daemon.metric("eventbus_subscribers", kind="group"), 1)
    finish(start(of_this_build(pub)))
    seen.wait_for(r'(?s)github\.demo.*"hello": "world"')
    finish(start(of_this_build(pub_file)))
    for line in (ROOT / "docs/demo/github-events.ndjson").read_text().splitlines():
        seen.wait_for(re.escape(json.loads(line)["type"]))
    tail = one_line_with(README, "eventbusctl tail")
    looks_on = start(f"exec {tail} --from earliest --count 1", PATH=f"{BIN_DIR}:/usr/bin:/bin")
    assert "github.demo" in finish(looks_on)


@pytest.fixture
def generated(start, tmp_path):
    """A directory with stubs that README's command has generated."""
    command = one_line_with(README, "grpc_tools.protoc")
    (tmp_path / "proto").symlink_to(ROOT / "proto")
    bin_dir = os.path.dirname(sys.executable)
    finish(start(command, directory=tmp_path, PATH=f"{bin_dir}:/usr/bin:/bin"))
    return tmp_path


def test_subscriber_in_six_lines(start, daemon, generated):
    [subscriber] = blocks(README, "python")
    assert len(subscriber.splitlines()) <= 6
    assert DEFAULT_ADDRESS in subscriber
    subscriber = subscriber.replace(DEFAULT_ADDRESS, daemon.address)
    process = start([sys.executable, "-u", "-c", subscriber], directory=generated)
    seen = Printed(process)
    eventually_equal(lambda: daemon.metric("eventbus_subscribers", kind="receive"), 1)

    publisher = "\n".join(
        [*subscriber.splitlines()[:2], one_line_with(README, "bus.Publish(pb.PublishRequest")]
    )
    finish(start([sys.executable, "-c", publisher], directory=generated))
    seen.wait_for(r"order\.placed b'\{\}'")
    eventually_equal(lambda: daemon.metric("eventbus_acked_events_total"), 1)


@pytest.mark.timeout(600)  # Building grpcurl takes minutes, once.
def test_grpcurl_publishes(start, daemon, bus, grpcurl):
    [line] = commands(README, "grpcurl")
    assert DEFAULT_ADDRESS in line
    tail = bus.tail("order.*")
    line = line.replace(DEFAULT_ADDRESS, daemon.address)
    finish(start(line, PATH=f"{os.path.dirname(grpcurl)}:/usr/bin:/bin"))
    assert [delivery.event.text_data for delivery in tail.take(1)] == ["hello"]


def test_manual_of_the_command_line_shows_a_line_that_can_be_published(start, bus, tmp_path):
    tail = bus.tail("*")
    [line] = blocks((ROOT / "docs/cli.md").read_text(), "json")
    (tmp_path / "events").write_text(line)
    finish(start([str(EVENTBUSCTL), "pub", "--quiet", "--ndjson", "events"], directory=tmp_path))
    assert data_of(tail.take(1)) == [b'{"order":17}']


HELP_PAGES = ["pub", "sub", "tail", "health", "completion", "version"]


@pytest.mark.parametrize("command", HELP_PAGES)
def test_manual_lists_every_command(command):
    help_text = subprocess.run(
        [str(EVENTBUSCTL), "--help"], capture_output=True, text=True, timeout=DEADLINE
    ).stdout
    assert re.search(rf"^\s+{command}\s", help_text, re.MULTILINE)
    assert re.search(rf"^\| `{command}\b", (ROOT / "docs/cli.md").read_text(), re.MULTILINE)
