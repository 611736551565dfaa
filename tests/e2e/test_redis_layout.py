"""What docs/redis.md says of Redis is what redis-cli shows."""

import json
import re
import shlex

import pytest

from harness.bus import Bus, event, seconds
from harness.stubs import ROOT, v1
from harness.waiting import DEADLINE

pytestmark = pytest.mark.redis

MANUAL = (ROOT / "docs" / "redis.md").read_text()


@pytest.fixture
def redis(own_redis, start_on_redis):
    """One that has all that the manual's examples name."""
    server = own_redis()
    rules = [{"pattern": "order.placed", "duplicate_window": "1h"}]
    daemon = start_on_redis(server, {"retention.rules": rules})
    with Bus(daemon.address) as bus:
        member = bus.group("mail", "order.*")
        # Of a busy stream, so that entries hold several events and one can be settled in part.
        for _ in range(5):
            bus.publish_batch([event("order.placed", b"x") for _ in range(100)])
        bus.publish("order.placed", b"x", id="order-17", source="/shop")
        later = v1.PublishOptions(deliver_after=seconds(3600))
        bus.publish_batch([event("order.placed", b"x")], options=later)
        held = member.take(501)
        member.settled(ack=[held[-2].number])
        dead = v1.DeliveryRange(first=held[0].number, last=held[1].number)
        member.settled(rejects=[v1.Reject(deliveries=[dead], reason="unreadable")])
        redrive = v1.RedriveDeadLettersRequest(group="mail", all=True, max_letters=1)
        assert bus.admin.RedriveDeadLetters(redrive, timeout=DEADLINE).redriven == 1
        member.take(1)
        yield server


def test_every_key_of_the_table_is_there_and_of_its_type(redis):
    # Those that are said to be there only sometimes need not be.
    rows = re.findall(r"^\| `(eventbus:[^`]+)` \| (\w+) \| (?!only)", MANUAL, re.MULTILINE)
    assert len(rows) >= 8
    kinds = {"number": "string"}
    assert {key: redis.ask("TYPE", key).strip() for key, _ in rows} == {
        key: kinds.get(kind, kind) for key, kind in rows
    }


def test_no_key_is_there_that_the_table_does_not_name(redis):
    names = re.findall(r"^\| `(eventbus:[^`]+)` \|", MANUAL, re.MULTILINE)
    assert set(redis.ask("KEYS", "*").split()) <= set(names)


def test_every_command_shows_something(redis):
    commands = re.findall(r"^redis-cli (.*)$", MANUAL, re.MULTILINE)
    assert len(commands) >= 6
    for command in commands:
        assert redis.ask(*shlex.split(command)).strip(), command


AS_HEX = """
local entries = {}
for i, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', '+')) do
  local fields = entry[2]
  local hex = string.gsub(fields[2], '.', function(c) return string.format('%02x', string.byte(c)) end)
  entries[i] = (fields[4] or '1') .. ' ' .. hex
end
return entries
"""


def test_entrys_value_is_events_as_any_protobuf_library_reads_them(own_redis, start_on_redis):
    server = own_redis()
    with Bus(start_on_redis(server).address) as bus:
        sent = []
        for n in range(5):  # Of a busy stream, so that entries hold several events.
            batch = [
                event("a.b", b"\x00\xff%d" % n, id=f"{n}-{m}", source="/s", attributes={"k": "v"})
                for m in range(100)
            ]
            bus.publish_batch(batch)
            sent += batch
    # `repeated Event events = 1`, whatever else a message may have.
    assert v1.DeliveryBatch.DESCRIPTOR.fields_by_name["events"].number == 1
    entries, stored = server.ask("EVAL", AS_HEX, "1", "eventbus:{a.b}:log").split("\n")[:-1], []
    for entry in entries:
        count, value = entry.split()
        read = v1.DeliveryBatch.FromString(bytes.fromhex(value))
        assert [field.number for field, _ in read.ListFields()] == [1]
        assert len(read.events) == int(count)
        stored += read.events
    assert len(entries) < len(stored), "some entries hold several events"
    for one in stored:  # What the broker filled in.
        assert one.spec_version == "1.0" and one.attributes["time"].HasField("ce_timestamp")
        one.ClearField("spec_version")
        del one.attributes["time"]
    assert stored == sent


def test_dead_letters_and_redriven_events_have_the_fields_that_the_manual_names(redis):
    letter = redis.ask("XRANGE", "eventbus:{order.placed}:dead:mail", "-", "+").splitlines()
    assert letter[1] == "1" and letter[-2] == "details"
    details = json.loads(letter[-1])
    assert (details["cause"], details["reasons"]) == ("rejected", ["unreadable"])
    assert re.fullmatch(r"\d+-\d+-\d+", details["position"])
    side = redis.ask("XRANGE", "eventbus:{order.placed}:side:mail", "-", "+").splitlines()
    assert side[-2] == "note" and json.loads(side[-1])["cause"] == "rejected"
    assert "mail@0" in redis.ask("XINFO", "GROUPS", "eventbus:{order.placed}:side:mail")


def test_entry_has_the_fields_that_the_manual_names(redis):
    shown = redis.ask("XRANGE", "eventbus:{order.placed}:log", "-", "+", "COUNT", "1").splitlines()
    assert re.fullmatch(r"\d+-\d+", shown[0])
    assert shown[1] == "1"
    last = redis.ask("XREVRANGE", "eventbus:{order.placed}:log", "+", "-", "COUNT", "2")
    assert re.search(r"^n\n\d+$", last, re.MULTILINE)


def test_what_a_duplicate_window_remembers_is_as_the_manual_says(redis):
    [key, position] = redis.ask("HGETALL", "eventbus:{order.placed}:seen").splitlines()
    assert key == "8:order-17/shop"
    assert re.fullmatch(r"\d+-\d+-0", position)
    assert redis.ask("LRANGE", "eventbus:{order.placed}:seen:order", "0", "-1").strip() == f"{position} {key}"
    assert 3_500_000 < int(redis.ask("PTTL", "eventbus:{order.placed}:seen")) <= 3_600_000


def test_a_delayed_event_is_as_the_manual_says(redis):
    id_, due = redis.ask("ZRANGE", "eventbus:{order.placed}:delayed", "0", "-1", "WITHSCORES").split()
    assert re.fullmatch(r"\d{20}", id_)
    assert abs(int(due) - int(id_[:16]) / 1000 - 3_600_000) < 2
    assert redis.ask("HGET", "eventbus:{order.placed}:delayed:events", id_).startswith("0 ")
    due_next = redis.ask("ZRANGE", "eventbus:{registry}:due", "0", "-1", "WITHSCORES").split()
    assert due_next[0] == "order.placed"
    assert 0 <= int(due_next[1]) - int(due) < 1000
