"""A DNS server for what real ones do not do: it answers what the test tells it to."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from typing import NamedTuple

Reply = Callable[[bytes], Sequence[bytes]]
"""Gives the messages that answer a question; none is silence."""

RESPONSE = 0x8180
TRUNCATED = 0x0200
SERVFAIL = 2
NXDOMAIN = 3

_UDP_BYTES = 512
_TOP = b"\xc0\x0c"
_PORT_TRIES = 20


class Asked(NamedTuple):
    """A question that has come."""

    transport: str
    source: tuple[str, int]
    message: bytes

    @property
    def name(self) -> str:
        labels = []
        at = 12
        while size := self.message[at]:
            labels.append(self.message[at + 1 : at + 1 + size].decode())
            at += 1 + size
        return ".".join(labels)


def record(rtype: int, data: bytes) -> bytes:
    """Make a record of the name that was asked for."""
    head = (rtype, 1, 0, 300, len(data))
    return _TOP + b"".join(value.to_bytes(2, "big") for value in head) + data


def answer(question: bytes, records: Sequence[bytes] = (), result: int = 0) -> bytes:
    """Make an answer of any length."""
    flags = (RESPONSE | result).to_bytes(2, "big")
    counts = b"\x00\x01" + len(records).to_bytes(2, "big") + bytes(4)
    return question[:2] + flags + counts + question[12:] + b"".join(records)


def truncated(question: bytes) -> bytes:
    """Make one that says: ask by TCP."""
    return answer(question, result=TRUNCATED)


class FakeDns(asyncio.DatagramProtocol):
    """Listens at `host` by UDP and TCP, both at `port`; `asked` has what came, once `heard`."""

    def __init__(self, host: str, port: int, reply: Reply, tcp_reply: Reply | None = None) -> None:
        self.asked: list[Asked] = []
        self.heard = asyncio.Event()
        self._reply = reply
        self._tcp_reply = tcp_reply or reply
        self._host = host
        self._port = port
        self._transport: asyncio.DatagramTransport | None = None
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> "FakeDns":
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self, (self._host, self._port)
        )
        self._server = await asyncio.start_server(self._on_connection, self._host, self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._transport is not None
        assert self._server is not None
        self._transport.close()
        self._server.close()
        await asyncio.sleep(0)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        assert self._transport is not None
        self.asked.append(Asked("udp", addr, data))
        self.heard.set()
        for message in self._reply(data):
            self._transport.sendto(message, addr)

    async def _on_connection(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        length = int.from_bytes(await reader.readexactly(2), "big")
        message = await reader.readexactly(length)
        self.asked.append(Asked("tcp", writer.get_extra_info("peername"), message))
        for reply in self._tcp_reply(message):
            writer.write(len(reply).to_bytes(2, "big") + reply)
        writer.close()
        await writer.wait_closed()


def fitting(reply: Reply) -> Reply:
    """Answer by UDP as a server does: what is too long is to be asked for by TCP."""

    def short(question: bytes) -> Sequence[bytes]:
        return [
            message if len(message) <= _UDP_BYTES else truncated(question)
            for message in reply(question)
        ]

    return short


def free_port(hosts: Sequence[str]) -> int:
    """Find a port that nobody has at any of `hosts`, by UDP and by TCP."""
    for _ in range(_PORT_TRIES):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as tried:
            tried.bind(("127.0.0.1", 0))
            port: int = tried.getsockname()[1]
        if all(_is_free(host, port) for host in hosts):
            return port
    raise AssertionError("no free port")


def _is_free(host: str, port: int) -> bool:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as tried:
            try:
                tried.bind((host, port))
            except OSError:
                return False
    return True
