"""eventbusctl's commands for operators."""

from harness.bus import event
from harness.printed import objects, rows


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


def test_groups_are_paused_and_resumed(ctl, bus):
    bus.publish("a.b", b"waits")
    ctl("group", "create", "g", "a.*", "--from", "earliest")
    assert ctl("group", "pause", "g")[0] == "paused g\n"
    assert "paused       yes" in ctl("group", "show", "g")[0]
    assert ctl("group", "resume", "g")[0] == "resumed g\n"
    assert ctl("group", "pause", "g", "--for", "1h")[0].startswith("paused g until 2")
    [group] = objects(ctl("group", "pause", "g", "--until", "2099-01-31T08:00:00Z", "-o", "json")[0])
    assert group["paused"]
    member = bus.group("g")
    member.round_trip()
    assert not member.pending()
    ctl("group", "resume", "g")
    assert member.take(1)[0].data == b"waits"


def test_groups_are_moved(ctl, bus):
    member = bus.group("g", "a.*")
    published = bus.publish_batch([event("a.b", b"%d" % n) for n in range(3)])
    member.settled(ack=[one.number for one in member.take(3)])
    again = "3 events come again, 0 are skipped\n"
    assert ctl("group", "seek", "g", "--to", "1h", "--dry-run")[0] == f"would move g: {again}"
    assert ctl("group", "seek", "g", "--to", "earliest")[0] == f"moved g: {again}"
    assert len(member.take(3)) == 3
    behind = f"a.b={published[1].position}"
    [answer] = objects(ctl("group", "seek", "g", "--to", behind, "--stream", "a.b", "-o", "json")[0])
    assert answer["group"]["generation"] == "3"
    assert member.take(1)[0].data == b"2"
    assert "none of: latest, earliest" in ctl("group", "seek", "g", "--to", "noon", code=2)[1]


def test_groups_are_changed(ctl, bus):
    ctl("group", "create", "g", "a.*", "--max-retries", "7", "--ack-deadline", "2m")

    def group() -> dict:
        return objects(ctl("group", "show", "g", "-o", "json")[0])[0]["group"]

    policy = group()["policy"]
    assert policy["max_retries"] == 7 and policy["ack_deadline"] == "120s"
    changed = ctl("group", "update", "g", "-p", "b.*", "-p", "c", "--retry-delay", "5s", "--revision", "4")
    assert changed[0] == "updated g, revision 4\n"
    assert group()["patterns"] == ["b.*", "c"]
    assert group()["policy"] == policy | {"retry_delay": "5s"}
    stale = ctl("group", "update", "g", "--no-dead-letter", "--if-revision", "3", code=1)
    assert "revision" in stale[1]
    ctl("group", "update", "g", "--no-dead-letter", "--filter", "source^=/eu/", "--retry-delays", "1s,1m")
    policy = group()["policy"]
    assert policy["dead_letter"] is False and policy["retry_delays"] == ["1s", "60s"]
    assert policy["filter"] == {"conditions": [{"attribute": "source", "prefix": "/eu/"}]}
    ctl("group", "update", "g", "--reset-policy", "--max-crashes", "2")
    policy = group()["policy"]
    assert (policy["max_retries"], policy["max_crashes"], policy["dead_letter"]) == (3, 2, True)
    assert "filter" not in policy
    assert "one of --pattern" in ctl("group", "update", "g", code=2)[1]


def test_events_are_looked_at(ctl, bus):
    bus.group("g", "a.*")
    published = bus.publish(event("a.b", b'{"n":1}', id="1", source="/eu/shop"))
    bus.publish(event("a.b", id="2", source="/us/shop"))
    bus.publish(event("c", id="3"))
    latest = ctl("event", "recent", "a.*")[0]
    assert latest.startswith("STORED") and [row[-2:] for row in rows(latest)] == [
        ["2", "/us/shop"],
        ["1", "/eu/shop"],
    ]
    assert len(rows(ctl("event", "recent")[0])) == 3
    assert len(rows(ctl("event", "recent", "-l", "1")[0])) == 1
    filtered = objects(ctl("event", "recent", "--since", "1h", "--filter", "source^=/eu/", "-o", "json")[0])
    assert [one["event"]["id"] for one in filtered] == ["1"]
    shown = ctl("event", "get", "a.b", published.position)[0]
    assert shown.startswith("stream    a.b\n") and '"data":{"n":1}' in shown
    assert shown.splitlines()[-1].startswith("g      in-flight")
    assert ctl("event", "find", "a.b", "1")[0].startswith(shown[:40])
    [found] = objects(ctl("event", "find", "a.b", "2", "--source", "/us/shop", "-o", "json")[0])
    assert found["event"]["event"]["id"] == "2" and found["groups"][0]["group"] == "g"
    assert "no such event" in ctl("event", "find", "a.b", "3", code=1)[1]
    assert "no such event" in ctl("event", "get", "c", "1-0-0", code=1)[1]
    assert "position" in ctl("event", "get", "c", "1", code=1)[1]


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
