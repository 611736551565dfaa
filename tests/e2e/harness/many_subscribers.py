"""A client with very many subscriptions, a process of its own: grpc.aio may hang when its last object
goes away, and a process that exits does not wait for that.

    python -m harness.many_subscribers ADDRESS TAILS GROUPS CONNECTIONS EVENTS

Opens all subscriptions to "many.*", prints "standing" once all of them stand, and when each has got
EVENTS events, "seen" and how many events all of them have got.
"""

import asyncio
import os
import sys

import grpc

from harness.bus import group_open, tail_open
from harness.stubs import rpc, v1
from harness.waiting import DEADLINE


async def main(address: str, tails: int, groups: int, connections: int, events: int) -> None:
    channels = [
        grpc.aio.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)])
        for _ in range(connections)
    ]
    openings = [tail_open("many.*") for _ in range(tails)]
    openings += [group_open(f"group-{n}", "many.*") for n in range(groups)]
    standing = asyncio.Semaphore(0)

    async def one(index: int, opening: v1.SubscribeOpen) -> int:
        stub = rpc.EventBusStub(channels[index % connections])
        seen = 0
        async for message in stub.Receive(v1.ReceiveRequest(open=opening), timeout=5 * DEADLINE):
            if message.WhichOneof("message") == "opened":
                standing.release()
            seen += sum(len(batch.events) for batch in message.deliveries.batches)
            if seen >= events:
                return seen
        return seen

    tasks = [asyncio.create_task(one(index, opening)) for index, opening in enumerate(openings)]
    for _ in openings:
        await asyncio.wait_for(standing.acquire(), DEADLINE)
    print("standing", flush=True)
    counts = await asyncio.gather(*tasks)
    print("seen", sum(counts), flush=True)


if __name__ == "__main__":
    asyncio.get_event_loop_policy().new_event_loop().run_until_complete(
        main(sys.argv[1], *map(int, sys.argv[2:]))
    )
    os._exit(0)
