"""Whether what clients saw keeps the promises. `python -m chaos.checker FILE…`

It reads histories (chaos.history) and nothing else, and knows nothing of how the daemon works. It
prints what the history was worth, and each broken promise with the story of the event. Exits with
1 if there is any.

The rules; those that tests/simulation has too go by the same names:

    confirmed-is-delivered   what was confirmed, and sent after a group was opened that wants it,
                             reached the group; the first events of a type as well
    nothing-lost             what a lasting group was given of it was acked, or is a dead letter
    dead-letters             each is there once, and somebody did what it says
    not-stored-is-gone       what was answered as not stored reaches nobody
    only-published           nothing is delivered but what was published, as it was published
    patterns                 nobody gets what its patterns do not match
    settled-stays            after a confirmed ack or reject the group does not get the event again, unless its
                             instance was frozen meanwhile
    one-position             an event has one position, a position one event
    stored-in-order          confirmed events of one ordering key of a type are stored in the order
                             in which they were sent
    key-order                in an ordered group no event is delivered before an earlier one of its
                             ordering key and type, which the group was given, is acked or dead
    tail-order               a tail gets each stream in the order of positions, each event once, also
                             over its connections
    tail-complete            a tail gets all that was confirmed since it opened, over all its
                             connections; what has an unknown outcome may come or not
    dense-numbers            delivery numbers of a subscription are 1, 2, 3, …
    needless-duplicate       what a group gets again has a cause that the clients or the faults show
    nobody-robbed            nobody loses its deliveries to another instance unless its own was frozen;
                             and no other one has to go on under another name
    comes-to-rest            when all is well again nothing stays pending and nothing unread
"""

import argparse
import bisect
import collections
import sys

from chaos import history
from chaos.fates import Fates
from chaos.report import Report, Violation
from chaos.seen import Chain, Delivery, Event, Group, Subscription, covers, matches
from chaos.story import story

# How much later than its cause a client may see something.
SLACK = 2.0
# An instance that was frozen may find out this much after it woke.
WAKING = 15.0


