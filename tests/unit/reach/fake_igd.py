"""A scripted Internet gateway on loopback: SSDP over UDP, description and SOAP over TCP."""

import asyncio
import os
import re
import socket
from collections.abc import Callable
from typing import NamedTuple

from edgenode.reach.igd import ssdp
from edgenode.reach.method import Gateway

IGD1 = "urn:schemas-upnp-org:device:InternetGatewayDevice:1"
IGD2 = "urn:schemas-upnp-org:device:InternetGatewayDevice:2"
IP1 = "urn:schemas-upnp-org:service:WANIPConnection:1"
IP2 = "urn:schemas-upnp-org:service:WANIPConnection:2"
PPP1 = "urn:schemas-upnp-org:service:WANPPPConnection:1"
FIREWALL1 = "urn:schemas-upnp-org:service:WANIPv6FirewallControl:1"

WAN = "11.22.33.44"

SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP12 = "http://www.w3.org/2003/05/soap-envelope"


class Search(NamedTuple):
    """A search that has come."""

    target: str
    multicast: bool
    sender: tuple[str, int]
    at: float


class Call(NamedTuple):
    """A SOAP call that has come."""

    action: str
    arguments: dict[str, str]
    service_type: str
    client: str


Values = dict[str, str]
Handler = Callable[[Call], Values | int]


def description(*services: tuple[str, str], base: str = "", head: str = "") -> bytes:
    """Give a description with services of (type, control URL)."""
    listed = "".join(
        f"<service><serviceType>{kind}</serviceType><serviceId>urn:x</serviceId>"
        f"<SCPDURL>/x.xml</SCPDURL><controlURL>{control}</controlURL>"
        "<eventSubURL>/e</eventSubURL></service>"
        for kind, control in services
    )
    return (
        f'{head}<?xml version="1.0"?>\n<root xmlns="urn:schemas-upnp-org:device-1-0">{base}'
        f"<device><deviceType>{IGD1}</deviceType><friendlyName>A &amp; B</friendlyName>"
        f"<serviceList>{listed}</serviceList></device></root>"
    ).encode()


