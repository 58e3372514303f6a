"""Listening for what gateways announce to all: that they are back, or have another address.

RFC 6887 section 14.1 (PCP ANNOUNCE) and RFC 6886 section 3.2.1 (NAT-PMP), both by multicast to
UDP port 5350. Anybody on the network can forge one, so it is a hint to ask the gateway itself.
"""

import asyncio
import logging
import socket
from collections import deque
from collections.abc import Callable, Sequence

from edgenode.core import natpmp, pcp
from edgenode.core.errors import DecodeError
from edgenode.reach.method import Gateway

IPV4_GROUP = "224.0.0.1"

# A gateway repeats an announcement up to ten times, each after twice the time: these let some of
# them through, should the first come before it is ready. A hint may cost a few datagrams.
HINT_GAP_S = 1.0
MAX_HINTS = 5
HINTS_PERIOD_S = 60.0

# Whoever floods the port gets this much of the loop's time, and the kernel drops the rest.
BATCH = 16
PAUSE_S = 0.05

log = logging.getLogger(__name__)


class AnnounceListener:
    """Calls `hint(gateway address, epoch in seconds)` for what a known gateway announces.

    At most `MAX_HINTS` in `HINTS_PERIOD_S` for one gateway, `HINT_GAP_S` apart.
    """

    def __init__(self, hint: Callable[[str, int], None], *, port: int = pcp.CLIENT_PORT) -> None:
        self._hint = hint
        self._port = port
        self._hints: dict[tuple[str, int], deque[float]] = {}  # by address and interface
        self._sockets: list[socket.socket] = []
        self._said = False
        self._resuming: dict[socket.socket, asyncio.TimerHandle] = {}

    def listen(self, gateways: Sequence[Gateway]) -> None:
        """Listen to these gateways, and to no others from now on.

        Where the port cannot be had the node does without, and says so in its log.
        """
        before = self._hints
        self.close()
        for ipv6 in (False, True):
            known = {(each.address, _index(each)) for each in gateways if each.ipv6 == ipv6}
            if not known:
                continue
            self._hints |= {key: before.get(key, deque(maxlen=MAX_HINTS)) for key in known}
            try:
                sock = _bound(ipv6, self._port)
            except OSError as error:
                self._say_once(error)
                continue
            self._sockets.append(sock)
            self._resume(sock)

    def close(self) -> None:
        """Listen no more."""
        self._hints = {}
        for timer in self._resuming.values():
            timer.cancel()
        self._resuming.clear()
        for sock in self._sockets:
            asyncio.get_running_loop().remove_reader(sock)
            sock.close()
        self._sockets.clear()

    def _say_once(self, error: OSError) -> None:
        if not self._said:
            self._said = True
            log.info(
                "not hearing what gateways announce: UDP port %d: %s",
                self._port,
                error.strerror or error,
            )

    def _resume(self, sock: socket.socket) -> None:
        self._resuming.pop(sock, None)
        asyncio.get_running_loop().add_reader(sock, self._readable, sock)

    def _readable(self, sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(sock)
        self._resuming[sock] = loop.call_later(PAUSE_S, self._resume, sock)
        for _ in range(BATCH):
            try:
                datagram, sender = sock.recvfrom(pcp.MAX_MESSAGE_BYTES + 1)
            except OSError:  # there are no more, or whoever got the hint has closed it
                return
            self._heard(datagram, sender)

    def _heard(self, datagram: bytes, sender: tuple[str | int, ...]) -> None:
        address = str(sender[0]).partition("%")[0]
        hints = self._hints_of(address, sender)
        if hints is None:
            return
        now_s = asyncio.get_running_loop().time()
        if hints and now_s - hints[-1] < HINT_GAP_S:
            return
        if len(hints) == MAX_HINTS and now_s - hints[0] < HINTS_PERIOD_S:
            return
        epoch_s = _announced(datagram)
        if epoch_s is None:
            return
        hints.append(now_s)
        self._hint(address, epoch_s)

    def _hints_of(self, address: str, sender: tuple[str | int, ...]) -> deque[float] | None:
        """Give when the sender last hinted; None where it is no gateway that is listened to."""
        scope = _scope(sender)
        for (known, index), hints in self._hints.items():
            if known == address and scope in (0, index):
                return hints
        return None


def _announced(datagram: bytes) -> int | None:
    """Give the epoch in an announcement of either protocol, None where it is none."""
    try:
        if datagram[:1] == bytes((natpmp.VERSION,)):
            told = natpmp.decode_response(datagram)
            return told.epoch_s if (told.opcode, told.result) == (natpmp.ADDRESS, 0) else None
        announced = pcp.decode_response(datagram)
    except DecodeError:
        return None
    return announced.epoch_s if (announced.opcode, announced.result) == (pcp.ANNOUNCE, 0) else None


def _bound(ipv6: bool, port: int) -> socket.socket:
    """Give a socket that hears what comes to the group of all hosts; raises `OSError`.

    Every host is in these groups by itself, on each interface (RFC 1112 section 4, RFC 4291
    section 2.8), and Linux hands what comes to them to whoever has bound the port.
    """
    sock = socket.socket(socket.AF_INET6 if ipv6 else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        # Other programs of this host may listen as well: each gets its copy.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if ipv6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind(("::", port))  # the group's own address would be of one interface
        else:
            # To the group, so that nothing sent to this host alone is heard.
            sock.bind((IPV4_GROUP, port))
    except BaseException:
        sock.close()
        raise
    return sock


def _index(gateway: Gateway) -> int:
    """Give the number of a gateway's interface, 0 where it has gone."""
    try:
        return socket.if_nametoindex(gateway.interface)
    except OSError:
        return 0


def _scope(sender: tuple[str | int, ...]) -> int:
    """Give the number of the interface that a link-local IPv6 sender is behind, else 0."""
    return int(sender[3]) if len(sender) > 3 else 0  # noqa: PLR2004 - IPv6's address has four
