"""A blacklist in memory, as the routes see it."""

from edgenode.core.errors import NeverShutOut
from edgenode.core.ip import format_ip, kind


class PlainShutting:
    """Holds what it is given; loopback it refuses."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self.held: dict[bytes, dict[str, object]] = {}

    def entries(self) -> list[dict[str, object]]:
        """Give them all."""
        return list(self.held.values())

    async def add(self, address: bytes, duration_s: int | None) -> dict[str, object]:
        """Take an address."""
        if kind(address) == "loopback":
            raise NeverShutOut("loopback")
        self.held[address] = {
            "address": format_ip(address),
            "reason": "operator",
            "since": "2026-01-02T03:04:05.678Z",
            "until": None if duration_s is None else "2026-01-02T04:04:05.678Z",
            "by": "operator",
        }
        return self.held[address]

    async def remove(self, address: bytes) -> bool:
        """Forget an address."""
        return self.held.pop(address, None) is not None
