"""A node under siege, in many ways at once: who is honest hardly notices."""

import asyncio
import json
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.integration.support.memory import MIB, memory, reset_peak
from tests.lab.support.host import Host
from tests.lab.support.lab import Lab
from tests.lab.support.node import PEER_PORT, LabNode, LabNodes
from tests.lab.support.siege import FRAMES, HALF_OPEN, KINDS, SLOW_BODIES, Siege

pytestmark = pytest.mark.ci

LINES = 5
OF_LINE = 10
"""Of each kind of besieger: 50 addresses in 5 networks."""

SIEGE_S = 12
CALM_S = 8
EACH_S = 0.05
"""Between two requests of the honest, so that a hundredth of them is some."""

MAX_MORE_S = 0.100
MAX_GONE_S = 6.0
MAX_MORE_BYTES = 16 * MIB
MAX_LOG_BYTES = MIB
ROOT = Path(__file__).parents[2]

RATES = "[rate_limit]\nmax_requests = 6000\n"
"""So that one address may ask as often as is needed here; the besiegers may so, too."""


def addresses(host: Host, kind: int) -> list[str]:
    """Give the host more addresses, on lines for this kind alone; return them."""
    found = []
    for place in host.places[kind * LINES : (kind + 1) * LINES]:
        net = place.address.rpartition(".")[0]
        more = [f"{net}.{10 + number}" for number in range(OF_LINE)]
        host.namespace.ip(*(f"addr add {one}/24 dev {place.interface}" for one in more))
        found += more
    return found


async def besiege(attacker: Host, kind: str, target: str, sources: list[str]) -> Siege:
    """Run one kind of besieger to its end."""
    process = await asyncio.create_subprocess_exec(
        *attacker.namespace.entering,
        *("setpriv", "--pdeathsig", "KILL", "--", sys.executable, "-m", "tests.lab.support.siege"),
        *(kind, target, str(PEER_PORT), str(SIEGE_S), *sources),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, kind
    return Siege(**json.loads(said))


async def asked(honest: Host, target: str) -> float:
    """Ask as an honest stranger does, on a connection of its own; return the seconds it took."""
    with honest.namespace.inside():
        opened = socket.socket()
    opened.setblocking(False)
    began = time.monotonic()
    async with asyncio.timeout(10):
        try:
            await asyncio.get_running_loop().sock_connect(opened, (target, PEER_PORT))
            reader, writer = await asyncio.open_connection(sock=opened)
        except BaseException:
            opened.close()
            raise
        try:
            writer.write(b"GET /node/info HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n")
            answer = await reader.read()
        finally:
            writer.transport.abort()
    assert answer.startswith(b"HTTP/1.1 200 "), answer[:100]
    return time.monotonic() - began


async def asked_by_operator(node: LabNode) -> float:
    began = time.monotonic()
    await node.rest.status()
    return time.monotonic() - began


@asynccontextmanager
async def measured(ask: Callable[[], Awaitable[float]]) -> AsyncIterator[list[float]]:
    """Ask again and again meanwhile; give how long it took each time."""
    took: list[float] = []

    async def go_on() -> None:
        while True:
            took.append(await ask())
            await asyncio.sleep(EACH_S)

    task = asyncio.create_task(go_on())
    try:
        yield took
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error


def p99(took: list[float]) -> float:
    assert len(took) >= 80
    return sorted(took)[-1 - len(took) // 100]


async def test_a_siege_is_hardly_noticed(lab: Lab, nodes: LabNodes) -> None:
    target = lab.host("node")
    honest = lab.host("honest")
    attacker = lab.host("attacker", *(lab.wan for _ in range(LINES * len(KINDS))))
    sources = {kind: addresses(attacker, number) for number, kind in enumerate(KINDS)}
    node = await nodes.start("node", target, more_config=RATES)
    pid = int(json.loads((node.data_dir / "run.json").read_text())["pid"])

    async def stranger() -> float:
        return await asked(honest, target.address)

    async def operator() -> float:
        return await asked_by_operator(node)

    async with measured(stranger) as stranger_calm, measured(operator) as operator_calm:
        await asyncio.sleep(CALM_S)
    reset_peak(pid)
    before = memory(pid, "VmRSS")
    lines = len(node.lines)
    async with measured(stranger) as stranger_then, measured(operator) as operator_then:
        sieges = await asyncio.gather(
            *(besiege(attacker, kind, target.address, sources[kind]) for kind in KINDS)
        )
    more = memory(pid, "VmHWM") - before
    logged = sum(len(line) + 1 for line in node.lines[lines:])
    by_kind = dict(zip(KINDS, sieges, strict=True))
    print(by_kind)  # noqa: T201
    print(  # noqa: T201
        f"p99 stranger {p99(stranger_calm) * 1e3:.1f} -> {p99(stranger_then) * 1e3:.1f} ms, "
        f"operator {p99(operator_calm) * 1e3:.1f} -> {p99(operator_then) * 1e3:.1f} ms, "
        f"{more / MIB:.1f} MiB more at most, {logged} bytes logged"
    )
    assert by_kind["frames"].frames >= FRAMES
    assert by_kind["half_open"].opened + by_kind["half_open"].refused >= HALF_OPEN
    assert by_kind["slow_bodies"].opened + by_kind["slow_bodies"].refused >= SLOW_BODIES
    assert max(siege.oldest_s for siege in sieges) <= MAX_GONE_S
    assert max(siege.gone_s for siege in sieges) <= MAX_GONE_S
    assert p99(stranger_then) <= p99(stranger_calm) + MAX_MORE_S
    assert p99(operator_then) <= p99(operator_calm) + MAX_MORE_S
    assert more <= MAX_MORE_BYTES
    assert logged <= MAX_LOG_BYTES
