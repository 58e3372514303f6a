"""Reading blocks: GET and HEAD, conditions and ranges, the listing, deletion."""

import asyncio
import errno
import hashlib
import os
import threading
from dataclasses import replace
from io import FileIO
from pathlib import Path

import pytest
from aiohttp.test_utils import make_mocked_request

from edgenode.api import send
from edgenode.core.errors import BlockTooLarge, BlockUnavailable, Busy, EdgenodeError, StoreFull

from .conftest import OPERATOR, Node, Served, until
from .test_upload import problem

SMALL = b"a block of bytes"
LARGE = bytes(range(256)) * 1024  # 256 KiB: sent from the file
ABSENT = "0" * 128


@pytest.fixture(params=[SMALL, LARGE], ids=["small", "large"])
def data(request: pytest.FixtureRequest) -> bytes:
    """Give a block that is sent from memory, and one that is sent from its file."""
    assert isinstance(request.param, bytes)
    return request.param


@pytest.mark.parametrize("port", ["local", "public"])
async def test_a_held_block_is_given_to_anyone(
    node: Node, local: Served, public: Served, data: bytes, port: str
) -> None:
    served = {"local": local, "public": public}[port]
    block_id = node.store.keep(data)
    async with served.client.get(f"/blocks/{block_id}") as response:
        assert response.status == 200
        assert await response.read() == data
        headers = response.headers
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Disposition"] == "attachment"
    assert headers["Content-Security-Policy"] == "sandbox"
    assert headers["ETag"] == f'"{block_id}"'
    assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert headers["Accept-Ranges"] == "bytes"
    assert headers["Content-Length"] == str(len(data))
    assert headers["Server"] == "edgenode"
    assert (node.counters.succeeded, node.counters.bytes_out) == (1, len(data))


async def test_head_gives_the_headers_of_get(public: Served, node: Node, data: bytes) -> None:
    path = f"/blocks/{node.store.keep(data)}"
    async with public.client.get(path) as response:
        await response.read()
        expected = {name: value for name, value in response.headers.items() if name != "Date"}
    node.counters.bytes_out = 0
    async with public.client.head(path, headers={"Range": "bytes=0-0"}) as response:
        assert response.status == 200
        assert {k: v for k, v in response.headers.items() if k != "Date"} == expected
        assert await response.read() == b""
    assert node.counters.bytes_out == 0


async def test_a_block_that_is_not_held_is_404(public: Served, local: Served, node: Node) -> None:
    for served in (public, local):
        async with served.client.get(f"/blocks/{ABSENT}") as response:
            assert response.status == 404
            assert await problem(response) == "block-not-held"
        async with served.client.head(f"/blocks/{ABSENT}") as response:
            assert response.status == 404
    assert node.fetched == []
    assert node.counters.failed == 4


