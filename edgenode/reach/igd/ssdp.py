"""Searching for the gateway's description: SSDP, by multicast and to the gateway itself.

UPnP Device Architecture 1.1, section 1.3. An answer gives a port and a path of the gateway, and
nothing else of it is used, so an answer can make nobody send to another address.
"""

import asyncio
import re
import socket
import struct
from collections.abc import Callable, Sequence
from typing import NamedTuple

from edgenode.core.ip import parse_ip
from edgenode.reach.igd.description import Url, parse_url
from edgenode.reach.igd.http import socket_address
from edgenode.reach.method import Gateway

PORT = 1900
GROUP_V4 = "239.255.255.250"
GROUP_V6 = "ff02::c"

# Answers are a few hundred bytes; what is longer is none.
MAX_DATAGRAM = 2048
# One gateway gives one or two; the others are anybody's.
MAX_RESPONDERS = 10
MAX_STRANGERS = 3
# Datagrams read at a time: enough for a flood not to fill the kernel's buffer, where the gateway's
# answer would find no room, and few enough for the loop to go on.
_BATCH = 64

# By name: some answer "ssdp:all" with other devices alone (Sagemcom). Any IGD:2 answers to IGD:1
# too, but not all do. Old gateways have no root device of their own, or go by the DSL Forum's name.
FIRST_TARGETS = (
    "urn:schemas-upnp-org:device:InternetGatewayDevice:1",
    "urn:schemas-upnp-org:device:InternetGatewayDevice:2",
)
ALL_TARGETS = (
    *FIRST_TARGETS,
    "urn:schemas-upnp-org:service:WANIPConnection:1",
    "urn:schemas-upnp-org:service:WANPPPConnection:1",
    "urn:dslforum-org:device:InternetGatewayDevice:1",
)

# Where a search goes: to all, or to the gateway alone.
GROUP, GATEWAY = 0, 1
BOTH = (GROUP, GATEWAY)

_HOPS = 2  # section 1.3.2

_Place = tuple[tuple[str, int] | tuple[str, int, int, int], str]  # where to, as a socket and a URL
_WANTED = re.compile(
    r"urn:(?:schemas-upnp-org|dslforum-org):"
    r"(?:device:(?:InternetGatewayDevice|WANDevice|WANConnectionDevice)"
    r"|service:(?:WANIPConnection|WANPPPConnection|WANIPv6FirewallControl)):[1-9]"
)
# Section 1.3.3; in version 1.0 of it there was none, and many tell what is new by the second.
_BOOT = ("BOOTID.UPNP.ORG", "01-NLS")
_OK = re.compile(r"HTTP/1\.[01] +200(?:\s|$)")


class Answer(NamedTuple):
    """An answer to a search for a gateway."""

    url: Url  # of the description
    target: str  # what was searched for
    boot: str  # another text after each boot of the gateway; "" where it shows none


def search_message(target: str, host: str) -> bytes:
    """Give an M-SEARCH for `target`; `host` is where it is sent to, as in a URL."""
    return (
        f"M-SEARCH * HTTP/1.1\r\nHOST: {host}:{PORT}\r\n"
        f'MAN: "ssdp:discover"\r\nMX: 1\r\nST: {target}\r\n\r\n'
    ).encode("ascii")


def read_answer(datagram: bytes) -> Answer | None:
    """Read an answer to a search for a gateway; None where it is none."""
    if len(datagram) > MAX_DATAGRAM:
        return None
    lines = datagram.decode("latin-1").splitlines()
    if not lines or not _OK.match(lines[0]):
        return None
    fields: dict[str, str] = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        if value := value.strip():
            fields.setdefault(name.strip().upper(), value)
    target, location = fields.get("ST", ""), fields.get("LOCATION", "")
    url = parse_url(location) if _WANTED.fullmatch(target) else None
    if url is None:
        return None
    boots = [fields[name] for name in _BOOT if name in fields]
    return Answer(url, target, " ".join([*boots, location]) if boots else "")


