"""What a history shows, put together: events, deliveries, subscriptions, groups, tails."""

import dataclasses


@dataclasses.dataclass(slots=True)
class Event:
    id: str
    type: str
    key: str
    sent: float
    answered: float
    outcome: str

    @property
    def confirmed(self) -> bool:
        return self.outcome[:1] not in ("!", "?")

    @property
    def number(self) -> int:
        return int(self.id.rsplit("-", 1)[1])


@dataclasses.dataclass(slots=True)
class Delivery:
    t: float
    sub: str
    number: int


@dataclasses.dataclass
class Subscription:
    opening: dict
    ended: float = float("inf")
    why: str = ""
    next_number: int = 1
    settles: list = dataclasses.field(default_factory=list)
    acked: set = dataclasses.field(default_factory=set)  # numbers, heard or not
    done: list = dataclasses.field(default_factory=list)  # (t, range) confirmed
    lost: list = dataclasses.field(default_factory=list)  # (t, range, reason)

    @property
    def address(self) -> str:
        return self.opening["address"]


@dataclasses.dataclass
class Group:
    opened: float
    patterns: list
    lasting: bool
    ordered: bool = False
    deliveries: dict = dataclasses.field(default_factory=dict)  # id → Delivery or a list of them
    letters: dict = dataclasses.field(default_factory=dict)  # id → (cause, attempts)

    def all_deliveries(self, id_: str) -> list:
        found = self.deliveries.get(id_, [])
        return found if isinstance(found, list) else [found]


@dataclasses.dataclass
class Chain:
    """A tail over all its connections."""

    opened: float
    patterns: list
    last: dict = dataclasses.field(default_factory=dict)  # stream → position
    got: set = dataclasses.field(default_factory=set)
    waits: float = 0.0


def matches(pattern: str, type_: str) -> bool:
    """The proto's rules: `*` one segment, as the last one or more; `**` any; `+` exactly one."""
    return _matches(pattern.split("."), type_.split("."))


def _matches(pattern: list, type_: list) -> bool:
    if not pattern:
        return not type_
    if pattern[0] == "**":
        return any(_matches(pattern[1:], type_[n:]) for n in range(len(type_) + 1))
    if not type_:
        return False
    if pattern == ["*"]:
        return True
    return pattern[0] in ("*", "+", type_[0]) and _matches(pattern[1:], type_[1:])


def covers(ranges: list, number: int) -> bool:
    return any(first <= number <= last for first, last in ranges)
