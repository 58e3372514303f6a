"""A home with a node and a browser, and a web server of somebody else's outside of it."""

import asyncio
import shlex
import socket
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from tests.lab.support.dnsmasq import Dnsmasq
from tests.lab.support.host import Host

ATTACK = (Path(__file__).parent / "foreign.js").read_text()
MARK = "X-Foreign"
"""A header of the foreign server's answers alone."""

_PAGE = b"<!doctype html><title>foreign</title><body>foreign"
_HEAD = (
    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
    f"Content-Length: {len(_PAGE)}\r\n{MARK}: 1\r\n"
    "Cache-Control: no-store\r\nConnection: close\r\n\r\n"
).encode()
MAX_HEAD_BYTES = 65536


class ForeignServer:
    """Answers every request at some ports of a host with a page, until the end of its context."""

    def __init__(self, host: Host, ports: Sequence[int]) -> None:
        self._host = host
        self._ports = ports
        self._servers: list[asyncio.Server] = []
        self._open: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> "ForeignServer":
        for port in self._ports:
            with self._host.namespace.inside():
                opened = socket.create_server(("0.0.0.0", port))
            self._servers.append(await asyncio.start_server(self._answer, sock=opened))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Answer nobody any more, on old connections neither."""
        for server in self._servers:
            server.close()
        for writer in self._open:
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(_HEAD + _PAGE)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()


def browser_command(host: Host, server: Dnsmasq, chromium: Path, folder: Path) -> Path:
    """Return a program that is the browser on this host, with this resolver."""
    path = folder / "browser"
    words = [*host.namespace.entering, "setpriv", "--pdeathsig", "KILL", "--", *server.within]
    path.write_text(f'#!/bin/sh\nexec {shlex.join([*words, str(chromium)])} "$@"\n')
    path.chmod(0o755)
    return path
