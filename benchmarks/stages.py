"""What each step of taking a batch costs by itself, in the node's own functions."""

import asyncio
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from edgenode.core.batch import decode_batch
from edgenode.core.frame import encode_message as encode_frame
from edgenode.core.inbound import decode_frame
from edgenode.core.message import METADATA_SYNC, encode_message
from edgenode.core.signed import Signed, check, digest
from edgenode.core.syncevents import batch_messages
from edgenode.core.trie import Trie
from edgenode.core.triesync import AckBatches
from edgenode.crypto import Opener, Sealer, digest16, verify
from edgenode.daemon.records.signing import batch_row
from edgenode.store.batches import add
from edgenode.store.connection import open_connection

SENDER_KEY = bytes(32)
TIMESTAMP_MS = 1_800_000_000_000
# Batches that share a commit, as many as a peer's window lets wait.
GROUP = 32
TRIPS = 2_000


async def stage_costs(batches: Sequence[Signed], network: str) -> dict[str, float]:
    """Return CPU seconds a batch, by name of the step."""
    costs = await asyncio.to_thread(_stage_costs, batches, network)
    costs["one trip to the database's thread"] = await _trip()
    return costs


async def _trip() -> float:
    """Return the CPU seconds of handing an empty call to an idle thread and waiting for it."""
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1) as thread:
        await loop.run_in_executor(thread, _nothing)
        before = time.process_time()
        for _ in range(TRIPS):
            await asyncio.shield(loop.run_in_executor(thread, _nothing))
        return (time.process_time() - before) / TRIPS


def _nothing() -> None:
    pass


def _stage_costs(batches: Sequence[Signed], network: str) -> dict[str, float]:
    costs: dict[str, float] = {}
    count = len(batches)

    def step(name: str, call: Callable[[], object]) -> None:
        before = time.thread_time()
        call()
        costs[name] = costs.get(name, 0.0) + (time.thread_time() - before) / count

    sender = batches[0].node_id
    plain = [
        encode_frame(encode_message(m.event, m.to_data(), TIMESTAMP_MS, sender))
        for batch in batches
        for m in batch_messages("block:temperature", [batch])
    ]
    sealer = Sealer(SENDER_KEY)
    sealed = [sealer.seal(frame) for frame in plain]
    opener = Opener(SENDER_KEY, sealer.header)
    step("open the seal", lambda: [opener.open(frame) for frame in sealed])
    step("parse the message", lambda: [decode_frame(frame, sender) for frame in plain])
    digests: list[bytes] = []
    step(
        "digest",
        lambda: digests.extend(digest(batch, "batch", network, digest16) for batch in batches),
    )

    def verify_all() -> None:
        for batch in batches:
            check(batch, "batch", network, verify)

    step("verify (Ed25519)", verify_all)
    step("parse the batch", lambda: [decode_batch(batch.payload) for batch in batches])
    decoded = [decode_batch(batch.payload).updates for batch in batches]
    with tempfile.TemporaryDirectory(prefix="edgenode-bench-") as folder:
        connection = open_connection(Path(folder) / "state.db")

        def keep() -> None:
            for start in range(0, count, GROUP):
                connection.execute("BEGIN IMMEDIATE")
                for index in range(start, min(start + GROUP, count)):
                    add(connection, batch_row(batches[index], digests[index]), decoded[index])
                connection.execute("COMMIT")

        step("SQLite", keep)
        connection.close()
    trie = Trie(digest16, ())
    step("trie", lambda: [trie.add(value) for value in digests])
    step(
        "acknowledge and seal",
        lambda: [
            sealer.seal(
                encode_frame(
                    encode_message(
                        METADATA_SYNC, AckBatches([value]).to_data(), TIMESTAMP_MS, sender
                    )
                )
            )
            for value in digests
        ],
    )
    return costs
