"""A node as a process of its own."""

import asyncio
import json
import re
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import aiohttp

from tests.integration.support.rest import Rest

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 5.0
"""From SIGTERM to the end, at most."""

NETWORK = "test-net"
UNSEEN = "[discovery]\nmdns = false\nmulticast = false"
"""Of the settings: neighbours are neither told nor looked for."""
OFTEN = "[rate_limit]\nmax_requests = 1000000"
"""Of the settings: tests ask more often than people do."""
_READY = r"ready nodeId=([0-9a-f]{64}) httpPort=(\d+) wsPort=(\d+)"


class Node:
    """`edgenode run` with its data in `folder`; every start after the first has the same ports.

    It asks no router for anything and tells no neighbour of itself: the network that the tests run
    in is not theirs.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        folder: Path,
        *,
        dials: Sequence[int] = (),
        network: str = NETWORK,
        retry_interval_ms: int = 100,
        more_config: str = "",
    ) -> None:
        """`dials`: ports on loopback of its static peers; may change before a start.

        `network`: "" leaves the settings without one.

        `more_config`: sections of TOML beside `[server]` and `[bootstrap]`.
        """
        self.name = folder.name
        self.data_dir = folder / "data"
        self.lines: list[str] = []
        self.node_id = ""
        self.http_port = self.ws_port = 0
        self.rest: Rest
        self._session = session
        self._config = folder / "config.toml"
        self.dials = dials
        self.belongs = ""  # more lines of [network]; may change before a start
        self._network = network
        self._retry_interval_ms = retry_interval_ms
        self._more_config = more_config
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._news = asyncio.Condition()
        folder.mkdir(exist_ok=True)

    @property
    def running(self) -> bool:
        return self._process is not None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def ws_url(self) -> str:
        return f"http://127.0.0.1:{self.ws_port}/ws"

    async def start(self) -> None:
        """Start it and return when it answers."""
        self._config.write_text(self._toml())
        seen = len(self.lines)
        self._process = await asyncio.create_subprocess_exec(
            *self._command(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        self._reader = asyncio.create_task(self._read(self._process))
        ready = await self.logged(_READY, since=seen, timeout_s=START_TIMEOUT_S)
        self.node_id, self.http_port, self.ws_port = ready[1], int(ready[2]), int(ready[3])
        run = json.loads((self.data_dir / "run.json").read_text())
        assert run == {
            "pid": self.pid,
            "nodeId": self.node_id,
            "httpPort": self.http_port,
            "wsPort": self.ws_port,
        }
        token = (self.data_dir / "operator.token").read_text().strip()
        self.rest = Rest(self._session, await self._rest_port(), token)
        assert (await self.rest.info())["nodeId"] == self.node_id

    async def stop(self) -> float:
        """SIGTERM; it must end well in time. Returns the seconds it took."""
        began = asyncio.get_running_loop().time()
        self.terminate()
        try:
            status = await self._end(STOP_TIMEOUT_S)
        except TimeoutError:
            await self.kill()
            raise AssertionError(f"{self.name} did not stop in {STOP_TIMEOUT_S} s") from None
        assert status == 0, f"{self.name} ended with {status}"
        return asyncio.get_running_loop().time() - began

    def terminate(self) -> None:
        assert self._process is not None
        with suppress(ProcessLookupError):  # its status tells how it ended
            self._process.send_signal(signal.SIGTERM)

    async def kill(self) -> None:
        """SIGKILL."""
        assert self._process is not None
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._end(STOP_TIMEOUT_S)

    async def logged(
        self, pattern: str, *, since: int = 0, timeout_s: float = 10.0
    ) -> re.Match[str]:
        """Wait for a line with `pattern` among those after the first `since`."""
        try:
            async with asyncio.timeout(timeout_s), self._news:
                while True:
                    for line in self.lines[since:]:
                        if found := re.search(pattern, line):
                            return found
                    assert self._reader is not None
                    assert not self._reader.done(), f"{self.name} ended without: {pattern}"
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"{self.name}: not within {timeout_s} s: {pattern}") from None

    async def linked_with(self, other: "Node", *, since: int = 0, timeout_s: float = 10.0) -> None:
        """Wait until it says, after the first `since` lines, that it is linked with `other`."""
        await self.logged(f"linked with {other.node_id}", since=since, timeout_s=timeout_s)

    def block_path(self, block_id: str) -> Path:
        return self.data_dir / "blocks" / block_id[:2] / block_id

    async def _end(self, timeout_s: float) -> int:
        assert self._process is not None
        assert self._reader is not None
        async with asyncio.timeout(timeout_s):
            status = await self._process.wait()
            await self._reader
        self._process = None
        return status

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        async for raw in process.stderr:
            line = raw.decode(errors="replace").rstrip()
            sys.stdout.write(f"{self.name}: {line}\n")  # pytest shows it where a test fails
            await self._tell(line)
        await self._tell(f"end of {process.pid}")

    async def _tell(self, line: str) -> None:
        async with self._news:
            self.lines.append(line)
            self._news.notify_all()

    def _command(self) -> list[str]:
        return [
            *(sys.executable, "-m", "edgenode", "run"),
            *("--config", str(self._config), "--data-dir", str(self.data_dir)),
        ]

    async def _rest_port(self) -> int:
        """Give the port on this loopback at which its HTTP port is reached."""
        return self.http_port

    def _toml(self) -> str:
        peers = ", ".join(
            f'{{address = "127.0.0.1", port = {port}, is_static = true}}' for port in self.dials
        )
        return f"""\
[network]
{f'id = "{self._network}"' if self._network else ""}
{self.belongs}
[server]
http_bind = "127.0.0.1"
ws_bind = "127.0.0.1"
http_port = {self.http_port}
ws_port = {self.ws_port}
upnp = false
[bootstrap]
nodes = [{peers}]
retry_interval = {self._retry_interval_ms}
{UNSEEN if "[discovery]" not in self._more_config else ""}
{OFTEN if "[rate_limit]" not in self._more_config else ""}
{self._more_config}
"""
