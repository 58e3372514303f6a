"""One HTTP exchange with the gateway: a connection from our address to its own, and a bounded body.

No names, no redirects, no keep-alive. The request goes out in one piece, since some gateways look
at the first packet alone.
"""

import asyncio
import re
import socket
from typing import NamedTuple

from edgenode.core.ip import parse_ip
from edgenode.reach.method import Gateway

# A description of 64 KiB is the largest that is read; no SOAP answer comes near.
MAX_BODY = 64 * 1024
MAX_HEAD = 8 * 1024

# A gateway on the link takes a connection at once. Where a packet was lost, the kernel would wait
# for a second before it sends the next; and after a second nobody is there.
CONNECT_TRIES_S = (0.25, 0.25, 0.5)

_OK = 200
_CHUNK = 16 * 1024
_MAX_LENGTH_DIGITS = 8
_LAST_CHUNK = 16  # bytes from the end that the chunk of size 0 is looked for in
_MAX_CHUNK_HEAD = 128
_TOO_LARGE = "a body of more than 64 KiB"

_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_STATUS = re.compile(r"HTTP/1\.[0-9] {1,4}([1-5][0-9]{2})(?:\s|$)")
_CHUNK_HEAD = re.compile(rb"(?:\r?\n)?([0-9A-Fa-f]{1,8})[^\n]{0,100}\n")


class NoAnswer(Exception):
    """Nobody answered there in time."""


class BadAnswer(Exception):
    """What was answered is not HTTP, too much, or a refusal; `status` is 0 or the status code."""

    def __init__(self, detail: str, status: int = 0) -> None:
        super().__init__(detail)
        self.status = status


class Response(NamedTuple):
    """A whole answer."""

    status: int
    body: bytes


def socket_address(gateway: Gateway, address: str, port: int) -> tuple[str, int, int, int]:
    """Give what a socket of family AF_INET6 takes; an address of the link needs its interface."""
    packed = parse_ip(address)
    scope = 0
    if packed is not None and (packed[0] == 0xFE or packed[0] == 0xFF):  # noqa: PLR2004
        scope = socket.if_nametoindex(gateway.interface)
    return (address, port, 0, scope)


def get(gateway: Gateway, port: int, path: str) -> bytes:
    """Give a request for a document."""
    return _head("GET", gateway, port, path, "")


def post(gateway: Gateway, port: int, path: str, soap_action: str, body: bytes) -> bytes:
    """Give a request that makes a call."""
    more = (
        f'Content-Type: text/xml; charset="utf-8"\r\nSOAPAction: "{soap_action}"\r\n'
        f"Content-Length: {len(body)}\r\n"
    )
    return _head("POST", gateway, port, path, more) + body


def _head(verb: str, gateway: Gateway, port: int, path: str, more: str) -> bytes:
    host = f"[{gateway.address}]" if gateway.ipv6 else gateway.address
    host = host if port == 80 else f"{host}:{port}"  # noqa: PLR2004 - UPnP gateways are strict on it
    return (
        f"{verb} {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: edgenode UPnP/1.1\r\n{more}"
        "Connection: close\r\n\r\n"
    ).encode("ascii")


