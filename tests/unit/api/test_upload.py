"""Storing blocks: POST and PUT."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from io import BytesIO

import pytest
from aiohttp import ClientResponse
from aiohttp.base_protocol import BaseProtocol
from aiohttp.streams import StreamReader
from aiohttp.test_utils import make_mocked_request

from edgenode.api import upload
from edgenode.core.counters import Counters
from edgenode.core.errors import StoreFailed

from .conftest import MAX_BLOCK_SIZE, OPERATOR, TOKEN, Node, Served, until

DATA = b"a block of bytes"
ID = hashlib.sha3_512(DATA).hexdigest()
HEAD = f"Host: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"


async def problem(response: ClientResponse) -> str:
    """Return the code of a problem, whose form is checked."""
    assert response.content_type == "application/problem+json"
    body = await response.json(content_type=None)
    assert body["status"] == response.status
    assert body["title"]
    assert body["detail"]
    prefix, _, code = body["type"].rpartition(":")
    assert prefix == "urn:edgenode:problem"
    return str(code)


async def test_post_stores_a_block_and_says_where(local: Served, node: Node) -> None:
    async with local.client.post("/blocks", data=DATA, headers=OPERATOR) as response:
        assert response.status == 201
        assert response.headers["Location"] == f"/blocks/{ID}"
        assert response.headers["Cache-Control"] == "no-store"
        assert await response.text() == f'{{"blockId":"{ID}","size":{len(DATA)}}}'
    assert node.store.files() == [ID]
    async with local.client.post("/blocks", data=DATA, headers=OPERATOR) as response:
        assert response.status == 200
    assert (node.counters.succeeded, node.counters.bytes_in) == (2, 2 * len(DATA))


async def test_put_stores_a_block_under_its_id(local: Served, node: Node) -> None:
    async with local.client.put(f"/blocks/{ID}", data=DATA, headers=OPERATOR) as response:
        assert response.status == 201
    assert node.store.files() == [ID]


async def test_a_chunked_body_is_taken(local: Served, node: Node) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for byte in DATA:
            yield bytes([byte])

    async with local.client.post("/blocks", data=pieces(), headers=OPERATOR) as response:
        assert response.status == 201
    assert node.store.files() == [ID]


async def test_a_body_that_hashes_to_another_id_leaves_nothing(local: Served, node: Node) -> None:
    async with local.client.put(f"/blocks/{ID}", data=b"other", headers=OPERATOR) as response:
        assert response.status == 422
        assert await problem(response) == "hash-mismatch"
    assert node.store.files() == []
    assert node.counters.failed == 1


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "x"}])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/blocks"),
        ("GET", "/blocks"),
        ("PUT", f"/blocks/{ID}"),
        ("DELETE", f"/blocks/{ID}"),
    ],
)
async def test_writes_and_the_listing_need_the_token(
    local: Served, node: Node, method: str, path: str, headers: dict[str, str]
) -> None:
    node.store.keep(DATA)
    async with local.client.request(method, path, headers=headers) as response:
        assert response.status == 401
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
        assert await problem(response) == "not-authorized"
    assert node.store.files() == [ID]
    assert node.counters.failed == 0


async def test_an_empty_block_is_refused(local: Served) -> None:
    async with local.client.post("/blocks", data=b"", headers=OPERATOR) as response:
        assert response.status == 400
        assert await problem(response) == "empty-block"

    async def nothing() -> AsyncIterator[bytes]:
        return
        yield b""

    async with local.client.post("/blocks", data=nothing(), headers=OPERATOR) as response:
        assert response.status == 400
        assert await problem(response) == "empty-block"


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Content-Encoding": "gzip"}, 415, "unsupported-encoding"),
        ({"Content-Range": "bytes 0-3/16"}, 400, "bad-request"),
        ({"Expect": "200-ok"}, 417, "expectation-failed"),
    ],
)
async def test_what_cannot_become_a_block_is_refused(
    local: Served, node: Node, headers: dict[str, str], status: int, code: str
) -> None:
    async with local.client.post("/blocks", data=DATA, headers=OPERATOR | headers) as response:
        assert response.status == status
        assert await problem(response) == code
    assert node.store.files() == []


async def test_a_length_above_the_limit_is_refused_before_the_body(local: Served) -> None:
    answer = await local.exchange(
        f"POST /blocks HTTP/1.1\r\n{HEAD}Content-Length: {MAX_BLOCK_SIZE + 1}\r\n\r\n".encode()
    )
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"urn:edgenode:problem:block-too-large" in answer
    assert b"Connection: close" in answer


async def test_a_chunked_body_above_the_limit_is_refused(local: Served, node: Node) -> None:
    node.store.max_block_size = 100_000

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(200):
            yield bytes(1000)

    async with local.client.post("/blocks", data=pieces(), headers=OPERATOR) as response:
        assert response.status == 413
        assert await problem(response) == "block-too-large"
    assert node.store.files() == []


async def test_a_block_above_the_frameworks_own_limit_is_taken(local: Served, node: Node) -> None:
    size = 3 * 1024 * 1024
    async with local.client.post(
        "/blocks", data=BytesIO(bytes(size)), headers=OPERATOR
    ) as response:
        assert response.status == 201
        assert (await response.json())["size"] == size


@pytest.mark.parametrize("token", [True, False])
async def test_100_continue_comes_only_when_the_body_is_wanted(local: Served, token: bool) -> None:
    auth = HEAD if token else "Host: localhost\r\n"
    reader, writer = await local.connect(
        f"POST /blocks HTTP/1.1\r\n{auth}Content-Length: {len(DATA)}\r\n"
        "Expect: 100-continue\r\n\r\n".encode()
    )
    async with asyncio.timeout(5):
        first = await reader.readline()
        if token:
            assert first == b"HTTP/1.1 100 Continue\r\n"
            assert await reader.readline() == b"\r\n"
            writer.write(DATA)
            assert await reader.readline() == b"HTTP/1.1 201 Created\r\n"
        else:
            assert first == b"HTTP/1.1 401 Unauthorized\r\n"
            assert b"Connection: close" in await reader.readuntil(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()


async def test_a_failure_after_100_continue_is_still_told(local: Served, node: Node) -> None:
    node.store.failure = RuntimeError("unexpected")
    answer = await local.exchange(
        f"POST /blocks HTTP/1.1\r\n{HEAD}Content-Length: {len(DATA)}\r\nConnection: close\r\n"
        "Expect: 100-continue\r\n\r\n".encode()
        + DATA
    )
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 500 ")


async def test_100_continue_does_not_come_when_the_store_is_full(local: Served, node: Node) -> None:
    node.store.room = 10
    answer = await local.exchange(
        f"POST /blocks HTTP/1.1\r\n{HEAD}Content-Length: 16\r\n"
        "Expect: 100-continue\r\n\r\n".encode()
    )
    assert answer.startswith(b"HTTP/1.1 507 ")


async def test_100_continue_never_comes_on_other_paths(local: Served, public: Served) -> None:
    for served in (local, public):
        answer = await served.exchange(
            b"POST /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
            b"Expect: 100-continue\r\n\r\n"
        )
        assert answer.startswith(b"HTTP/1.1 404 ")


async def test_a_full_store_says_so(local: Served, node: Node) -> None:
    node.store.room = 10

    async def pieces() -> AsyncIterator[bytes]:
        yield DATA

    async with local.client.post("/blocks", data=pieces(), headers=OPERATOR) as response:
        assert response.status == 507
        assert await problem(response) == "store-full"
    assert node.store.files() == []


async def test_a_failing_disk_says_so_without_detail(local: Served, node: Node) -> None:
    node.store.failure = StoreFailed("secret path")
    async with local.client.post("/blocks", data=DATA, headers=OPERATOR) as response:
        assert response.status == 500
        assert "secret" not in await response.text()
        assert await problem(response) == "store-failed"


async def test_a_body_that_stands_still_ends_with_408(
    local: Served, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "IDLE_SECONDS", 0.1)
    answer = await local.exchange(
        f"POST /blocks HTTP/1.1\r\n{HEAD}Content-Length: 16\r\n\r\nonly this".encode()
    )
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"body-timeout" in answer
    assert node.store.files() == []


async def test_a_slow_body_is_taken(local: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "IDLE_SECONDS", 0.5)
    reader, writer = await local.connect(
        f"POST /blocks HTTP/1.1\r\n{HEAD}Content-Length: {len(DATA)}\r\n\r\n".encode()
    )
    for byte in DATA:  # longer in all than a body may stand still
        await asyncio.sleep(0.05)
        writer.write(bytes([byte]))
    assert await reader.readline() == b"HTTP/1.1 201 Created\r\n"
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize("framing", ["Content-Length: 1000000", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize("path", ["POST /blocks", f"PUT /blocks/{ID}"])
async def test_a_caller_who_dies_leaves_nothing(
    local: Served, node: Node, caplog: pytest.LogCaptureFixture, path: str, framing: str
) -> None:
    body = b"10\r\n" + DATA + b"\r\n" if "chunked" in framing else DATA
    _, writer = await local.connect(f"{path} HTTP/1.1\r\n{HEAD}{framing}\r\n\r\n".encode() + body)
    await until(lambda: node.counters.bytes_in == len(DATA))
    assert node.store.files() == ["incoming"]
    writer.transport.abort()
    await until(lambda: not node.store.files())
    assert (node.counters.succeeded, node.counters.failed) == (0, 1)
    assert not caplog.records


async def test_a_malformed_chunk_ends_the_upload(
    local: Served,
    node: Node,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The compiled parser of aiohttp does not tell the reader of the body, for which it then merely
    # stands still; the one in Python does.
    monkeypatch.setattr(upload, "IDLE_SECONDS", 0.2)
    reader, writer = await local.connect(
        f"POST /blocks HTTP/1.1\r\n{HEAD}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n".encode()
    )
    await until(lambda: node.counters.bytes_in == 3)
    async with asyncio.timeout(5):
        writer.write(b"nonsense\r\n")
        status = await reader.readline()
    assert status.split(b" ")[1] in (b"400", b"408")
    writer.close()
    await writer.wait_closed()
    await until(lambda: not node.store.files())
    assert node.counters.succeeded == 0
    assert not caplog.records


async def test_a_compressed_body_is_never_unpacked(local: Served, node: Node) -> None:
    answer = await local.exchange(
        f"POST /blocks HTTP/1.1\r\n{HEAD}Content-Encoding: deflate\r\nContent-Length: 3\r\n"
        "Connection: close\r\n\r\nabc".encode()
    )
    assert answer.startswith(b"HTTP/1.1 415 ")
    assert node.counters.bytes_in == 0


async def test_a_body_shorter_than_its_length_is_never_taken_for_whole() -> None:
    loop = asyncio.get_running_loop()
    payload = StreamReader(BaseProtocol(loop), 2**16, loop=loop)
    payload.feed_data(b"half")
    payload.feed_eof()
    request = make_mocked_request("POST", "/", headers={"Content-Length": "8"}, payload=payload)
    with pytest.raises(ConnectionResetError):
        async for chunk in upload.read_body(request, Counters()):
            assert chunk == b"half"
