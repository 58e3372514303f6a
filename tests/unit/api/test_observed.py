"""How a caller's end of the connection looks from here."""

import json

from .conftest import Served


async def observed(served: Served) -> tuple[bytes, tuple[str, int]]:
    """Ask over a connection of our own; return the answer, and our end of it."""
    reader, writer = await served.connect(
        b"GET /observed HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )
    answer = await reader.read()
    own: tuple[str, int] = writer.get_extra_info("sockname")[:2]
    writer.close()
    return answer, own


async def test_a_caller_is_told_its_own_end(public: Served) -> None:
    answer, (address, port) = await observed(public)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert json.loads(body) == {"address": address, "port": port}


async def test_only_the_peer_port_tells(local: Served) -> None:
    answer, _ = await observed(local)
    assert answer.startswith(b"HTTP/1.1 404 ")
