"""What the front door asks of the rest of the node."""

from collections.abc import Callable, Sequence

from edgenode.api.seats import Seats
from edgenode.core.ip import from_mapped, parse_ip
from edgenode.daemon.guard.onlink import OnLink
from edgenode.link.keep import StaticPeer


def open_seats(
    on_link: OnLink, static: Sequence[StaticPeer], admits: Callable[[str], bool]
) -> Seats:
    """Return the seats for connections: neighbours and static peers are counted by themselves."""
    configured = {packed for peer in static if (packed := parse_ip(peer.address)) is not None}

    def near(address: bytes) -> bytes | None:
        plain = from_mapped(address)
        return plain if plain in configured else on_link.network_of(plain)

    return Seats(admits=admits, near=near)
