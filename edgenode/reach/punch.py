"""TCP hole punching: both sides connect at once, each through its own NAT.

A NAT lets in what answers to what went out. If both sides connect from ports whose outer numbers
they have told each other, each SYN opens the way for the other's (TCP simultaneous open, RFC 9293
section 3.5; RFC 5382 requires NATs to let it through). The outer number is what a peer outside
sees of another connection from the same inner port: most NATs keep it (RFC 4787 section 4.1).
"""

import asyncio
import errno
import socket

from edgenode.core.errors import DecodeError
from edgenode.core.fields import Fields
from edgenode.core.strictjson import decode

# A connection and an answer, from a peer that is linked already.
OBSERVE_TIMEOUT_S = 1.0
# The answer is a line of status, a few headers and a small object.
MAX_ANSWER_BYTES = 4096
# Round trips are below 0.3 s almost everywhere. Where a NAT drops the other's SYN, the one sent
# again after a second comes through; longer waiting helps nobody.
PUNCH_TIMEOUT_S = 1.3
# A NAT that refuses the other's SYN rather than drop it ends our attempt: try again, soon enough
# to meet the other's next one, seldom enough not to look like a flood.
AGAIN_S = 0.05

OBSERVED_PATH = "/observed"

_REFUSED = (errno.ECONNREFUSED, errno.ECONNRESET, errno.EHOSTUNREACH, errno.ETIMEDOUT)


class Hole:
    """A local port, and how it looks from outside, kept open by a connection to the observer."""

    def __init__(self, held: socket.socket, port: int) -> None:
        """`port` is the outer one."""
        self._held = held
        self.local: tuple[str, int] = held.getsockname()[:2]
        self.port = port

    def close(self) -> None:
        """Let the port go."""
        self._held.close()


async def open_hole(address: str, port: int) -> Hole:
    """Ask the node whose peer port is at `address` how a fresh port of ours looks from there.

    Raises `OSError` (`TimeoutError` is one) where it does not say.
    """
    held = _new_socket(address)
    try:
        async with asyncio.timeout(OBSERVE_TIMEOUT_S):
            return Hole(held, await _ask(held, address, port))
    except BaseException:
        held.close()
        raise


async def _ask(held: socket.socket, address: str, port: int) -> int:
    loop = asyncio.get_running_loop()
    # A port that connecting would draw may be another process's, too, which could not share it.
    held.bind(("", 0))
    await loop.sock_connect(held, (address, port))
    host = f"[{address}]" if ":" in address else address
    request = f"GET {OBSERVED_PATH} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n"
    await loop.sock_sendall(held, request.encode())
    answer = b""
    while (outer := observed_port(answer)) is None:
        piece = await loop.sock_recv(held, MAX_ANSWER_BYTES)
        if not piece or len(answer) > MAX_ANSWER_BYTES:
            raise OSError("no answer that makes sense")
        answer += piece
    return outer


def observed_port(answer: bytes) -> int | None:
    """Return the port in the body of an HTTP answer; None while it is not whole.

    Raises `OSError` for one that makes no sense.
    """
    head, found, body = answer.partition(b"\r\n\r\n")
    if not found:
        return None
    if not head.startswith((b"HTTP/1.1 200 ", b"HTTP/1.0 200 ")):
        raise OSError("refused")
    if not body.endswith(b"}"):
        return None
    try:
        return Fields(decode(body, max_bytes=MAX_ANSWER_BYTES), "answer").integer("port", 1, 65535)
    except DecodeError as error:
        raise OSError(str(error)) from error


async def punch(hole: Hole, address: str, port: int) -> socket.socket:
    """Connect from the hole's port while the other side does the same.

    Returns a connected, non-blocking socket. Raises `OSError` (`TimeoutError` is one).
    """
    if hole.local == (address, port):
        raise OSError(errno.EINVAL, "a connection to itself would open at once")
    async with asyncio.timeout(PUNCH_TIMEOUT_S):
        while True:
            attempt = _new_socket(address)
            try:
                attempt.bind(hole.local)
                await asyncio.get_running_loop().sock_connect(attempt, (address, port))
            except OSError as error:
                attempt.close()
                if error.errno not in _REFUSED:
                    raise
                await asyncio.sleep(AGAIN_S)
            except BaseException:
                attempt.close()
                raise
            else:
                return attempt


def _new_socket(address: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setblocking(False)
    # One local port for the connection to the observer and for the one to the other side.
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    return made
