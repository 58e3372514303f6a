"""Peers that ask over REST: their sessions, and what they hand over of their own."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgenode.api.auth import PeerAuth
from edgenode.core.advertisement import CONTEXT as ADVERTISEMENT
from edgenode.core.advertisement import Advertisement, decode_advertisement
from edgenode.core.batch import decode_batch
from edgenode.core.errors import DecodeError, ProtocolError
from edgenode.core.peersessions import PeerSessions
from edgenode.core.records import Update
from edgenode.core.request import RequestRefused
from edgenode.core.signed import Signed, check
from edgenode.crypto import digest16, random_bytes, verify
from edgenode.daemon.peers import iso_time
from edgenode.daemon.records.recordparts import RecordParts

_MAC_KEY_BYTES = 32


def peer_auth(
    *, own_id: str, network: str, wall_ms: Callable[[], int], refusal: Callable[[str], str]
) -> PeerAuth:
    """Return the sessions of peers; `refusal(node_id)` as PeerAuth has it."""
    key = random_bytes(_MAC_KEY_BYTES)
    sessions = PeerSessions(
        own_id=own_id,
        network=network,
        # BLAKE2b needs no HMAC: what comes behind a secret key of fixed length is a MAC.
        mac=lambda data: digest16(key + data),
        hash16=digest16,
        verify_fn=verify,
    )
    return PeerAuth(
        sessions,
        own_id=own_id,
        network=network,
        verify=verify,
        random_bytes=random_bytes,
        now_ms=lambda: time.monotonic_ns() // 1_000_000,
        expiry=lambda ms: iso_time(wall_ms() + ms),
        refusal=refusal,
    )


class PeerOwn:
    """What peers say of themselves over REST; fits `api.peerwrites.PeerWrites`."""

    def __init__(
        self,
        *,
        network: str,
        records: RecordParts,
        on_advertised: Callable[[Advertisement, str], object],
    ) -> None:
        """`on_advertised(advertisement, address)` is told of one that was checked, and whence."""
        self._network = network
        self._records = records
        self._on_advertised = on_advertised

    async def advertised(
        self, node_id: str, advertisement: Signed, address: str
    ) -> Mapping[str, Any]:
        """Take a node's own advertisement."""
        path = "body.advertisement"
        self._check(advertisement, ADVERTISEMENT, node_id, path)
        try:
            decoded = decode_advertisement(advertisement)
        except DecodeError as error:
            raise DecodeError(f"{path}.payload: {error}") from None
        self._on_advertised(decoded, address)
        return {"address": address, "port": decoded.port}

    async def take(
        self, node_id: str, batches: Sequence[Signed], kind: str, block_id: str | None
    ) -> int:
        """Take a node's own batches, all or none."""
        count = 0
        for index, signed in enumerate(batches):
            path = f"body.batches[{index}]"
            self._check(signed, "batch", node_id, path)
            try:
                updates = decode_batch(signed.payload).updates
            except DecodeError as error:
                raise DecodeError(f"{path}.payload: {error}") from None
            _check_updates(updates, kind, block_id, f"{path}.payload: batch.updates")
            count += len(updates)
        if not count:
            raise DecodeError("body.batches: expected at least one update")
        if not await self._records.take(batches, node_id):
            raise RequestRefused("not-carried", "body.batches: not kept, at least in part")
        return count

    def _check(self, signed: Signed, context: str, node_id: str, path: str) -> None:
        if signed.node_id != node_id:
            raise RequestRefused("wrong-node", f"{path}.nodeId: not the node of the session")
        try:
            check(signed, context, self._network, verify)
        except ProtocolError as error:
            raise RequestRefused(error.code, f"{path}.signature: does not verify") from None


def _check_updates(updates: Sequence[Update], kind: str, block_id: str | None, path: str) -> None:
    for index, update in enumerate(updates):
        if update.type != kind:
            raise DecodeError(f"{path}[{index}].type: expected {kind}")
        if block_id is not None and update.block_id != block_id:
            raise DecodeError(f"{path}[{index}].blockId: not the block of the path")
