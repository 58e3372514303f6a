"""What libminiupnpc talks to instead of the network.

The library fetches a description, and then calls the control URLs in it, with no bound on what it
reads (it allocates what a Content-Length claims), a timeout for each packet alone, names resolved,
and no way to choose the source address or the control URL. So it gets a URL of the loopback
interface, for one call: a description written here, of the one service that has been checked, and
beside it the control URL. Its call goes on from here to the gateway, bounded as all else; and the
answer comes back as written here, from the values in it. When the call's time is over the
connections close, and the library's thread ends.
"""

import asyncio
import os
import re

from edgenode.reach.igd import soap
from edgenode.reach.igd.control import SoapFault, forward
from edgenode.reach.igd.description import Service
from edgenode.reach.method import Gateway, MappingFailed

# Of the library's own: heads of 512 bytes, bodies of 2048.
MAX_REQUEST = 8 * 1024
# One description, one call, and one more of each.
MAX_CONNECTIONS = 4

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]{1,4})\r\n", re.IGNORECASE)
_ACTION = re.compile(rb'\r\nsoapaction: *"[^"#]*#([A-Za-z]{1,64})"\r\n', re.IGNORECASE)


class Relay:
    """A description and control URL on loopback, for as long as the `async with` lasts.

    `failure` is why the last call has failed, where it has: more than the library tells.
    """

    def __init__(self, gateway: Gateway, service: Service) -> None:
        self.failure: SoapFault | MappingFailed | None = None
        self._gateway = gateway
        self._service = service
        # The library knows no other names than these; the gateway is called by its own.
        self._alias = f"urn:schemas-upnp-org:service:{service.kind}:{service.version}"
        self._secret = os.urandom(16).hex()  # any program of this machine can connect
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._left = MAX_CONNECTIONS
        self.url = ""

    async def __aenter__(self) -> "Relay":
        try:
            server = await asyncio.start_server(
                self._accept, "127.0.0.1", 0, limit=MAX_REQUEST, backlog=MAX_CONNECTIONS
            )
        except OSError as error:
            raise MappingFailed("failed", f"no loopback: {error}") from None
        self._server = server
        port = server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/{self._secret}/description"
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._left -= 1
        if self._left < 0:
            writer.close()
            return
        self._tasks.add(asyncio.ensure_future(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            status, body = await self._answer(head, reader)
            answer = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(answer.encode() + body)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return  # the library has gone, or it is not the library
        finally:
            writer.close()

    async def _answer(self, head: bytes, reader: asyncio.StreamReader) -> tuple[str, bytes]:
        if head.startswith(f"GET /{self._secret}/description ".encode()):
            return "200 OK", self._description()
        length, action = _LENGTH.search(head), _ACTION.search(head)
        ours = head.startswith(f"POST /{self._secret}/control ".encode())
        if not ours or length is None or action is None:
            return "404 Not Found", b""
        body = await reader.readexactly(min(int(length.group(1)), MAX_REQUEST))
        body = body.replace(self._alias.encode(), self._service.service_type.encode())
        self.failure = None
        try:
            name = action.group(1).decode()
            values = await forward(self._gateway, self._service, name, body)
        except SoapFault as fault:
            self.failure = fault
            refusal = soap.write_answer(soap.Answer({}, fault.code))
            return "500 Internal Server Error", refusal
        except MappingFailed as failure:
            self.failure = failure
            return "502 Bad Gateway", b""
        return "200 OK", soap.write_answer(soap.Answer(values, 0))

    def _description(self) -> bytes:
        return (
            '<?xml version="1.0"?><root><device><serviceList><service>'
            f"<serviceType>{self._alias}</serviceType>"
            f"<controlURL>/{self._secret}/control</controlURL>"
            "</service></serviceList></device></root>"
        ).encode()
