"""What DNS seeds name: asks them once, by the system's resolvers, and prints each sighting.

`python -m tests.lab.support.sighted TIMEOUT_S SECONDS NAME...`; ends after SECONDS.
"""

import asyncio
import json
import random
import sys

from edgenode.discover.resolver import Resolver
from edgenode.discover.seeds import Seeds
from edgenode.discover.sighting import Sighting


def show(sighting: Sighting) -> None:
    sys.stdout.write(json.dumps([sighting.source, sighting.host, sighting.port]) + "\n")


async def main(timeout_s: float, seconds: float, *names: str) -> None:
    seeds = Seeds(
        names,
        resolver=Resolver(timeout_s=timeout_s),
        on_sighting=show,
        is_lonely=lambda: False,
        query_interval_s=3600,
        random=random.random,
    )
    try:
        async with asyncio.timeout(seconds):
            await seeds.run()
    except TimeoutError:
        pass


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]), float(sys.argv[2]), *sys.argv[3:]))