async def exchange(gateway: Gateway, port: int, request: bytes, *, total_s: float) -> Response:
    """Send `request` to `port` of the gateway and read the whole answer.

    Raises `NoAnswer` when nobody takes the connection in time, or has answered in full after
    `total_s`; `BadAnswer` for anything but HTTP of at most MAX_BODY.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(total_s):
            with await _connect(gateway, port) as sock:
                await loop.sock_sendall(sock, request)
                return await _read(sock)
    except TimeoutError:
        raise NoAnswer("no answer in time") from None
    except OSError as error:
        raise NoAnswer(error.strerror or type(error).__name__) from None


async def _connect(gateway: Gateway, port: int) -> socket.socket:
    loop = asyncio.get_running_loop()
    family = socket.AF_INET6 if gateway.ipv6 else socket.AF_INET
    for wait_s in CONNECT_TRIES_S:
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            async with asyncio.timeout(wait_s):
                # Gateways map, and let in, for the caller's own address alone.
                if gateway.ipv6:
                    sock.bind(socket_address(gateway, gateway.own_address, 0))
                    peer = socket_address(gateway, gateway.address, port)
                    await loop.sock_connect(sock, peer)
                else:
                    sock.bind((gateway.own_address, 0))
                    await loop.sock_connect(sock, (gateway.address, port))
        except TimeoutError:
            sock.close()
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise NoAnswer("nobody takes the connection")


async def _read(sock: socket.socket) -> Response:
    loop = asyncio.get_running_loop()
    data = bytearray()
    head: Head | None = None
    while True:
        piece = await loop.sock_recv(sock, _CHUNK)
        data += piece
        if head is None:
            head = read_head(data)
            if head is None and not piece:
                raise BadAnswer("it ends too early")
        if head is not None:
            body = read_body(head, data, ended=not piece)
            if body is not None:
                return Response(head.status, body)


class Head(NamedTuple):
    """What stands before the body of an answer, and where the body begins."""

    status: int
    length: int | None
    chunked: bool
    end: int


def read_head(data: bytes | bytearray) -> Head | None:
    """Read the head of an answer; None as long as it has no end. Raises `BadAnswer`."""
    start = 0
    while True:
        found = _BLANK_LINE.search(data, start, MAX_HEAD)
        if found is None:
            if len(data) >= MAX_HEAD:
                raise BadAnswer("a head without an end")
            return None
        lines = bytes(data[start : found.start()]).decode("latin-1").split("\n")
        status = _status(lines[0])
        if status >= _OK:
            break
        start = found.end()  # 100 Continue comes before the answer
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        headers.setdefault(name.strip().lower(), value.strip())
    chunked = "chunked" in headers.get("transfer-encoding", "").lower()
    length = None if chunked else _length(headers.get("content-length"))
    return Head(status, length, chunked, found.end())


def read_body(head: Head, data: bytes | bytearray, *, ended: bool) -> bytes | None:
    """Give the body that follows `head`; None as long as more is to come. Raises `BadAnswer`."""
    size = len(data) - head.end
    if size > 2 * MAX_BODY:  # chunks of one byte each take more than twice their content
        raise BadAnswer(_TOO_LARGE)
    if head.chunked:
        if not ended and b"0" not in data[-_LAST_CHUNK:]:
            return None
        return _dechunk(data[head.end :], ended=ended)
    if head.length is None:
        if size > MAX_BODY:
            raise BadAnswer(_TOO_LARGE)
        return bytes(data[head.end :]) if ended else None
    if size >= head.length:
        return bytes(data[head.end : head.end + head.length])
    if ended:
        raise BadAnswer("it ends too early")
    return None


def _status(line: str) -> int:
    found = _STATUS.match(line)
    if found is None:
        raise BadAnswer("it does not speak HTTP")
    return int(found.group(1))


def _length(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_LENGTH_DIGITS):
        raise BadAnswer("a length that is no number")
    if int(text) > MAX_BODY:
        raise BadAnswer(_TOO_LARGE)
    return int(text)


def _dechunk(body: bytes | bytearray, *, ended: bool) -> bytes | None:
    """Put the chunks together (RFC 9112 section 7.1)."""
    whole = bytearray()
    at = 0
    while found := _CHUNK_HEAD.match(body, at):
        size = int(found.group(1), 16)
        if size == 0:
            return bytes(whole)
        if len(whole) + size > MAX_BODY:
            raise BadAnswer(_TOO_LARGE)
        whole += body[found.end() : found.end() + size]
        at = found.end() + size
    if ended or b"\n" in body[at + 2 : at + _MAX_CHUNK_HEAD]:
        raise BadAnswer("chunks that are none, or end too early")
    return None
