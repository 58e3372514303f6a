"""What a way of mapping a port (PCP, NAT-PMP, UPnP) takes and gives, the same for all of them."""

from typing import NamedTuple, Protocol

PCP = "pcp"
NAT_PMP = "nat-pmp"
UPNP = "upnp"


class Gateway(NamedTuple):
    """A default router of this host, as seen from one of its interfaces."""

    address: str  # IP literal; an IPv6 link-local one without its zone
    interface: str
    own_address: str  # this host's address on that interface, of the same family
    ipv6: bool


class Wish(NamedTuple):
    """The mapping that is asked for."""

    internal_port: int
    external_port: int  # what is suggested; the gateway may grant another; never 0
    external_address: str | None  # what it was before, suggested where the method can
    lifetime_s: int  # 0: the longest that the gateway gives
    nonce: bytes  # 12 bytes, kept over restarts (RFC 6887 section 11.2)
    description: str
    protocol: str = "TCP"


class Offer(NamedTuple):
    """A gateway's answer to a probe: it speaks the method."""

    external_address: str | None  # None where the method does not tell it by itself
    epoch_s: int | None  # the gateway's seconds since its table began; None in UPnP
    boot: str = ""  # in UPnP: another one after each boot; "" where it shows none


class Grant(NamedTuple):
    """A mapping that the gateway has made, or a pinhole (`external` equal to our own address)."""

    external_address: str | None
    external_port: int
    lifetime_s: int  # 0: until it is deleted
    epoch_s: int | None
    handle: str = (
        ""  # what the method needs to renew or delete it besides the wish (a pinhole's id)
    )
    boot: str = ""  # as in Offer


class MappingFailed(Exception):
    """A gateway did not do what was asked.

    `reason` is one of REASONS. `external_address` is the gateway's own WAN address where the
    failure has shown one (RFC 6887 section 11.1: a private one is the evidence of double NAT).
    """

    def __init__(self, reason: str, detail: str, external_address: str | None = None) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.external_address = external_address


# no-answer: nobody speaks the method there. unsupported: somebody does, but not what is needed.
# refused: by its policy. private-wan: its own WAN address is private, it maps nothing.
# conflict: the external port is another's. no-room: its table is full. network-down: its WAN is
# down. malformed: the answer makes no sense. failed: it says that something went wrong in it.
REASONS = (
    "no-answer",
    "unsupported",
    "refused",
    "private-wan",
    "conflict",
    "no-room",
    "network-down",
    "malformed",
    "failed",
)


class Method(Protocol):
    """One way of mapping at one gateway; each call ends within its own deadline.

    All raise `MappingFailed`, and nothing else, whatever the network answers.
    """

    name: str
    gateway: Gateway

    async def probe(self) -> Offer:
        """Ask whether the gateway speaks this, changing nothing there."""
        ...

    async def verify(self) -> Offer:
        """As `probe`, of a gateway that has mapped, for as few packets as can be: one of UDP.

        What it may leave out is the external address.
        """
        ...

    async def map(self, wish: Wish, earlier: Grant | None) -> Grant:
        """Make the mapping, or renew `earlier`."""
        ...

    async def unmap(self, wish: Wish, grant: Grant) -> None:
        """Delete the mapping."""
        ...

    async def close(self) -> None:
        """Let go of sockets and threads; nothing is deleted."""
        ...
