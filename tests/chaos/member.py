"""A member of a group, in one of several tempers."""

import time

from harness.stubs import v1

from chaos.subscriber import Session, Subscriber
from chaos.world import World


class Member(Subscriber):
    """A member of a group. Its temper says how it treats what it gets."""

    def __init__(self, world: World, spec: dict):
        super().__init__(world, spec)
        self._dies_at = 0.0

    def opening(self) -> v1.SubscribeOpen:
        opening = super().opening()
        group = opening.group
        group.name = self._spec["group"]
        group.patterns.extend(self._spec["patterns"])
        if self._spec["start"] == "earliest":
            opening.start.earliest.SetInParent()
        if self._spec.get("expiry"):
            group.ephemeral = True
            group.policy.inactive_expiry.seconds = self._spec["expiry"]
        policy = self._spec.get("policy") or {}
        if policy.get("ordered"):
            group.policy.ordered = True
        if "max_retries" in policy:
            group.policy.max_retries = policy["max_retries"]
        for field in ("retry_delay", "ack_deadline"):
            if field in policy:
                getattr(group.policy, field).FromMilliseconds(int(1000 * policy[field]))
        self._dies_at = time.monotonic() + self._random.uniform(0.5, 5)
        return opening

    def described(self) -> dict:
        expiry = self._spec.get("expiry") or 0
        return {
            "target": "group",
            "group": self._spec["group"],
            "lasting": expiry == 0 or expiry >= 60,
            "ordered": bool((self._spec.get("policy") or {}).get("ordered")),
        }

    def opened(self, asked: float, opened, address: str) -> None:
        super().opened(asked, opened, address)
        if self._spec.get("once"):
            self.session.cut("cut")

    def handle(self, batches: list) -> None:
        temper = "fast" if self._world.calm.is_set() else self._spec["temper"]
        chance, session = self._random, self.session
        ranges = [[batch[2], batch[2] + len(batch[4]) - 1] for batch in batches]
        if temper == "dying" and time.monotonic() > self._dies_at:
            # In the middle of a batch: some of it is settled, some is not.
            self.settle(session, "ack", [[ranges[0][0], ranges[0][0]]])
            session.cut("cut")
            return
        if temper in ("slow", "holding"):
            # Longer than any outage: they must not lose what they hold.
            delay = chance.uniform(0.2, 3) if temper == "slow" else chance.uniform(4, 12)
            self._world.later.call(delay, lambda: self.settle(session, "ack", ranges))
            return
        if temper == "late" and chance.random() < 0.2:
            # Past the deadline of its group, most of the time.
            self._world.later.call(
                chance.uniform(1, 4), lambda: self.settle(session, "ack", ranges)
            )
            return
        if temper == "failing":
            ranges = self._fail_some(session, ranges)
        if temper == "releasing" and chance.random() < 0.3:
            chosen = chance.choice(ranges)
            first, last = chosen
            middle = chance.randint(first, last)
            self.settle(session, "release", [[first, middle]])
            ranges = [one for one in ranges if one is not chosen]
            if middle < last:
                ranges.append([middle + 1, last])
        if temper == "piecemeal":
            # Every entry stays partly settled for a while, so its state has to be written down.
            early, late = [], []
            for first, last in ranges:
                for number in range(first, last + 1):
                    (early if chance.random() < 0.5 else late).append([number, number])
            if early:
                self.settle(session, "ack", early, confirmed=True)
            if late:
                self._world.later.call(
                    chance.uniform(0.1, 4),
                    lambda: self.settle(session, "ack", late, confirmed=True),
                )
            return
        if ranges:
            self.settle(session, "ack", ranges, confirmed=chance.random() < 0.1)

    def _fail_some(self, session: Session, ranges: list) -> list:
        """Nacks a tenth, rejects a few, and answers with the rest."""
        rest: list = []
        acts: dict[str, list] = {"nack": [], "reject": []}
        for first, last in ranges:
            for number in range(first, last + 1):
                drawn = self._random.random()
                act = "nack" if drawn < 0.1 else "reject" if drawn < 0.102 else ""
                if act:
                    acts[act].append([number, number])
                elif rest and rest[-1][1] == number - 1:
                    rest[-1][1] = number
                else:
                    rest.append([number, number])
        for act, chosen in acts.items():
            if chosen:
                self.settle(session, act, chosen, confirmed=self._random.random() < 0.5)
        return rest

    def settle(self, session: Session, act: str, ranges: list, confirmed: bool = False) -> None:
        if not session.open:
            return
        confirm = 0
        if confirmed:
            session.confirm = confirm = session.confirm + 1
        settlement = v1.Settlement(confirm=confirm)
        if act == "nack":
            nack = settlement.nacks.add(reason="failed on purpose")
            if self._random.random() < 0.5:
                nack.delay.FromMilliseconds(self._random.randint(0, 1500))
            target = nack.deliveries
        elif act == "reject":
            target = settlement.rejects.add(reason="bad on purpose").deliveries
        else:
            target = settlement.ack_ranges if act == "ack" else settlement.releases
        target.extend(v1.DeliveryRange(first=first, last=last) for first, last in ranges)
        self._world.log.write("settle", sub=session.sub, act=act, ranges=ranges, confirm=confirm)
        session.requests.put(v1.SubscribeRequest(settle=settlement))
