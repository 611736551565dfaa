"""eventbusctl's commands for operators."""

import json
import subprocess

import pytest

from harness.bus import event
from harness.daemon import EVENTBUSCTL, check_sanitizer_reports, clean_environment
from harness.waiting import DEADLINE


@pytest.fixture
def ctl(daemon):
    """ctl(argument, …, code=expected exit code) → its output, and what it said of errors."""

    def run(*arguments: str, code: int = 0) -> tuple[str, str]:
        done = subprocess.run(
            [str(EVENTBUSCTL), *arguments],
            capture_output=True,
            env=clean_environment() | {"EVENTBUS_SERVER": daemon.address},
            timeout=2 * DEADLINE,
            text=True,
        )
        check_sanitizer_reports(done.stderr)
        assert done.returncode == code, done.stderr
        return done.stdout, done.stderr

    return run


def rows(table: str) -> list[list[str]]:
    """The words of a table's lines, without its heading."""
    return [line.split() for line in table.splitlines()[1:]]


def objects(lines: str) -> list[dict]:
    return [json.loads(line) for line in lines.splitlines()]


def test_groups_are_listed(ctl, bus):
    for name, pattern in (("a/1", "order.*"), ("a/2", "mail"), ("b", "order.placed")):
        bus.group(name, pattern, in_flight=2)
    bus.publish_batch([event("order.placed")] * 5)
    table = ctl("groups")[0]
    assert table.startswith("GROUP")
    assert [row[0] for row in rows(table)] == ["a/1", "a/2", "b"]
    assert rows(ctl("groups", "b")[0])[0][2:4] == ["3", "2"]  # LAG and PENDING
    assert [row[0] for row in rows(ctl("groups", "--type", "mail", "--brief")[0])] == ["a/2"]
    assert [one["name"] for one in objects(ctl("groups", "-o", "json", "-l", "2")[0])] == [
        "a/1",
        "a/2",
    ]


def test_group_is_shown(ctl, bus):
    bus.group("mail", "order.*")
    bus.publish("order.placed")
    text = ctl("group", "mail")[0]
    assert "patterns     order.*" in text and "ack_deadline" in text
    assert text.splitlines()[-1].startswith("order.placed ")
    [shown] = objects(ctl("group", "mail", "-o", "json")[0])
    assert shown["group"]["name"] == "mail" and shown["streams"][0]["stream"] == "order.placed"


def test_refusals_are_said(ctl):
    assert 'no group "none"' in ctl("group", "none", code=1)[1]
    assert "type" in ctl("groups", "--type", "order.*", code=1)[1]
    ctl("group", code=2)
    assert "is eventbusd running there?" in ctl("-s", "127.0.0.1:1", "groups", code=3)[1]
