"""Records as simple as can be: what was asked is noted, what is answered is given."""

from collections.abc import Mapping, Sequence
from typing import Any

NODE = "cd" * 32

HEALTH = {
    "activeNodes": 3,
    "totalBlocks": 10,
    "averageRedundancy": 1.5,
    "regionDistribution": {"eu-west": 2},
}


def metadata_of(block_id: str) -> dict[str, Any]:
    """Give a BlockMetadata with everything in it."""
    return {
        "blockId": block_id,
        "held": True,
        "size": 5,
        "createdAt": "2026-01-02T03:04:05.678Z",
        "expiresAt": None,
        "durabilityLevel": "standard",
        "user": {"name": "x"},
        "temperature": {"class": "HOT", "origins": [{"nodeId": NODE, "class": "HOT"}]},
        "locations": [{"nodeId": NODE, "size": 5, "lastSeen": None}],
        "accessCount": 7,
        "lastAccessedAt": "2026-01-02T03:04:05.678Z",
        "origins": [
            {
                "nodeId": NODE,
                "epoch": 1,
                "seq": 2,
                "timestamp": "2026-01-02T03:04:05.678Z",
                "metadata": {"size": 5},
            }
        ],
    }


class PlainRecords:
    """What the REST interface asks of the records, and a look into it."""

    def __init__(self) -> None:
        """Know nothing, and do as told."""
        self.regions: dict[str, int] = {}
        self.calls: list[tuple[Any, ...]] = []
        self.known: dict[str, dict[str, Any]] = {}
        self.linked = {NODE}
        self.failure: Exception | None = None

    async def metadata(self, block_id: str) -> Mapping[str, Any] | None:
        """Look up."""
        self._note("metadata", block_id)
        return self.known.get(block_id)

    async def set_temperature(self, block_id: str, temperature: str | None) -> Mapping[str, Any]:
        """Note."""
        self._note("temperature", block_id, temperature)
        return {"blockId": block_id, "temperature": temperature or "COLD"}

    async def set_location(self, block_id: str, held: bool) -> Mapping[str, Any]:
        """Note."""
        self._note("location", block_id, held)
        return {"blockId": block_id, "held": held}

    async def sync_request(self, block_ids: Sequence[str], queue: bool) -> Mapping[str, Any]:
        """Note; the first is available, the second elsewhere, the rest unknown."""
        self._note("request", block_ids, queue)
        elsewhere = [{"blockId": block_id, "nodeIds": [NODE]} for block_id in block_ids[1:2]]
        return {
            "available": list(block_ids[:1]),
            "elsewhere": elsewhere,
            "unknown": list(block_ids[2:]),
            "queued": len(elsewhere) if queue else 0,
        }

    async def sync_metadata(
        self, updates: Sequence[tuple[str, Mapping[str, Any] | None]]
    ) -> Mapping[str, Any]:
        """Note."""
        self._note("metadata", updates)
        return {"accepted": len(updates)}

    async def sync_temperature(
        self, updates: Sequence[tuple[str, str | None]]
    ) -> Mapping[str, Any]:
        """Note."""
        self._note("temperature", updates)
        return {"accepted": len(updates)}

    async def announce(self, address: str, port: int) -> Mapping[str, Any]:
        """Note."""
        self._note("announce", address, port)
        return {"address": address, "port": port}

    async def disconnect(self, node_id: str) -> bool:
        """Note."""
        self._note("disconnect", node_id)
        return node_id in self.linked

    async def health(self) -> Mapping[str, Any]:
        """Give `HEALTH`."""
        self._note("health")
        return HEALTH | {"regionDistribution": self.regions or HEALTH["regionDistribution"]}

    def _note(self, *call: object) -> None:
        self.calls.append(call)
        if self.failure is not None:
            raise self.failure
