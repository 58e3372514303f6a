"""How many are here from each network, and who makes room when all places are taken.

One who attacks has one address, or a whole network of them, but not many networks. What is counted
by network leaves room for everybody else.
"""

# Connections from one address (IPv4) or one network (a /64 is what a home or a host has).
MAX_OF_ADDRESS = 8
# From its neighbourhood: a provider's /24, or the /48 that a site is given.
MAX_OF_IPV4_AREA = 16
MAX_OF_IPV6_AREA = 32
# From one network that this host is on, and from one configured peer: neighbours share a network,
# and a full mesh of them is to fit.
MAX_NEAR = 40

_IPV4_BYTES = 4


def networks(address: bytes) -> "tuple[tuple[int, bytes], tuple[int, bytes]]":
    """Give the narrow and the wide network of an address, each as (bits, prefix)."""
    if len(address) == _IPV4_BYTES:
        return (32, address), (24, address[:3])
    return (64, address[:8]), (48, address[:6])


def bounds(address: bytes, near: "bytes | None") -> "list[tuple[tuple[int, bytes], int]]":
    """Give the networks by which an address is counted, each with how many it may have.

    `near` is the network of this host, or the configured peer, that it belongs to: such a one is
    counted by that alone.
    """
    if near is not None:
        return [((0, near), MAX_NEAR)]
    narrow, wide = networks(address)
    widest = MAX_OF_IPV4_AREA if len(address) == _IPV4_BYTES else MAX_OF_IPV6_AREA
    return [(narrow, MAX_OF_ADDRESS), (wide, widest)]


class Crowd:
    """Counts by network; it has no entry for a network without anyone."""

    def __init__(self) -> None:
        self._counts: dict[tuple[int, bytes], int] = {}

    def __len__(self) -> int:
        """How many networks have someone here."""
        return len(self._counts)

    def enter(self, places: "list[tuple[tuple[int, bytes], int]]") -> bool:
        """Count one more in every network of `places` (see `bounds`), or in none if one is full."""
        for network, most in places:
            if self._counts.get(network, 0) >= most:
                return False
        for network, _ in places:
            self._counts[network] = self._counts.get(network, 0) + 1
        return True

    def leave(self, places: "list[tuple[tuple[int, bytes], int]]") -> None:
        """Undo one `enter` that returned True."""
        for network, _ in places:
            left = self._counts[network] - 1
            if left:
                self._counts[network] = left
            else:
                del self._counts[network]


def oldest_of_fullest(places: "list[tuple[int, bytes]]") -> int:
    """Give the index of the first whose network has the most; `places` from old to young.

    Raises `ValueError` where there is nobody.
    """
    counts: dict[tuple[int, bytes], int] = {}
    for network in places:
        counts[network] = counts.get(network, 0) + 1
    most = max(counts.values())
    for index, network in enumerate(places):
        if counts[network] == most:
            return index
    raise AssertionError("the fullest network has someone")
