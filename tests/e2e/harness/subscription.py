"""A Subscribe call, event by event."""

import collections
import dataclasses

from harness.conversation import Conversation
from harness.stubs import v1
from harness.waiting import DEADLINE


@dataclasses.dataclass
class Delivery:
    """One event as it was handed over."""

    event: v1.Event
    number: int  # 0 for a tail and for Receive.
    batch: v1.DeliveryBatch
    token: str = ""  # Of Receive.

    @property
    def data(self) -> bytes:
        return self.event.binary_data


def deliveries_in(message: v1.Deliveries) -> list:
    """The events of a message, one by one; asserts what holds for every message."""
    assert message.batches, "a message of deliveries is never empty"
    assert message.ByteSize() <= 3.5 * 1024 * 1024
    found = []
    for batch in message.batches:
        assert batch.events, "a batch is never empty"
        assert batch.stream and batch.position
        assert batch.HasField("stored_time")
        assert len(batch.tokens) in (0, len(batch.events))
        for index, event in enumerate(batch.events):
            number = batch.first_delivery + index if batch.first_delivery else 0
            token = batch.tokens[index] if batch.tokens else ""
            found.append(Delivery(event, number, batch, token))
    return found


class Subscription(Conversation):
    def __init__(self, stub, answer_pings: bool = False):
        self._answer_pings = answer_pings
        self._next_number = 1
        self._confirm = 0
        self._taken = collections.deque()
        super().__init__(stub.Subscribe)

    def send(self, **message) -> None:
        """Sends one message: send(open=…), send(settle=…), send(ping=…), …"""
        self.send_message(v1.SubscribeRequest(**message))

    def opening(self) -> "Subscription":
        """Waits until the subscription stands; what the server said is then in `opened`."""
        self.opened = self.next().opened
        assert self.opened.subscription_id, "the first message of the call is `opened`"
        return self

    def going_on_after(self, number: int) -> "Subscription":
        """Of a resumed session: the next delivery has the number behind this one."""
        self._next_number = number + 1
        return self

    def message(self, deadline: float = DEADLINE) -> list:
        """The deliveries of the next message that has any."""
        taken = deliveries_in(self.next("deliveries", deadline=deadline).deliveries)
        for delivery in taken:
            if delivery.number:
                assert delivery.number == self._next_number, "delivery numbers have no gaps"
                self._next_number += 1
        return taken

    def take(self, count: int, deadline: float = DEADLINE) -> list:
        """The next `count` deliveries, whatever messages they come in."""
        while len(self._taken) < count:
            self._taken.extend(self.message(deadline))
        return [self._taken.popleft() for _ in range(count)]

    def pending(self) -> bool:
        """Whether there are deliveries already that nobody took."""
        return bool(self._taken) or self.has("deliveries")

    def ack(self, *deliveries) -> None:
        self.settle(ack=[delivery.number for delivery in deliveries])

    def release(self, *deliveries) -> None:
        numbers = [delivery.number for delivery in deliveries]
        self.settle(releases=[v1.DeliveryRange(first=number, last=number) for number in numbers])

    def settle(self, **fields) -> None:
        self.send(settle=v1.Settlement(**fields))

    def settled(self, **fields) -> v1.Settled:
        """Settles, and returns the server's answer once the store has it."""
        self._confirm += 1
        self.settle(confirm=self._confirm, **fields)
        settled = self.next("settled").settled
        assert settled.confirm == self._confirm
        return settled

    def round_trip(self) -> None:
        """Returns once the server has seen everything sent before."""
        self.send(ping=v1.Ping(number=987654321))
        assert self.next("pong").pong.number == 987654321

    def came(self, message) -> bool:
        if message.WhichOneof("message") == "ping" and self._answer_pings:
            self.send(pong=v1.Pong(number=message.ping.number))
        return True


def numbers(ranges) -> list:
    """The delivery numbers in a list of ranges, sorted."""
    return sorted(number for one in ranges for number in range(one.first, one.last + 1))


def data_of(deliveries) -> list:
    return [delivery.data for delivery in deliveries]
