"""The parts that find neighbours alone on a host, as a program: it tells what it finds.

Each sighting is a line of JSON: `seen` ([how, host, port, nodeId, source]); a goodbye is `gone` (a
nodeId). A line of input is answered with `kept` (services of mDNS, announcements) and `anonymous`
(bytes of memory). It ends with its input, and says in how many ms: `closed`.
"""

import asyncio
import itertools
import json
import os
import random
import sys
import time
from types import TracebackType
from typing import Any

from nacl import bindings

from edgenode.core.advertisement import Advertisement, advertise
from edgenode.crypto import verify
from edgenode.discover.lan import LanAnnouncer
from edgenode.discover.mdns import Mdns
from edgenode.discover.sighting import Sighting
from edgenode.reach.watch import NetworkWatch
from tests.lab.support.namespace import Namespace

NETWORK = "laboratory"
PEER_PORT = 4242
HTTP_PORT = 4280
GROUP, GROUP_PORT = "239.255.42.42", 4243
NODE_TIMEOUT_S = 200.0
INTERVAL_S = 60.0


def keys(name: str) -> tuple[bytes, bytes]:
    """Return the public and the secret key of the node with this name."""
    pair: tuple[bytes, bytes] = bindings.crypto_sign_seed_keypair(name.encode().ljust(32)[:32])
    return pair


def node_id(name: str) -> str:
    """Return the nodeId of the node with this name."""
    return keys(name)[0].hex()


class Neighbour:
    """The program in a namespace, for as long as its context lasts; it must end well."""

    def __init__(self, namespace: Namespace, name: str, *more: str) -> None:
        """`more`: "mdns" and "lan", those of the two that are wanted (both, where none is)."""
        self.node_id = node_id(name)
        self._command = [*namespace.entering, sys.executable, "-m", __name__, name, *more]
        self.lines: list[dict[str, Any]] = []
        self._more = asyncio.Condition()
        self.said: list[str] = []

    async def __aenter__(self) -> "Neighbour":
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        self._readers = [
            asyncio.create_task(self._read()),
            asyncio.create_task(self._read_log()),
        ]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        await asyncio.gather(*self._readers)
        assert await self._process.wait() == 0, self.said

    async def sees(
        self, other: str, how: str, timeout_s: float = 10.0, *, host: str = ""
    ) -> list[Any]:
        """Wait for a sighting of this nodeId (at this address), from now on or before."""
        found = await self._line(
            lambda line: (
                line.get("seen", [""] * 4)[0] == how
                and line["seen"][3] == other
                and host in ("", line["seen"][1])
            ),
            f"{how}: {other} {host}",
            timeout_s,
        )
        seen: list[Any] = found["seen"]
        return seen

    async def sees_link_local(self, other: str, how: str, timeout_s: float = 10.0) -> None:
        """Wait for a sighting of this nodeId at a link-local address, which has its zone."""
        await self._line(
            lambda line: (
                line.get("seen", [""] * 4)[0] == how
                and line["seen"][3] == other
                and line["seen"][1].startswith("fe80::")
                and line["seen"][1].endswith("%eth0")
            ),
            f"{how}: {other} link-local",
            timeout_s,
        )

    async def loses(self, other: str, timeout_s: float = 10.0) -> None:
        """Wait until it is told that this nodeId is gone."""
        await self._line(lambda line: line.get("gone") == other, f"gone: {other}", timeout_s)

    async def kept(self) -> tuple[int, int, int]:
        """Return how many services and announcements are kept, and the bytes of memory."""
        assert self._process.stdin is not None
        before = sum("kept" in line for line in self.lines)
        self._process.stdin.write(b"\n")
        found = await self._line(lambda line: "kept" in line, "kept", 30.0, skip=before)
        return found["kept"][0], found["kept"][1], found["anonymous"]

    async def logs(self, words: str, timeout_s: float = 10.0) -> None:
        """Wait for a line of its log with these words."""
        async with asyncio.timeout(timeout_s), self._more:
            await self._more.wait_for(lambda: any(words in line for line in self.said))

    def forget(self) -> None:
        """Take no more account of what was said until now."""
        self.lines.clear()

    @property
    def closed_ms(self) -> float:
        """How long its end took."""
        return float(self.lines[-1]["closed"])

    async def _line(self, fits: Any, what: str, timeout_s: float, skip: int = 0) -> dict[str, Any]:
        try:
            async with asyncio.timeout(timeout_s), self._more:
                while len(fitting := [line for line in self.lines if fits(line)]) <= skip:
                    await self._more.wait()
        except TimeoutError:
            said = self.lines[-20:], self.said[-20:]
            raise AssertionError(f"not within {timeout_s} s: {what}; it said {said}") from None
        return fitting[skip]

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            async with self._more:
                self.lines.append(json.loads(line))
                self._more.notify_all()

    async def _read_log(self) -> None:
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            async with self._more:
                self.said.append(line.decode().rstrip())
                self._more.notify_all()


def _say(**line: object) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _anonymous() -> int:
    with open("/proc/self/smaps_rollup") as file:  # noqa: PTH123
        return next(1024 * int(line.split()[1]) for line in file if line.startswith("Anonymous:"))


async def _main(name: str, parts: list[str]) -> None:
    public, secret = keys(name)
    seq = itertools.count(1)

    def on_seen(sighting: Sighting) -> None:
        _say(seen=list(sighting))

    def on_gone(gone: str) -> None:
        _say(gone=gone)

    mdns = Mdns(
        node_id=public.hex(),
        network=NETWORK,
        version="0.1.0",
        capabilities=["store", "relay"],
        host_name=name,
        peer_port=PEER_PORT,
        http_port=HTTP_PORT,
        bind="",
        on_seen=on_seen,
        on_gone=on_gone,
        random=random.random,
    )
    lan = LanAnnouncer(
        node_id=public.hex(),
        network=NETWORK,
        peer_port=PEER_PORT,
        bind="",
        group=GROUP,
        port=GROUP_PORT,
        interval_s=INTERVAL_S,
        node_timeout_s=NODE_TIMEOUT_S,
        advertise=lambda address, port: advertise(
            Advertisement(public.hex(), address, port, ["store", "relay"], "0.1.0"),
            NETWORK,
            1,
            next(seq),
            time.time_ns() // 1_000_000,
            lambda message: bytes(bindings.crypto_sign(message, secret)[:64]),
        ),
        verify_fn=verify,
        on_seen=on_seen,
        on_gone=on_gone,
        random=random.random,
    )
    wanted = [part for key, part in (("mdns", mdns), ("lan", lan)) if not parts or key in parts]
    tasks = [asyncio.create_task(part.run()) for part in wanted]
    ended = asyncio.Event()

    def read() -> None:
        if not os.read(0, 1):
            asyncio.get_running_loop().remove_reader(0)
            ended.set()
            return
        _say(kept=[len(mdns._services), len(lan._neighbours)], anonymous=_anonymous())

    asyncio.get_running_loop().add_reader(0, read)

    def changed(broke: bool) -> None:
        for part in wanted:
            part.network_changed()

    watch = NetworkWatch(set, changed)
    watch.start()
    await ended.wait()
    watch.close()
    for task in tasks:
        task.cancel()
    failures = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(failure, asyncio.CancelledError) for failure in failures), failures
    began = time.perf_counter()
    for part in wanted:
        await part.close()
    _say(closed=1000 * (time.perf_counter() - began))


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], sys.argv[2:]))