class Search:
    """One search: a socket, open until `close`, that hands each new answer to `on_answer`.

    The gateway's answers come at once, from whatever port it sends them. Those of other machines
    are kept back, MAX_STRANGERS of them, and come after `admit_strangers`: where the gateway is a
    floating address (CARP, VRRP), the machine that holds it answers from its own. At most
    MAX_RESPONDERS answers come in all. Raises `OSError` where there is no such network.
    """

    def __init__(self, gateway: Gateway, on_answer: Callable[[Answer], None]) -> None:
        self.heard = False  # the gateway itself has answered
        self._gateway = gateway
        self._address = parse_ip(gateway.address)
        self._on_answer = on_answer
        self._known: set[tuple[int, str]] = set()
        self._strangers: list[Answer] = []
        self._taken = 0
        self._strangers_admitted = False
        self._index = 0
        self._places: tuple[_Place, ...] = ()
        family = socket.AF_INET6 if gateway.ipv6 else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._prepare()
        except OSError:
            self._socket.close()
            raise
        asyncio.get_running_loop().add_reader(self._socket, self._receive)

    def _prepare(self) -> None:
        gateway, sock = self._gateway, self._socket
        sock.setblocking(False)
        if gateway.ipv6:
            self._index = socket.if_nametoindex(gateway.interface)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, self._index)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, _HOPS)
            # Not bound: from an address of the link, it is answered from the gateway's own one.
            self._places = (
                (socket_address(gateway, GROUP_V6, PORT), f"[{GROUP_V6}]"),
                (socket_address(gateway, gateway.address, PORT), f"[{gateway.address}]"),
            )
            return
        own = socket.inet_aton(gateway.own_address)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, own)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, struct.pack("B", _HOPS))
        sock.bind((gateway.own_address, 0))
        self._places = (
            ((GROUP_V4, PORT), GROUP_V4),
            ((gateway.address, PORT), gateway.address),
        )

    def send(self, targets: Sequence[str], ways: Sequence[int] = BOTH) -> None:
        """Search for each target by multicast, and at the gateway: some answer to one alone."""
        for target in targets:
            for address, host in (self._places[way] for way in ways):
                try:
                    self._socket.sendto(search_message(target, host), address)
                except OSError:
                    continue  # the other way may be open; sent again later in any case

    def admit_strangers(self) -> None:
        """Take answers of machines other than the gateway from now on, and those kept."""
        self._strangers_admitted = True
        for answer in self._strangers:
            self._take(answer)

    def forget(self, answer: Answer) -> None:
        """Hand this answer on once more, if it comes again."""
        self._known.discard((answer.url.port, answer.url.path))

    def close(self) -> None:
        """Let go of the socket."""
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def _receive(self) -> None:
        for _ in range(_BATCH):
            try:
                datagram, sender = self._socket.recvfrom(MAX_DATAGRAM + 1)
            except OSError:  # no more of them, for one
                return
            # An address of the link is another machine's on another link.
            if not (self._gateway.ipv6 and sender[3] not in (0, self._index)):
                self._judge(datagram, parse_ip(str(sender[0]).partition("%")[0]))

    def _judge(self, datagram: bytes, sender: bytes | None) -> None:
        own = sender == self._address
        if self._taken >= MAX_RESPONDERS:
            return
        if not own and len(self._strangers) >= MAX_STRANGERS:
            return
        answer = read_answer(datagram)
        if answer is None:
            return
        host = answer.url.host
        # A gateway names another of its IPv6 addresses than that of the link, which we know.
        if host not in (self._address, sender) and not (own and self._gateway.ipv6):
            return
        if own:
            self.heard = True
            self._take(answer)
            return
        answer = answer._replace(boot="")  # it is not the gateway that has booted
        if answer not in self._strangers:
            self._strangers.append(answer)
            if self._strangers_admitted:
                self._take(answer)

    def _take(self, answer: Answer) -> None:
        key = (answer.url.port, answer.url.path)
        if key not in self._known and self._taken < MAX_RESPONDERS:
            self._known.add(key)
            self._taken += 1
            self._on_answer(answer)
