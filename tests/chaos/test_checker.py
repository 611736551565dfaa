"""The checker finds every kind of broken promise, and nothing in a good history."""

import copy
import json
import pathlib
import subprocess
import sys

import pytest

from chaos import checker

TESTS = pathlib.Path(__file__).resolve().parents[1]

A, B = "127.0.0.1:1", "127.0.0.1:2"


def opened(t, sub, address=A, **more) -> dict:
    group = {"target": "group", "group": "g", "lasting": True, "patterns": ["a.*"]}
    record = {"k": "open", "t": t, "t0": t, "sub": sub, "address": address, "instance": "i"}
    return record | (more or group)


def tail(t, sub, resumed=False) -> dict:
    return opened(t, sub, target="tail", chain="t", patterns=["a.*"], resumed=resumed)


def published(t, *events) -> dict:
    return {"k": "publish", "t": t + 0.5, "t0": t, "client": "p", "events": list(map(list, events))}


def received(t, sub, position, first, *ids) -> dict:
    return {"k": "recv", "t": t, "sub": sub, "batches": [["a.b", position, first, 1, list(ids)]]}


def settle(t, sub, first, last, act="ack", confirm=0) -> dict:
    ranges = [[first, last]]
    return {"k": "settle", "t": t, "sub": sub, "act": act, "ranges": ranges, "confirm": confirm}


def settled(t, sub, confirm, first, last) -> dict:
    nothing: dict = {"unknown": [], "too_late": [], "failed": []}
    return {"k": "settled", "t": t, "sub": sub, "confirm": confirm, "done": [[first, last]]} | nothing


def lost(t, sub, first, last) -> dict:
    return {"k": "lost", "t": t, "sub": sub, "reason": "TAKEN_OVER", "ranges": [[first, last]]}


def ended(t, sub, why="cut") -> dict:
    return {"k": "end", "t": t, "sub": sub, "why": why}


def fault(t, until, what, address) -> dict:
    return {"k": "fault", "t": t, "until": until, "what": what, "address": address}


def rest(t, pending=None, unread=None) -> dict:
    return {"k": "rest", "t": t, "pending": pending or {}, "unread": unread or {}}


def letters(t, *ids, cause="rejected", group="g") -> dict:
    return {"k": "letters", "t": t, "letters": [[group, "a.b", id_, cause, 1] for id_ in ids]}


def confirmed(number, position) -> tuple:
    return (f"p-{number}", "a.b", "k", position)


def good() -> list[dict]:
    """Four events, in two entries, to a group with a confirmed settlement and to a tail that is cut
    once; one that was not stored, one of which nobody knows, and one of another type."""
    return [
        opened(1, "m#1"),
        tail(1, "t#1"),
        published(2, confirmed(1, "10-0-0"), confirmed(2, "10-0-1")),
        received(3, "m#1", "10-0-0", 1, "p-1", "p-2"),
        received(3, "t#1", "10-0-0", 0, "p-1", "p-2"),
        settle(4, "m#1", 1, 2, confirm=1),
        settled(5, "m#1", 1, 1, 2),
        ended(5, "t#1"),
        published(6, ("p-3", "a.b", "k", "!NOT_STORED")),
        published(6, ("p-4", "a.b", "k", "?BROKEN")),
        published(7, confirmed(5, "12-0-0"), confirmed(6, "")),
        published(7, ("p-7", "b.b", "k", "12-0-0")),
        tail(8, "t#2", resumed=True),
        received(8, "m#1", "12-0-0", 3, "p-5", "p-6"),
        received(8, "t#2", "12-0-0", 0, "p-5", "p-6"),
        settle(9, "m#1", 3, 4),
        rest(20),
    ]


def broken(records: list[dict]) -> list[str]:
    records = sorted(copy.deepcopy(records), key=lambda record: record["t"])
    return [violation.rule for violation in checker.check(records).violations]


def without(records: list[dict], kind: str, sub: str, index: int = 0) -> list[dict]:
    """Without one of the subscriber's records of a kind."""
    found = [r for r in records if r["k"] == kind and r.get("sub") == sub]
    return [r for r in records if r is not found[index]]


def test_a_good_history_is_good_and_counted():
    records = good()
    report = checker.check(records)
    assert report.violations == []
    assert (report.confirmed, report.unknown, report.refused) == (5, 1, 1)
    assert (report.group_deliveries, report.tail_deliveries) == (4, 4)
    assert report.confirmed_settles == 1
    assert report.duplicates.total() == 0
    assert report.longest_wait == 0.5
    assert all(report.lines())


def test_all_deliveries_of_one_event_to_one_group_are_missing():
    records = [r for r in good() if r.get("sub") != "m#1" or r["k"] != "recv"]
    records.append(received(8, "m#1", "10-0-1", 1, "p-2"))
    records.append(received(9, "m#1", "12-0-0", 2, "p-5", "p-6"))
    report = checker.check(sorted(records, key=lambda record: record["t"]))
    assert [(v.rule, v.event) for v in report.violations] == [("confirmed-is-delivered", "p-1")]


