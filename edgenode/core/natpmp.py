"""The NAT Port Mapping Protocol, version 0 (RFC 6886), as bytes."""

import struct

from edgenode.core.errors import DecodeError

VERSION = 0
SERVER_PORT = 5351

ADDRESS = 0
MAP_UDP = 1
MAP_TCP = 2

SUCCESS = 0
UNSUPP_VERSION = 1
REFUSED = 2
NETWORK_FAILURE = 3
OUT_OF_RESOURCES = 4
UNSUPP_OPCODE = 5

_RESPONSE = 128
_HEADER_BYTES = 8
_ADDRESS_BYTES = 12
_MAP_BYTES = 16
# A PCP gateway's refusal of our version has 24 bytes, and up to 1100 (RFC 6887 section 7).
_MAX_BYTES = 1100

_MAX_U16 = 0xFFFF
_MAX_U32 = 0xFFFFFFFF


class Mapping:
    """What a mapping response is about."""

    __slots__ = ("external_port", "internal_port", "lifetime_s")

    def __init__(self, internal_port: int, external_port: int, lifetime_s: int) -> None:
        """Take the fields."""
        self.internal_port = internal_port
        self.external_port = external_port
        self.lifetime_s = lifetime_s


class Response:
    """An answer or announcement of a gateway.

    `address`: 4 bytes, None unless the answer holds one, which an error may leave out. `mapping`
    likewise. An answer in any version but ours has the result UNSUPP_VERSION, and no more.
    """

    __slots__ = ("address", "epoch_s", "mapping", "opcode", "result", "version")

    def __init__(
        self,
        version: int,
        opcode: int,
        result: int,
        epoch_s: int,
        address: "bytes | None" = None,
        mapping: "Mapping | None" = None,
    ) -> None:
        """Take the fields."""
        self.version = version
        self.opcode = opcode
        self.result = result
        self.epoch_s = epoch_s
        self.address = address
        self.mapping = mapping


def encode_address() -> bytes:
    """Give the question for the external address (section 3.2)."""
    return bytes((VERSION, ADDRESS))


def encode_map(opcode: int, internal_port: int, external_port: int, lifetime_s: int) -> bytes:
    """Give the request to map a port (section 3.3); `opcode` is MAP_TCP or MAP_UDP.

    `external_port` is a suggestion (0: any). With `lifetime_s` 0, and external port 0, it deletes
    the mapping (section 3.4). Raises `ValueError` for what does not fit its field.
    """
    # A deletion with internal port 0 would be one of all our mappings.
    if not 0 < internal_port <= _MAX_U16 or not 0 <= external_port <= _MAX_U16:
        raise ValueError("a port that is none")
    if not 0 <= lifetime_s <= _MAX_U32:
        raise ValueError("a lifetime that does not fit")
    return struct.pack("!BBHHHI", VERSION, opcode, 0, internal_port, external_port, lifetime_s)


def decode_response(data: bytes) -> Response:
    """Return the response in a datagram; raises `DecodeError`.

    Longer ones than the RFC's are taken, as bytes may follow in a later version of it; an error
    may end after its header (section 3.5).
    """
    if len(data) > _MAX_BYTES:
        raise DecodeError("nat-pmp: too long")
    if len(data) < _HEADER_BYTES:
        raise DecodeError("nat-pmp: cut short")
    if data[1] < _RESPONSE:
        raise DecodeError("nat-pmp: not a response")
    opcode = data[1] - _RESPONSE
    if data[0] != VERSION:
        # PCP has its result in one byte of these two (RFC 6887 section 7.2).
        if data[3] != UNSUPP_VERSION:
            raise DecodeError("nat-pmp: another version")
        return Response(data[0], opcode, UNSUPP_VERSION, 0)
    result, epoch_s = struct.unpack("!HI", data[2:8])
    response = Response(VERSION, opcode, result, epoch_s)
    if opcode == ADDRESS and len(data) >= _ADDRESS_BYTES:
        response.address = data[8:12]
    elif opcode in (MAP_UDP, MAP_TCP) and len(data) >= _MAP_BYTES:
        response.mapping = Mapping(*struct.unpack("!HHI", data[8:16]))
    elif result == SUCCESS:
        raise DecodeError("nat-pmp: cut short")
    return response
