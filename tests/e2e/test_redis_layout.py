"""What docs/redis.md says of Redis is what redis-cli shows."""

import re
import shlex

import pytest

from harness.bus import Bus, event
from harness.stubs import ROOT

pytestmark = pytest.mark.redis

MANUAL = (ROOT / "docs" / "redis.md").read_text()


@pytest.fixture
def redis(own_redis, start_on_redis):
    """One that has all that the manual's examples name."""
    server = own_redis()
    daemon = start_on_redis(server)
    with Bus(daemon.address) as bus:
        member = bus.group("mail", "order.*")
        # Of a busy stream, so that entries hold several events and one can be settled in part.
        for _ in range(5):
            bus.publish_batch([event("order.placed", b"x") for _ in range(100)])
        held = member.take(500)
        member.settled(ack=[held[-1].number])
        yield server


def test_every_key_of_the_table_is_there_and_of_its_type(redis):
    rows = re.findall(r"^\| `(eventbus:[^`]+)` \| (\w+) \|", MANUAL, re.MULTILINE)
    assert len(rows) >= 8
    kinds = {"number": "string"}
    assert {key: redis.ask("TYPE", key).strip() for key, _ in rows} == {
        key: kinds.get(kind, kind) for key, kind in rows
    }


def test_no_key_is_there_that_the_table_does_not_name(redis):
    names = re.findall(r"^\| `(eventbus:[^`]+)` \|", MANUAL, re.MULTILINE)
    assert set(redis.ask("KEYS", "*").split()) == set(names)


def test_every_command_shows_something(redis):
    commands = re.findall(r"^redis-cli (.*)$", MANUAL, re.MULTILINE)
    assert len(commands) >= 6
    for command in commands:
        assert redis.ask(*shlex.split(command)).strip(), command


def test_entry_has_the_fields_that_the_manual_names(redis):
    shown = redis.ask("XRANGE", "eventbus:{order.placed}:log", "-", "+", "COUNT", "1").splitlines()
    assert re.fullmatch(r"\d+-\d+", shown[0])
    assert shown[1] == "1"
    last = redis.ask("XREVRANGE", "eventbus:{order.placed}:log", "+", "-", "COUNT", "1")
    assert re.search(r"^n\n\d+$", last, re.MULTILINE)
