"""A process of clients: publishers, members of groups, tails. `python -m chaos.client PLAN`.

PLAN is a JSON file that chaos.run writes. Commands come by standard input, one a line: `calm` (no
more publishing and no more mischief: settle all), `markers` (one last event of each type), `stop`.
"""

import json
import pathlib
import sys
import threading

from chaos.member import Member
from chaos.publisher import Publisher
from chaos.subscriber import Subscriber
from chaos.tail import Tail
from chaos.world import STOP_DEADLINE, World


def main() -> None:
    plan = json.loads(pathlib.Path(sys.argv[1]).read_text())
    world = World(plan)
    publishers = [Publisher(world, spec) for spec in plan["publishers"]]
    subscribers: list[Subscriber] = [Member(world, spec) for spec in plan["members"]]
    subscribers += [Tail(world, spec) for spec in plan["tails"]]
    for thread in [*publishers, *subscribers]:
        thread.start()
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.2):
            for subscriber in subscribers:
                subscriber.watch()

    threading.Thread(target=watch, daemon=True).start()
    print("running", flush=True)
    for line in sys.stdin:
        if line.strip() == "calm":
            world.calm.set()
            for publisher in publishers:
                publisher.join()
            print("calm", flush=True)
        elif line.strip() == "markers":
            publishers[0].publish_markers(plan["types"])
            print("marked", flush=True)
        elif line.strip() == "stop":
            break
    world.calm.set()
    world.stop.set()
    for thread in subscribers:
        thread.join(STOP_DEADLINE + 10)
    over.set()
    world.log.close()
    print("stopped", flush=True)


if __name__ == "__main__":
    main()
