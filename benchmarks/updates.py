"""Signed updates a second through a whole node, beside Node.js doing less; where the time goes.

A peer of this process has signed its batches beforehand. It sends them over a real sealed link,
WINDOW messages ahead of the acknowledgements. The node verifies, parses, keeps and acknowledges
them. Only the node's CPU time counts; this process works on the other core.
"""

import asyncio
import json
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

import aiohttp

from benchmarks.stages import stage_costs
from benchmarks.support.compared import nodejs
from benchmarks.support.process import started, thread_cpu_s
from benchmarks.support.table import against, heading, say, table
from edgenode.core.batch import encode_batch
from edgenode.core.frame import encode_message as encode_frame
from edgenode.core.message import encode_message
from edgenode.core.records import TEMPERATURE, TEMPERATURES, Update
from edgenode.core.signed import Signed, sign
from edgenode.core.syncevents import Batches, batch_messages, event_of
from edgenode.core.triesync import AckBatches
from edgenode.crypto import SigningKey, new_seed
from edgenode.link.handshake import LocalIdentity
from tests.integration.support.node import NETWORK
from tests.integration.support.nodes import Nodes
from tests.integration.support.peer import TIMESTAMP_MS, Peer

RUNS = 3
SIZES = {1: 3_000, 10: 1_500, 100: 400}  # updates in a batch: batches in a run
# A node drops what is over 64 events of one peer.
WINDOW = 32
ACK_TIMEOUT_S = 60.0


class Rate(NamedTuple):
    """Updates by wall clock and by CPU second, and the share of the main thread in the CPU."""

    wall: float
    cpu: float
    main: float
    cpu_s_per_batch: float


async def run(with_nodejs: bool) -> None:
    """Run all RUNS times in turn and print the medians."""
    heading(f"signed updates, acknowledged (medians of {RUNS} runs)")
    samples: dict[tuple[str, int], list[Rate]] = {}
    stages: dict[int, list[dict[str, float]]] = {}
    for _ in range(RUNS):
        for size, count in SIZES.items():
            key = SigningKey(new_seed())
            batches = signed_batches(key, size, count)
            alone = [message for batch in batches for message in _messages([batch])]
            filled = _messages(batches)
            for name, messages in (("edgenode, alone", alone), ("edgenode, filled", filled)):
                rate = await _through_node(key, messages, size, count)
                samples.setdefault((name, size), []).append(rate)
            if with_nodejs:
                for name, messages in (("Node.js, alone", alone), ("Node.js, filled", filled)):
                    rate = await _through_nodejs(messages, size, count)
                    samples.setdefault((name, size), []).append(rate)
            stages.setdefault(size, []).append(await stage_costs(batches, NETWORK))
    medians = {key: Rate(*map(median, zip(*rates, strict=True))) for key, rates in samples.items()}
    table(
        ("batches", "updates", "/s wall", "/s CPU", "main thread %"),
        [
            (name, str(size), f"{r.wall:.0f}", f"{r.cpu:.0f}", f"{100 * r.main:.0f}")
            for (name, size), r in sorted(medians.items(), key=lambda item: item[0][::-1])
        ],
    )
    say("'alone': a batch in a message, as its origin tells it; 'filled': as sync sends them.")
    if with_nodejs:
        for size in SIZES:
            ratio = medians["edgenode, alone", size].cpu / medians["Node.js, alone", size].cpu
            say(f"x Node.js without link, limits and sync, batches of {size}: {ratio:.2f}")
    best = medians["edgenode, alone", 100].cpu
    against("updates a CPU second, batches of 100", best, 30_000, at_most=False)
    _print_stages(stages, medians)


def signed_batches(key: SigningKey, size: int, count: int) -> list[Signed]:
    """Return `count` batches of `size` temperatures, each of a block of its own."""
    batches = []
    for seq in range(1, count + 1):
        updates = [
            Update(TEMPERATURE, os.urandom(64).hex(), {"class": TEMPERATURES[number % 6]})
            for number in range(size)
        ]
        payload = encode_batch(f"bench-1-{seq}", TIMESTAMP_MS, updates)
        signed = sign("batch", NETWORK, key.public_key, 1, seq, TIMESTAMP_MS, payload, key.sign)
        batches.append(signed)
    return batches


