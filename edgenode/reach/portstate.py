"""What is kept of mappings over a restart, as text, and where it is kept."""

from typing import NamedTuple, Protocol

from edgenode.core.errors import DecodeError
from edgenode.core.fields import Fields
from edgenode.core.ip import MAX_LITERAL_CHARS, parse_ip
from edgenode.core.strictjson import decode as decode_json
from edgenode.core.strictjson import encode as encode_json
from edgenode.reach.method import NAT_PMP, PCP, UPNP, Grant

NONCE_BYTES = 12

# Gateways that a node has been behind, one entry for each of its pinholes. A node that is carried
# around finds its port again where it was last; the oldest are forgotten.
MAX_KEPT = 16

MAX_PORT = 65535
_MAX_LIFETIME_S = 2**32 - 1
_MAX_HANDLE_CHARS = 128
_MAX_TEXT_BYTES = 16 * 1024


class PortStore(Protocol):
    """Where the text is kept."""

    async def load(self) -> str | None:
        """Return what was saved last; None if nothing was, or if it was damaged."""
        ...

    async def save(self, text: str) -> None:
        """Keep `text`; durable on return. Raises `EdgenodeError`."""
        ...


class Kept(NamedTuple):
    """A mapping as it was last granted, which may still be there."""

    gateway: str
    ipv6: bool
    own_address: str
    method: str
    protocol: str
    internal_port: int
    grant: Grant  # its epoch is not kept


class PortState(NamedTuple):
    """All that is kept: the nonce of every mapping, and the mappings, the latest last."""

    nonce: bytes
    mappings: tuple[Kept, ...]

    def find(self, gateway: str, own_address: str, *, ipv6: bool) -> Kept | None:
        """Return what was last mapped there; of IPv4 whatever our own address was then."""
        for kept in reversed(self.mappings):
            if (kept.gateway, kept.ipv6) == (gateway, ipv6) and (
                not ipv6 or kept.own_address == own_address
            ):
                return kept
        return None

    def with_mapping(self, new: Kept) -> "PortState":
        """Return the state with `new` in the place of what was mapped there before."""
        before = self.find(new.gateway, new.own_address, ipv6=new.ipv6)
        others = tuple(kept for kept in self.mappings if kept is not before)
        return PortState(self.nonce, (*others, new)[-MAX_KEPT:])


def encode(state: PortState) -> str:
    """Return the state as text."""
    mappings = [
        {
            "gateway": kept.gateway,
            "ipv6": kept.ipv6,
            "ownAddress": kept.own_address,
            "method": kept.method,
            "protocol": kept.protocol,
            "internalPort": kept.internal_port,
            "externalAddress": kept.grant.external_address,
            "externalPort": kept.grant.external_port,
            "lifetime": kept.grant.lifetime_s,
            "handle": kept.grant.handle,
        }
        for kept in state.mappings
    ]
    return encode_json({"nonce": state.nonce.hex(), "mappings": mappings}).decode()


def decode(text: str) -> PortState:
    """Return the state in `text`; raises `DecodeError`."""
    value = decode_json(text.encode(), max_bytes=_MAX_TEXT_BYTES)
    fields = Fields(value, "ports")
    try:
        nonce = bytes.fromhex(fields.text("nonce", 2 * NONCE_BYTES))
    except ValueError:
        nonce = b""
    if len(nonce) != NONCE_BYTES:
        raise DecodeError("ports.nonce: expected 12 bytes in hex")
    assert isinstance(value, dict)
    entries = value.get("mappings")
    if not isinstance(entries, list):
        raise DecodeError("ports.mappings: expected an array")
    return PortState(nonce, tuple(_kept(entry) for entry in entries[-MAX_KEPT:]))


def _kept(entry: object) -> Kept:
    fields = Fields(entry, "ports.mappings")
    assert isinstance(entry, dict)
    return Kept(
        gateway=_address(fields.text("gateway", MAX_LITERAL_CHARS)),
        ipv6=entry.get("ipv6") is True,
        own_address=_address(fields.text("ownAddress", MAX_LITERAL_CHARS)),
        method=fields.one_of("method", (PCP, NAT_PMP, UPNP)),
        protocol=fields.one_of("protocol", ("TCP", "UDP")),
        internal_port=fields.integer("internalPort", 1, MAX_PORT),
        grant=Grant(
            external_address=fields.text("externalAddress", MAX_LITERAL_CHARS, None),
            external_port=fields.integer("externalPort", 1, MAX_PORT),
            lifetime_s=fields.integer("lifetime", 0, _MAX_LIFETIME_S),
            epoch_s=None,
            handle=fields.text("handle", _MAX_HANDLE_CHARS),
        ),
    )


def _address(text: str) -> str:
    if parse_ip(text) is None:
        raise DecodeError("ports.mappings: expected an IP address")
    return text
