"""Hearing what gateways tell by SSDP: that they are there, or there again after a reboot.

UPnP Device Architecture 1.1, section 1.2. A gateway repeats itself every few minutes, so only what
is new is a hint: a boot id or a place of its description that was not heard before. Anybody on the
network can forge one, so it is a hint to ask the gateway, and where the description is now the
search finds out by itself. What is not new saves asking whether it has booted; a forged one could
hide no more than that, until the renewal.
"""

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence

from edgenode.reach.igd.ssdp import GROUP_V4, MAX_DATAGRAM, PORT
from edgenode.reach.method import Gateway

# Of one gateway: it may be several devices, each with a description. Whoever forges more has them
# all forgotten, which costs one hint more.
MAX_HEARD = 16

# Whoever floods the port gets this much of the loop's time, and the kernel drops the rest.
BATCH = 16
PAUSE_S = 0.05

# <linux/in.h>; the socket module has names for neither in all versions.
_IP_ADD_SOURCE_MEMBERSHIP = 39
_IP_MULTICAST_ALL = 49

log = logging.getLogger(__name__)


class NotifyListener:
    """Calls `hint(gateway address)` when an IPv4 gateway tells something new of itself.

    And `same(gateway address)` when it tells what it told before.
    """

    def __init__(
        self, hint: Callable[[str], None], same: Callable[[str], None], *, port: int = PORT
    ) -> None:
        self._hint = hint
        self._same = same
        self._port = port
        self._heard: dict[str, set[str]] = {}
        self._socket: socket.socket | None = None
        self._resuming: asyncio.TimerHandle | None = None

    def listen(self, gateways: Sequence[Gateway]) -> None:
        """Listen to these gateways, and to no others from now on.

        Where the port cannot be had the node does without.
        """
        before = self._heard
        self.close()
        known = [gateway for gateway in gateways if not gateway.ipv6]
        if not known:
            return
        try:
            self._socket = _joined(known, self._port)
        except OSError as error:
            log.debug("not hearing what gateways tell by SSDP: %s", error)
            return
        self._heard = {each.address: before.get(each.address, set()) for each in known}
        self._resume()

    def close(self) -> None:
        """Listen no more."""
        self._heard = {}
        if self._resuming is not None:
            self._resuming.cancel()
            self._resuming = None
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    def _resume(self) -> None:
        assert self._socket is not None
        self._resuming = None
        asyncio.get_running_loop().add_reader(self._socket, self._readable, self._socket)

    def _readable(self, sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(sock)
        self._resuming = loop.call_later(PAUSE_S, self._resume)
        for _ in range(BATCH):
            try:
                datagram, sender = sock.recvfrom(MAX_DATAGRAM)
            except OSError:  # there are no more, or whoever got the hint has closed it
                return
            heard = self._heard.get(str(sender[0]))
            if heard is None:
                continue
            news = _is_news(datagram, heard)
            if news is not None:
                (self._hint if news else self._same)(str(sender[0]))


def _is_news(datagram: bytes, heard: set[str]) -> bool | None:
    """Tell whether a notification says what is not in `heard`, which learns it.

    None where the gateway does not say that it is there.
    """
    lines = datagram.decode("latin-1").splitlines()
    if not lines or not lines[0].startswith("NOTIFY "):
        return None
    fields: dict[str, str] = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        fields.setdefault(name.strip().upper(), value.strip())
    if fields.get("NTS") == "ssdp:byebye":
        heard.clear()  # what it says when it is back is news
    if fields.get("NTS") != "ssdp:alive":
        return None
    said = f"{fields.get('BOOTID.UPNP.ORG')} {fields.get('LOCATION')}"
    if said in heard:
        return False
    if len(heard) == MAX_HEARD:
        heard.clear()
    heard.add(said)
    return True


def _joined(gateways: Sequence[Gateway], port: int) -> socket.socket:
    """Give a socket that hears what these gateways, and no others, send to the group.

    Raises `OSError` where the port cannot be had. A group that cannot be joined is left out.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        # Other programs of this host may listen as well: each gets its copy.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # A home is full of devices that notify: the kernel leaves out what others have joined for.
        sock.setsockopt(socket.IPPROTO_IP, _IP_MULTICAST_ALL, 0)
        sock.bind((GROUP_V4, port))
        for gateway in gateways:
            # struct ip_mreq_source: the group, our address on the interface, the sender.
            members = (GROUP_V4, gateway.own_address, gateway.address)
            try:
                sock.setsockopt(
                    socket.IPPROTO_IP,
                    _IP_ADD_SOURCE_MEMBERSHIP,
                    b"".join(socket.inet_aton(address) for address in members),
                )
            except OSError as error:
                log.debug("not hearing %s by SSDP: %s", gateway.address, error)
    except BaseException:
        sock.close()
        raise
    return sock
