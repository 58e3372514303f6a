"""Plain sockets between namespaces, and packets to a gateway written from the RFCs alone."""

import ipaddress
import re
import socket
import struct

from tests.lab.support.host import Host
from tests.lab.support.namespace import Namespace
from tests.lab.support.network import ROUTER_LINK_LOCAL

TIMEOUT_S = 2.0
SHUT_OUT_S = 0.2
"""After which a connection that is dropped is taken for that; one that is let in takes 1 ms."""

PCP_PORT = 5351
SSDP_GROUP = ("239.255.255.250", 1900)
_SEARCH = (
    b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n"
    b"ST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n"
    b'MAN: "ssdp:discover"\r\nMX: 1\r\n\r\n'
)
NONCE = bytes(range(12))


def listen(namespace: Namespace, port: int = 4242) -> socket.socket:
    """Listen on every address, IPv4 and IPv6."""
    with namespace.inside():
        server = socket.create_server(
            ("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=8
        )
    server.settimeout(TIMEOUT_S)
    return server


def source(namespace: Namespace, address: str, server: socket.socket) -> str:
    """Connect to where `server` listens; return from which address it saw the connection come."""
    with _connect(namespace, address, server.getsockname()[1], TIMEOUT_S):
        connection, (seen, *_) = server.accept()
        connection.close()
    return str(seen).removeprefix("::ffff:")


def shut_out(namespace: Namespace, address: str, port: int = 4242) -> bool:
    """Tell whether nothing answers there."""
    try:
        _connect(namespace, address, port, SHUT_OUT_S).close()
    except (TimeoutError, ConnectionRefusedError):
        return True
    return False


def ask(
    host: Host, request: bytes, *, ipv6: bool = False, patience_s: float = TIMEOUT_S
) -> bytes | None:
    """Send a packet to port 5351 of the host's first gateway; None where nothing answers."""
    place = host.places[0]
    with host.namespace.inside():
        asking = socket.socket(socket.AF_INET6 if ipv6 else socket.AF_INET, socket.SOCK_DGRAM)
        index = socket.if_nametoindex(place.interface)
    with asking:
        if ipv6:  # the mapping is for the source address, a global one
            asking.bind((host.address6, 0))
            asking.connect((ROUTER_LINK_LOCAL, PCP_PORT, 0, index))
        else:
            asking.connect((place.gateway, PCP_PORT))
        asking.settimeout(patience_s)
        try:
            asking.send(request)
            return asking.recv(1100)
        except (TimeoutError, ConnectionRefusedError):
            return None


def search(host: Host, *, patience_s: float = TIMEOUT_S) -> str | None:
    """Search for a UPnP gateway; return where its description is, None where nothing answers."""
    place = host.places[0]
    with host.namespace.inside():
        asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with asking:
        asking.settimeout(patience_s)
        asking.bind((place.address, 0))
        asking.sendto(_SEARCH, SSDP_GROUP)
        try:
            answer = asking.recv(2000).decode()
        except TimeoutError:
            return None
    (location,) = re.findall(r"(?im)^location: *(\S+)", answer)
    return str(location)


def nat_pmp_address() -> bytes:
    """Ask for the external address (RFC 6886 section 3.2)."""
    return bytes((0, 0))


def nat_pmp_map(port: int, lifetime_s: int = 3600) -> bytes:
    """Ask for a TCP mapping (RFC 6886 section 3.3)."""
    return struct.pack("!BBHHHI", 0, 2, 0, port, port, lifetime_s)


def pcp_announce(address: str) -> bytes:
    """Ask whether PCP is spoken (RFC 6887 section 14.1)."""
    return struct.pack("!BBHI16s", 2, 0, 0, 0, _mapped(address))


def pcp_map(address: str, port: int, lifetime_s: int = 3600) -> bytes:
    """Ask for a TCP mapping (RFC 6887 section 11.1)."""
    return struct.pack(
        "!BBHI16s12sB3xHH16s",
        *(2, 1, 0, lifetime_s, _mapped(address)),
        *(NONCE, socket.IPPROTO_TCP, port, port),
        bytes(16) if ":" in address else _mapped("0.0.0.0"),
    )


def get(namespace: Namespace, address: str, port: int, path: str) -> int:
    """Ask for a path over HTTP, and return the status code."""
    with _connect(namespace, address, port, TIMEOUT_S) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = connection.makefile("rb").readline()
    return int(answer.split()[1])


def _connect(namespace: Namespace, address: str, port: int, timeout_s: float) -> socket.socket:
    with namespace.inside():
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        made = socket.socket(family, socket.SOCK_STREAM)
    made.settimeout(timeout_s)
    try:
        made.connect((address, port))
    except BaseException:
        made.close()
        raise
    return made


def _mapped(address: str) -> bytes:
    """Sixteen bytes (RFC 4291 section 2.5.5.2)."""
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv4Address):
        return bytes(10) + b"\xff\xff" + parsed.packed
    return parsed.packed
