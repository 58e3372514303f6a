"""Run in a network namespace: changes it, and prints what the watch says of each change."""

import asyncio
import sys

from edgenode.reach.gateways import find_network
from edgenode.reach.watch import NetworkWatch

QUIET_S = 3.0


async def main() -> None:
    told: asyncio.Queue[bool] = asyncio.Queue()
    watch = NetworkWatch(lambda: {"home0"}, told.put_nowait)
    watch.start()
    for name, *commands in (
        (
            "make",
            "link add home0 type veth peer name far0",
            "link set home0 up",
            "link set far0 up",
        ),
        ("address", "addr add 192.168.1.20/24 dev home0"),
        ("route", "route add default via 192.168.1.1"),
        ("unplugged", "link set far0 down"),
        ("plugged", "link set far0 up"),
        ("other", "link add dummy0 type veth peer name dummy1", "link del dummy0"),
        ("other-route", "route add 10.9.0.0/16 via 192.168.1.1", "route del 10.9.0.0/16"),
        ("no-route", "route del default"),
        ("no-address", "addr del 192.168.1.20/24 dev home0"),
    ):
        for command in commands:
            process = await asyncio.create_subprocess_exec("ip", *command.split())
            assert await process.wait() == 0
        broke = await asyncio.wait_for(told.get(), QUIET_S)
        # The kernel holds back what concerns a carrier, for a second.
        await asyncio.sleep(1.3 if "plugged" in name else 0.3)
        while not told.empty():
            broke = told.get_nowait() or broke
        found = [gateway.address for gateway in find_network().gateways]
        sys.stdout.write(f"{name} {'broke' if broke else 'look'} {','.join(found)}\n")
    watch.close()


asyncio.run(main())
