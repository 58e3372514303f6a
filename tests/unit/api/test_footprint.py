"""What the part costs: no OpenSSL, and constant memory whatever the size of a block."""

import gc
import hashlib
import subprocess
import sys
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

from edgenode.api.node import OPENAPI_PATH, _compressed_description, description_answer

from .conftest import OPERATOR, Node, Served

PIECE = bytes(range(256)) * 1024
PIECES = 256  # of 256 KiB: 64 MiB
ALLOWED_KB = 12 * 1024
"""A sixth of the block: buffers of client and server, in one process here, and some slack."""


def test_the_part_loads_without_openssl() -> None:
    script = (
        "import sys\n"
        "sys.modules['ssl'] = sys.modules['_ssl'] = sys.modules['_hashlib'] = None\n"
        "import edgenode.api.app\n"
        "assert not [n for n in sys.modules if 'sqlite' in n or n.startswith('edgenode.store')]\n"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], cwd=root, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


def test_the_description_is_held_once_and_compressed() -> None:
    gc.collect()
    description_answer()  # whatever is made once
    tracemalloc.start()
    try:
        answers = [description_answer() for _ in range(2)]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(answers) == 2
    assert peak < 16 * 1024  # beside what they share
    assert len(_compressed_description()) < OPENAPI_PATH.stat().st_size / 5


def _start_measuring() -> int:
    """Forget the peak of this process's memory so far; returns what is resident, in kB."""
    Path("/proc/self/clear_refs").write_text("5")
    return _status_kb("VmRSS")


def _status_kb(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


async def test_64_mib_go_up_and_down_in_constant_memory(local: Served, node: Node) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(PIECES):
            yield PIECE

    hasher = hashlib.sha3_512()
    before = _start_measuring()
    async with local.client.post("/blocks", data=pieces(), headers=OPERATOR) as response:
        assert response.status == 201
        block = await response.json()
    assert block["size"] == len(PIECE) * PIECES
    async with local.client.get(f"/blocks/{block['blockId']}") as response:
        async for chunk in response.content.iter_any():
            hasher.update(chunk)
    assert hasher.hexdigest() == block["blockId"]
    assert _status_kb("VmHWM") - before < ALLOWED_KB
    assert node.counters.bytes_in == len(PIECE) * PIECES
    assert node.counters.bytes_out >= len(PIECE) * PIECES
