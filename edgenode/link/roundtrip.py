"""How far away a peer is: the kernel measures it with each segment that is acknowledged."""

import socket
import struct
from typing import Protocol

# struct tcp_info of linux/tcp.h: tcpi_rtt, in microseconds, is its 16th 32-bit field, past 8 bytes.
_RTT_OFFSET = 68
_RTT = struct.Struct("=I")
# tcpi_retransmits, its third byte: how often in a row what is first in line was sent again.
_RETRANSMITS = 2


class Options(Protocol):
    """What is needed of a socket."""

    def getsockopt(self, level: int, optname: int, buflen: int, /) -> bytes:
        """Return a socket option."""


def round_trip_s(opened: Options) -> float | None:
    """Return the smoothed round trip of a TCP connection; None where the kernel does not say."""
    info = _tcp_info(opened, _RTT_OFFSET + _RTT.size)
    if info is None:
        return None
    (microseconds,) = _RTT.unpack_from(info, _RTT_OFFSET)
    return microseconds / 1e6 if microseconds else None


def sent_again(opened: Options) -> int:
    """Return how often in a row the same bytes were sent without an answer."""
    info = _tcp_info(opened, _RETRANSMITS + 1)
    return 0 if info is None else info[_RETRANSMITS]


def _tcp_info(opened: Options, length: int) -> bytes | None:
    """Return the first bytes of the kernel's tcp_info; None where it does not give them."""
    if not hasattr(socket, "TCP_INFO"):
        return None
    try:
        info = opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, length)
    except OSError:
        return None
    return info if len(info) == length else None
