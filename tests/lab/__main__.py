"""`make netlab`: two homes behind real routers with a node each, to be looked at.

Removes all of it at the end, which is Ctrl-C, SIGTERM or SIGHUP; the next one removes what a killed
one has left.
"""

import asyncio
import signal
import sys
import tempfile
from pathlib import Path

from tests.lab.support import needs
from tests.lab.support.lab import Home, Lab
from tests.lab.support.miniupnpd import Offers
from tests.lab.support.node import LabNode, LabNodes


def main() -> int:
    """Run until told to end; the exit status."""
    if reason := needs.obstacle():
        sys.stderr.write(f"netlab: {reason}\n")
        return 2
    asyncio.run(_run())
    return 0


async def _run() -> None:
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    with Lab() as lab, tempfile.TemporaryDirectory(prefix="edgenode-netlab-") as folder:
        public = lab.host("public")
        homes = {name: lab.home(name, Offers()) for name in ("a", "b")}
        async with LabNodes(Path(folder)) as nodes:
            meeting = await nodes.start("public", public)
            _say(_of_node(meeting, f"on the WAN, no router, {public.address}"))
            for name, home in homes.items():
                node = await nodes.start(name, home.host, knows=[public.address])
                _say(_of_node(node, f"{home.host.address}, {home.host.address6}"))
                _say(_of_router(home))
            _say("Ctrl-C ends it.\n")
            await ended.wait()


def _of_node(node: LabNode, where: str) -> str:
    inside = f"ip netns exec {node.host.namespace.name}"
    command = f"{inside} {sys.executable} -m edgenode"
    return (
        f"\nnode {node.name}: {where}\n"
        f"  page      {node.rest.base}/\n"
        f"  REST      curl {node.rest.base}/node/status\n"
        f"  command   {command} peers --data-dir {node.data_dir}\n"
        f"  inside    {inside} sh\n"
    )


def _of_router(home: Home) -> str:
    inside = f"ip netns exec {home.router.namespace.name}"
    return (
        f"  router    {home.router.address}, outside {home.router.wan.address}\n"
        f"            {inside} nft list ruleset\n"
        f"  gateway   ip netns exec {home.host.namespace.name} upnpc -m eth0 -l\n"
    )


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
