"""10^5 records: what they cost in memory and on the disk, and how long the loop stalls meanwhile.

One peer tells COUNT updates as sync does, full messages one after the other, with LINKS links open.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Coroutine, Sequence
from pathlib import Path
from statistics import median, quantiles

from benchmarks.support.table import against, heading, say, table
from benchmarks.updates import WINDOW, signed_batches
from edgenode.core.frame import encode_message as encode_frame
from edgenode.core.message import METADATA_UPDATE, encode_message
from edgenode.core.signed import Signed
from edgenode.core.syncevents import batch_messages
from edgenode.core.triesync import AckBatches
from edgenode.crypto import SigningKey, new_seed
from edgenode.link.handshake import LocalIdentity
from tests.integration.support.memory import memory
from tests.integration.support.node import NETWORK, Node
from tests.integration.support.nodes import Nodes
from tests.integration.support.peer import TIMESTAMP_MS, Peer

BATCH = 100
COUNT = 100_000
LINKS = 32  # all that a node accepts; further ones it dials
SETTLE_S = 4.0
# Asks what the loop answers at once: what an answer takes is how long the loop was busy with other
# things, and a little more.
PROBE = Path(__file__).parent / "probe.py"
ACK_TIMEOUT_S = 60.0
MB = 1_000_000


async def run(_with_nodejs: bool) -> None:
    """Fill a node once and print what it took."""
    heading(f"{COUNT} records of one origin, {LINKS} links (one run)")
    key = SigningKey(new_seed())
    batches = signed_batches(key, BATCH, COUNT // BATCH)
    identity = LocalIdentity(NETWORK, key.public_key, key.sign)
    with tempfile.TemporaryDirectory(prefix="edgenode-bench-") as name:
        async with Nodes(Path(name)) as nodes:
            node = await nodes.start("a")
            origin = await Peer.link(nodes.session, node.ws_url, identity)
            others = [await Peer.link(nodes.session, node.ws_url) for _ in range(LINKS - 1)]
            reading = [asyncio.create_task(_read(peer)) for peer in others]
            await asyncio.sleep(SETTLE_S)
            before = _memory(node)
            quiet, _ = await _probed(node, asyncio.sleep(SETTLE_S))
            waits, took = await _probed(node, _tell(origin, batches))
            await asyncio.sleep(SETTLE_S)
            after = _memory(node)
            disk = sum(path.stat().st_size for path in node.data_dir.glob("state.db*"))
            for task in reading:
                task.cancel()
            await asyncio.gather(*reading, return_exceptions=True)
            for peer in (origin, *others):
                await peer.socket.close()
    table(
        ("", "resident MB", "anonymous MB"),
        [("before", *map(_mb, before)), ("after", *map(_mb, after))],
    )
    say(f"merged and passed on in {took:.1f} s, {COUNT / took:.0f} a second by wall clock")
    say(f"on the disk: {disk / MB:.1f} MB, {disk / COUNT:.0f} bytes a record")
    against("resident", after[0] / MB, 60, at_most=True, unit=" MB")
    for name, found in (("without load", quiet), ("meanwhile", waits)):
        middle, most = median(found), max(found)
        say(f"{len(found)} answers {name}: median {middle:.1f} ms, longest {most:.1f} ms")
    stall = quantiles(waits, n=100)[98]
    against("an answer under load, p99", stall, 50, at_most=True, unit=" ms")


def _memory(node: Node) -> tuple[int, int]:
    return memory(node.pid, "VmRSS"), memory(node.pid, "RssAnon")


def _mb(value: int) -> str:
    return f"{value / MB:.1f}"


async def _tell(origin: Peer, batches: Sequence[Signed]) -> None:
    messages = batch_messages(METADATA_UPDATE, batches)
    frames = [
        encode_frame(encode_message(m.event, m.to_data(), TIMESTAMP_MS, origin.node_id))
        for m in messages
    ]
    counts = [len(message.batches) for message in messages]
    sent = acknowledged = 0
    async with asyncio.timeout(ACK_TIMEOUT_S):
        for frame, count in zip(frames, counts, strict=True):
            while sent - acknowledged > WINDOW:
                acknowledged += await _acknowledged(origin)
            await origin.send(frame)
            sent += count
        while acknowledged < sent:
            acknowledged += await _acknowledged(origin)


async def _acknowledged(origin: Peer) -> int:
    while True:
        heard = await origin.hear()
        if isinstance(heard, AckBatches):
            return len(heard.digests)


async def _read(peer: Peer) -> None:
    """Take what the node passes on."""
    while True:
        await peer.socket.receive()


async def _probed(node: Node, work: Coroutine[None, None, None]) -> tuple[list[float], float]:
    """Return what the node's answers took, in ms, while `work` was done, and how long it took."""
    probe = await asyncio.create_subprocess_exec(
        *(sys.executable, str(PROBE), str(node.http_port)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert probe.stdout is not None
    await probe.stdout.readline()
    began = time.perf_counter()
    await work
    took = time.perf_counter() - began
    answer, _ = await probe.communicate(b"")
    return json.loads(answer), took
