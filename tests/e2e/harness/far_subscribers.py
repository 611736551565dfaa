"""Subscribers with a connection each, a process of their own, so that it can run in another
network namespace.

    python -m harness.far_subscribers ADDRESS KIND=NAME…

NAME is the type, and the group too, which is there already. KIND is `pongs`, a member that promises
to answer pings and does, `plain`, one that promises nothing, `receive`, the same by Receive, or
`tail`. Prints "all stand", takes three events each, of which groups ack the first, prints "all hold",
and keeps its connections until its standard input ends.
"""

import os
import sys

from harness.bus import Bus, group_open
from harness.stubs import v1
from harness.subscription import deliveries_in


class Far:
    def __init__(self, address: str, kind: str, name: str):
        self._bus = Bus(address)
        self._kind = kind
        if kind == "receive":
            self._call = self._bus.receive(group_open(name))
            assert next(self._call).WhichOneof("message") == "opened"
        elif kind == "tail":
            self._call = self._bus.tail(name)
        else:
            pongs = kind == "pongs"
            assert pongs or kind == "plain"
            self._call = self._bus.group(name, answer_pings=pongs, answers_pings=pongs)

    def take_three(self) -> None:
        if self._kind == "receive":
            taken = []
            while len(taken) < 3:
                message = next(self._call)
                if message.WhichOneof("message") == "deliveries":
                    taken += deliveries_in(message.deliveries)
            assert self._bus.settle(ack=[taken[0].token]).done == 1
            return
        taken = self._call.take(3)
        if self._kind != "tail":
            done = self._call.settled(ack=[taken[0].number]).done
            assert list(done) == [v1.DeliveryRange(first=1, last=1)]


def main(address: str, *wanted: str) -> None:
    subscribers = [Far(address, *one.split("=", 1)) for one in wanted]
    print("all stand", flush=True)
    for subscriber in subscribers:
        subscriber.take_three()
    print("all hold", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
    os._exit(0)
