"""What has become of each event in each group: the part of the checker for events that fail."""

from chaos.report import Report, Violation
from chaos.seen import Group, Subscription, covers


class Fates:
    def __init__(self, groups: dict[str, Group], subs: dict[str, Subscription], report: Report):
        self._groups = groups
        self._subs = subs
        self._report = report

    def take_letters(self, letters: list) -> None:
        for name, stream, id_, cause, attempts in letters:
            self._report.letters[cause] += 1
            group = self._groups.get(name)
            if group is None:
                self._broken("dead-letters", f"of group {name}, which nobody opened", id_)
                continue
            if id_ in group.letters:
                self._broken("dead-letters", f"group {name} has two in {stream}", id_)
            group.letters[id_] = (cause, attempts)
            self._check_letter(name, group, id_, cause)

    def _check_letter(self, name: str, group: Group, id_: str, cause: str) -> None:
        """Somebody must have done what it says, as often as needed is checked by the simulation."""
        done = {"nacked": "nack", "rejected": "reject"}.get(cause)
        if done is None:
            return
        if not any(
            settle["act"] == done and covers(settle["ranges"], delivery.number)
            for delivery in group.all_deliveries(id_)
            for settle in self._subs[delivery.sub].settles
        ):
            self._broken("dead-letters", f"group {name}: {cause}, and nobody did that", id_)

    def check(self, name: str, group: Group, id_: str) -> None:
        """Of an event that the group was given: it was acked, or is a dead letter."""
        if id_ in group.letters:
            return
        for delivery in group.all_deliveries(id_):
            if delivery.number in self._subs[delivery.sub].acked:
                return
        self._broken("nothing-lost", f"group {name}: nobody acked it, and it is no dead letter", id_)

    def _broken(self, rule: str, what: str, event: str) -> None:
        self._report.violations.append(Violation(rule, what, event))
