"""Signing this node's own advertisements: the only place that uses their numbers."""

from collections.abc import Callable, Sequence

from edgenode.core.advertisement import Advertisement, advertise
from edgenode.core.events import Announce
from edgenode.core.ip import is_global
from edgenode.core.signed import Signed
from edgenode.crypto import SigningKey


class Advertiser:
    """Signs in the order of (epoch, seq), with an epoch that is of this start."""

    def __init__(
        self,
        *,
        network: str,
        key: SigningKey,
        epoch: int,
        announce: Callable[[int], Announce],
        wall_ms: Callable[[], int],
    ) -> None:
        """`announce(port)` says what the node tells of itself on links."""
        self._network = network
        self._key = key
        self._epoch = epoch
        self._announce = announce
        self._wall_ms = wall_ms
        self._seq = 0

    def sign(self, address: str, port: int) -> Signed:
        """Return the next advertisement; `address` an IP literal, "" for where it comes from."""
        self._seq += 1
        said = self._announce(port)
        advertisement = Advertisement(
            self._key.public_key.hex(), address, port, said.capabilities, said.version
        )
        return advertise(
            advertisement,
            self._network,
            self._epoch,
            self._seq,
            self._wall_ms(),
            self._key.sign,
        )


def own_places(addresses: Sequence[str], open_port: Callable[[str], int]) -> list[tuple[str, int]]:
    """Return where this node believes that others anywhere reach it: one place of each family.

    `addresses` are `host:port` texts, the best first; `open_port(host)` is not 0 where its family
    is open.
    """
    places: dict[bool, tuple[str, int]] = {}
    for text in addresses:
        host, _, port = text.rpartition(":")
        host = host.strip("[]")
        if is_global(host) and open_port(host):
            places.setdefault(":" in host, (host, int(port)))
    return list(places.values())
