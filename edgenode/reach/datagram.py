"""One question to a gateway over UDP, asked again until it answers: for PCP and NAT-PMP."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from edgenode.core.pcp import MAX_MESSAGE_BYTES
from edgenode.reach.method import Gateway, MappingFailed

# The first wait, doubled each time. Half of RFC 6886 section 3.1's: a gateway of a home answers in
# milliseconds, and mapping takes two answers. Five questions fit into the deadline, the last with
# 1.1 s for its answer: with every fifth datagram lost each way, 99 of 100 are answered.
FIRST_WAIT_S = 0.125
ANSWER_DEADLINE_S = 3.0

# For a deletion, as the node stops: three questions, and time left of the 500 ms that it may take.
DELETE_DEADLINE_S = 0.4

# Datagrams from the gateway's port that are no answer to the question: a gateway repeats itself a
# few times at most, and whoever forges them in numbers gets no more of our time.
MAX_STRAYS = 32

Answer = TypeVar("Answer")


async def ask(
    gateway: Gateway,
    port: int,
    request: bytes,
    read: Callable[[bytes], Answer | None],
    *,
    deadline_s: float,
) -> Answer:
    """Send `request` to the gateway's `port` from our own address there; return what is read.

    `read` gets each datagram from there, and from nowhere else; it returns None for what does not
    answer the request, and may raise `MappingFailed`. Raises `MappingFailed`: "no-answer" (at once
    where the gateway says that nobody listens), or "malformed" where all that came made no sense.
    """
    try:
        with _connected(gateway, port) as sock:
            return await _ask(sock, request, read, deadline_s)
    except OSError as error:
        detail = f"UDP to {gateway.address} port {port}: {error.strerror or error}"
        raise MappingFailed("no-answer", detail) from error


async def _ask(
    sock: socket.socket, request: bytes, read: Callable[[bytes], Answer | None], deadline_s: float
) -> Answer:
    loop = asyncio.get_running_loop()
    end_s = loop.time() + deadline_s
    wait_s = FIRST_WAIT_S
    strays = 0
    while (left_s := end_s - loop.time()) > 0:
        with suppress(BlockingIOError):  # as good as lost on the way
            sock.send(request)
        with suppress(TimeoutError):
            async with asyncio.timeout(min(wait_s, left_s)):
                while True:
                    # A longer one is cut to what the decoders refuse for its length.
                    datagram = await loop.sock_recv(sock, MAX_MESSAGE_BYTES + 1)
                    answer = read(datagram)
                    if answer is not None:
                        return answer
                    strays += 1
                    if strays == MAX_STRAYS:
                        raise MappingFailed("malformed", "a flood of what is no answer")
                    # sock_recv() does not let others run while datagrams are waiting.
                    await asyncio.sleep(0)
        wait_s *= 2
    if strays:
        raise MappingFailed("malformed", "what came back is no answer")
    raise MappingFailed("no-answer", f"none within {deadline_s:g} s")


def _connected(gateway: Gateway, port: int) -> socket.socket:
    """Give a socket that sends to the gateway alone and hears nobody else; raises `OSError`."""
    family = socket.AF_INET6 if gateway.ipv6 else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.bind(_endpoint(gateway.own_address, 0, gateway))
        sock.connect(_endpoint(gateway.address, port, gateway))
    except BaseException:
        sock.close()
        raise
    return sock


def _endpoint(address: str, port: int, gateway: Gateway) -> tuple[str, int] | tuple[object, ...]:
    if not gateway.ipv6:
        return (address, port)
    # The kernel heeds the scope of link-local addresses alone.
    return (address, port, 0, socket.if_nametoindex(gateway.interface))