class Checker:
    def __init__(self, records: list[dict]):
        self.report = Report()
        self._records = records
        self._events: dict[str, Event] = {}
        self._subs: dict[str, Subscription] = {}
        self._groups: dict[str, Group] = {}
        self._chains: dict[str, Chain] = {}
        self._faults: list[dict] = []
        self._position_of: dict[str, tuple] = {}
        self._event_at: dict[tuple, str] = {}
        self._served_since: dict[str, list] = collections.defaultdict(list)
        self._open_members: collections.Counter = collections.Counter()
        self._rested = 0
        self._instances: dict[str, dict] = {}  # address → the last `open` there

    def run(self) -> Report:
        # What was published first: a delivery may be seen before its publisher is answered.
        for record in self._records:
            if record["k"] == "publish":
                self._publish(record)
            elif record["k"] == "fault":
                self._faults.append(record)
                self.report.faults[record["what"]] += 1
        for record in self._records:
            take = getattr(self, f"_on_{record['k']}", None)
            if take is not None:
                take(record)
        self._fates = Fates(self._groups, self._subs, self.report)
        for record in self._records:
            if record["k"] == "letters":
                self._fates.take_letters(record["letters"])
        self._check_order()
        self._check_groups()
        self._check_keys()
        self._check_duplicates()
        self._check_tails()
        if self._rested == 0:
            self._broken("comes-to-rest", "the history does not say that all came to rest")
        report = self.report
        report.groups, report.tails = len(self._groups), len(self._chains)
        report.subscriptions = len(self._subs)
        report.neighbours.update((stream, *at[:2]) for stream, at in self._event_at)
        report.types = len({event.type for event in self._events.values() if event.confirmed})
        return report

    def _broken(self, rule: str, what: str, event: str = "") -> None:
        self.report.violations.append(Violation(rule, what, event))

    # ---- What was seen ----

    def _publish(self, record: dict) -> None:
        for id_, type_, key, outcome in record["events"]:
            event = Event(id_, type_, key, record["t0"], record["t"], outcome)
            self._events[id_] = event
            if event.confirmed:
                self.report.confirmed += 1
                if outcome:
                    self._at(event, type_, history.event_positions(outcome, 1)[0])
            elif outcome.startswith("?"):
                self.report.unknown += 1
            else:
                self.report.refused += 1

    def _at(self, event: Event, stream: str, position: tuple) -> None:
        before = self._position_of.setdefault(event.id, (stream, position))
        if before != (stream, position):
            self._broken("one-position", f"at {before} and at {(stream, position)}", event.id)
        other = self._event_at.setdefault((stream, position), event.id)
        if other != event.id:
            self._broken("one-position", f"{other} has its position {position} too", event.id)

    def _on_open(self, record: dict) -> None:
        self._subs[record["sub"]] = Subscription(record)
        self._check_name(record)
        if record["target"] == "tail":
            if record["chain"] not in self._chains:
                self._chains[record["chain"]] = Chain(record["t"], record["patterns"])
            return
        name = record["group"]
        if name not in self._groups:
            ordered = record.get("ordered", False)
            self._groups[name] = Group(record["t"], record["patterns"], record["lasting"], ordered)
        self._open_members[name] += 1
        if self._open_members[name] == 1:
            self._served_since[name].append(record["t"])

    def _check_name(self, record: dict) -> None:
        """An instance that others took for dead goes on under another name."""
        address, since = record["address"], self._instances.get(record["address"])
        self._instances[address] = record
        if since is None or since["instance"] == record["instance"]:
            return
        causes = (("kill", SLACK), ("stop", SLACK), ("freeze", WAKING))
        if not any(
            self._happened(what, address, since["t"] - slack, record["t"]) for what, slack in causes
        ):
            self._broken(
                "nobody-robbed",
                f"{address} is {since['instance']} at {since['t']:.3f} and {record['instance']} at "
                f"{record['t']:.3f}, and was neither restarted nor frozen",
            )

    def _on_recv(self, record: dict) -> None:
        sub = self._subs.get(record["sub"])
        if sub is None or record["t"] > sub.ended + SLACK:
            return self._broken("conversation", f"{record['sub']} gets events while it is not open")
        opening = sub.opening
        chain = self._chains[opening["chain"]] if opening["target"] == "tail" else None
        group = self._groups[opening["group"]] if chain is None else None
        for stream, position, first, _, ids in record["batches"]:
            if not any(matches(pattern, stream) for pattern in opening["patterns"]):
                self._broken("patterns", f"{record['sub']} gets type {stream}", ids[0])
            positions = history.event_positions(position, len(ids))
            if group is not None:
                if first != sub.next_number:
                    self._broken(
                        "dense-numbers", f"{record['sub']}: {first}, not {sub.next_number}", ids[0]
                    )
                sub.next_number = first + len(ids)
            for n, (id_, at) in enumerate(zip(ids, positions, strict=True)):
                event = self._events.get(id_)
                if event is None or event.type != stream:
                    self._broken("only-published", f"{record['sub']} gets it from {stream}", id_)
                    continue
                if event.outcome.startswith("!"):
                    self._broken("not-stored-is-gone", f"{event.outcome}, delivered", id_)
                self._at(event, stream, at)
                if group is not None:
                    self._note(group, id_, Delivery(record["t"], record["sub"], first + n))
                else:
                    self._tail(opening["chain"], chain, event, stream, at, record["t"])
        return None

    def _note(self, group: Group, id_: str, delivery: Delivery) -> None:
        self.report.group_deliveries += 1
        before = group.deliveries.get(id_)
        if before is None:
            group.deliveries[id_] = delivery
        elif isinstance(before, list):
            before.append(delivery)
        else:
            group.deliveries[id_] = [before, delivery]

    def _tail(self, name, chain: Chain, event: Event, stream: str, at: tuple, t: float) -> None:
        self.report.tail_deliveries += 1
        last = chain.last.get(stream)
        if last is not None and at <= last:
            self._broken("tail-order", f"tail {name} gets {at} after {last}", event.id)
        chain.last[stream] = at
        chain.got.add(event.id)

    def _on_bad(self, record: dict) -> None:
        self._broken("only-published", f"{record['sub']} gets {record['what']:.300}")

    def _on_settle(self, record: dict) -> None:
        sub = self._subs[record["sub"]]
        sub.settles.append(record)
        if record["act"] == "ack":
            for first, last in record["ranges"]:
                sub.acked.update(range(first, last + 1))
        elif record["act"] in ("nack", "reject"):
            self.report.failed[f"{record['act']}ed"] += sum(l - f + 1 for f, l in record["ranges"])

    def _on_settled(self, record: dict) -> None:
        sub = self._subs[record["sub"]]
        act = [one for one in sub.settles if one["confirm"] == record["confirm"]]
        if act and act[0]["act"] in ("ack", "reject"):
            self.report.confirmed_settles += 1
            sub.done += [(record["t"], one) for one in record["done"]]

    def _on_lost(self, record: dict) -> None:
        sub = self._subs[record["sub"]]
        sub.lost += [(record["t"], one, record["reason"]) for one in record["ranges"]]
        if record["reason"] == "DEADLINE":
            self.report.failed["late"] += sum(l - f + 1 for f, l in record["ranges"])
        if record["reason"] != "TAKEN_OVER":
            return
        if not self._frozen(sub.address, record["t"] - WAKING, record["t"]):
            self._broken(
                "nobody-robbed",
                f"{record['sub']} on {sub.address} loses {record['ranges']} at {record['t']:.3f}, "
                "and its instance was not frozen",
            )

    def _on_end(self, record: dict) -> None:
        sub = self._subs[record["sub"]]
        sub.ended, sub.why = record["t"], record["why"]
        if sub.opening["target"] == "group":
            self._open_members[sub.opening["group"]] -= 1

    def _on_rest(self, record: dict) -> None:
        self._rested += 1
        for what in ("pending", "unread"):
            for where, count in record[what].items():
                self._broken("comes-to-rest", f"{count} entries stay {what}: {where}")

    # ---- What it means ----

    def _check_order(self) -> None:
        keys = collections.defaultdict(list)
        for event in self._events.values():
            if event.confirmed and event.id in self._position_of:
                keys[event.type, event.key].append((event.number, event.id))
        for events in keys.values():
            events.sort()
            for (_, earlier), (_, later) in zip(events, events[1:], strict=False):
                if self._position_of[earlier] >= self._position_of[later]:
                    self._broken(
                        "stored-in-order",
                        f"at {self._position_of[later]}, not behind {earlier} of its key at "
                        f"{self._position_of[earlier]}",
                        later,
                    )

    def _check_groups(self) -> None:
        types = {event.type for event in self._events.values()}
        for name, group in self._groups.items():
            wanted = {t for t in types if any(matches(p, t) for p in group.patterns)}
            missing = []
            for event in self._events.values():
                if not event.confirmed or event.type not in wanted:
                    continue
                first = group.deliveries.get(event.id)
                if first is None:
                    if group.lasting and event.sent >= group.opened:
                        missing.append(event.id)
                    continue
                if group.lasting:
                    self._fates.check(name, group, event.id)
                first = first[0] if isinstance(first, list) else first
                self._wait(f"group {name}", event, self._waiting_since(name, event, first), first.t)
            for id_ in missing:
                self._broken("confirmed-is-delivered", f"never came to group {name}", id_)

    def _waiting_since(self, group: str, event: Event, first: Delivery) -> float:
        served = self._served_since[group]
        index = bisect.bisect_right(served, first.t) - 1
        return max(event.answered, served[index] if index >= 0 else 0)

    def _wait(self, who: str, event: Event, since: float, until: float) -> None:
        if until - since > self.report.longest_wait:
            self.report.longest_wait = until - since
            self.report.longest_wait_of = f"{event.id} to {who}"

    def _check_keys(self) -> None:
        for name, group in self._groups.items():
            if not group.ordered:
                continue
            lines = collections.defaultdict(list)
            for id_ in group.deliveries:
                event = self._events.get(id_)
                if event is not None:
                    lines[event.type, event.key].append((self._position_of[id_], id_))
            for line in lines.values():
                line.sort()
                self.report.keys += 1
                for (_, earlier), (_, later) in zip(line, line[1:], strict=False):
                    self._check_turn(name, group, earlier, later)

    def _check_turn(self, name: str, group: Group, earlier: str, later: str) -> None:
        """That `later` did not come before `earlier` was done with, as far as clients know."""
        first = group.all_deliveries(later)[0].t
        before = group.all_deliveries(earlier)
        ends = [
            settle["t"]
            for delivery in before
            for settle in self._subs[delivery.sub].settles
            if settle["act"] in (("ack", "reject", "nack") if earlier in group.letters else ("ack",))
            and covers(settle["ranges"], delivery.number)
        ]
        if not ends or min(ends) > first or before[0].t > first:
            self._broken(
                "key-order",
                f"group {name}: gets it at {first:.3f}, and {earlier} of its key, which it got at "
                f"{before[0].t:.3f}, was "
                + (f"done with at {min(ends):.3f}" if ends else "never done with"),
                later,
            )

    def _check_tails(self) -> None:
        for name, chain in self._chains.items():
            for event in self._events.values():
                if not event.confirmed or event.sent < chain.opened or event.id in chain.got:
                    continue
                if any(matches(pattern, event.type) for pattern in chain.patterns):
                    self._broken("tail-complete", f"never came to tail {name}", event.id)

    def _check_duplicates(self) -> None:
        for name, group in self._groups.items():
            for id_, deliveries in group.deliveries.items():
                if not isinstance(deliveries, list):
                    continue
                for n in range(1, len(deliveries)):
                    cause = self._cause(deliveries[:n], deliveries[n])
                    self.report.duplicates[cause or "unexplained"] += 1
                    if not cause:
                        before = deliveries[n - 1]
                        self._broken(
                            "needless-duplicate",
                            f"group {name}: {before.sub} has it since {before.t:.3f}, and "
                            f"{deliveries[n].sub} gets it at {deliveries[n].t:.3f}",
                            id_,
                        )
                    self._check_settled(name, id_, deliveries[:n], deliveries[n])

    def _check_settled(self, group: str, id_: str, before: list, again: Delivery) -> None:
        for delivery in before:
            sub = self._subs[delivery.sub]
            for t, (first, last) in sub.done:
                if not first <= delivery.number <= last or t > again.t:
                    continue
                addresses = (sub.address, self._subs[again.sub].address)
                if any(self._frozen(one, delivery.t - WAKING, again.t) for one in addresses):
                    continue
                self._broken(
                    "settled-stays",
                    f"group {group}: {delivery.sub} was told at {t:.3f} that its ack is stored, and "
                    f"{again.sub} gets it at {again.t:.3f}",
                    id_,
                )
                return

    def _cause(self, before: list, again: Delivery) -> str:
        """Why the event came again. Of several causes the one that shows most clearly."""
        last = before[-1]
        sub = self._subs[last.sub]
        for one in sub.settles:
            if one["act"] in ("release", "nack") and one["t"] <= again.t:
                if covers(one["ranges"], last.number):
                    return f"{one['act']}ed".replace("eed", "ed")
        for t, (f, l), reason in sub.lost:
            if f <= last.number <= l and t <= again.t + SLACK:
                return "deadline passed" if reason == "DEADLINE" else "taken over"
        if self._happened("kill", sub.address, last.t, again.t):
            return "instance killed"
        for one in (sub.address, self._subs[again.sub].address):
            if self._frozen(one, last.t - WAKING, again.t):
                return "instance frozen"
        if sub.ended <= again.t + SLACK:
            return "connection broken"
        return ""

    def _happened(self, what: str, address: str, since: float, until: float) -> bool:
        """Between these times, or in part."""
        return any(
            fault["what"] == what
            and fault["address"] == address
            and fault["t"] <= until
            and (fault["until"] is None or fault["until"] >= since or fault["t"] >= since)
            for fault in self._faults
        )

    def _frozen(self, address: str, since: float, until: float) -> bool:
        return self._happened("freeze", address, since, until)


def check(records: list[dict]) -> Report:
    return Checker(records).run()


def print_report(report: Report, records: list[dict], most: int = 5) -> None:
    for line in report.lines():
        print(line)
    rules = collections.Counter(violation.rule for violation in report.violations)
    for rule, count in rules.items():
        print(f"\nBROKEN {rule}: {count}")
        for violation in [v for v in report.violations if v.rule == rule][:most]:
            print(f"  {violation.event} {violation.what}")
        for violation in [v for v in report.violations if v.rule == rule and v.event][:1]:
            print(f"  the story of {violation.event}:")
            for line in story(records, violation.event):
                print(f"    {line}")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="chaos.checker", description="Checks histories of what clients saw."
    )
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--event", help="only tell the story of this event")
    arguments = parser.parse_args()
    records = history.read(arguments.files)
    if arguments.event:
        print("\n".join(story(records, arguments.event)))
        return 0
    report = check(records)
    print_report(report, records)
    return 1 if report.violations else 0


if __name__ == "__main__":
    sys.exit(main())
