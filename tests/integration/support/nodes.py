"""The nodes of one test."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import aiohttp

from tests.integration.support.node import NETWORK, Node


class Nodes:
    """Makes nodes below `folder`; at the end each that runs must stop as it should."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._nodes: list[Node] = []

    async def __aenter__(self) -> "Nodes":
        self.session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.session.close()
        failures: list[Exception] = []
        for node in self._nodes:
            try:
                if node.running:
                    await node.stop()
            except Exception as failure:  # the others are to be stopped all the same
                failures.append(failure)
        if failures:
            raise failures[0]

    def make(
        self,
        name: str,
        *,
        dials: Sequence[int] = (),
        network: str = NETWORK,
        more_config: str = "",
    ) -> Node:
        """Return a node that is not started yet."""
        node = Node(
            self.session,
            self._folder / name,
            dials=dials,
            network=network,
            more_config=more_config,
        )
        self._nodes.append(node)
        return node

    async def start(self, name: str, *, dials: Sequence[int] = (), more_config: str = "") -> Node:
        """Start a node that dials the given ports."""
        node = self.make(name, dials=dials, more_config=more_config)
        await node.start()
        return node

    async def pair(self) -> tuple[Node, Node]:
        """Start two nodes of which the second dials the first; return them linked."""
        first = await self.start("a")
        second = await self.start("b", dials=[first.ws_port])
        await second.linked_with(first)
        await first.linked_with(second)
        return first, second
