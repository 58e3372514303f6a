"""This node's own service in mDNS, and the way of its questions: zeroconf, behind a gate.

zeroconf keeps each record that it hears, and 0.147 something of each malformed message. It is
given well-formed queries for this node's own names, a few a second, and no response at all: what
others have is kept by `services`, which has bounds.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from edgenode.core.errors import DecodeError
from edgenode.core.ip import from_mapped, parse_ip
from edgenode.discover.crowd import Budget
from edgenode.discover.dnsmessage import MAX_BYTES, PTR, Message, read_message
from edgenode.discover.interfaces import Interface, bound_alone, on_link
from edgenode.discover.servicetext import SERVICE

HOST_TTL_S = 120
OTHER_TTL_S = 4500
"""RFC 6762 section 10: of what has the host's name in it, and of the rest."""

MAX_ADDRESSES = 8
"""That are announced; a datagram has room for more, and nobody tries so many."""

START_TIMEOUT_S = 2.0
"""For the sockets that are open already to be taken by the event loop."""

CLOSE_TIMEOUT_S = 0.1
GOODBYES, GOODBYE_GAP_S = 2, 0.02
"""One may be lost; the node is to end quickly."""

QUERIES = {"rate_per_s": 10, "burst": 40, "sender_rate_per_s": 2, "sender_burst": 10}
"""A node asks once, again after 1, 2, 4 s and ever more seldom; each may cost an answer."""
RESPONSES = {"rate_per_s": 200, "burst": 400, "sender_rate_per_s": 20, "sender_burst": 60}
"""A reading costs 0.1 ms: 2 % of a core. One host announces a few times, and answers questions."""

_HEADER_BYTES = 12
_OURS = b"edgenode"  # in all our names; mDNS writes a name out at its first place in a message
_ALL_SERVICES = b"_dns-sd"  # RFC 6763 section 9

log = logging.getLogger(__name__)


