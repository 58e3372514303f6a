"""What is to be mapped, and which external ports to ask for, one after another."""

from typing import NamedTuple

from edgenode.reach.method import Gateway, Wish
from edgenode.reach.portstate import Kept

# External ports tried after conflicts: IANA's dynamic ones, drawn from the nonce, so that a node
# comes to the same ones again. Each refusal is an exchange; three in a row are bad luck enough.
SPARE_PORTS = 3
FIRST_SPARE, SPARES = 49152, 16384

# Gateways refuse what is below (RFC 6335: system ports), and it is not asked for unbidden.
FIRST_USER_PORT = 1024


class Wanted(NamedTuple):
    """A port of ours that is to be reachable through every gateway."""

    internal_port: int
    external_port: int  # 0: the one held before, else that of the same number
    lifetime_s: int  # 0: the longest that the gateway gives
    description: str
    protocol: str = "TCP"


def wishes(wanted: Wanted, gateway: Gateway, kept: Kept | None, nonce: bytes) -> list[Wish]:
    """Return what to ask `gateway` for, the best first; `kept` is what it gave last."""
    return [
        Wish(
            internal_port=wanted.internal_port,
            external_port=port,
            external_address=kept.grant.external_address if kept is not None else None,
            lifetime_s=wanted.lifetime_s,
            nonce=nonce,
            description=wanted.description,
            protocol=wanted.protocol,
        )
        for port in _ports(wanted, gateway, kept, nonce)
    ]


def _ports(wanted: Wanted, gateway: Gateway, kept: Kept | None, nonce: bytes) -> list[int]:
    if gateway.ipv6:  # a pinhole is where the port is
        return [wanted.internal_port]
    ports = []
    if kept is not None and kept.internal_port == wanted.internal_port:
        ports.append(kept.grant.external_port)
    if wanted.external_port:
        ports.insert(0, wanted.external_port)
    elif wanted.internal_port >= FIRST_USER_PORT:
        ports.append(wanted.internal_port)
    for at in range(0, 2 * SPARE_PORTS, 2):
        ports.append(FIRST_SPARE + int.from_bytes(nonce[at : at + 2], "big") % SPARES)
    return list(dict.fromkeys(ports))
