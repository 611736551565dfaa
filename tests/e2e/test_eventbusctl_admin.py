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
    table = ctl("group", "list")[0]
    assert table.startswith("GROUP")
    assert [row[0] for row in rows(table)] == ["a/1", "a/2", "b"]
    assert rows(ctl("group", "list", "b")[0])[0][2:4] == ["3", "2"]  # LAG and PENDING
    assert [row[0] for row in rows(ctl("group", "list", "--type", "mail", "--brief")[0])] == ["a/2"]
    assert [one["name"] for one in objects(ctl("group", "list", "-o", "json", "-l", "2")[0])] == [
        "a/1",
        "a/2",
    ]


def test_group_is_shown(ctl, bus):
    bus.group("mail", "order.*")
    bus.publish("order.placed")
    text = ctl("group", "show", "mail")[0]
    assert "patterns     order.*" in text and "ack_deadline" in text
    assert text.splitlines()[-1].startswith("order.placed ")
    [shown] = objects(ctl("group", "show", "mail", "-o", "json")[0])
    assert shown["group"]["name"] == "mail" and shown["streams"][0]["stream"] == "order.placed"


def test_groups_are_created_and_deleted(ctl, bus):
    bus.publish("order.placed", b"before")
    assert ctl("group", "create", "orders", "order.*", "mail", "--from", "earliest")[0] == (
        "created orders\n"
    )
    [shown] = objects(ctl("group", "show", "orders", "-o", "json")[0])
    assert shown["group"]["patterns"] == ["order.*", "mail"]
    assert "already" in ctl("group", "create", "orders", "order.*", code=1)[1]
    assert "1 events not delivered yet" in ctl("group", "delete", "orders", "--dry-run")[0]
    bus.group("orders")
    assert "has 1 subscribers" in ctl("group", "delete", "orders", "--only-if-idle", code=1)[1]
    assert ctl("group", "delete", "orders")[0].startswith("deleted orders: ")
    ctl("group", "show", "orders", code=1)


def test_streams_are_listed_and_purged(ctl, bus):
    bus.group("g", "a.*", in_flight=1)
    bus.publish_batch([event("a.b")] * 5)
    bus.publish("c")
    assert [row[0] for row in rows(ctl("stream", "list")[0])] == ["a.b", "c"]
    [stream] = objects(ctl("stream", "list", "a.*", "-o", "json")[0])
    assert stream["stream"] == "a.b" and stream["events"] == "5"
    assert ctl("stream", "purge", "a.b", "--all", "--dry-run")[0] == (
        "would purge 5 events\n  5 of them not settled by g\n"
    )
    assert ctl("stream", "purge", "a.b", "--before", "1h")[0] == "purged 0 events\n"
    assert ctl("stream", "purge", "c", "--delete")[0] == "purged 1 events, and the stream\n"
    assert [row[0] for row in rows(ctl("stream", "list")[0])] == ["a.b"]
    ctl("stream", "purge", "a.b", code=2)
    ctl("stream", "purge", "a.b", "--all", "--delete", code=2)
    ctl("stream", "purge", "a.b", "--before", "latest", code=2)


def test_instances_and_subscribers_are_listed(ctl, bus):
    bus.group("g", "a.*", client_id="worker-7")
    bus.tail("a.*")
    [instance] = rows(ctl("instance", "list")[0])
    assert instance[1] == "alive" and instance[-4:-2] == ["2", "1"]
    [member] = rows(ctl("subscriber", "list", "--group", "g")[0])
    assert member[1] == "worker-7"
    assert len(objects(ctl("subscriber", "list", "-o", "json")[0])) == 2
    assert "tail of a.*" in ctl("subscriber", "list")[0]


def test_refusals_are_said(ctl):
    assert 'no group "none"' in ctl("group", "show", "none", code=1)[1]
    assert "type" in ctl("group", "list", "--type", "order.*", code=1)[1]
    ctl("group", code=2)
    ctl("group", "show", code=2)
    assert "is eventbusd running there?" in ctl("-s", "127.0.0.1:1", "group", "list", code=3)[1]
