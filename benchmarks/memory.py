"""Idle memory, beside bare processes and Node.js; what a link adds; idle CPU."""

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.support.compared import BARE_PACKAGES, BARE_PYTHON, nodejs
from benchmarks.support.process import cpu_s, started, wake_ups
from benchmarks.support.table import against, heading, table
from tests.integration.support.memory import memory
from tests.integration.support.nodes import Nodes
from tests.integration.support.peer import Peer

RUNS = 3
LINKS = (0, 8, 32)  # 32 is all that a node accepts
IDLE_LINKS = 8
SETTLE_S = 4.0
# Long enough for the rounds of a minute to be seen in part, short enough for silence not to count.
IDLE_S = 20.0
MB = 1_000_000


class Idle(NamedTuple):
    """Resident and anonymous memory in bytes."""

    resident: float
    anonymous: float


async def run(with_nodejs: bool) -> None:
    """Measure all, RUNS times in turn, and print the medians."""
    heading(f"idle memory (medians of {RUNS} runs)")
    samples: dict[str, list[Idle]] = {}
    idle: list[tuple[float, float]] = []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory(prefix="edgenode-bench-") as name:
            folder = Path(name)
            await _other(samples, "bare Python", BARE_PYTHON)
            await _other(samples, "six packages, sqlite3, no OpenSSL", BARE_PACKAGES)
            if with_nodejs:
                await _other(samples, "Node.js: Express, ws, SQLite", nodejs("job.js", name))
            idle.append(await _node(samples, folder))
    medians = {
        name: Idle(median(s.resident for s in taken), median(s.anonymous for s in taken))
        for name, taken in samples.items()
    }
    table(
        ("", "resident MB", "anonymous MB"),
        [
            (name, f"{value.resident / MB:.1f}", f"{value.anonymous / MB:.1f}")
            for name, value in medians.items()
        ],
    )
    few, most = medians[_name(IDLE_LINKS)], medians[_name(LINKS[-1])]
    against("resident", few.resident / MB, 38, at_most=True, unit=" MB")
    against("anonymous", few.anonymous / MB, 24, at_most=True, unit=" MB")
    if with_nodejs:
        other = medians["Node.js: Express, ws, SQLite"]
        against("x Node.js resident", few.resident / other.resident, 0.62, at_most=True)
    link = (most.resident - few.resident) / (LINKS[-1] - IDLE_LINKS)
    against("one more link", link / 1000, 24, at_most=True, unit=" kB")
    against("idle CPU", 100 * median(cpu for cpu, _ in idle), 0.2, at_most=True, unit=" %")
    against("wake-ups a second", median(wakes for _, wakes in idle), 3, at_most=True)


async def _other(samples: dict[str, list[Idle]], name: str, command: Sequence[str]) -> None:
    async with started(command) as (pid, _):
        await _sample(samples, name, pid)


async def _node(samples: dict[str, list[Idle]], folder: Path) -> tuple[float, float]:
    """Measure a node with each number of links; returns its idle CPU share and wake-ups a second.

    The peers are this process's: real links, over which they say nothing.
    """
    cpu_share = wakes = 0.0
    async with Nodes(folder) as nodes:
        node = await nodes.start("a")
        peers: list[Peer] = []
        for count in LINKS:
            while len(peers) < count:
                peers.append(await Peer.link(nodes.session, node.ws_url))
            await _sample(samples, _name(count), node.pid)
            if count == IDLE_LINKS:
                cpu, waits = cpu_s(node.pid), wake_ups(node.pid)
                await asyncio.sleep(IDLE_S)
                cpu_share = (cpu_s(node.pid) - cpu) / IDLE_S
                wakes = (wake_ups(node.pid) - waits) / IDLE_S
        for peer in peers:
            await peer.socket.close()
    return cpu_share, wakes


async def _sample(samples: dict[str, list[Idle]], name: str, pid: int) -> None:
    await asyncio.sleep(SETTLE_S)
    taken = Idle(memory(pid, "VmRSS"), memory(pid, "RssAnon"))
    samples.setdefault(name, []).append(taken)


def _name(links: int) -> str:
    return f"edgenode, {links} links"
