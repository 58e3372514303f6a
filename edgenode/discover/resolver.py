"""Asking the system's resolvers for A, AAAA and SRV records.

Our own stub resolver, for all three. The C library's getaddrinfo knows no SRV, and cannot be
cancelled: with three dead resolvers it keeps one of the node's few threads for 28 s, whatever
deadline the settings give. Nothing is lost by leaving it out: what it has beyond DNS (/etc/hosts,
mDNS, LDAP) is for names of hosts, which `[bootstrap]` takes and which are dialled through it.
zeroconf's DNSOutgoing and DNSIncoming are for mDNS: a malformed answer reads as an empty one, none
is tied to its question, no alias is followed; and they take 1.4 MB of memory where
`[discovery] mdns` is off, against 0.1 MB of this.

An answer counts only from the server that was asked (the socket is connected to it), to the port
that the kernel drew for this question, with the id drawn for it, and the question in it. Mixing the
case of letters (0x20) is left out: this is a host and the resolver next to it, and some routers
answer in lowercase.
"""

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgenode.core.dns import (
    NOERROR,
    NXDOMAIN,
    Answer,
    decode_answer,
    encode_question,
)
from edgenode.core.errors import DecodeError
from edgenode.discover.resolvconf import read_resolver_settings

RESOLV_CONF = Path("/etc/resolv.conf")
DNS_PORT = 53

# Questions under way, a socket each; the rest wait. Of one seed there are at most ten.
MAX_ASKING = 32

# RFC 1035 section 2.3.4 has 512 without EDNS; servers that send more are heard all the same.
MAX_DATAGRAM_BYTES = 4096

# Datagrams that are no answer to the question: whoever forges them in numbers has no more tries.
MAX_STRAYS = 16


class ResolveFailed(Exception):
    """No resolver gave an answer; the message says why in one line."""


class _Unanswered(Exception):
    """This server gave none."""


class Resolver:
    """Asks the resolvers that resolv.conf(5) names, at each question anew."""

    def __init__(
        self, *, timeout_s: float, resolv_conf: Path = RESOLV_CONF, port: int = DNS_PORT
    ) -> None:
        """`timeout_s` bounds a question to all of the servers; they listen at `port`."""
        self._timeout_s = timeout_s
        self._resolv_conf = resolv_conf
        self._port = port
        self._turns = asyncio.Semaphore(MAX_ASKING)

    async def ask(self, name: str, rtype: int) -> Answer:
        """Return the answer for the records `rtype` of `name`, which stands for itself alone.

        Its result is NOERROR or NXDOMAIN, and it is whole. Server after server is asked, each again
        after all others, as long as there is time. Raises `ResolveFailed`, also for what is no
        name.
        """
        try:
            question = encode_question(0, name, rtype)[2:]
        except ValueError as error:
            raise ResolveFailed(f"{name}: {error}") from error
        async with self._turns:
            failures: dict[str, str] = {}
            try:
                async with asyncio.timeout(self._timeout_s):
                    return await self._ask_all(question, failures)
            except TimeoutError:
                pass
        reasons = ", ".join(f"{server}: {reason}" for server, reason in failures.items())
        raise ResolveFailed(reasons or f"no answer within {self._timeout_s:g} s")

    async def _ask_all(self, question: bytes, failures: dict[str, str]) -> Answer:
        settings = await asyncio.to_thread(read_resolver_settings, self._resolv_conf)
        # One that is silent must leave time for the others, and for asking again.
        share_s = self._timeout_s / (settings.attempts * len(settings.servers))
        wait_s = min(settings.timeout_s, share_s)
        for _ in range(settings.attempts):
            for server in settings.servers:
                try:
                    async with asyncio.timeout(wait_s):
                        return await self._ask_one(server, question)
                except TimeoutError:
                    failures[server] = "no answer"
                except _Unanswered as error:
                    failures[server] = str(error)
                except OSError as error:
                    failures[server] = error.strerror or str(error)
        raise TimeoutError

    async def _ask_one(self, server: str, question: bytes) -> Answer:
        question = os.urandom(2) + question
        answer = await self._by_udp(server, question)
        if answer.truncated:
            answer = await self._by_tcp(server, question)
        if answer.result not in (NOERROR, NXDOMAIN):
            raise _Unanswered(f"error {answer.result}")
        return answer

    async def _by_udp(self, server: str, question: bytes) -> Answer:
        loop = asyncio.get_running_loop()
        with self._socket(server, socket.SOCK_DGRAM) as (sock, endpoint):
            sock.connect(endpoint)
            await loop.sock_sendall(sock, question)
            for _ in range(MAX_STRAYS):
                # A longer one is cut, and then does not decode.
                data = await loop.sock_recv(sock, MAX_DATAGRAM_BYTES)
                try:
                    return decode_answer(data, question)
                except DecodeError:
                    # sock_recv() does not let others run while datagrams are waiting.
                    await asyncio.sleep(0)
        raise _Unanswered("a flood of what is no answer")

    async def _by_tcp(self, server: str, question: bytes) -> Answer:
        loop = asyncio.get_running_loop()
        with self._socket(server, socket.SOCK_STREAM) as (sock, endpoint):
            await loop.sock_connect(sock, endpoint)
            await loop.sock_sendall(sock, len(question).to_bytes(2, "big") + question)
            length = int.from_bytes(await _receive(sock, 2), "big")
            data = await _receive(sock, length)
        try:
            answer = decode_answer(data, question)
        except DecodeError as error:
            raise _Unanswered(str(error)) from error
        if answer.truncated:
            raise _Unanswered("an answer that is cut even by TCP")
        return answer

    @contextmanager
    def _socket(
        self, server: str, kind: int
    ) -> Iterator[tuple[socket.socket, tuple[str | int, ...]]]:
        address, _, zone = server.partition("%")
        endpoint: tuple[str | int, ...] = (address, self._port)
        if ":" in address:
            endpoint = (address, self._port, 0, _index_of(zone))
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, kind) as sock:
            sock.setblocking(False)
            yield sock, endpoint


def _index_of(zone: str) -> int:
    if not zone:
        return 0
    # A zone may also be the number itself (RFC 4007 section 11.2).
    return int(zone) if zone.isdigit() else socket.if_nametoindex(zone)


async def _receive(sock: socket.socket, length: int) -> bytes:
    loop = asyncio.get_running_loop()
    data = bytearray()
    while len(data) < length:
        piece = await loop.sock_recv(sock, length - len(data))
        if not piece:
            raise _Unanswered("a connection that ended early")
        data += piece
    return bytes(data)
