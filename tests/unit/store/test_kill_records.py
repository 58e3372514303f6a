"""kill -9 at random moments: every acknowledged update is there, and records match batches."""

import random
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from edgenode.core.batch import decode_batch
from edgenode.core.records import LOCATION, TEMPERATURE, TYPES
from edgenode.store.database import Database
from edgenode.store.outbox import Outbox
from edgenode.store.records import Records
from tests.unit.store.record_makers import block, node
from tests.unit.store.recording_child import BLOCKS, OWN

ROOT = Path(__file__).resolve().parents[3]
KILLS = 12
MAX_LINES = 150  # of one process before it is killed
MAX_DELAY_S = 0.01  # after that line: longer than one commit takes


def record_until_killed(folder: Path, seed: int) -> list[list[str]]:
    chance = random.Random(seed)
    lines = chance.randrange(MAX_LINES)
    command = [sys.executable, "-m", "tests.unit.store.recording_child", str(folder), str(seed)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline().startswith(b"open")
        said = [child.stdout.readline() for _ in range(lines)]
        time.sleep(chance.random() * MAX_DELAY_S)  # not waiting for anything: a random moment
        child.kill()
        said += child.stdout.readlines()
    assert child.returncode == -9
    return [line.decode().split() for line in said if line.endswith(b"\n")]


async def test_nothing_acknowledged_is_lost_and_records_match_batches(tmp_path: Path) -> None:
    said = []
    for seed in range(KILLS):
        said += record_until_killed(tmp_path, seed)
    database = await Database.open(tmp_path / "state.db")
    records = Records(database)
    newest: dict[tuple[str, str, str], tuple[tuple[int, int, int], object]] = {}
    held = set()
    for origin in range(4):
        for epoch, seq, digest in await records.digests(node(origin)):
            row = await records.batch(node(origin), epoch, seq)
            assert row is not None
            assert row.digest == digest
            held.add((origin, epoch, seq))
            for place, update in enumerate(decode_batch(row.payload).updates):
                key = (update.block_id, update.type, node(origin))
                newest[key] = max(
                    newest.get(key, ((0, 0, -1), None)),
                    ((epoch, seq, place), update.data),
                    key=lambda told: told[0],
                )
    kept = {
        (row.block_id, row.type, row.origin): ((row.epoch, row.seq, row.place), row.data)
        for number in range(BLOCKS)
        for row in await records.of_block(block(number))
    }
    assert kept == newest
    batches = [tuple(map(int, words[1:])) for words in said if words[0] == "batch"]
    assert len(batches) > 3 * KILLS
    assert set(batches) <= held
    await own_updates_are_there(database, kept, [words for words in said if words[0] == "own"])
    assert {key[1] for key in kept} == {TEMPERATURE, LOCATION} < set(TYPES)
    await database.close()


async def own_updates_are_there(
    database: Database,
    kept: Mapping[tuple[str, str, str], tuple[tuple[int, int, int], object]],
    said: list[list[str]],
) -> None:
    """In a batch or in the outbox, or replaced by a later one of the same process."""
    outbox = Outbox(database)
    await outbox.open()
    waiting = {update.block_id: update.data for _, update in await outbox.take(10_000)}
    assert len(waiting) == outbox.count
    last = {int(number): int(value) for _, number, value in said}
    assert last
    for number, value in last.items():
        sent = kept.get((block(number), LOCATION, node(OWN)), ((0, 0, 0), None))[1]
        told = waiting.get(block(number), sent)
        assert isinstance(told, dict)
        assert told["size"] >= value