def test_what_was_sent_before_the_group_is_not_owed():
    late = [opened(6.5, "m#1") if r["k"] == "open" and r["sub"] == "m#1" else r for r in good()]
    records = [r for r in late if r.get("sub") != "m#1" or r["t"] > 6]
    records = without(records, "recv", "m#1")
    assert broken(records) == ["confirmed-is-delivered"] * 2
    records.append(received(8, "m#1", "12-0-0", 1, "p-5", "p-6"))
    records.append(settle(9.5, "m#1", 1, 2))
    assert broken(records) == []


def of_an_ordered_group(*middle) -> list[dict]:
    """Two events of a key, each in an entry of its own."""
    group = {"target": "group", "group": "g", "lasting": True, "patterns": ["a.*"], "ordered": True}
    return [
        opened(1, "m#1", **group),
        published(2, confirmed(1, "10-0-0")),
        published(3, confirmed(2, "11-0-0")),
        *middle,
        rest(30),
    ]


def test_order_of_a_key():
    first, second = received(4, "m#1", "10-0-0", 1, "p-1"), received(6, "m#1", "11-0-0", 2, "p-2")
    acked, last = settle(5, "m#1", 1, 1), settle(7, "m#1", 2, 2)
    assert broken(of_an_ordered_group(first, acked, second, last)) == []
    too_early = [first, second, settle(7, "m#1", 1, 2)]
    assert broken(of_an_ordered_group(*too_early)) == ["key-order"]
    turned = [
        received(4, "m#1", "11-0-0", 1, "p-2"),
        settle(5, "m#1", 1, 1),
        received(6, "m#1", "10-0-0", 2, "p-1"),
        settle(7, "m#1", 2, 2),
    ]
    assert broken(of_an_ordered_group(*turned)) == ["key-order"]
    nacked = [
        first,
        settle(5, "m#1", 1, 1, act="nack"),
        second,
        last,
        received(8, "m#1", "10-0-0", 3, "p-1"),
        settle(9, "m#1", 3, 3),
    ]
    assert broken(of_an_ordered_group(*nacked)) == ["key-order"]
    dead = [first, settle(5, "m#1", 1, 1, act="nack"), second, last]
    dead.append(letters(20, "p-1", cause="nacked"))
    assert broken(of_an_ordered_group(*dead)) == []


def test_unknown_events_may_come_or_not():
    extra = [received(9, "m#1", "13-0-0", 5, "p-4"), received(9, "t#2", "13-0-0", 0, "p-4")]
    assert broken(good() + extra) == []


@pytest.mark.parametrize(
    "extra, rule",
    [
        (received(10, "m#1", "13-0-0", 5, "p-3"), "not-stored-is-gone"),
        (received(10, "m#1", "13-0-0", 5, "p-99"), "only-published"),
        (received(10, "m#1", "14-0-0", 5, "p-7"), "only-published"),
        ({"k": "bad", "t": 10, "sub": "m#1", "what": "other data"}, "only-published"),
        (received(10, "m#1", "13-0-0", 6, "p-4"), "dense-numbers"),
        (received(10, "t#2", "12-0-1", 0, "p-6"), "tail-order"),
        (received(10, "t#2", "11-0-0", 0, "p-4"), "tail-order"),
        (published(11, ("p-8", "a.b", "k", "12-0-1")), "one-position"),
        (received(10, "m#1", "13-0-0", 5, "p-6"), "one-position"),
        (published(11, ("p-8", "c.b", "k", "9-0-0"), ("p-9", "c.b", "k", "8-0-0")),
         "stored-in-order"),
        (lost(10, "m#1", 3, 4), "nobody-robbed"),
        (rest(21, pending={"a.b g@1": 1}), "comes-to-rest"),
        (rest(21, unread={"a.b g@1": 1}), "comes-to-rest"),
    ],
)  # fmt: skip
def test_broken_promise(extra, rule):
    assert rule in broken([*good(), extra])


def test_tail_patterns():
    wrong = received(10, "m#1", "12-0-0", 5, "p-7")
    wrong["batches"][0][0] = "b.b"
    assert "patterns" in broken([*good(), wrong])


def test_tail_that_leaves_out_an_event():
    for index, gone in ((0, "t#1"), (0, "t#2")):
        assert broken(without(good(), "recv", gone, index)) == ["tail-complete"] * 2


def test_tail_with_two_events_swapped():
    records = good()
    records[4]["batches"] = [
        ["a.b", "10-0-1", 0, 1, ["p-2"]],
        ["a.b", "10-0-0", 0, 1, ["p-1"]],
    ]
    assert broken(records) == ["tail-order"]


def test_tail_that_gets_an_event_again_over_its_next_connection():
    records = good()
    records.append(received(8.5, "t#2", "10-0-1", 0, "p-2"))
    assert broken(records) == ["tail-order"]


def test_nobody_says_that_all_came_to_rest():
    assert broken([r for r in good() if r["k"] != "rest"]) == ["comes-to-rest"]


