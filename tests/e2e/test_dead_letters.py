"""Dead letters: looked at, delivered once more, thrown away, over the wire and on every instance."""

import grpc
import pytest

from harness.bus import Bus, event, seconds, unique
from harness.refusal import refused
from harness.stubs import v1
from harness.waiting import DEADLINE, eventually_equal


@pytest.fixture
def name() -> str:
    """A name for the test's group and for its type."""
    return unique("letters")


def kill(bus, name: str, ids, reason: str = "no such account"):
    """Publishes events and rejects them; returns the member that did."""
    member = bus.group(name, name)
    bus.publish_batch([event(name, id=one, data=one.encode()) for one in ids])
    taken = member.take(len(ids))
    ranges = [v1.DeliveryRange(first=taken[0].number, last=taken[-1].number)]
    member.settled(rejects=[v1.Reject(deliveries=ranges, reason=reason)])
    return member


def letters(bus, group: str, **fields) -> v1.ListDeadLettersResponse:
    request = v1.ListDeadLettersRequest(group=group, **fields)
    return bus.admin.ListDeadLetters(request, timeout=DEADLINE)


def redrive(bus, group: str, **fields) -> v1.RedriveDeadLettersResponse:
    request = v1.RedriveDeadLettersRequest(group=group, **fields)
    return bus.admin.RedriveDeadLetters(request, timeout=DEADLINE)


def purge(bus, group: str, **fields) -> v1.PurgeDeadLettersResponse:
    request = v1.PurgeDeadLettersRequest(group=group, **fields)
    return bus.admin.PurgeDeadLetters(request, timeout=DEADLINE)


def ids_of(listed: v1.ListDeadLettersResponse) -> list:
    return [letter.event.event.id for letter in listed.letters]


def test_a_dead_letter_says_what_happened(shared_bus, name):
    policy = v1.GroupPolicy(max_retries=1, retry_delay=seconds(0.05), retry_jitter=0)
    member = shared_bus.group(name, name, policy=policy)
    published = shared_bus.publish(name, b"work", id="the-id", source="/shop")
    for number in (1, 2):
        member.take(1)
        nack = v1.Nack(
            deliveries=[v1.DeliveryRange(first=number, last=number)], reason=f"failure {number}"
        )
        member.settled(nacks=[nack])
    listed = letters(shared_bus, name)
    [letter] = listed.letters
    assert letter.event.event.id == "the-id"
    assert letter.event.event.source == "/shop"
    assert letter.event.event.binary_data == b"work"
    assert (letter.event.stream, letter.event.position) == (name, published.position)
    assert letter.event.HasField("stored_time")
    assert letter.cause == v1.DEAD_LETTER_CAUSE_NACKED
    assert list(letter.reasons) == ["failure 1", "failure 2"]
    assert (letter.attempts, letter.times_delivered, letter.redriven) == (2, 2, 0)
    first, dead = letter.first_delivery_time.ToDatetime(), letter.dead_time.ToDatetime()
    assert letter.event.stored_time.ToDatetime() <= first < dead
    assert listed.total_letters == 1 and not listed.next_page_token


def test_letters_are_listed_in_pages(shared_bus, name):
    kill(shared_bus, name, [str(i) for i in range(10)])
    seen, token = [], ""
    while True:
        page = letters(shared_bus, name, page_size=4, page_token=token)
        assert len(page.letters) <= 4 and page.total_letters == 10
        seen += ids_of(page)
        token = page.next_page_token
        if not token:
            break
    assert seen == [str(i) for i in range(10)]


def test_redriven_events_come_again_as_they_were(shared_bus, name):
    member = kill(shared_bus, name, ["a", "b", "c"])
    chosen = letters(shared_bus, name).letters[1]
    selection = v1.DeadLetterSelection(letter_ids=[chosen.letter_id])
    assert redrive(shared_bus, name, selection=selection).redriven == 1
    [delivery] = member.take(1)
    assert (delivery.event.id, delivery.data) == ("b", b"b")
    assert delivery.batch.redriven and delivery.batch.attempt == 1
    assert delivery.batch.stream == name
    assert delivery.batch.position == chosen.event.position
    assert ids_of(letters(shared_bus, name)) == ["a", "c"]
    member.settled(ack=[delivery.number])

    dry = redrive(shared_bus, name, all=True, dry_run=True)
    assert dry.redriven == 2
    again = redrive(shared_bus, name, selection=selection)
    assert (again.redriven, list(again.not_found)) == (0, [chosen.letter_id])
    assert redrive(shared_bus, name, all=True).redriven == 2
    assert sorted(delivery.event.id for delivery in member.take(2)) == ["a", "c"]
    assert letters(shared_bus, name).total_letters == 0


def test_a_redrive_ends_with_its_call(shared_bus, name):
    kill(shared_bus, name, [str(i) for i in range(30)])
    request = v1.RedriveDeadLettersRequest(group=name, all=True, max_per_second=5)
    refusal = refused(shared_bus.admin.RedriveDeadLetters, request, timeout=1)
    assert refusal.code == grpc.StatusCode.DEADLINE_EXCEEDED
    left = letters(shared_bus, name).total_letters
    assert 0 < left < 30
    assert purge(shared_bus, name, all=True).purged <= left


def test_purged_letters_are_gone(shared_bus, name):
    kill(shared_bus, name, ["a", "b"])
    assert purge(shared_bus, name, all=True, dry_run=True).purged == 2
    selection = v1.DeadLetterSelection(causes=[v1.DEAD_LETTER_CAUSE_CRASHES])
    assert purge(shared_bus, name, selection=selection).purged == 0
    assert purge(shared_bus, name, all=True).purged == 2
    assert letters(shared_bus, name).total_letters == 0


BAD = {
    "group": (v1.RedriveDeadLettersRequest(all=True), "group"),
    "which": (v1.RedriveDeadLettersRequest(group="g"), "which"),
    "all": (v1.RedriveDeadLettersRequest(group="g", all=False), "all"),
    "rate": (v1.RedriveDeadLettersRequest(group="g", all=True, max_per_second=0), "max_per_second"),
    "pattern": (
        v1.RedriveDeadLettersRequest(
            group="g", selection=v1.DeadLetterSelection(patterns=["a", "!"])
        ),
        "selection.patterns[1]",
    ),
    "id": (
        v1.RedriveDeadLettersRequest(
            group="g", selection=v1.DeadLetterSelection(letter_ids=["no id"])
        ),
        "selection.letter_ids[0]",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_requests_name_the_field(shared_bus, case):
    request, field = BAD[case]
    refusal = refused(shared_bus.admin.RedriveDeadLetters, request, timeout=DEADLINE)
    assert refusal.code == grpc.StatusCode.INVALID_ARGUMENT
    assert refusal.message.startswith(f"{field}: ")


def test_letters_of_a_group_that_is_not_there(shared_bus):
    request = v1.ListDeadLettersRequest(group="nobody")
    refusal = refused(shared_bus.admin.ListDeadLetters, request, timeout=DEADLINE)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "GROUP_NOT_FOUND")


@pytest.mark.redis
def test_another_instance_redrives_and_the_one_that_serves_delivers(
    own_redis, start_on_redis, name
):
    server = own_redis()
    first, second = start_on_redis(server), start_on_redis(server)
    with Bus(first.address) as here, Bus(second.address) as there:
        member = kill(here, name, ["a"])
        eventually_equal(lambda: letters(there, name).total_letters, 1)
        assert redrive(there, name, all=True).redriven == 1
        [delivery] = member.take(1)
        assert delivery.event.id == "a" and delivery.batch.redriven
