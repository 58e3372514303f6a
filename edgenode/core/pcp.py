"""The Port Control Protocol, version 2 (RFC 6887): MAP and ANNOUNCE, as bytes.

Of options only the framing is looked at: none is sent, so none can be answered, and a client
ignores what it has not asked for (section 8.3).
"""

import struct

from edgenode.core.errors import DecodeError
from edgenode.core.ip import from_mapped, to_mapped

VERSION = 2
SERVER_PORT = 5351
CLIENT_PORT = 5350  # where announcements are sent to, by multicast (section 19.1)

MAX_MESSAGE_BYTES = 1100  # section 7
NONCE_BYTES = 12

ANNOUNCE = 0
MAP = 1

TCP = 6
UDP = 17

SUCCESS = 0
UNSUPP_VERSION = 1
NOT_AUTHORIZED = 2
MALFORMED_REQUEST = 3
UNSUPP_OPCODE = 4
UNSUPP_OPTION = 5
MALFORMED_OPTION = 6
NETWORK_FAILURE = 7
NO_RESOURCES = 8
UNSUPP_PROTOCOL = 9
USER_EX_QUOTA = 10
CANNOT_PROVIDE_EXTERNAL = 11
ADDRESS_MISMATCH = 12
EXCESSIVE_REMOTE_PEERS = 13

_RESPONSE = 0x80  # the R bit
_HEADER_BYTES = 24
_MAP_BYTES = 36
_OPTION_BYTES = 4
_ANY_ADDRESS = bytes(16)
_ANY_IPV4 = to_mapped(bytes(4))
_IPV4_MAPPED = _ANY_IPV4[:12]

# An answer in another version: what a NAT-PMP gateway sends, the shortest of them.
_OTHER_VERSION_BYTES = 8

_MAX_U16 = 0xFFFF
_MAX_U32 = 0xFFFFFFFF


class Mapping:
    """What a MAP response is about; in an error, mostly what had been asked for.

    `external` has 4 bytes for IPv4, 16 for IPv6.
    """

    __slots__ = ("external", "external_port", "internal_port", "nonce", "protocol")

    def __init__(
        self, nonce: bytes, protocol: int, internal_port: int, external_port: int, external: bytes
    ) -> None:
        """Take the fields."""
        self.nonce = nonce
        self.protocol = protocol
        self.internal_port = internal_port
        self.external_port = external_port
        self.external = external


class Response:
    """An answer or announcement of a gateway.

    `lifetime_s`: of the mapping; in an error, for how long the same is to be expected again.
    `mapping` is None unless the opcode is MAP. An answer in any version but ours has the result
    UNSUPP_VERSION, and zeros otherwise (section 9).
    """

    __slots__ = ("epoch_s", "lifetime_s", "mapping", "opcode", "result", "version")

    def __init__(
        self,
        version: int,
        opcode: int,
        result: int,
        lifetime_s: int,
        epoch_s: int,
        mapping: "Mapping | None",
    ) -> None:
        """Take the fields."""
        self.version = version
        self.opcode = opcode
        self.result = result
        self.lifetime_s = lifetime_s
        self.epoch_s = epoch_s
        self.mapping = mapping


def encode_announce(client: bytes) -> bytes:
    """Give the question whether a gateway is there; `client` is our address, 4 or 16 bytes."""
    return _header(ANNOUNCE, 0, client)


def encode_map(
    client: bytes,
    *,
    nonce: bytes,
    protocol: int,
    internal_port: int,
    external_port: int,
    external: "bytes | None",
    lifetime_s: int,
) -> bytes:
    """Give the request to map a port of `client`, our address as the gateway must see it.

    `external_port` (0: any) and `external` (None: any) are suggestions. The same nonce again
    renews a mapping; with `lifetime_s` 0 it deletes it (section 15). Raises `ValueError` for what
    does not fit its field.
    """
    if len(nonce) != NONCE_BYTES:
        raise ValueError("a nonce has 12 bytes")
    # Internal port 0 would mean all ports, and MicroPython packs what does not fit.
    if not 0 < internal_port <= _MAX_U16 or not 0 <= external_port <= _MAX_U16:
        raise ValueError("a port that is none")
    if external is None:
        external = _ANY_IPV4 if _is_ipv4(client) else _ANY_ADDRESS
    return (
        _header(MAP, lifetime_s, client)
        + nonce
        + struct.pack("!B3xHH", protocol, internal_port, external_port)
        + to_mapped(external)
    )


def decode_response(data: bytes) -> Response:
    """Return the response in a datagram; raises `DecodeError`."""
    if len(data) > MAX_MESSAGE_BYTES:
        raise DecodeError("pcp: more than 1100 bytes")
    if len(data) < _OTHER_VERSION_BYTES:
        raise DecodeError("pcp: cut short")
    if not data[1] & _RESPONSE:
        raise DecodeError("pcp: not a response")
    opcode = data[1] & ~_RESPONSE
    if data[0] != VERSION:
        if data[3] != UNSUPP_VERSION:
            raise DecodeError("pcp: another version")
        return Response(data[0], opcode, UNSUPP_VERSION, 0, 0, None)
    if len(data) < _HEADER_BYTES or len(data) % 4:
        raise DecodeError("pcp: cut short")
    lifetime_s, epoch_s = struct.unpack("!II", data[4:12])
    rest = data[_HEADER_BYTES:]
    mapping = None
    if opcode == MAP:
        mapping = _decode_mapping(rest[:_MAP_BYTES])
        rest = rest[_MAP_BYTES:]
    # In an error what follows may be any request of ours, or what a gateway made of it.
    if data[3] == SUCCESS:
        _check_options(rest)
    return Response(VERSION, opcode, data[3], lifetime_s, epoch_s, mapping)


def _header(opcode: int, lifetime_s: int, client: bytes) -> bytes:
    if not 0 <= lifetime_s <= _MAX_U32:
        raise ValueError("a lifetime that does not fit")
    address = to_mapped(client)
    if len(address) != len(_ANY_ADDRESS):
        raise ValueError("an address has 4 or 16 bytes")
    return struct.pack("!BBHI", VERSION, opcode, 0, lifetime_s) + address


def _decode_mapping(data: bytes) -> Mapping:
    if len(data) != _MAP_BYTES:
        raise DecodeError("pcp.map: cut short")
    internal_port, external_port = struct.unpack("!HH", data[16:20])
    return Mapping(
        data[:NONCE_BYTES], data[NONCE_BYTES], internal_port, external_port, from_mapped(data[20:])
    )


def _check_options(data: bytes) -> None:
    """Go through options, whose number the message's length bounds (section 7.3)."""
    while data:
        if len(data) < _OPTION_BYTES:
            raise DecodeError("pcp.option: cut short")
        (length,) = struct.unpack("!H", data[2:4])
        padded = _OPTION_BYTES + ((length + 3) & ~3)
        if padded > len(data):
            raise DecodeError("pcp.option: cut short")
        data = data[padded:]


def _is_ipv4(address: bytes) -> bool:
    return to_mapped(address)[:12] == _IPV4_MAPPED
