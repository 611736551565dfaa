"""1,000 tails and 100 groups at once."""

import asyncio
import collections

import grpc
import pytest

from harness.bus import group_open, tail_open
from harness.stubs import rpc, v1
from harness.waiting import DEADLINE, eventually_equal

TAILS, GROUPS, CONNECTIONS, EVENTS = 1000, 100, 10, 5


async def subscribe_all(address: str, publish) -> collections.Counter:
    """Opens all, calls `publish` once all of them stand; returns who saw how many events."""
    channels = [
        grpc.aio.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)])
        for _ in range(CONNECTIONS)
    ]
    openings = [tail_open("many.*") for _ in range(TAILS)]
    openings += [group_open(f"group-{n}", "many.*") for n in range(GROUPS)]
    standing = asyncio.Semaphore(0)
    seen = collections.Counter()

    async def one(index: int, opening: v1.SubscribeOpen) -> None:
        stub = rpc.EventBusStub(channels[index % CONNECTIONS])
        call = stub.Receive(v1.ReceiveRequest(open=opening), timeout=5 * DEADLINE)
        async for message in call:
            if message.WhichOneof("message") == "opened":
                standing.release()
            for batch in message.deliveries.batches:
                seen[index] += len(batch.events)
            if seen[index] >= EVENTS:
                break
        call.cancel()

    tasks = [asyncio.create_task(one(index, opening)) for index, opening in enumerate(openings)]
    for _ in openings:
        await asyncio.wait_for(standing.acquire(), DEADLINE)
    await asyncio.to_thread(publish)
    await asyncio.gather(*tasks)
    for channel in channels:
        await channel.close()
    return seen


@pytest.mark.slow
def test_thousand_tails_and_a_hundred_groups_work_at_once(daemon, bus):
    def counts() -> list:
        return [daemon.metric(f"eventbus_{name}") for name in ("subscribers", "groups")]

    def publish() -> None:
        eventually_equal(counts, [TAILS + GROUPS, GROUPS])
        for _ in range(EVENTS):
            bus.publish("many.events")

    seen = asyncio.run(subscribe_all(daemon.address, publish))
    assert seen == collections.Counter({index: EVENTS for index in range(TAILS + GROUPS)})