class FakeIgd:
    """The gateway. What a test sets before it searches is how it behaves."""

    def __init__(self, *, ipv6: bool = False) -> None:
        a, b = os.urandom(1)[0], os.urandom(1)[0]
        self.address = "::1" if ipv6 else f"127.{a}.{b}.1"
        self.client = "::1" if ipv6 else f"127.{a}.{b}.2"
        self.other = f"127.{a}.{b}.66"
        self.ipv6 = ipv6
        self.wan = WAN
        self.services: list[tuple[str, str]] = [(FIREWALL1 if ipv6 else IP1, "/ctl")]
        self.document: bytes | None = None  # instead of the description
        self.answers_unicast = True
        self.answers_multicast = True
        self.answers_targets: tuple[str, ...] = (IGD1, IGD2)
        self.answer_delay_s = 0.0
        self.answer_source: socket.socket | None = None
        self.locations: list[str] | None = None
        self.boot = ""  # header lines that tell which boot it is, each with its end
        self.handlers: dict[str, Handler] = {}
        self.raw_answer: bytes | None = None  # instead of any SOAP answer
        self.envelope = SOAP11
        self.lead = ""  # before <?xml of an answer
        self.spaced = False
        self.searches: list[Search] = []
        self.searched = asyncio.Event()
        self.fetched = asyncio.Event()
        self.calls: list[Call] = []
        self.paths: list[str] = []
        self.table: dict[tuple[str, str], Values] = {}
        self.pinholes: dict[str, Values] = {}
        self.connections = 0
        self.first_answer_at = 0.0
        self._loop = asyncio.get_running_loop()
        self._sockets: list[socket.socket] = []
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.http_port = 0

    @property
    def gateway(self) -> Gateway:
        return Gateway(self.address, "lo", self.client, self.ipv6)

    @property
    def host(self) -> str:
        return f"[{self.address}]" if self.ipv6 else self.address

    @property
    def location(self) -> str:
        return f"http://{self.host}:{self.http_port}/desc.xml"

    async def start(self) -> None:
        family = socket.AF_INET6 if self.ipv6 else socket.AF_INET
        unicast = socket.socket(family, socket.SOCK_DGRAM)
        unicast.bind((self.address, ssdp.PORT))
        self._listen(unicast, multicast=False)
        if not self.ipv6:
            group = socket.socket(family, socket.SOCK_DGRAM)
            group.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            group.bind((ssdp.GROUP_V4, ssdp.PORT))
            member = socket.inet_aton(ssdp.GROUP_V4) + socket.inet_aton(self.address)
            group.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
            self._listen(group, multicast=True)
        await self.start_http()

    async def start_http(self, port: int = 0) -> None:
        """Listen at `port`, or at a new one, and no more at the old one."""
        if self._server is not None:
            self._server.close()
        self._server = await asyncio.start_server(self._accept, self.address, port)
        self.http_port = self._server.sockets[0].getsockname()[1]

    async def stop_http(self) -> None:
        """Refuse connections."""
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def stop(self) -> None:
        for sock in self._sockets:
            self._loop.remove_reader(sock)
            sock.close()
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def socket_at(self, address: str) -> socket.socket:
        """Give a datagram socket at another address or port, closed in the end."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((address, 0))
        self._sockets.append(sock)
        return sock

    def actions(self) -> list[str]:
        return [call.action for call in self.calls]

    def answer(self, target: str, location: str) -> bytes:
        return (
            f"HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=120\r\nEXT:\r\nST: {target}\r\n"
            f"USN: uuid:1::{target}\r\nSERVER: fake UPnP/1.1\r\nLOCATION: {location}\r\n"
            f"{self.boot}\r\n"
        ).encode()

    def _listen(self, sock: socket.socket, *, multicast: bool) -> None:
        sock.setblocking(False)
        self._sockets.append(sock)
        self._loop.add_reader(sock, self._searched, sock, multicast)

    def _searched(self, sock: socket.socket, multicast: bool) -> None:
        data, sender = sock.recvfrom(4096)
        found = re.search(r"\r\nST: (\S+)\r\n", data.decode())
        if sender[0] != self.client or found is None:
            return
        search = Search(found.group(1), multicast, sender, self._loop.time())
        self.searches.append(search)
        self.searched.set()
        if multicast and not self.answers_multicast:
            return
        if not multicast and not self.answers_unicast:
            return
        if search.target in self.answers_targets:
            self._loop.call_later(self.answer_delay_s, self._reply, sock, search)

    def _reply(self, sock: socket.socket, search: Search) -> None:
        if sock.fileno() < 0:
            return
        # A socket bound to a group cannot be a source.
        source = self.answer_source if self.answer_source is not None else self._sockets[0]
        self.first_answer_at = self.first_answer_at or self._loop.time()
        for location in self.locations or [self.location]:
            source.sendto(self.answer(search.target, location), search.sender)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._tasks.add(asyncio.ensure_future(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            verb, path, _ = head.split("\r\n")[0].split()
            self.paths.append(path)
            if verb == "GET":
                body = self.document or description(*self.services)
                writer.write(self._response(200, body))
                self.fetched.set()
            else:
                length = re.search(r"Content-Length: (\d+)", head)
                assert length is not None
                text = (await reader.readexactly(int(length.group(1)))).decode()
                writer.write(self._called(head, text, writer))
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    @staticmethod
    def _response(status: int, body: bytes) -> bytes:
        if body.startswith(b"HTTP/"):
            return body
        return f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body

    def _called(self, head: str, text: str, writer: asyncio.StreamWriter) -> bytes:
        named = re.search(r'SOAPAction: "([^"#]+)#(\w+)"', head)
        assert named is not None
        service_type, action = named.groups()
        assert f'<u:{action} xmlns:u="{service_type}">' in text
        arguments = {
            name: value.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
            for name, value in re.findall(r"<(\w+)>([^<]*)</\1>", text)
        }
        call = Call(action, arguments, service_type, writer.get_extra_info("peername")[0])
        self.calls.append(call)
        if self.raw_answer is not None:
            return self._response(200, self.raw_answer)
        result = self.handlers.get(action, self.behave)(call)
        return self._response(500 if isinstance(result, int) else 200, self.soap(call, result))

    def soap(self, call: Call, result: Values | int) -> bytes:
        """Write an answer as gateways do: values, or the code of a fault."""
        gap = "\r\n   " if self.spaced else ""
        if isinstance(result, int):
            inner = (
                "<s:Fault><faultcode>s:Client</faultcode><faultstring>UPnPError</faultstring>"
                f'<detail><UPnPError xmlns="urn:schemas-upnp-org:control-1-0">'
                f"<errorCode>{gap}{result}{gap}</errorCode><errorDescription>no</errorDescription>"
                "</UPnPError></detail></s:Fault>"
            )
        else:
            values = "".join(f"{gap}<{k}>{gap}{v}{gap}</{k}>" for k, v in result.items())
            name = f"{call.action}Response"
            inner = f'<u:{name} xmlns:u="{call.service_type}">{values}{gap}</u:{name}>'
        return (
            f'{self.lead}<?xml version="1.0"?>{gap}<s:Envelope xmlns:s="{self.envelope}">{gap}'
            f"<s:Body>{gap}{inner}{gap}</s:Body>{gap}</s:Envelope>{gap}"
        ).encode()

    def behave(self, call: Call) -> Values | int:
        """Do as a well-behaved gateway does."""
        key = (call.arguments.get("NewExternalPort", ""), call.arguments.get("NewProtocol", ""))
        if call.action == "GetExternalIPAddress":
            return {"NewExternalIPAddress": self.wan}
        if call.action == "AddPortMapping":
            return self._add(call, key)
        if call.action == "AddAnyPortMapping":
            while key in self.table:
                key = (str(int(key[0]) + 1), key[1])
            self.table[key] = call.arguments
            return {"NewReservedPort": key[0]}
        if call.action == "DeletePortMapping":
            return {} if self.table.pop(key, None) is not None else 714
        if call.action == "GetSpecificPortMappingEntry":
            return self._entry(key)
        return self._pinhole(call)

    def _add(self, call: Call, key: tuple[str, str]) -> Values | int:
        if call.client != call.arguments["NewInternalClient"]:
            return 606
        held = self.table.get(key)
        if held is not None and held["NewInternalClient"] != call.client:
            return 718
        self.table[key] = call.arguments
        return {}

    def _entry(self, key: tuple[str, str]) -> Values | int:
        held = self.table.get(key)
        if held is None:
            return 714
        names = ("NewInternalPort", "NewInternalClient", "NewEnabled")
        return {
            **{name: held[name] for name in names},
            "NewPortMappingDescription": "x",
            "NewLeaseDuration": held["NewLeaseDuration"],
        }

    def _pinhole(self, call: Call) -> Values | int:
        given = call.arguments
        if call.action == "AddPinhole":
            if call.client != given["InternalClient"]:
                return 606
            unique = str(len(self.pinholes) + 7)
            self.pinholes[unique] = given
            return {"UniqueID": unique}
        if call.action == "GetStatusInfo":
            return {
                "NewConnectionStatus": "Connected",
                "NewLastConnectionError": "ERROR_NONE",
                "NewUptime": "5",
            }
        if given.get("UniqueID") not in self.pinholes:
            return 704
        if call.action == "DeletePinhole":
            del self.pinholes[given["UniqueID"]]
        return {}