def again(*causes, t=10.0) -> list[dict]:
    """Somebody else gets p-5 again, after these."""
    return [*good(), *causes, opened(1, "n#1", B), received(t, "n#1", "12-0-0", 1, "p-5")]


def test_duplicate_without_a_cause():
    assert broken(again()) == ["needless-duplicate"]


@pytest.mark.parametrize(
    "cause",
    [
        settle(8.5, "m#1", 3, 3, act="release"),
        ended(9.5, "m#1"),
        fault(8.5, 9.5, "kill", A),
        fault(8.5, 9.5, "freeze", A),
        fault(8.5, 9.5, "freeze", B),
    ],
)
def test_duplicate_with_a_cause(cause):
    assert broken(again(cause)) == []


@pytest.mark.parametrize(
    "cause",
    [
        settle(8.5, "m#1", 4, 4, act="release"),
        fault(8.5, 9.5, "kill", B),
        fault(8.5, 9.5, "redis-kill", None),
        fault(10.5, 10.6, "kill", A),
    ],
)
def test_duplicate_with_what_is_no_cause(cause):
    assert broken(again(cause)) == ["needless-duplicate"]


def test_what_is_settled_for_certain_does_not_come_again_even_after_a_kill():
    late = [settle(8.5, "m#1", 3, 3, confirm=2), settled(8.7, "m#1", 2, 3, 3)]
    assert broken(again(*late, fault(8.8, 9, "kill", A))) == ["settled-stays"]
    assert broken(again(*late, fault(8.4, 9, "freeze", A))) == []


def unsettled() -> list[dict]:
    """A good history, but that nobody has acked the last two events."""
    return [r for r in good() if r != settle(9, "m#1", 3, 4)]


def test_what_nobody_acked_is_lost_unless_it_is_a_dead_letter():
    assert broken(unsettled()) == ["nothing-lost", "nothing-lost"]
    rejects = settle(9, "m#1", 3, 4, act="reject")
    assert broken([*unsettled(), rejects]) == ["nothing-lost", "nothing-lost"]
    assert broken([*unsettled(), rejects, letters(21, "p-5", "p-6")]) == []


@pytest.mark.parametrize(
    "extra",
    [
        [letters(21, "p-5", "p-6", "p-5")],
        [letters(21, "p-5", "p-6", group="h")],
        [letters(21, "p-5", "p-6", cause="nacked")],
    ],
)
def test_letters_that_cannot_be(extra):
    rejects = settle(9, "m#1", 3, 4, act="reject")
    assert "dead-letters" in broken([*unsettled(), rejects, *extra])


def test_a_nack_and_a_passed_deadline_are_causes_of_a_duplicate():
    assert broken(again(settle(8.5, "m#1", 3, 3, act="nack"))) == []
    assert broken(again(lost(8.5, "m#1", 3, 3) | {"reason": "DEADLINE"})) == []


def test_what_is_rejected_for_certain_does_not_come_again():
    late = [settle(8.5, "m#1", 3, 3, act="reject", confirm=2), settled(8.7, "m#1", 2, 3, 3)]
    assert "settled-stays" in broken(again(*late, fault(8.8, 9, "kill", A)))


def test_another_name_of_an_instance_that_lived():
    renamed = opened(10, "m#2") | {"instance": "i.2"}
    assert broken([*good(), renamed]) == ["nobody-robbed"]
    assert broken([*good(), renamed, fault(8, 9, "redis-kill", None)]) == ["nobody-robbed"]
    for what in ("kill", "stop", "freeze"):
        assert broken([*good(), renamed, fault(8, 9, what, A)]) == []


def test_lost_leases_of_a_frozen_instance():
    assert broken([*good(), fault(8.5, 9.5, "freeze", A), lost(10, "m#1", 3, 4)]) == []


@pytest.mark.parametrize(
    "pattern, type_, expected",
    [
        ("a.*", "a.b", True),
        ("a.*", "a.b.c", True),
        ("a.*", "a", False),
        ("*.b", "a.b", True),
        ("*.b", "x.y.b", False),
        ("**", "a", True),
        ("a.**.c", "a.c", True),
        ("a.**.c", "a.b.b.c", True),
        ("a.+", "a.b.c", False),
        ("+.+", "a.b", True),
        ("a.b", "a.b", True),
        ("a.b", "a.c", False),
    ],
)
def test_patterns(pattern, type_, expected):
    assert checker.matches(pattern, type_) == expected


def test_program_tells_the_story_of_the_event(tmp_path):
    files = [tmp_path / "one.ndjson", tmp_path / "two.ndjson"]
    records = [r for r in good() if r["k"] != "recv" or r["sub"] != "m#1"]
    for file, part in zip(files, (records[::2], records[1::2]), strict=True):
        file.write_text("".join(json.dumps(record) + "\n" for record in part))
    done = subprocess.run(
        [sys.executable, "-m", "chaos.checker", *map(str, files)],
        env={"PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "BROKEN confirmed-is-delivered: 4" in done.stdout
    assert "p publishes it as a.b, key k, with 2 events: 10-0-0" in done.stdout
