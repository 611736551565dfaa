"""Real processes under load, hurt at random; and a checker that sees only what clients saw.

    chaos.run      a run: Redis, daemons, clients, faults (python -m chaos.run --help)
    chaos.client   a process of clients, which writes down what it sees
    chaos.checker  whether what they saw keeps the promises (python -m chaos.checker FILES)
"""

import pathlib
import sys

# Daemons, Redis and stubs are those of the end-to-end tests.
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
