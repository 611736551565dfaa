"""eventbusctl's commands for dead letters."""

import pytest

from harness.bus import event, unique
from harness.printed import objects, rows
from harness.stubs import v1


@pytest.fixture
def dead(bus) -> str:
    """A group with three dead letters: two of a.b, one of c."""
    name = unique("letters")
    member = bus.group(name, "**")
    for type_, id_ in (("a.b", "1"), ("a.b", "2"), ("c", "3")):
        bus.publish(event(type_, id=id_))
        [taken] = member.take(1)
        one = [v1.DeliveryRange(first=taken.number, last=taken.number)]
        member.settled(rejects=[v1.Reject(deliveries=one, reason=f"bad {id_}")])
    return name


def ids(listed: str) -> list:
    return [row[3] for row in rows(listed)]


def test_letters_are_listed(ctl, dead):
    listed = ctl("letters", "list", dead)[0]
    assert listed.startswith("DIED") and ids(listed) == ["1", "2", "3"]
    first = rows(listed)[0]
    assert first[2:7] == ["a.b", "1", "rejected", "1", "0"] and first[-2:] == ["bad", "1"]
    assert ids(ctl("letters", "list", dead, "-p", "a.*", "-l", "1")[0]) == ["1"]
    assert ids(ctl("letters", "list", dead, "--since", "1h", "--cause", "rejected")[0]) == ["1", "2", "3"]
    assert ids(ctl("letters", "list", dead, "--until", "1h")[0]) == []
    assert ids(ctl("letters", "list", dead, "--cause", "nacked", "--cause", "crashes")[0]) == []
    letter = objects(ctl("letters", "list", dead, "-o", "json")[0])[2]
    assert letter["event"]["event"]["id"] == "3" and letter["reasons"] == ["bad 3"]
    assert ids(ctl("letters", "list", dead, "--id", letter["letter_id"])[0]) == ["3"]


def test_letters_are_redriven(ctl, dead, bus):
    dry = ctl("letters", "redrive", dead, "--all", "--dry-run")[0]
    assert dry == f"would redrive 3 dead letters of {dead}\n"
    some = ctl("letters", "redrive", dead, "-p", "a.*", "--max", "1", "--rate", "1000")[0]
    assert some == f"redrove 1 dead letters of {dead}\n  1 are left\n"
    [left] = [row for row in rows(ctl("letters", "list", dead)[0]) if row[3] == "2"]
    assert ctl("letters", "redrive", dead, "--id", left[7])[0] == f"redrove 1 dead letters of {dead}\n"
    out, error = ctl("letters", "redrive", dead, "--id", left[7], code=1)
    assert out == f"redrove 0 dead letters of {dead}\n" and left[7] in error
    [answer] = objects(ctl("letters", "redrive", dead, "--all", "-o", "json")[0])
    assert answer == {"redriven": "1"}
    assert ids(ctl("letters", "list", dead)[0]) == []


def test_letters_are_purged(ctl, dead):
    dry = ctl("letters", "purge", dead, "--all", "--dry-run")[0]
    assert dry == f"would purge 3 dead letters of {dead}\n"
    assert ctl("letters", "purge", dead, "--until", "1h")[0] == f"purged 0 dead letters of {dead}\n"
    assert ctl("letters", "purge", dead, "-p", "c")[0] == f"purged 1 dead letters of {dead}\n"
    assert ctl("letters", "purge", dead, "--all")[0] == f"purged 2 dead letters of {dead}\n"
    assert ids(ctl("letters", "list", dead)[0]) == []


def test_nothing_is_taken_away_without_saying_what(ctl, dead):
    for command in ("redrive", "purge"):
        assert "one of --all, --pattern" in ctl("letters", command, dead, code=2)[1]
        assert "--all" in ctl("letters", command, dead, "--all", "-p", "c", code=2)[1]
    assert len(ids(ctl("letters", "list", dead)[0])) == 3


def test_refusals_are_said(ctl):
    assert 'no group "none"' in ctl("letters", "list", "none", code=1)[1]
    assert "letter_ids" in ctl("letters", "purge", "none", "--id", "x", code=1)[1]
    assert "none of nacked, deadline" in ctl("letters", "list", "g", "--cause", "bored", code=2)[1]
