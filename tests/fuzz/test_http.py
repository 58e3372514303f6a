"""Raw bytes at both ports, over sockets: through guard, aiohttp, and the WebSockets behind it."""

import asyncio
import os
import random
import re
from pathlib import Path

import pytest

from edgenode.api.problems import CATALOGUE
from tests.fuzz import corpus
from tests.fuzz.mutation import mutated
from tests.fuzz.served import both_ports, exchange, nothing_logged
from tests.fuzz.targets.links import OWN, PEER, _hello
from tests.unit.api.conftest import TOKEN

SMOKE_RUNS, CI_RUNS = 100, 4_000
FULL_RUNS = int(os.environ.get("EDGENODE_FUZZ_HTTP_RUNS", "200_000"))
AT_ONCE = 32
STATUSES = {status for status, _ in CATALOGUE.values()} | {100, 101, 200, 201, 202, 204, 206, 304}
_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3}) ")

_HOST = b"Host: 127.0.0.1\r\n"
_AUTH = f"Authorization: Bearer {TOKEN}\r\n".encode()
_UPGRADE = (
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
_WORDS = (
    b"\r\n", b"\r\n\r\n", b" ", b"HTTP/1.1", b"Content-Length: ", b"Transfer-Encoding: chunked\r\n",
    b"0\r\n\r\n", b"Expect: 100-continue\r\n", b"Content-Encoding: gzip\r\n",
    b"Range: bytes=0-\r\n",
    b"Connection: close\r\n", b"%00", b"%2e%2e/", b"?since=", b"\x81\xfe", b"\x88\x82", b"\x89\x80",
    b"Origin: http://127.0.0.1\r\n", b"If-None-Match: *\r\n", b"GET http://a/ HTTP/1.1\r\n",
    b"\xff",
)  # fmt: skip


def _request(method: str, path: str, headers: bytes = b"", body: bytes = b"") -> bytes:
    length = f"Content-Length: {len(body)}\r\n".encode() if body else b""
    return f"{method} {path} HTTP/1.1\r\n".encode() + _HOST + headers + length + b"\r\n" + body


def _frame(kind: int, data: bytes) -> bytes:
    """Return a frame of a WebSocket, masked with zeros."""
    size = len(data)
    long = bytes((0x80 | 126,)) + size.to_bytes(2, "big")
    return bytes((0x80 | kind,)) + (bytes((0x80 | size,)) if size < 126 else long) + bytes(4) + data


def seeds(block_id: str) -> list[bytes]:
    join = b'{"type":"room:join","data":{"rooms":["type:a"]}}'
    shake = _frame(1, _hello(PEER, OWN).raw) + _frame(2, bytes(88))
    chunks = b"Transfer-Encoding: chunked\r\n" + _AUTH
    body = b'{"blockIds":["' + block_id.encode() + b'"],"queue":false}'
    block = f"/blocks/{block_id}"
    return [
        _request("GET", "/"),
        _request("GET", "/node/info") + _request("GET", "/node/status"),
        _request("GET", block, b"Range: bytes=1-2\r\n"),
        _request("HEAD", block, b'If-None-Match: "a", W/"b"\r\n'),
        _request("GET", "/blocks?limit=5&cursor=" + "0" * 128, _AUTH),
        _request("POST", "/blocks", _AUTH, b"some bytes"),
        _request("POST", "/blocks", chunks) + b"5;a=b\r\nhello\r\n0\r\n\r\n",
        _request("POST", "/sync/request", _AUTH, body),
        _request("POST", "/auth/challenge", b"", b'{"nodeId":"' + b"0b" * 32 + b'"}'),
        _request("POST", f"{block}/temperature", _AUTH, b'{"temperature":"HOT"}'),
        _request("GET", "/events?room=type:a&since=", _UPGRADE) + _frame(1, join) + _frame(8, b""),
        _request("GET", "/ws", _UPGRADE) + shake,
        _request("OPTIONS", "*"),
        _request("GET", "/openapi.json", b"Expect: 100-continue\r\n"),
        *corpus.kept("http"),
    ]


async def fuzz(folder: Path, runs: int, seed: int) -> None:
    chance = random.Random(seed)
    async with both_ports(folder) as ports:
        known = seeds(ports.block_id)
        tasks = len(asyncio.all_tasks())

        async def one() -> None:
            data = mutated(chance.choice(known), known, _WORDS, chance)
            port = chance.choice((ports.local, ports.public))
            try:
                answer = await exchange(port, data)
            except TimeoutError:
                raise AssertionError(f"no end: {corpus.escaped(data)}") from None
            if answer:
                found = _STATUS.match(answer)
                assert found, (answer[:200], corpus.escaped(data))
                status = int(found[1])
                assert status in STATUSES and status != 500, (status, corpus.escaped(data))

        with nothing_logged():
            for _ in range(runs // AT_ONCE):
                await asyncio.gather(*(one() for _ in range(AT_ONCE)))
        async with asyncio.timeout(10):
            while len(asyncio.all_tasks()) > tasks + 1:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)
        assert await exchange(ports.public, known[2]) != b""


@pytest.mark.parametrize(
    "runs",
    [
        SMOKE_RUNS,
        pytest.param(CI_RUNS, marks=pytest.mark.ci),
        pytest.param(FULL_RUNS, marks=pytest.mark.full),
    ],
)
@pytest.mark.timeout(3600)
async def test_whatever_comes_there_is_an_answer_or_an_end(tmp_path: Path, runs: int) -> None:
    await fuzz(tmp_path, runs, seed=1)
