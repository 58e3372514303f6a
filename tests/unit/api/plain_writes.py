"""What peers may write, as simple as can be: noted, and answered as asked."""

from collections.abc import Mapping, Sequence
from typing import Any

from edgenode.core.signed import Signed


class PlainWrites:
    """What the peer port asks of the node, and a look into it."""

    def __init__(self) -> None:
        """Do as told."""
        self.calls: list[tuple[Any, ...]] = []
        self.failure: Exception | None = None

    async def advertised(
        self, node_id: str, advertisement: Signed, address: str
    ) -> Mapping[str, Any]:
        """Note."""
        self._note("advertised", node_id, advertisement.payload, address)
        return {"address": address, "port": 4242}

    async def take(
        self, node_id: str, batches: Sequence[Signed], kind: str, block_id: str | None
    ) -> int:
        """Note; each batch has one update."""
        self._note("take", node_id, [batch.payload for batch in batches], kind, block_id)
        return len(batches)

    def _note(self, *call: object) -> None:
        self.calls.append(call)
        if self.failure is not None:
            raise self.failure
