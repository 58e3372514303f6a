"""Who may say whether a node can be reached, and what several of them together say.

Three are asked and two must agree, as in AutoNAT v2 of libp2p; where there are fewer, one is
believed, and the count is shown.
"""

from edgenode.core.ip import IPV4_BYTES, from_mapped, kind, parse_ip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

VERIFIERS = 3
AGREEING = 2

# Addresses that share so many bytes count as one network: providers are given blocks of about
# this size, and a verifier behind the same router or firewall proves nothing.
IPV4_NETWORK_BYTES = 2
IPV6_NETWORK_BYTES = 4


def network_of(address: str) -> "bytes | None":
    """Return the first bytes of a global address, alike for one network; None for any other."""
    packed = parse_ip(address)
    if packed is None or kind(packed) != "global":
        return None
    packed = from_mapped(packed)
    if len(packed) == IPV4_BYTES:
        return packed[:IPV4_NETWORK_BYTES]
    return packed[:IPV6_NETWORK_BYTES]


def is_elsewhere(address: str, own: "Iterable[str]") -> bool:
    """Tell whether a peer at `address` is on another network than all of our `own` addresses."""
    network = network_of(address)
    return network is not None and all(network_of(mine) != network for mine in own)


class Tally:
    """What peers on other networks have said of one address family.

    `confirmed` got through, `failed` did not; `address` is the IP literal that most of them see
    us at, None where nobody has told; `port` is where they tried.
    """

    __slots__ = ("address", "confirmed", "failed", "port")

    def __init__(
        self, confirmed: int = 0, failed: int = 0, address: "str | None" = None, port: int = 0
    ) -> None:
        self.confirmed = confirmed
        self.failed = failed
        self.address = address
        self.port = port

    @property
    def reached(self) -> "bool | None":
        """Whether we can be reached; None where nobody has tried."""
        if self.confirmed + self.failed == 0:
            return None
        needed = AGREEING if self.confirmed + self.failed >= VERIFIERS else 1
        return self.confirmed >= needed


def tally(answers: "list[tuple[bool, str]]", port: int) -> Tally:
    """Count `answers`: of each peer, whether it got through and the address that it sees."""
    through = [address for reached, address in answers if reached]
    # Where somebody got through, his word on the address counts: that is where he got through.
    seen = through or [address for _, address in answers]
    address = max(sorted(set(seen)), key=seen.count) if seen else None
    return Tally(len(through), len(answers) - len(through), address, port)
