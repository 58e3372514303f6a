"""Blocks held, by HTTP, in requests for each CPU second of the server, beside node:http."""

import asyncio
import os
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.support.compared import nodejs
from benchmarks.support.process import cpu_s, started
from benchmarks.support.table import against, heading, say, table
from tests.integration.support.nodes import Nodes

RUNS = 3
SIZES = {4 * 1024: 3_000, 1024 * 1024: 200}  # bytes of a block: requests in a run
TARGET_BYTES = 4 * 1024


async def run(with_nodejs: bool) -> None:
    """Get blocks over one connection, each after the other; print the medians."""
    heading(f"GET of a block by HTTP (medians of {RUNS} runs)")
    samples: dict[tuple[str, int], list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="edgenode-bench-") as name:
        async with Nodes(Path(name)) as nodes:
            node = await nodes.start("a")
            for size, count in SIZES.items():
                content = os.urandom(size)
                block_id = await node.rest.post(content)
                (Path(name) / block_id).write_bytes(content)
                for _ in range(RUNS):
                    path = f"/blocks/{block_id}"
                    rate = await _rate(node.pid, node.http_port, path, size, count)
                    samples.setdefault(("edgenode", size), []).append(rate)
                    if with_nodejs:
                        async with started(nodejs("files.js", name)) as (pid, ready):
                            port = int(ready.split()[1])
                            rate = await _rate(pid, port, f"/{block_id}", size, count)
                        samples.setdefault(("node:http", size), []).append(rate)
    medians = {key: median(rates) for key, rates in samples.items()}
    table(
        ("", "bytes", "requests / CPU s"),
        [(name, str(size), f"{rate:.0f}") for (name, size), rate in medians.items()],
    )
    if with_nodejs:
        for size in SIZES:
            ratio = medians["edgenode", size] / medians["node:http", size]
            if size == TARGET_BYTES:
                against("x node:http, 4 KiB", ratio, 3, at_most=False)
            else:
                say(f"x node:http, {size} bytes: {ratio:.2f}")


async def _rate(pid: int, port: int, path: str, size: int, count: int) -> float:
    """Return requests for each CPU second of `pid`, after some to warm it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2 * size)
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()

    async def get(times: int) -> None:
        for _ in range(times):
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(head.decode())
            await reader.readexactly(size)

    await get(count // 10)
    before = cpu_s(pid)
    await get(count)
    spent = cpu_s(pid) - before
    writer.close()
    await writer.wait_closed()
    return count / spent
