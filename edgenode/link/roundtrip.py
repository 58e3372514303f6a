"""How far away a peer is: the kernel measures it with each segment that is acknowledged."""

import socket
import struct
from typing import Protocol

# struct tcp_info of linux/tcp.h: tcpi_rtt, in microseconds, is its 16th 32-bit field, past 8 bytes.
_RTT_OFFSET = 68
_RTT = struct.Struct("=I")


class Options(Protocol):
    """What is needed of a socket."""

    def getsockopt(self, level: int, optname: int, buflen: int, /) -> bytes:
        """Return a socket option."""


def round_trip_s(opened: Options) -> float | None:
    """Return the smoothed round trip of a TCP connection; None where the kernel does not say."""
    if not hasattr(socket, "TCP_INFO"):
        return None
    try:
        info = opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _RTT_OFFSET + _RTT.size)
    except OSError:
        return None
    if len(info) < _RTT_OFFSET + _RTT.size:
        return None
    (microseconds,) = _RTT.unpack_from(info, _RTT_OFFSET)
    return microseconds / 1e6 if microseconds else None
