"""A real node on a host of the laboratory."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import aiohttp

from tests.integration.support.node import NETWORK, OFTEN, UNSEEN, Node
from tests.integration.support.wait import eventually
from tests.lab.support.host import Host
from tests.lab.support.relay import Relay

PEER_PORT = 4242
HTTP_PORT = 4280
RETRY_MS = 200


class LabNode(Node):
    """`edgenode run` in a host's namespace, as it is set by default, its data in `folder`.

    But neighbours are neither told nor looked for, unless `more_config` has a `[discovery]`.
    `knows`: addresses of its static peers, at `PEER_PORT`; `begins_with`: of those not kept.
    `more_config`: sections of TOML beside `[bootstrap]`. `within`: words before its command, in the
    namespace. It dies with the test's process.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        folder: Path,
        host: Host,
        *,
        knows: Sequence[str] = (),
        begins_with: Sequence[str] = (),
        more_config: str = "",
        within: Sequence[str] = (),
    ) -> None:
        super().__init__(session, folder, more_config=more_config)
        self.host = host
        self.knows = knows
        self.begins_with = begins_with
        self._within = within
        self._relay: Relay | None = None

    async def reachability(self) -> dict[str, Any]:
        """What it says of its being reachable, at /node/status."""
        found: dict[str, Any] = (await self.rest.status())["reachability"]
        return found

    async def has_verdict(
        self, verdict: str, *, verified: bool | None = None, timeout_s: float = 10.0
    ) -> dict[str, Any]:
        """Wait until it comes to a verdict (so verified, where that is given); return all of it."""
        said: dict[str, Any] = {}

        async def reached() -> bool:
            said.update(await self.reachability())
            return said["verdict"] == verdict and verified in (None, said["verified"])

        try:
            await eventually(reached, f"{self.name}: {verdict}", timeout_s=timeout_s)
        except AssertionError as failure:
            raise AssertionError(f"{failure}; it says {said}") from None
        return said

    async def close(self) -> None:
        """Close the way to its HTTP port."""
        if self._relay is not None:
            await self._relay.close()
            self._relay = None

    def _command(self) -> list[str]:
        return [
            *self.host.namespace.entering,
            *("setpriv", "--pdeathsig", "KILL", "--"),
            *self._within,
            *super()._command(),
        ]

    async def _rest_port(self) -> int:
        if self._relay is None:
            self._relay = Relay(self.host.namespace, HTTP_PORT)
            await self._relay.open()
        return self._relay.port

    def _toml(self) -> str:
        known = [(address, "true") for address in self.knows]
        known += [(address, "false") for address in self.begins_with]
        peers = ", ".join(
            f'{{address = "{address}", port = {PEER_PORT}, is_static = {static}}}'
            for address, static in known
        )
        return f"""\
network = "{NETWORK}"
[bootstrap]
nodes = [{peers}]
retry_interval = {RETRY_MS}
{UNSEEN if "[discovery]" not in self._more_config else ""}
{OFTEN if "[rate_limit]" not in self._more_config else ""}
{self._more_config}
"""


class LabNodes:
    """Makes nodes below `folder`; at the end each that runs must stop as it should."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._nodes: list[LabNode] = []

    async def __aenter__(self) -> "LabNodes":
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._session.close()
        failures: list[Exception] = []
        for node in self._nodes:
            try:
                if node.running:
                    await node.stop()
            except Exception as failure:  # the others are to be stopped all the same
                failures.append(failure)
            await node.close()
        if failures:
            raise failures[0]

    async def start(
        self,
        name: str,
        host: Host,
        *,
        knows: Sequence[str] = (),
        begins_with: Sequence[str] = (),
        more_config: str = "",
        within: Sequence[str] = (),
    ) -> LabNode:
        """Start a node on a host."""
        node = LabNode(
            self._session,
            self._folder / name,
            host,
            knows=knows,
            begins_with=begins_with,
            more_config=more_config,
            within=within,
        )
        self._nodes.append(node)
        await node.start()
        return node
