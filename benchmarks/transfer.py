"""A block of 64 MiB from node to node, beside what secretstream and SHA3-512 alone take for it."""

import asyncio
import os
import tempfile
import time
from pathlib import Path
from statistics import median

import aiohttp

from benchmarks.support.process import cpu_s
from benchmarks.support.table import against, heading, table
from edgenode.core.frame import CHUNK_BYTES
from edgenode.crypto import Opener, Sealer, new_block_hasher
from tests.integration.support.memory import MIB, memory, reset_peak
from tests.integration.support.node import Node
from tests.integration.support.nodes import Nodes
from tests.integration.support.rest import TIMEOUT

RUNS = 5
SIZE = 64 * MIB
SETTLE_S = 3.0


async def run(_with_nodejs: bool) -> None:
    """Move a new block RUNS times, each beside the bare work; print the medians."""
    heading(f"a block of 64 MiB between two nodes (medians of {RUNS} blocks)")
    rows: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="edgenode-bench-") as folder:
        async with Nodes(Path(folder)) as nodes:
            giver, taker = await nodes.pair()
            for _ in range(RUNS):
                block = os.urandom(SIZE)
                for name, value in (await asyncio.to_thread(_alone, block)).items():
                    rows.setdefault(name, []).append(value)
                block_id = await giver.rest.post(block)
                for name, value in (await _fetched(nodes.session, giver, taker, block_id)).items():
                    rows.setdefault(name, []).append(value)
    medians = {name: median(values) for name, values in rows.items()}
    times = [(name, f"{value:.2f}") for name, value in medians.items() if name.endswith(" s")]
    table(("", "s"), [(name.removesuffix(" s"), value) for name, value in times])
    bare = medians["open alone s"] + medians["SHA3-512 alone s"]
    ratio = bare / medians["fetched, wall s"]
    against("open and SHA3-512 alone / fetched", ratio, 0.5, at_most=False)
    for name in ("giver", "taker"):
        grown = medians[f"{name}, memory MiB"]
        against(f"more memory at the {name}", grown, 2, at_most=True, unit=" MiB")


def _alone(block: bytes) -> dict[str, float]:
    """Return the CPU seconds of one thread: 64 MiB in chunks of the link."""
    sealer = Sealer(bytes(32))
    opener = Opener(bytes(32), sealer.header)
    pieces = [block[start : start + CHUNK_BYTES] for start in range(0, SIZE, CHUNK_BYTES)]
    marks = [time.thread_time()]
    sealed = [sealer.seal(piece) for piece in pieces]
    marks.append(time.thread_time())
    for frame in sealed:
        opener.open(frame)
    marks.append(time.thread_time())
    hasher = new_block_hasher()
    for piece in pieces:
        hasher.update(piece)
    hasher.hexdigest()
    marks.append(time.thread_time())
    names = ("seal alone s", "open alone s", "SHA3-512 alone s")
    return {name: end - start for name, start, end in zip(names, marks, marks[1:], strict=False)}


async def _fetched(
    session: aiohttp.ClientSession, giver: Node, taker: Node, block_id: str
) -> dict[str, float]:
    """Let `taker` fetch a block that it lacks; it answers when it holds the whole block."""
    await asyncio.sleep(SETTLE_S)
    resident = {node: memory(node.pid, "VmRSS") for node in (giver, taker)}
    cpu = {node: cpu_s(node.pid) for node in (giver, taker)}
    for node in (giver, taker):
        reset_peak(node.pid)
    token = (taker.data_dir / "operator.token").read_text().strip()
    began = time.perf_counter()
    response = await session.get(
        f"{taker.rest.base}/blocks/{block_id}",
        headers={"Authorization": f"Bearer {token}"},
        timeout=TIMEOUT,
    )
    wall = time.perf_counter() - began
    response.close()  # its body is on the disk by now: sending that is not what is measured
    if response.status != 200 or response.content_length != SIZE:
        raise RuntimeError(f"{response.status}: not the block")
    return {
        "fetched, wall s": wall,
        "fetched, CPU of the giver s": cpu_s(giver.pid) - cpu[giver],
        "fetched, CPU of the taker s": cpu_s(taker.pid) - cpu[taker],
        "giver, memory MiB": (memory(giver.pid, "VmHWM") - resident[giver]) / MIB,
        "taker, memory MiB": (memory(taker.pid, "VmHWM") - resident[taker]) / MIB,
    }
