"""Real input: 329 payloads of GitHub's webhooks, published and received by pattern."""

import pytest

from harness.github import by_id, github_events

PATTERNS = ["github.push", "github.issues.*", "github.*", "*"]


def wanted(pattern: str) -> dict:
    prefix = pattern.removesuffix("*")
    return by_id(
        one
        for one in github_events()
        if one.type == pattern or (pattern.endswith("*") and one.type.startswith(prefix))
    )


def test_the_data_is_what_it_should_be():
    events = github_events()
    assert len(events) == 329
    assert len({one.type.split(".")[1] for one in events}) == 58
    assert [len(wanted(pattern)) for pattern in PATTERNS[2:]] == [329, 329]
    assert len(wanted("github.push")) == 7
    assert len(wanted("github.issues.*")) > 10


def publish_in_batches(bus) -> None:
    events = github_events()
    for begin in range(0, len(events), 100):
        bus.publish_batch(events[begin : begin + 100])


def subscriptions(bus) -> dict:
    return {pattern: bus.group(f"group-{index}", pattern) for index, pattern in enumerate(PATTERNS)}


def assert_each_once(bus, members: dict) -> None:
    """Every member gets what its pattern takes, unchanged, and nothing else."""
    for pattern, member in members.items():
        expected = wanted(pattern)
        deliveries = member.take(len(expected))
        assert by_id(delivery.event for delivery in deliveries) == expected
        member.ack(*deliveries)
    # What comes after them is the next event: nothing came twice, nothing came that should not.
    for type_ in ("github.push", "github.issues.end"):
        bus.publish(type_, id="end")
    for pattern, member in members.items():
        assert member.take(1)[0].event.id == "end"


@pytest.mark.smoke
def test_published_by_batches(bus):
    members = subscriptions(bus)
    publish_in_batches(bus)
    assert_each_once(bus, members)


def test_published_by_stream(bus):
    members = subscriptions(bus)
    call = bus.publish_stream()
    for one in github_events():
        last = call.publish(one)
    call.half_close()
    call.wait_for(last)
    assert call.end() is None and not call.failures
    assert_each_once(bus, members)


def test_groups_that_were_away_get_them_all(bus):
    for member in subscriptions(bus).values():
        member.cancel()
        member.end()
    for one in github_events():
        bus.publish(one)
    assert_each_once(bus, {p: bus.group(f"group-{n}") for n, p in enumerate(PATTERNS)})


def test_exact_types_each_get_their_own(bus):
    events = github_events()
    types = sorted({one.type for one in events})
    tails = {type_: bus.tail(type_) for type_ in types}
    publish_in_batches(bus)
    for type_, tail in tails.items():
        expected = by_id(one for one in events if one.type == type_)
        assert by_id(d.event for d in tail.take(len(expected))) == expected
