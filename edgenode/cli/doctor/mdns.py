"""Whether the node can share UDP port 5353, and with whom (RFC 6762, section 15.1)."""

import errno
import socket
from pathlib import Path

from edgenode.cli.doctor.check import OK, WARNING, Check

NAME = "mdns"
PORT = 5353

PROC = Path("/proc")

MAX_TABLE_BYTES = 1024 * 1024
"""Of a table of sockets: thousands of lines."""


def can_share(port: int = PORT) -> bool:
    """Try whether one more program may take the port, as mDNS programs do, in both families."""
    return all(_can_share(family, port) for family in (socket.AF_INET, socket.AF_INET6))


def _can_share(family: socket.AddressFamily, port: int) -> bool:
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if family == socket.AF_INET6:
                tried.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            tried.bind(("", port))
    except OSError as error:  # a host without IPv6 has nobody in the way there
        return error.errno != errno.EADDRINUSE
    return True


def holders(port: int = PORT, proc: Path = PROC) -> list[str]:
    """Return the names of programs that have the UDP port, those that this user may see."""
    inodes = {inode for table in ("udp", "udp6") for inode in _inodes(proc / "net" / table, port)}
    wanted = {f"socket:[{inode}]" for inode in inodes}
    processes = [entry for entry in proc.iterdir() if wanted and entry.name.isdecimal()]
    names = {_name(process) for process in processes if _has_one_of(process, wanted)}
    return sorted(names)


def check_mdns(*, enabled: bool, shareable: bool, names: list[str]) -> Check:
    """Judge: `names` are the programs that have the port already."""
    if not enabled:
        return Check(NAME, OK, "switched off in the configuration")
    shown = ", ".join(names) or "another program"
    if not shareable:
        return Check(
            NAME,
            WARNING,
            f"UDP port {PORT} is held by {shown} alone: neighbours are not found by mDNS, but by "
            "the node's own announcements",
            "stop that program, or have it share the port (for avahi-daemon: "
            "disallow-other-stacks=no)",
        )
    return Check(NAME, OK, f"UDP port {PORT} is shared with {shown}" if names else "free")


def _inodes(table: Path, port: int) -> list[str]:
    try:
        with table.open("rb") as file:
            lines = file.read(MAX_TABLE_BYTES).decode("ascii", "replace").splitlines()[1:]
    except OSError:
        return []
    rows = [line.split() for line in lines]  # …, local address:port in hex, …, inode at 9
    return [
        row[9]
        for row in rows
        if len(row) > 9 and row[1].endswith(f":{port:04X}")  # noqa: PLR2004
    ]


def _has_one_of(process: Path, wanted: set[str]) -> bool:
    try:
        return any(str(entry.readlink()) in wanted for entry in (process / "fd").iterdir())
    except OSError:
        return False  # another user's, or gone by now


def _name(process: Path) -> str:
    try:
        return (process / "comm").read_text().strip()
    except OSError:
        return "a program that has just ended"
