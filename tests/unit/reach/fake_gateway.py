"""A PCP and NAT-PMP gateway on loopback that does as a test says, and notes what it is asked."""

import asyncio
import socket
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from edgenode.reach.method import Gateway

OWN_IPV4 = "127.0.0.9"
GATEWAY_IPV4 = "127.0.0.8"
LOOPBACK_IPV6 = "::1"
EPOCH_S = 1000

# What to send back for a request.
Script = Callable[[bytes], Iterable[bytes]]


class FakeGateway:
    """Takes datagrams; answers each as `script` says."""

    def __init__(self, sock: socket.socket, script: Script) -> None:
        self.requests: list[bytes] = []
        self.senders: list[tuple[str | int, ...]] = []
        self.asked = asyncio.Event()
        self.port: int = sock.getsockname()[1]
        ipv6 = sock.family == socket.AF_INET6
        own, address = (LOOPBACK_IPV6,) * 2 if ipv6 else (OWN_IPV4, GATEWAY_IPV4)
        self.gateway = Gateway(address, "lo", own, ipv6)
        self._sock = sock
        self._script = script

    def answer(self) -> None:
        """Take one datagram."""
        request, sender = self._sock.recvfrom(2048)
        self.requests.append(request)
        self.senders.append(sender)
        self.asked.set()
        for datagram in self._script(request):
            self._sock.sendto(datagram, sender)


@contextmanager
def fake_gateway(script: Script, *, ipv6: bool = False) -> Iterator[FakeGateway]:
    """Have one on a free port of loopback, in the running loop."""
    family = socket.AF_INET6 if ipv6 else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.bind((LOOPBACK_IPV6 if ipv6 else GATEWAY_IPV4, 0))
        gateway = FakeGateway(sock, script)
        loop = asyncio.get_running_loop()
        loop.add_reader(sock, gateway.answer)
        try:
            yield gateway
        finally:
            loop.remove_reader(sock)


def in_turn(*scripts: Script) -> Script:
    """Answer the first request by the first script, and so on; by the last ever after."""
    left = list(scripts)

    def script(request: bytes) -> Iterable[bytes]:
        return (left.pop(0) if len(left) > 1 else left[0])(request)

    return script


def silent(_request: bytes) -> Iterable[bytes]:
    """Do not answer."""
    return ()


def always(*datagrams: bytes) -> Script:
    """Answer whatever is asked with the same."""
    return lambda _request: datagrams


def pcp_answer(
    request: bytes,
    *,
    result: int = 0,
    lifetime_s: int | None = None,
    epoch_s: int = EPOCH_S,
    external_port: int | None = None,
    external: str | None = "198.51.100.7",
) -> bytes:
    """Grant what a PCP request asks for but for what is given; `external` None: as it was asked."""
    asked_s = struct.unpack("!I", request[4:8])[0]
    head = struct.pack("!BBBBII", 2, request[1] | 0x80, 0, result, asked_s, epoch_s) + bytes(12)
    if lifetime_s is not None:
        head = head[:4] + struct.pack("!I", lifetime_s) + head[8:]
    body = request[24:]
    if body and external_port is not None:
        body = body[:18] + struct.pack("!H", external_port) + body[20:]
    if body and external is not None:
        literal = external if ":" in external else "::ffff:" + external
        body = body[:20] + socket.inet_pton(socket.AF_INET6, literal) + body[36:]
    return head + body


def nat_pmp_answer(
    request: bytes,
    *,
    result: int = 0,
    lifetime_s: int | None = None,
    epoch_s: int = EPOCH_S,
    external_port: int | None = None,
    external: str = "198.51.100.7",
) -> bytes:
    """Grant what a NAT-PMP request asks for but for what is given."""
    head = struct.pack("!BBHI", 0, request[1] | 0x80, result, epoch_s)
    if request[1] == 0:
        return head + socket.inet_aton(external)
    internal_port, port, asked_s = struct.unpack("!HHI", request[4:12])
    return head + struct.pack(
        "!HHI",
        internal_port,
        port if external_port is None else external_port,
        asked_s if lifetime_s is None else lifetime_s,
    )
