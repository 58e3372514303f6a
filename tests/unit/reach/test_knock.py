"""Knocking on a port: over real sockets."""

import asyncio
from pathlib import Path

import pytest

from edgenode.reach import prober
from edgenode.reach.neighbours import silent
from edgenode.reach.prober import knock

NONCE = b"\xab" * 16


async def served(answer: bytes, source: str = "") -> tuple[bool, bytes, tuple[str, int]]:
    """Knock at a server that says `answer`; give the outcome, the request and who knocked."""
    seen: list[tuple[bytes, tuple[str, int]]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        seen.append((request, writer.get_extra_info("peername")))
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        reached = await knock("127.0.0.1", port, NONCE, source)
    return reached, *seen[0]


async def test_the_request() -> None:
    reached, request, _ = await served(b"HTTP/1.1 204 No Content\r\n\r\n")
    assert reached
    line, host, *rest = request.split(b"\r\n")
    assert line == b"GET /reach/" + b"ab" * 16 + b" HTTP/1.1"
    assert host.startswith(b"Host: 127.0.0.1:")
    assert rest == [b"Connection: close", b"", b""]


async def test_it_comes_from_the_address_of_the_link() -> None:
    _, _, source = await served(b"HTTP/1.1 204 \r\n\r\n", "127.0.0.7")
    assert source[0] == "127.0.0.7"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 404 Not Found\r\n\r\n",
        b"HTTP/1.1 2040\r\n",
        b"204\r\n",
        b"SSH-2.0-x\r\n",
        b"",
        b"x" * 100_000,
        b"\xff\x00\r\n",
    ],
)
async def test_any_other_answer_is_none(answer: bytes) -> None:
    reached, _, _ = await served(answer)
    assert not reached


async def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
    assert not await knock("127.0.0.1", port, NONCE, "")
    assert not await knock("127.0.0.1", port, NONCE, "192.0.2.55")
    # One that takes the connection and says nothing.
    monkeypatch.setattr(prober, "KNOCK_TIMEOUT_S", 0.05)
    held = asyncio.Event()

    async def hold(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await held.wait()
        writer.close()

    async with await asyncio.start_server(hold, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert not await knock("127.0.0.1", port, NONCE, "")
        held.set()


def test_silent_neighbours(tmp_path: Path) -> None:
    table = tmp_path / "arp"
    table.write_text(
        "IP address       HW type     Flags       HW address            Mask     Device\n"
        "192.168.1.1      0x1         0x0         00:00:00:00:00:00     *        eth0\n"
        "192.168.1.2      0x1         0x2         aa:bb:cc:dd:ee:ff     *        eth0\n"
        "192.168.1.3      0x1         0x0         00:00:00:00:00:00     *        eth0\n"
        "192.168.1.3      0x1         0x6         aa:bb:cc:dd:ee:ff     *        eth1\n"
    )
    asked = ["192.168.1.1", "192.168.1.2", "192.168.1.3", "192.168.1.4"]
    assert silent(asked, table) == {"192.168.1.1"}
    assert silent(asked, tmp_path / "none") == frozenset()
