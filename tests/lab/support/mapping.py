"""The mapping part alone on a host, as a program: says what it comes to until its input ends.

Its methods, network and decisions are the node's own; what it keeps is kept nowhere. Each change is
a line of JSON: `ms` since its start, `settled`, `mappings` ([method, address, port] each) and
`failures` ([method, reason] each). At the end it deletes its mappings.
"""

import asyncio
import json
import select
import subprocess
import sys
import time
from types import TracebackType
from typing import Any

from edgenode.reach.gateways import find_network
from edgenode.reach.mapper import PortMapper
from edgenode.reach.method import NAT_PMP, PCP, UPNP, Gateway, Method
from edgenode.reach.natpmp import NatPmpMethod
from edgenode.reach.pcp import PcpMethod
from edgenode.reach.upnp import UpnpMethod
from edgenode.reach.view import View
from edgenode.reach.wanted import Wanted
from tests.lab.support.host import Host
from tests.lab.support.node import PEER_PORT

LIFETIME_S = 7200


class MappingPart:
    """The program on a host, for as long as its context lasts."""

    def __init__(self, host: Host) -> None:
        self._command = [*host.namespace.entering, sys.executable, "-m", __name__]

    def __enter__(self) -> "MappingPart":
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.communicate()
        assert self._process.returncode == 0, "the mapping part has failed, as printed above"

    def settled(self, give_up_s: float = 30.0) -> dict[str, Any] | None:
        """Wait until it has mapped, or has tried all in vain, and return that line; None: never."""
        output = self._process.stdout
        assert output is not None
        deadline = time.monotonic() + give_up_s
        while select.select([output], [], [], max(0.0, deadline - time.monotonic()))[0]:
            line = output.readline()
            if not line:
                return None
            said: dict[str, Any] = json.loads(line)
            if said["mappings"] or said["settled"]:
                return said
        return None


class _Forgetful:
    """A store without a memory."""

    async def load(self) -> str | None:
        return None

    async def save(self, text: str) -> None:
        pass


async def _main() -> None:
    began = time.perf_counter()

    def tell(view: View) -> None:
        line = {
            "ms": 1000 * (time.perf_counter() - began),
            "settled": view.settled,
            "mappings": [
                [one.method, one.external_address, one.external_port] for one in view.mappings
            ],
            "failures": [[one.method, one.reason] for one in view.failures],
        }
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()

    turn = asyncio.Lock()

    def make_method(name: str, gateway: Gateway) -> Method:
        if name == PCP:
            return PcpMethod(gateway)
        if name == NAT_PMP:
            return NatPmpMethod(gateway)
        return UpnpMethod(gateway, turn=turn)

    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(0, ended.set)
    mapper = PortMapper(
        Wanted(PEER_PORT, 0, LIFETIME_S, "laboratory"),
        methods=(PCP, NAT_PMP, UPNP),
        bound_to="",
        make_method=make_method,
        find_network=find_network,
        store=_Forgetful(),
        on_change=tell,
    )
    await mapper.start()
    await ended.wait()
    await mapper.close()


if __name__ == "__main__":
    asyncio.run(_main())
