"""A multicast group of the local network: one socket to hear it by, and to speak on each interface.

Datagrams go no further than the link: a time to live of 1 for IPv4, a hop limit of 1 for IPv6.
"""

import socket
import struct
from collections.abc import Sequence
from contextlib import suppress

from edgenode.core.ip import IPV6_BYTES, parse_ip
from edgenode.discover.interfaces import Interface

# <linux/in.h>; Python does not name it. 0: only what comes for a group that this socket joined.
_IP_MULTICAST_ALL = 49
_IPV6_MULTICAST_ALL = 29
_MREQN = struct.Struct("@4s4si")  # group, own address, number of the interface
_MREQ6 = struct.Struct("@16si")


class Group:
    """Membership in a group on given interfaces; `close` it. Raises `OSError`."""

    def __init__(self, address: str, port: int, interfaces: Sequence[Interface]) -> None:
        packed = parse_ip(address)
        assert packed is not None
        self._group = packed
        self._ipv6 = len(packed) == IPV6_BYTES
        self._target = (address, port)
        family = socket.AF_INET6 if self._ipv6 else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self._indices: list[int] = []
        try:
            self.socket.setblocking(False)
            # Another node of this host may listen as well: each gets its copy.
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._set_options()
            # To the group, so that nothing sent to this host alone is heard; one of IPv6 would be
            # bound with it to one interface.
            self.socket.bind(("::" if self._ipv6 else address, port))
            for interface in interfaces:
                if interface.has_ipv6 if self._ipv6 else interface.ipv4:
                    with suppress(OSError):  # it has gone, or cannot do this family
                        self._join(interface.number)
                        self._indices.append(interface.number)
        except BaseException:
            self.socket.close()
            raise

    def close(self) -> None:
        """Leave the group."""
        self.socket.close()

    def send(self, datagram: bytes) -> None:
        """Send to the group on each interface, where it can be."""
        for index in self._indices:
            # An interface that has lost its address, or is down: the next change is told of.
            with suppress(OSError):
                self._speak_on(index)
                self.socket.sendto(datagram, self._target)

    def _set_options(self) -> None:
        if self._ipv6:
            set6 = (
                (socket.IPV6_V6ONLY, 1),
                (_IPV6_MULTICAST_ALL, 0),
                (socket.IPV6_MULTICAST_HOPS, 1),
                (socket.IPV6_MULTICAST_LOOP, 1),
            )
            for option, value in set6:
                self.socket.setsockopt(socket.IPPROTO_IPV6, option, value)
        else:
            set4 = (
                (_IP_MULTICAST_ALL, 0),
                (socket.IP_MULTICAST_TTL, 1),
                (socket.IP_MULTICAST_LOOP, 1),
            )
            for option, value in set4:
                self.socket.setsockopt(socket.IPPROTO_IP, option, value)

    def _join(self, index: int) -> None:
        if self._ipv6:
            request = _MREQ6.pack(self._group, index)
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, request)
        else:
            request = _MREQN.pack(self._group, bytes(4), index)
            self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, request)

    def _speak_on(self, index: int) -> None:
        if self._ipv6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
        else:
            request = _MREQN.pack(bytes(4), bytes(4), index)
            self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, request)
