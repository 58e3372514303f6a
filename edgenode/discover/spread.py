"""Choosing among many: the services of a name in their order, addresses over networks."""

from collections.abc import Callable, Sequence

from edgenode.core.dialback import IPV4_NETWORK_BYTES, IPV6_NETWORK_BYTES
from edgenode.core.dns import Service
from edgenode.core.ip import IPV4_BYTES

Place = tuple[bytes, int]
"""An address of 4 or 16 bytes, and a port."""


def in_order(services: Sequence[Service], random: Callable[[], float]) -> list[Service]:
    """Order by priority, and those of one priority by lot, by their weights (RFC 2782).

    `random` gives floats in [0, 1).
    """
    # The RFC draws one after the other, with chances as their weights. Sorting by u ** (1 / weight)
    # gives the same chances (Efraimidis and Spirakis, 2006). A weight of 0, which is to have a very
    # small chance beside others, counts as a hundredth.
    keyed = [
        (service.priority, -(random() ** (1 / (service.weight or 0.01))), number)
        for number, service in enumerate(services)
    ]
    return [services[number] for _, _, number in sorted(keyed)]


def spread(places: Sequence[Place], most: int) -> list[Place]:
    """Keep `most` of the places, in their order, none twice: of as many networks as there are.

    Of each network the first is kept before the second of any.
    """
    seen: dict[bytes, int] = {}
    ranked = []
    for number, place in enumerate(dict.fromkeys(places)):
        network = _network(place[0])
        seen[network] = seen.get(network, 0) + 1
        ranked.append((seen[network], number, place))
    kept = sorted(ranked)[:most]
    return [place for _, _, place in sorted(kept, key=lambda entry: entry[1])]


def _network(address: bytes) -> bytes:
    """As `core/dialback.network_of`, of private addresses too."""
    size = IPV4_NETWORK_BYTES if len(address) == IPV4_BYTES else IPV6_NETWORK_BYTES
    return address[:size]
