"""What a history was worth, and which promises it breaks."""

import collections
import dataclasses


@dataclasses.dataclass
class Violation:
    rule: str
    what: str
    event: str = ""


@dataclasses.dataclass
class Report:
    violations: list = dataclasses.field(default_factory=list)
    confirmed: int = 0
    unknown: int = 0
    refused: int = 0
    group_deliveries: int = 0
    tail_deliveries: int = 0
    duplicates: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    confirmed_settles: int = 0
    failed: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    letters: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    faults: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    groups: int = 0
    tails: int = 0
    types: int = 0
    keys: int = 0
    # Positions that differ in their last part only.
    neighbours: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    subscriptions: int = 0
    longest_wait: float = 0.0
    longest_wait_of: str = ""

    def stored_together(self) -> str:
        sizes = self.neighbours.values()
        mean = sum(sizes) / len(sizes) if sizes else 0
        return f"{mean:.1f} together on average, {max(sizes, default=0)} at most"

    def lines(self) -> list[str]:
        def counted(counter: collections.Counter) -> str:
            return ", ".join(f"{what} {count}" for what, count in sorted(counter.items())) or "none"

        return [
            f"events: {self.confirmed} confirmed, {self.unknown} unknown, {self.refused} refused; "
            f"{self.types} types; stored {self.stored_together()}",
            f"deliveries: {self.group_deliveries} to {self.groups} groups, {self.tail_deliveries} "
            f"to {self.tails} tails, over {self.subscriptions} subscriptions; "
            f"{self.confirmed_settles} settlements confirmed",
            f"in order: {self.keys} keys of ordered groups",
            f"duplicates: {self.duplicates.total()} ({counted(self.duplicates)})",
            f"failed: {counted(self.failed)}; dead letters: {self.letters.total()} "
            f"({counted(self.letters)})",
            f"faults: {self.faults.total()} ({counted(self.faults)})",
            f"longest stall: {self.longest_wait:.1f} s ({self.longest_wait_of})",
            f"broken promises: {len(self.violations)}",
        ]
