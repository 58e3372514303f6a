"""Whether the node's ports are served by it, or free for it."""

import errno
import socket
from contextlib import suppress

from edgenode.cli.doctor.check import FAILURE, OK, Check
from edgenode.daemon.listen import PortBusy, listen

CONNECT_TIMEOUT_S = 3.0
"""It is on this machine."""


def check_served(name: str, host: str, port: int) -> Check:
    """Look whether the running node's port takes connections at `host`, an IP literal."""
    try:
        with socket.create_connection((host, port), CONNECT_TIMEOUT_S):
            return Check(name, OK, f"port {port} is served")
    except OSError as error:
        return Check(
            name,
            FAILURE,
            f"port {port} takes no connection: {error.strerror or 'no answer'}",
            "restart the node; where it happens again, look for a firewall on this machine",
        )


def check_free(name: str, setting: str, bind: str, port: int) -> Check:
    """Look whether a node that is started now gets the port that its configuration names."""
    if port == 0:
        return Check(name, OK, "any free port is taken")
    try:
        sockets, _ = listen(bind, port)
    except PortBusy:
        return Check(
            name,
            FAILURE,
            f"port {port} is in use by another program",
            f"stop that program, or set another {setting}",
        )
    except OSError as error:
        remedy = f"check {setting} and the address it binds to"
        if error.errno == errno.EACCES:
            remedy = f"set {setting} to 1024 or more, or run this as the user of the node"
        return Check(name, FAILURE, f"port {port} cannot be had: {error.strerror}", remedy)
    for opened in sockets:
        with suppress(OSError):
            opened.close()
    return Check(name, OK, f"port {port} is free")
