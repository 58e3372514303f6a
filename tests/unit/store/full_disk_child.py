"""Fills a small tmpfs and prints what happened, as JSON; runs in a mount namespace of its own.

    unshare -m python -m tests.unit.store.full_disk_child FOLDER OPTIONS

With OPTIONS "probe" nothing but the mount is tried.
"""

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path

from edgenode.core.errors import StoreFull
from tests.unit.store.helpers import content, files_below, open_store, put

BLOCK = 3_000


async def main(folder: Path) -> dict[str, object]:
    store = await open_store(folder)
    ids: list[str] = []
    refused = ""
    while not refused:
        try:
            ids.append(await put(store, b"%06d" % len(ids) * (BLOCK // 6)))
        except StoreFull as error:
            refused = str(error)
    incoming = len(files_below(folder / "incoming"))
    again = await open_store(folder)  # a start on a full disk, too
    readable = 0
    for number, block_id in enumerate(ids):
        readable += await content(again, block_id) == b"%06d" % number * (BLOCK // 6)
    still_full = False
    try:
        await put(again, b"more")
    except StoreFull:
        still_full = True
    for block_id in ids[:3]:
        await again.delete(block_id)
    since = time.monotonic()
    await put(again, b"x" * BLOCK)
    return {
        "stored": len(ids),
        "refused": refused,
        "readable": readable,
        "left in incoming": incoming,
        "still full": still_full,
        "recovered in s": time.monotonic() - since,
    }


if __name__ == "__main__":
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", sys.argv[1]]
    if sys.argv[2] != "probe":
        mount[4] += f",{sys.argv[2]}"
    subprocess.run(mount, check=True)
    if sys.argv[2] != "probe":
        json.dump(asyncio.run(main(Path(sys.argv[1]))), sys.stdout)
