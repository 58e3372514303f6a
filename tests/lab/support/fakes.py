"""Made-up neighbours in any number, for a flood of them."""

import socket
import struct
from collections.abc import Iterator

from nacl import bindings

from edgenode.core.advertisement import Advertisement, advertise, encode_datagram
from tests.lab.support.namespace import Namespace

# Plain bytes, not what the node's own code or its library makes of a service.
SERVICE = b"\x09_edgenode\x04_tcp\x05local\x00"
MDNS = ("224.0.0.251", 5353)

_PTR, _TXT, _SRV, _A = 12, 16, 33, 1
_LIFE_S = 4500


def announcement(number: int, network: str, address: bytes) -> bytes:
    """Return a response of mDNS that tells all of a service with a nodeId of its own."""
    label = f"fake-{number:016x}".encode()
    instance = bytes((len(label),)) + label + b"\xc0\x0c"  # the name of the first record
    host = b"\x15edgenode-" + f"{number:012x}".encode() + b"\x05local\x00"
    strings = [f"nodeId={number:064x}", f"network={network}", "version=1", "httpPort=1"]
    text = b"".join(bytes((len(each),)) + each.encode() for each in strings)
    service = struct.pack("!HHH", 0, 0, 4242) + host
    header = struct.pack("!HHHHHH", 0, 0x8400, 0, 4, 0, 0)
    return header + b"".join(
        (
            _record(SERVICE, _PTR, instance),
            _record(instance, _SRV, service),
            _record(instance, _TXT, text),
            _record(host, _A, address),
        )
    )


def pointer(number: int) -> bytes:
    """Return a response that tells of a service's name and of nothing else."""
    label = f"half-{number:016x}".encode()
    header = struct.pack("!HHHHHH", 0, 0x8400, 0, 1, 0, 0)
    return header + _record(SERVICE, _PTR, bytes((len(label),)) + label + b"\xc0\x0c")


def advertisement(number: int, network: str) -> bytes:
    """Return an announcement that a node of its own has signed."""
    public, secret = bindings.crypto_sign_seed_keypair(number.to_bytes(32, "big"))
    signed = advertise(
        Advertisement(public.hex(), "", 4242, [], "1"),
        network,
        1,
        0,
        0,
        lambda message: bytes(bindings.crypto_sign(message, secret)[:64]),
    )
    return encode_datagram(signed)


def malformed(number: int) -> bytes:
    """Return a response with a name that points into nowhere, different for each number."""
    header = struct.pack("!HHHHHH", 0, 0x8400, 0, 1, 0, 0)
    return (
        header
        + SERVICE
        + struct.pack("!HHLH", _PTR, 1, 9, 10)
        + struct.pack("!Q", number)
        + (b"\xff\xff")
    )


def senders(namespace: Namespace, addresses: list[str]) -> Iterator[socket.socket]:
    """Give a socket of each of these own addresses, from the port of mDNS to its group."""
    for address in addresses:
        with namespace.inside():
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
        sock.bind((address, MDNS[1]))
        yield sock


def _record(name: bytes, rtype: int, data: bytes) -> bytes:
    return name + struct.pack("!HHLH", rtype, 1, _LIFE_S, len(data)) + data
