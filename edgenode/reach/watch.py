"""Noticing that the network of this host has changed: the kernel tells, or it is looked at.

rtnetlink(7): link, address and route changes are told to the groups below. Without netlink (a
sandbox that forbids it) the owner is woken now and then to look for himself.
"""

import asyncio
import logging
import socket
import struct
from collections.abc import Callable

# Changes come in bursts (an interface that comes up makes a dozen); a look costs 0.3 ms.
SETTLE_S = 0.2
# Where the kernel does not tell.
POLL_S = 10.0

# <linux/rtnetlink.h>
_GROUPS = 0x1 | 0x10 | 0x40 | 0x100 | 0x400  # links, IPv4 addresses, routes; IPv6 the same
_NEW_LINK, _DEL_LINK, _DEL_ADDRESS, _DEL_ROUTE = 16, 17, 21, 25
_HEADER = struct.Struct("=LHHLL")  # length, type, flags, sequence, sender
_LINK = struct.Struct("=BxHiLL")  # family, type, index, flags, changed flags
_ADDRESS = struct.Struct("=BBBBL")  # family, prefix length, flags, scope, index
_IFF_RUNNING = 0x40
_ALIGN = 4

# The kernel's largest message (NLMSG_GOODSIZE); what is behind it is in the next datagram.
_MAX_DATAGRAM = 8192
_READS_AT_ONCE = 64

log = logging.getLogger(__name__)


class NetworkWatch:
    """Calls `on_change(broke)` soon after a change, once for a burst of them; `start` it.

    `broke`: a link, an address or a default route went away on one of the interfaces that
    `interfaces()` names, if only for a moment; otherwise there is just cause to look.
    """

    def __init__(
        self, interfaces: Callable[[], set[str]], on_change: Callable[[bool], None]
    ) -> None:
        self._interfaces = interfaces
        self._on_change = on_change
        self._socket: socket.socket | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._broke = False

    def start(self) -> None:
        """Begin to listen; it cannot fail, at worst it polls."""
        try:
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
            self._socket.setblocking(False)
            self._socket.bind((0, _GROUPS))
        except OSError as error:
            log.debug("no netlink (%s): looking every %d s", error, POLL_S)
            self.close()
            self._timer = asyncio.get_running_loop().call_later(POLL_S, self._poll)
        else:
            asyncio.get_running_loop().add_reader(self._socket.fileno(), self._read)

    def close(self) -> None:
        """Stop listening."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def _read(self) -> None:
        assert self._socket is not None
        for _ in range(_READS_AT_ONCE):  # the rest comes with the next turn of the loop
            try:
                data, (sender, _) = self._socket.recvfrom(_MAX_DATAGRAM)
            except BlockingIOError:
                break
            except OSError:  # ENOBUFS: changes were lost, and so it is not known which
                self._broke = True
            else:
                if sender:  # not the kernel
                    continue
                self._broke = self._broke or self._breaks(data)
            if self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(SETTLE_S, self._tell)

    def _tell(self) -> None:
        self._timer = None
        broke, self._broke = self._broke, False
        self._on_change(broke)

    def _poll(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(POLL_S, self._poll)
        self._on_change(False)

    def _breaks(self, data: bytes) -> bool:
        indices = {_index(name) for name in self._interfaces()}
        at = 0
        while at + _HEADER.size <= len(data):
            length, kind, *_ = _HEADER.unpack_from(data, at)
            if length < _HEADER.size or at + length > len(data):
                break
            if _is_break(kind, data[at + _HEADER.size : at + length], indices):
                return True
            at += (length + _ALIGN - 1) & -_ALIGN
        return False


def _is_break(kind: int, body: bytes, indices: set[int]) -> bool:
    if kind in (_NEW_LINK, _DEL_LINK) and len(body) >= _LINK.size:
        _, _, index, flags, _ = _LINK.unpack_from(body)
        return index in indices and (kind == _DEL_LINK or not flags & _IFF_RUNNING)
    if kind == _DEL_ADDRESS and len(body) >= _ADDRESS.size:
        return _ADDRESS.unpack_from(body)[4] in indices
    # struct rtmsg: family, then the length of the destination's prefix: 0 is the default route.
    return kind == _DEL_ROUTE and len(body) > 1 and body[1] == 0


def _index(name: str) -> int:
    try:
        return socket.if_nametoindex(name)
    except OSError:  # it has gone; no message has this number
        return -1
