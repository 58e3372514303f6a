"""Listening sockets: every interface of both address families, or one address."""

import errno
import socket

# Pending connections the kernel keeps for us. A flood fills them in one turn of the loop, and in
# the next one most of it is cut; an honest caller whose packet was dropped would come again a
# second later.
BACKLOG = 1024

# How often a port that is free for one family may turn out busy for the other.
MAX_PORT_TRIES = 16


class PortBusy(Exception):
    """The port is taken by another program."""


def listen(bind: str, port: int, *, any_port: bool = False) -> tuple[list[socket.socket], int]:
    """Return listening sockets for `bind` (IP literal; "" is every interface) and their port.

    Port 0 takes any free one, the same for both families; so does a busy one with `any_port`.
    Raises `PortBusy`, or `OSError` for an address that this machine does not have.
    """
    try:
        return _listen(bind, port)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        if not any_port:
            raise PortBusy(f"port {port} is in use by another program") from error
    return _listen(bind, 0)


def _listen(bind: str, port: int) -> tuple[list[socket.socket], int]:
    if bind:
        family = socket.AF_INET6 if ":" in bind else socket.AF_INET
        opened = _open(family, bind, port)
        return [opened], opened.getsockname()[1]
    for attempt in range(MAX_PORT_TRIES):
        first = _open(socket.AF_INET, "0.0.0.0", port)  # noqa: S104 - every interface is meant
        chosen = first.getsockname()[1]
        try:
            return [first, _open(socket.AF_INET6, "::", chosen)], chosen
        except OSError as error:
            if error.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                return [first], chosen  # a machine without IPv6
            first.close()
            if error.errno != errno.EADDRINUSE or port or attempt == MAX_PORT_TRIES - 1:
                raise
    raise AssertionError("unreachable")


def _open(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        opened.bind((host, port))
        opened.listen(BACKLOG)
        opened.setblocking(False)
    except OSError:
        opened.close()
        raise
    return opened