class Responder:
    """Answers for one service on given interfaces; `open` it once, `close` it once."""

    def __init__(
        self,
        *,
        name: str,
        target: str,
        port: int,
        text: Mapping[str, str],
        bind: str,
        on_response: Callable[[Message, str, int], None],
        hosts_wanted: Callable[[], Iterable[bytes]],
    ) -> None:
        """`on_response(message, sender, heard_on)`: see `Services.take`.

        `hosts_wanted()`: first labels of hosts whose addresses are of interest.
        """
        self._service = {"name": name, "server": target, "port": port, "properties": dict(text)}
        self._bind = bound_alone(bind)
        self._on_response = on_response
        self._hosts_wanted = hosts_wanted
        self._queries = Budget(**QUERIES)
        self._responses = Budget(**RESPONSES)
        self._interfaces: tuple[Interface, ...] = ()
        self._library: Any = None
        self._zeroconf: Any = None
        self._info: Any = None
        self._announcing: asyncio.Future[None] | None = None

    async def open(self, interfaces: tuple[Interface, ...]) -> bool:
        """Begin; False where some interface could not be had yet. Raises `OSError`."""
        # A tenth of a second of work, and 3 MB that a node without mDNS does not need.
        zeroconf = self._library = await asyncio.to_thread(_load)
        self._interfaces = interfaces
        places: list[str | int] = [each.ipv4 for each in interfaces if each.ipv4]
        places += [each.number for each in interfaces if each.has_ipv6]
        try:
            # One socket for each family of an interface: with one for each address, a host with
            # four addresses of IPv6 would say everything four times.
            self._zeroconf = zeroconf.Zeroconf(interfaces=places)
            await self._zeroconf.async_wait_for_start(START_TIMEOUT_S)
        except (RuntimeError, zeroconf.Error) as error:  # an interface that has just gone
            raise OSError(str(error)) from error
        for reader in self._zeroconf.engine.readers:
            transport = reader.transport
            transport.set_protocol(_Gate(self._heard, transport.get_protocol()))
        addresses = self._addresses()
        if addresses:
            self._info = zeroconf.ServiceInfo(
                SERVICE,
                addresses=addresses,
                host_ttl=HOST_TTL_S,
                other_ttl=OTHER_TTL_S,
                **self._service,
            )
            # No probing for another owner of the names: they have 64 bits of the nodeId in them.
            self._announcing = await self._zeroconf.async_register_service(
                self._info, cooperating_responders=True
            )
        return len(self._zeroconf.engine.senders) == len(places)

    def ask(self, questions: Iterable[tuple[str, int]], known: Iterable[tuple[str, int]]) -> None:
        """Multicast questions (name, type), with the services (name, seconds left) known."""
        zeroconf = self._library
        out = zeroconf.DNSOutgoing(0)
        for name, rtype in questions:
            out.add_question(zeroconf.DNSQuestion(name, rtype, 1))
        for name, left_s in known:
            out.add_answer_at_time(zeroconf.DNSPointer(SERVICE, PTR, 1, left_s, name), 0)
        self._zeroconf.async_send(out)

    async def close(self, *, goodbye: bool) -> None:
        """End, in `CLOSE_TIMEOUT_S` at most; `goodbye`: tell everybody to forget the service."""
        if self._announcing is not None:
            self._announcing.cancel()
        if self._zeroconf is None:
            return
        zeroconf, self._zeroconf = self._zeroconf, None
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                out = zeroconf.generate_unregister_all_services()
                for _ in range(GOODBYES if goodbye and out else 0):
                    zeroconf.async_send(out)
                    await asyncio.sleep(GOODBYE_GAP_S)
                await self._library.asyncio.AsyncZeroconf(zc=zeroconf).async_close()
        except TimeoutError:
            zeroconf.close()

    def _addresses(self) -> list[bytes]:
        own = [subnet.address for each in self._interfaces for subnet in each.subnets]
        if self._bind:
            own = [address for address in own if address == parse_ip(self._bind)]
        return own[:MAX_ADDRESSES]

    def _heard(self, data: bytes, sender: tuple[Any, ...], listener: Any) -> None:
        if self._zeroconf is None or not _HEADER_BYTES < len(data) <= MAX_BYTES:
            return
        is_response = bool(data[2] & 0x80)
        if not self._concerns(data.lower(), is_response=is_response):
            return
        packed = parse_ip(str(sender[0]).partition("%")[0])
        heard_on = int(sender[3]) if len(sender) > 3 else 0  # noqa: PLR2004 - IPv6's has four
        # RFC 6762 section 11: what comes from elsewhere is not for this link.
        if packed is None or on_link(from_mapped(packed), self._interfaces, heard_on) is None:
            return
        address = str(sender[0]).removeprefix("::ffff:")
        now_ms = int(asyncio.get_running_loop().time() * 1000)
        if not (self._responses if is_response else self._queries).admits(address, now_ms):
            return
        try:
            message = read_message(data)
        except DecodeError:
            return
        if not message.is_response:
            listener.datagram_received(data, sender)
        elif self._is_ours(message):
            self._remember()
        else:
            self._on_response(message, address, heard_on)

    def _concerns(self, lowered: bytes, *, is_response: bool) -> bool:
        if _OURS in lowered:
            return True
        if is_response:
            return any(host in lowered for host in self._hosts_wanted())
        return _ALL_SERVICES in lowered

    def _is_ours(self, message: Message) -> bool:
        name = self._service["name"]
        return any(record.rtype == PTR and record.target == name for record in message.records)

    def _remember(self) -> None:
        """Let zeroconf know what was just multicast, so that it is not said twice in a second.

        It gets copies of its own records, whatever else was in the message.
        """
        if self._info is None:
            return
        records = [
            self._info.dns_pointer(override_ttl=OTHER_TTL_S),
            self._info.dns_service(override_ttl=HOST_TTL_S),
            self._info.dns_text(override_ttl=OTHER_TTL_S),
            *self._info.dns_addresses(override_ttl=HOST_TTL_S),
        ]
        self._zeroconf.cache.async_add_records(records)


class _Gate(asyncio.DatagramProtocol):
    """Stands where zeroconf's own listener stood."""

    def __init__(self, heard: Callable[[bytes, tuple[Any, ...], Any], None], listener: Any) -> None:
        self._heard = heard
        self._listener = listener

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self._heard(data, addr, self._listener)

    def error_received(self, exc: Exception) -> None:
        log.debug("a datagram of mDNS was not sent: %s", exc)


def _load() -> Any:
    from ctypes import util  # noqa: PLC0415 - zeroconf would load it

    # ifaddr, which zeroconf loads, would start ldconfig to find the C library; with None it takes
    # what the process has loaded already. The node starts no program.
    find_library, util.find_library = util.find_library, lambda name: None
    try:
        import zeroconf  # noqa: PLC0415 - see above
        import zeroconf.asyncio  # noqa: PLC0415
    finally:
        util.find_library = find_library
    # What it has to say is said here, in other words.
    logging.getLogger("zeroconf").setLevel(logging.CRITICAL)
    return zeroconf
