"""kill -9 at random moments: nothing acknowledged is missing, nothing torn is held."""

import random
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from tests.unit.store.helpers import block_id_of, content, open_store

ROOT = Path(__file__).resolve().parents[3]
KILLS = 20
MAX_LINES = 60  # of one process before it is killed
MAX_DELAY_S = 0.01  # after that line: longer than one put takes


def put_until_killed(folder: Path, seed: int) -> list[str]:
    """Start a process that puts blocks, kill it, and return the ids it acknowledged."""
    chance = random.Random(seed)
    lines = chance.randrange(MAX_LINES)
    command = [sys.executable, "-m", "tests.unit.store.putting_child", str(folder), str(seed)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"open\n"
        acknowledged = [child.stdout.readline() for _ in range(lines)]
        time.sleep(chance.random() * MAX_DELAY_S)  # not waiting for anything: a random moment
        child.kill()
        acknowledged += child.stdout.readlines()
    assert child.returncode == -9
    return [line.decode().strip() for line in acknowledged if line.endswith(b"\n")]


async def test_nothing_acknowledged_is_lost_and_nothing_torn_is_held(tmp_path: Path) -> None:
    acknowledged, left_behind = await killed_again_and_again(tmp_path, range(KILLS))
    assert acknowledged > KILLS
    assert left_behind  # some were killed in the middle of a block


async def killed_again_and_again(folder: Path, seeds: Iterable[int]) -> tuple[int, int]:
    """Return how many blocks were acknowledged, and how many files were left unfinished."""
    acknowledged: list[str] = []
    left_behind = 0
    for seed in seeds:
        acknowledged += put_until_killed(folder, seed)
        left_behind += len(list((folder / "incoming").iterdir()))
    store = await open_store(folder)
    listed = {block.block_id: block.size for block in await store.list_blocks(None, 10**6)}
    assert set(acknowledged) <= listed.keys()
    for block_id, size in listed.items():
        data = await content(store, block_id)
        assert (block_id_of(data), len(data)) == (block_id, size)
    assert (store.count, store.total_bytes) == (len(listed), sum(listed.values()))
    assert await store.wanted() == []
    assert not list((folder / "incoming").glob("*.tmp"))
    return len(acknowledged), left_behind
