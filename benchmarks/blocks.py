"""Blocks held, by HTTP, in requests for each CPU second of the server, beside node:http."""

import asyncio
import os
import socket
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.support.compared import nginx, nodejs
from benchmarks.support.process import START_TIMEOUT_S, cpu_s, started
from benchmarks.support.table import against, heading, say, table
from tests.integration.support.nodes import Nodes

RUNS = 3
SIZES = {4 * 1024: 3_000, 1024 * 1024: 200}  # bytes of a block: requests in a run
AGAINST_NODEJS = 4 * 1024
AGAINST_NGINX = 1024 * 1024


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
                    rate_of_nginx = await _rate_of_nginx(Path(name), block_id, size, count)
                    if rate_of_nginx is not None:
                        samples.setdefault(("nginx", size), []).append(rate_of_nginx)
    medians = {key: median(rates) for key, rates in samples.items()}
    table(
        ("", "bytes", "requests / CPU s"),
        [(name, str(size), f"{rate:.0f}") for (name, size), rate in medians.items()],
    )
    for size in SIZES:
        own = medians["edgenode", size]
        if with_nodejs:
            ratio = own / medians["node:http", size]
            if size == AGAINST_NODEJS:
                against(f"x node:http, {size} bytes", ratio, 3, at_most=False)
            else:
                say(f"x node:http, {size} bytes: {ratio:.2f}")
        if ("nginx", size) not in medians:
            say("nginx is left out: it is not installed")
        elif size == AGAINST_NGINX:
            against(f"x nginx, {size} bytes", own / medians["nginx", size], 0.65, at_most=False)
        else:
            say(f"x nginx, {size} bytes: {own / medians['nginx', size]:.2f}")


async def _rate_of_nginx(folder: Path, block_id: str, size: int, count: int) -> float | None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    command = nginx(folder, port)
    if command is None:
        return None
    process = await asyncio.create_subprocess_exec(*command)
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            while True:
                try:
                    return await _rate(process.pid, port, f"/{block_id}", size, count)
                except ConnectionRefusedError:
                    await asyncio.sleep(0.05)
    finally:
        process.terminate()
        await process.wait()


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
