"""Noticing changes of the network: the kernel's own messages, and without them."""

import asyncio
import socket
import struct
import subprocess
import sys

import pytest

from edgenode.reach import watch
from edgenode.reach.watch import NetworkWatch
from tests.support import namespaces

LOOPBACK = socket.if_nametoindex("lo")
RUNNING, UP = 0x40, 0x1
NEW_LINK, DEL_LINK, NEW_ADDRESS, DEL_ADDRESS, NEW_ROUTE, DEL_ROUTE = 16, 17, 20, 21, 24, 25


@pytest.mark.netns
def test_what_the_kernel_says_of_real_changes() -> None:
    done = subprocess.run(
        [*namespaces.entering(), sys.executable, "-m", "tests.unit.reach.watched"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.split("\n") == [
        "make broke ",
        "address look ",
        "route look 192.168.1.1",
        "unplugged broke 192.168.1.1",
        "plugged look 192.168.1.1",
        "other look 192.168.1.1",
        "other-route look 192.168.1.1",
        "no-route broke ",
        "no-address broke ",
        "",
    ]


def message(kind: int, body: bytes) -> bytes:
    return struct.pack("=LHHLL", 16 + len(body), kind, 0, 0, 0) + body + bytes(-len(body) % 4)


def link(kind: int, index: int, flags: int) -> bytes:
    return message(kind, struct.pack("=BxHiLL", 0, 1, index, flags, 0xFFFFFFFF))


def route(kind: int, prefix: int) -> bytes:
    return message(kind, struct.pack("=BBBBBBBBL", 2, prefix, 0, 0, 254, 3, 0, 1, 0))


@pytest.mark.parametrize(
    ("data", "broke"),
    [
        (link(NEW_LINK, LOOPBACK, UP | RUNNING), False),
        (link(NEW_LINK, LOOPBACK, UP), True),
        (link(NEW_LINK, LOOPBACK + 1, UP), False),
        (link(DEL_LINK, LOOPBACK, UP | RUNNING), True),
        (message(NEW_ADDRESS, struct.pack("=BBBBL", 2, 24, 0, 0, LOOPBACK)), False),
        (message(DEL_ADDRESS, struct.pack("=BBBBL", 2, 24, 0, 0, LOOPBACK)), True),
        (message(DEL_ADDRESS, struct.pack("=BBBBL", 2, 24, 0, 0, LOOPBACK + 1)), False),
        (route(NEW_ROUTE, 0), False),
        (route(DEL_ROUTE, 0), True),
        (route(DEL_ROUTE, 16), False),
        (route(NEW_ROUTE, 0) + message(99, b"odd") + route(DEL_ROUTE, 0), True),
        (b"", False),
        (b"\x00" * 16, False),
        (struct.pack("=LHHLL", 2**31, DEL_ROUTE, 0, 0, 0) + bytes(8), False),
        (message(DEL_LINK, b""), False),
        (message(DEL_ROUTE, b"\x02"), False),
    ],
)
def test_what_counts_as_a_break(data: bytes, broke: bool) -> None:
    watching = NetworkWatch(lambda: {"lo", "gone0"}, lambda _: None)
    assert watching._breaks(data) is broke


async def test_without_netlink_it_looks_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> socket.socket:
        raise OSError(97, "Address family not supported by protocol")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(watch, "POLL_S", 0.01)
    told: asyncio.Queue[bool] = asyncio.Queue()
    watching = NetworkWatch(set, told.put_nowait)
    watching.start()
    assert [await told.get() for _ in range(3)] == [False] * 3
    watching.close()
    watching.close()