def _messages(batches: Sequence[Signed]) -> list[Batches]:
    return batch_messages(event_of([Update(TEMPERATURE, "", None)]), batches)


async def _through_node(
    key: SigningKey, messages: Sequence[Batches], size: int, count: int
) -> Rate:
    identity = LocalIdentity(NETWORK, key.public_key, key.sign)
    frames = [
        encode_frame(encode_message(m.event, m.to_data(), TIMESTAMP_MS, identity.node_id))
        for m in messages
    ]
    with tempfile.TemporaryDirectory(prefix="edgenode-bench-") as folder:
        async with Nodes(Path(folder)) as nodes:
            node = await nodes.start("a")
            peer = await Peer.link(nodes.session, node.ws_url, identity)
            await peer.pong()

            async def acknowledged() -> int:
                while True:
                    heard = await peer.hear()
                    if isinstance(heard, AckBatches):
                        return len(heard.digests)

            rate = await _timed(node.pid, frames, peer.send, acknowledged, size, count)
            await peer.socket.close()
    return rate


async def _through_nodejs(messages: Sequence[Batches], size: int, count: int) -> Rate:
    frames = [encode_message(m.event, m.to_data(), TIMESTAMP_MS, "") for m in messages]
    with tempfile.TemporaryDirectory(prefix="edgenode-bench-") as folder:
        async with (
            started(nodejs("job.js", folder)) as (pid, ready),
            aiohttp.ClientSession() as session,
            session.ws_connect(f"http://127.0.0.1:{ready.split()[1]}/ws") as socket,
        ):

            async def acknowledged() -> int:
                return len(json.loads(await socket.receive_str()))

            def send(frame: bytes) -> Awaitable[None]:
                return socket.send_bytes(frame)

            return await _timed(pid, frames, send, acknowledged, size, count)


async def _timed(
    pid: int,
    frames: Sequence[bytes],
    send: Callable[[bytes], Awaitable[None]],
    acknowledged: Callable[[], Awaitable[int]],
    size: int,
    count: int,
) -> Rate:
    """Send all frames; `acknowledged` gives the number of batches in the next acknowledgement."""
    before, began = thread_cpu_s(pid), time.perf_counter()
    left, unacknowledged = count, 0.0
    waiting = list(reversed(frames))
    batches_per_frame = count / len(frames)
    async with asyncio.timeout(ACK_TIMEOUT_S):
        while left:
            # In bursts, so that the node finds more to do when it looks.
            if unacknowledged <= WINDOW // 2 * batches_per_frame:
                for _ in range(min(WINDOW // 2, len(waiting))):
                    await send(waiting.pop())
                    unacknowledged += batches_per_frame
            taken = await acknowledged()
            left -= taken
            unacknowledged -= taken
    wall = time.perf_counter() - began
    spent = {thread: cpu - before.get(thread, 0.0) for thread, cpu in thread_cpu_s(pid).items()}
    cpu = sum(spent.values())
    updates = size * count
    return Rate(updates / wall, updates / cpu, spent[pid] / cpu, cpu / count)


def _print_stages(
    stages: dict[int, list[dict[str, float]]], medians: dict[tuple[str, int], Rate]
) -> None:
    """Print what the parts of the work take by themselves, in the node's own functions."""
    rows: list[tuple[str, ...]] = []
    shares: dict[int, dict[str, float]] = {}
    for size, runs in stages.items():
        cost = {name: median(run[name] for run in runs) for name in runs[0]}
        whole = medians["edgenode, alone", size].cpu_s_per_batch
        cost["rest: WebSocket, event loop, two threads' GIL"] = whole - sum(cost.values())
        shares[size] = {**cost, "whole node": whole}
    for name in next(iter(shares.values())):
        rows.append((name, *(f"{1e6 * shares[size][name]:.0f}" for size in SIZES)))
    say("\nwhere a batch alone in its message spends the node's CPU time, in us a batch:")
    table(("", *(f"of {size}" for size in SIZES)), rows)