PATHS = [
    "/blocks/..", "/blocks/../operator.token", "/blocks/..%2foperator.token", "/blocks/%2e%2e%2f..",
    "/blocks/" + "A" * 128, "/blocks/" + "a" * 127, "/blocks/" + "a" * 129, "/blocks/" + "g" * 128,
    "/blocks/" + "a" * 128 + "%0a", "/blocks/" + "a" * 128 + "%00", "/blocks/" + "%D9%A3" * 128,
    "/blocks/" + "a" * 128 + "/", "/blocks/" + "a" * 64 + "/" + "a" * 63, "/blocks/", "//blocks",
    "/blocks/%ff", "/blocks/incoming", "/blocks/%252e%252e",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
async def test_what_is_not_a_block_id_opens_nothing(
    local: Served, public: Served, node: Node, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    async def must_not(_block_id: str) -> None:
        raise AssertionError

    monkeypatch.setattr(node.store, "get", must_not)
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
    for served in (local, public):
        answer = await served.exchange(request)
        assert answer.split(b" ", 2)[1] in (b"400", b"404")
        assert b"application/problem+json" in answer


async def test_a_percent_encoded_id_is_the_same_id(public: Served, node: Node) -> None:
    block_id = node.store.keep(SMALL)
    encoded = "".join(f"%{ord(digit):02x}" for digit in block_id)
    answer = await public.exchange(
        f"GET /blocks/{encoded} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode()
    )
    assert answer.endswith(SMALL)


async def test_the_operator_gets_what_peers_hold(local: Served, node: Node) -> None:
    block_id = hashlib.sha3_512(SMALL).hexdigest()
    node.remote[block_id] = SMALL
    async with local.client.get(f"/blocks/{block_id}?local=1", headers=OPERATOR) as response:
        assert response.status == 404
    async with local.client.head(f"/blocks/{block_id}", headers=OPERATOR) as response:
        assert response.status == 404
    async with local.client.get(f"/blocks/{block_id}") as response:
        assert response.status == 404
    assert node.fetched == []
    async with local.client.get(f"/blocks/{block_id}?local=0", headers=OPERATOR) as response:
        assert response.status == 200
        assert await response.read() == SMALL
    assert node.fetched == [block_id]


async def test_the_peer_port_never_fetches(public: Served, node: Node) -> None:
    node.remote[ABSENT] = SMALL
    async with public.client.get(f"/blocks/{ABSENT}", headers=OPERATOR) as response:
        assert response.status == 404
    assert node.fetched == []


async def test_a_wrong_token_is_an_error_on_a_read_too(local: Served, node: Node) -> None:
    path = f"/blocks/{node.store.keep(SMALL)}"
    async with local.client.get(path, headers={"Authorization": "Bearer wrong"}) as response:
        assert response.status == 401


async def test_local_is_0_or_1(local: Served) -> None:
    async with local.client.get(f"/blocks/{ABSENT}?local=yes", headers=OPERATOR) as response:
        assert response.status == 400
        assert await problem(response) == "bad-parameter"


@pytest.mark.parametrize(
    ("error", "status", "code", "detail"),
    [
        (BlockUnavailable("abcd: not held"), 404, "block-unavailable", "abcd: not held"),
        (BlockTooLarge("secret"), 404, "block-unavailable", "larger than this node"),
        (StoreFull("secret"), 507, "store-full", "no room"),
        (Busy("secret"), 503, "busy", "under way"),
        (EdgenodeError("secret"), 500, "internal-error", "its log"),
        (ValueError("secret"), 500, "internal-error", "its log"),
    ],
)
async def test_a_fetch_that_fails_says_why(
    local: Served, node: Node, error: Exception, status: int, code: str, detail: str
) -> None:
    node.fetch_error = error
    async with local.client.get(f"/blocks/{ABSENT}", headers=OPERATOR) as response:
        assert response.status == status
        text = await response.text()
        assert await problem(response) == code
        assert detail in text
        assert "secret" not in text
        assert ("Retry-After" in response.headers) == (status == 503)


async def test_what_peers_say_is_passed_on_within_bounds(local: Served, node: Node) -> None:
    node.fetch_error = BlockUnavailable("x" * 100_000)
    async with local.client.get(f"/blocks/{ABSENT}", headers=OPERATOR) as response:
        assert (await response.json(content_type=None))["detail"] == "x" * 2000


async def test_a_caller_who_leaves_ends_only_the_own_wait(local: Served, node: Node) -> None:
    node.fetch_gate = asyncio.Event()
    block_id = hashlib.sha3_512(SMALL).hexdigest()
    node.remote[block_id] = SMALL
    request = (
        f"GET /blocks/{block_id} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        f"Authorization: {OPERATOR['Authorization']}\r\n\r\n"
    ).encode()
    _, leaving = await local.connect(request)
    await node.fetch_started.wait()
    staying = asyncio.create_task(local.exchange(request))
    await until(lambda: len(node.fetched) == 2)
    async with asyncio.timeout(5):
        leaving.transport.abort()
        await node.fetch_cancelled.wait()
        node.fetch_gate.set()
        assert (await staying).endswith(SMALL)


async def test_a_block_deleted_while_it_is_opened_is_404(
    public: Served, node: Node, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    block_id = node.store.keep(data)
    held = await node.store.get(block_id)

    async def late(_block_id: str) -> object:
        await node.store.delete(block_id)
        return held

    monkeypatch.setattr(node.store, "get", late)
    async with public.client.get(f"/blocks/{block_id}") as response:
        assert response.status == 404


async def test_a_file_that_became_shorter_never_looks_whole(
    public: Served, node: Node, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    block_id = node.store.keep(data)
    held = await node.store.get(block_id)
    assert held is not None
    os.truncate(held.path, len(data) // 2)

    async def stale(_block_id: str) -> object:
        return held

    monkeypatch.setattr(node.store, "get", stale)
    answer = await public.exchange(
        f"GET /blocks/{block_id} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode()
    )
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"500 Internal" in head or len(body) < len(data)
    await until(lambda: node.counters.failed)
    assert node.counters.succeeded == 0


async def test_a_reader_who_takes_nothing_is_cut_off(
    public: Served,
    node: Node,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(send, "SLICE_SECONDS", 0.2)
    block_id = node.store.keep(bytes(32 * 1024 * 1024))
    _, writer = await public.connect(f"GET /blocks/{block_id} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    await until(lambda: node.counters.failed)
    writer.transport.abort()
    # What went into the buffers of the connection before has been counted, slice by slice.
    assert 0 < node.counters.bytes_out < 32 * 1024 * 1024
    await asyncio.sleep(0)  # for aiohttp, which is told after the counters
    assert not caplog.records


class Opened:
    """A file that the store has open."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("rb", buffering=0)
        self.given: list[int] = []

    def duplicate(self) -> int | None:
        """Give a descriptor, once."""
        if self.given:
            return None
        self.given.append(os.dup(self.file.fileno()))
        return self.given[0]


async def test_a_file_that_is_at_hand_is_sent_without_a_thread_and_left_open(
    public: Served, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    block_id = node.store.keep(LARGE)
    held = await node.store.get(block_id)
    assert held is not None
    opened = Opened(held.path)

    async def get(_block_id: str) -> object:
        return replace(held, file=opened)

    async def no_thread(*_: object, **__: object) -> None:
        raise AssertionError("a thread was asked")

    monkeypatch.setattr(node.store, "get", get)
    with opened.file, monkeypatch.context() as patched:
        patched.setattr(asyncio, "to_thread", no_thread)
        async with public.client.get(f"/blocks/{block_id}") as response:
            assert await response.read() == LARGE
        await until(lambda: node.counters.succeeded)
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(opened.given[0])
        patched.undo()
        # Closed by the store before it was asked for: opened anew.
        async with public.client.get(f"/blocks/{block_id}") as response:
            assert await response.read() == LARGE


async def test_what_is_not_in_memory_is_read_in_by_a_thread_first(
    public: Served, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = bytes(range(256)) * 10_000  # more than two slices
    path = f"/blocks/{node.store.keep(data)}"
    loop_thread = threading.get_ident()
    read: list[tuple[int, int]] = []

    def read_in(_fd: int, offset: int, length: int) -> None:
        assert threading.get_ident() != loop_thread
        read.append((offset, length))

    monkeypatch.setattr(send, "is_cached", lambda _fd, offset, _length: offset == 0)
    monkeypatch.setattr(send, "read_in", read_in)
    async with public.client.get(path) as response:
        assert await response.read() == data
    assert read
    assert all(offset > 0 for offset, _ in read)
    assert sum(read[-1]) == len(data)


async def test_a_file_system_that_cannot_hand_files_over_is_read(
    public: Served, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/blocks/{node.store.keep(LARGE)}"

    def sendfile(*_: object) -> int:
        raise OSError(errno.EINVAL, "cannot")

    monkeypatch.setattr(os, "sendfile", sendfile)
    async with public.client.get(path) as response:
        assert await response.read() == LARGE
    assert node.counters.bytes_out == len(LARGE)


async def test_a_file_that_is_opened_for_a_caller_who_left_is_closed(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = await node.store.get(node.store.keep(LARGE))
    assert held is not None
    opening, go_on, closed = threading.Event(), threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    class SlowFile(FileIO):
        def __init__(self, path: Path) -> None:
            opening.set()
            go_on.wait(5)
            super().__init__(path)

        def close(self) -> None:
            if not self.closed:
                loop.call_soon_threadsafe(closed.set)
            super().close()

    files: list[FileIO] = []

    def slow_open(path: Path, *_args: object, **_kwargs: object) -> FileIO:
        files.append(SlowFile(path))
        return files[0]

    monkeypatch.setattr(Path, "open", slow_open)
    request = make_mocked_request("GET", "/")
    sending = asyncio.create_task(send.send_block(request, held, node.counters))
    await asyncio.to_thread(opening.wait, 5)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    go_on.set()
    async with asyncio.timeout(5):
        await closed.wait()


async def test_delete_removes_a_block(local: Served, node: Node) -> None:
    path = f"/blocks/{node.store.keep(SMALL)}"
    async with local.client.delete(path, headers=OPERATOR) as response:
        assert response.status == 204
        assert await response.read() == b""
    assert node.store.files() == []
    async with local.client.delete(path, headers=OPERATOR) as response:
        assert response.status == 404
        assert await problem(response) == "block-not-held"


async def test_the_listing_is_paged_by_cursor(local: Served, node: Node) -> None:
    ids = sorted(node.store.keep(bytes([number])) for number in range(7))
    seen: list[str] = []
    sizes = []
    query = {"limit": "3"}
    for length, more in ((3, True), (3, True), (1, False)):
        async with local.client.get("/blocks", params=query, headers=OPERATOR) as response:
            page = await response.json()
        assert len(page["blocks"]) == length
        assert (page["cursor"] is not None) == more
        seen += [block["blockId"] for block in page["blocks"]]
        sizes += [block["size"] for block in page["blocks"]]
        if more:
            query["cursor"] = page["cursor"]
    assert seen == ids
    assert sizes == [1] * 7
    async with local.client.get("/blocks?limit=7", headers=OPERATOR) as response:
        assert (await response.json())["cursor"] is None


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=-1", "limit=x", "limit=", "limit=٣", "cursor=x",
              "cursor=", "limit=1e2", "cursor=..%2F.."],
)  # fmt: skip
async def test_bad_parameters_are_refused(local: Served, query: str) -> None:
    async with local.client.get(f"/blocks?{query}", headers=OPERATOR) as response:
        assert response.status == 400
        assert await problem(response) == "bad-parameter"


async def test_the_default_page_has_100_blocks(local: Served, node: Node) -> None:
    for number in range(101):
        node.store.keep(number.to_bytes(2, "big"))
    async with local.client.get("/blocks", headers=OPERATOR) as response:
        assert len((await response.json())["blocks"]) == 100
    async with local.client.get("/blocks?limit=1000", headers=OPERATOR) as response:
        assert len((await response.json())["blocks"]) == 101


async def test_a_disk_that_fails_to_open_is_500(
    public: Served, node: Node, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    block_id = node.store.keep(data)

    def fail(*_args: object, **_kwargs: object) -> None:
        raise OSError(errno.EIO, "secret")

    monkeypatch.setattr(Path, "open", fail)
    async with public.client.get(f"/blocks/{block_id}") as response:
        assert response.status == 500
        assert "secret" not in await response.text()
