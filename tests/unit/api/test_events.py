"""Live events for local viewers."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import (
    ClientSession,
    ClientWebSocketResponse,
    WSMessage,
    WSMsgType,
    WSServerHandshakeError,
    web,
)

from edgenode.api import eventring, events, eventviewer
from edgenode.api.listener import build_runner

from .conftest import NODE_ID, NOW_MS, Node, Served, until
from .test_upload import problem

UPGRADE = (
    "GET /events HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


@asynccontextmanager
async def viewer(
    served: Served, *, origin: str | None = None, headers: dict[str, str] | None = None
) -> AsyncIterator[ClientWebSocketResponse]:
    """Watch the events, as soon as they are sent; the client would take them compressed."""
    async with served.client.ws_connect(
        "/events", origin=origin, headers=headers, compress=15
    ) as watching:
        assert json.loads((await receive(watching)).data)["type"] == "events:open"
        yield watching


async def receive(watching: ClientWebSocketResponse) -> WSMessage:
    """Return the next message, within 5 s."""
    return await watching.receive(timeout=5)


async def test_every_viewer_gets_each_event_in_order(local: Served, node: Node) -> None:
    async with viewer(local) as first, viewer(local) as second:
        node.feed.publish("node:leave", {"reason": "stopping"}, sender="ef" * 32)
        node.feed.publish("block:temperature", {"batches": []})
        for watching in (first, second):
            message = await receive(watching)
            assert message.type is WSMsgType.TEXT
            first_event = json.loads(message.data)
            run, _, number = first_event.pop("cursor").partition(".")
            assert (len(run), number) == (12, "1")
            assert first_event == {
                "type": "node:leave",
                "data": {"reason": "stopping"},
                "timestamp": NOW_MS,
                "sender": "ef" * 32,
            }
            assert json.loads((await receive(watching)).data) == {
                "type": "block:temperature",
                "data": {"batches": []},
                "timestamp": NOW_MS,
                "sender": NODE_ID,
                "cursor": f"{run}.2",
            }


async def test_what_is_sent_counts(local: Served, node: Node) -> None:
    async with viewer(local) as watching:
        before = node.counters.bytes_out
        node.feed.publish("node:leave", {"reason": "ü"})
        message = await receive(watching)
        await until(lambda: node.counters.bytes_out == before + len(message.data.encode()))


async def test_it_is_watched_for_a_while_after_the_last_viewer(
    local: Served, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not node.feed.is_watched
    async with viewer(local):
        assert node.feed.is_watched
    await until(lambda: not node.feed.viewers)
    assert node.feed.is_watched
    monkeypatch.setattr(events, "LINGER_SECONDS", 0)
    assert not node.feed.is_watched


async def test_the_stream_is_not_compressed(local: Served) -> None:
    async with viewer(local) as watching:
        assert watching.compress == 0


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:1"])
async def test_a_page_of_another_origin_sees_nothing(
    local: Served, node: Node, origin: str
) -> None:
    async with local.client.get("/events", headers={"Origin": origin}) as response:
        assert response.status == 403
        assert await problem(response) == "forbidden-origin"
    with pytest.raises(WSServerHandshakeError, match="403"):
        async with viewer(local, origin=origin):
            pass
    assert not node.feed.viewers


async def test_a_page_of_this_origin_sees_all(local: Served, node: Node) -> None:
    async with viewer(local, origin=f"http://127.0.0.1:{local.port}"):
        assert node.feed.viewers


async def test_a_foreign_host_sees_nothing(local: Served) -> None:
    with pytest.raises(WSServerHandshakeError, match="403"):
        async with viewer(local, headers={"Host": "evil.example"}):
            pass


async def test_the_peer_port_has_no_events(public: Served) -> None:
    async with public.client.get("/events") as response:
        assert response.status == 404


async def test_what_is_no_upgrade_is_told_so(local: Served, node: Node) -> None:
    async with local.client.get("/events") as response:
        assert response.status == 426
        assert response.headers["Upgrade"] == "websocket"
        assert await problem(response) == "upgrade-required"
    async with local.client.head("/events") as response:
        assert response.status == 405
    assert not node.feed.viewers


@pytest.mark.parametrize("change", ["Sec-WebSocket-Version: 12", "Sec-WebSocket-Key: x"])
async def test_a_malformed_upgrade_is_refused(local: Served, node: Node, change: str) -> None:
    name = change.partition(":")[0]
    lines = [line for line in UPGRADE.split("\r\n") if not line.startswith(name)]
    answer = await local.exchange(
        "\r\n".join([*lines[:-1], change, "Connection: close", "", ""]).encode()
    )
    assert answer.split(b" ", 2)[1] in (b"400", b"426")
    assert b"urn:edgenode:problem:" in answer
    assert not node.feed.viewers


async def test_there_are_so_many_viewers_and_no_more(
    local: Served, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MAX_VIEWERS", 2)
    async with viewer(local):
        async with viewer(local):
            with pytest.raises(WSServerHandshakeError, match="503"):
                async with viewer(local):
                    pass
        async with asyncio.timeout(5):
            while True:  # until the place is free again
                try:
                    async with viewer(local) as watching:
                        node.feed.publish("node:leave", {"reason": "x"})
                        assert (await receive(watching)).type is WSMsgType.TEXT
                        break
                except WSServerHandshakeError:
                    await asyncio.sleep(0.01)


def test_the_bounds() -> None:
    assert (events.MAX_VIEWERS, eventviewer.MAX_QUEUED) == (16, 256)
    assert eventring.MAX_KEPT < eventviewer.MAX_QUEUED  # or a resumed viewer would be too slow


@pytest.mark.parametrize("kind", ["text", "binary"])
async def test_a_viewer_that_speaks_is_left(local: Served, node: Node, kind: str) -> None:
    async with viewer(local) as watching:
        await (watching.send_str("hello") if kind == "text" else watching.send_bytes(b"hello"))
        message = await receive(watching)
        assert (message.type, message.data, message.extra) == (
            WSMsgType.CLOSE,
            4007,
            "protocol-violation",
        )
    assert not node.feed.viewers


async def test_a_viewer_that_says_much_is_left(local: Served, node: Node) -> None:
    async with viewer(local) as watching:
        await watching.send_bytes(bytes(100_000))
        message = await receive(watching)
        assert (message.type, message.data) == (WSMsgType.CLOSE, 1009)
    await until(lambda: not node.feed.viewers)


@asynccontextmanager
async def deaf_viewer(local: Served) -> AsyncIterator[socket.socket]:
    """Watch, but read nothing of it; give the socket."""
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(deaf, ("127.0.0.1", local.port))
        await loop.sock_sendall(deaf, f"{UPGRADE}\r\n".encode())
        assert b" 101 " in await loop.sock_recv(deaf, 1000)
        yield deaf


@pytest.mark.parametrize("size", [10, 100_000])
async def test_a_viewer_that_does_not_keep_up_is_left_and_no_other(
    local: Served, node: Node, size: int
) -> None:
    async with deaf_viewer(local) as deaf, viewer(local) as other:
        await until(lambda: node.feed.viewers)
        text = "x" * size
        sent = 0
        async with asyncio.timeout(10):
            while True:
                node.feed.publish("metadata:update", {"text": text, "count": sent})
                assert json.loads((await receive(other)).data)["data"]["count"] == sent
                sent += 1
                if sent > 64 and len(node.feed._viewers) == 1:
                    break
        # What was sent and the end of it, and then nothing: the connection is gone.
        loop = asyncio.get_running_loop()
        with pytest.raises(ConnectionResetError):
            async with asyncio.timeout(5):
                while await loop.sock_recv(deaf, 65536):
                    pass
                raise ConnectionResetError
        node.feed.publish("node:leave", {"reason": "x"})
        assert json.loads((await receive(other)).data)["type"] == "node:leave"


async def test_nothing_is_kept_for_a_viewer_that_does_not_keep_up(
    local: Served, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    def open_files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    monkeypatch.setattr(events, "CLOSE_SECONDS", 0.05)
    before = open_files()
    async with deaf_viewer(local):
        await until(lambda: node.feed.viewers)
        await until(lambda: open_files() == before + 2)
        while node.feed.viewers:
            node.feed.publish("metadata:update", {"text": "x" * 100_000})
            await asyncio.sleep(0)
        # Its connection is closed though it has not read what was on the way.
        await until(lambda: open_files() == before + 1)


@pytest.mark.parametrize("size", [1, 20_000])
async def test_a_burst_beyond_the_bound_ends_with_the_reason(
    local: Served, node: Node, size: int
) -> None:
    async with viewer(local) as watching:
        allowed = min(eventviewer.MAX_QUEUED, eventviewer.MAX_QUEUED_BYTES // (size + 200))
        for _ in range(allowed):
            node.feed.publish("metadata:update", {"text": "x" * size})
        for _ in range(allowed):
            assert (await receive(watching)).type is WSMsgType.TEXT
        for _ in range(allowed * 2):
            node.feed.publish("metadata:update", {"text": "x" * size})
        message = await receive(watching)
        assert (message.type, message.data, message.extra) == (WSMsgType.CLOSE, 4010, "too-slow")
    assert not node.feed.viewers


async def test_a_viewer_that_leaves_is_forgotten(local: Served, node: Node) -> None:
    async with viewer(local) as watching:
        assert node.feed.viewers
        await watching.close(code=1001)
        assert watching.close_code == 1000
    await until(lambda: not node.feed.viewers)


async def test_a_viewer_that_is_cut_off_is_forgotten(local: Served, node: Node) -> None:
    async with deaf_viewer(local) as deaf:
        await until(lambda: node.feed.viewers)
        deaf.shutdown(socket.SHUT_RDWR)
        await until(lambda: not node.feed.viewers)


async def test_a_viewer_that_is_gone_without_a_word_is_noticed(
    local: Served, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "HEARTBEAT_SECONDS", 0.1)
    async with deaf_viewer(local):
        await until(lambda: node.feed.viewers)
        await until(lambda: not node.feed.viewers)


async def test_viewers_are_told_when_the_node_stops(node: Node) -> None:
    runner = build_runner(node.local_app())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    async with ClientSession(f"http://127.0.0.1:{port}") as client:
        watching = await client.ws_connect("/events")
        stopping = asyncio.create_task(runner.cleanup())
        assert (await watching.receive(timeout=5)).type is WSMsgType.TEXT
        message = await watching.receive(timeout=5)
        assert (message.type, message.data, message.extra) == (WSMsgType.CLOSE, 1000, "bye")
        async with asyncio.timeout(0.5):
            await stopping


async def test_a_viewer_that_does_not_answer_delays_the_end_by_no_more_than_its_time(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "CLOSE_SECONDS", 0.05)
    runner = build_runner(node.local_app())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with deaf_viewer(Served(runner.addresses[0][1], None)):  # type: ignore[arg-type]
        await until(lambda: node.feed.viewers)
        async with asyncio.timeout(0.5):
            await runner.cleanup()
    assert not node.feed.viewers


async def test_after_the_end_there_are_no_more_viewers(local: Served, node: Node) -> None:
    await node.feed.close()
    with pytest.raises(WSServerHandshakeError, match="503"):
        async with viewer(local):
            pass
