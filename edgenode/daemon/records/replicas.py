"""What this node carries of each origin: its batches, the trie over them, its latest head."""

import asyncio
import logging
from collections.abc import Callable, Container, Sequence

from edgenode.core.batch import decode_batch
from edgenode.core.errors import Busy, DecodeError, ProtocolError, StoreFailed, StoreFull
from edgenode.core.head import decode_head
from edgenode.core.signed import Signed, check, digest
from edgenode.core.strictjson import encode
from edgenode.crypto import digest16, verify
from edgenode.daemon.records.carried import Judged, Replica, Taken
from edgenode.daemon.records.signing import batch_row, stored_head
from edgenode.store.records import Added, Records
from edgenode.store.rows import BatchRow

# Everyone carries every origin up to here; 30 batches each are what one of 3,000 records has.
MAX_ORIGINS = 1024

# Batch bytes carried of one origin other than ourselves, and of all: 2 * 10^5 records of about 200
# bytes, with as much dead, and room to spare on a card of 4 GB. What is over is not carried.
MAX_ORIGIN_BYTES = 32 * 1024 * 1024
MAX_BYTES = 256 * 1024 * 1024

# What others tell may be lost with the power for so long: sync brings it again.
COMMIT_DELAY_S = 50.0

# An origin that has shown no new head for so long is gone: its records are dropped.
EXPIRY_MS = 72 * 3600 * 1000

# The highest numbers seen of an origin outlive its records: whoever replays old ones within a month
# gets nothing.
FORGET_MS = 30 * 24 * 3600 * 1000
FORGET_INTERVAL_MS = 3600 * 1000

log = logging.getLogger(__name__)


class Replicas:
    """The one place where what an origin says is judged, whoever brings it."""

    def __init__(
        self,
        records: Records,
        network: str,
        wall_ms: Callable[[], int],
        retired: Container[str] = (),
    ) -> None:
        """Of the ids in `retired` nothing new is taken."""
        self._records = records
        self._retired = retired
        self._network = network
        self._wall_ms = wall_ms
        self._replicas: dict[str, Replica] = {}
        # Origins that were dropped, and the highest head seen of each: only a higher one brings an
        # origin back, or two nodes would revive it for each other for ever.
        self._dropped: dict[str, tuple[int, int]] = {}
        # Bytes of batches on their way into the store, by origin: they count as carried.
        self._adding: dict[str, int] = {}
        self._forgot_ms = 0
        self._losses = 0
        self._commit: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Load what is carried; to be called first."""
        self._losses = self._records.losses
        self._replicas.clear()
        for row in await self._records.origins():
            digests = [item[2] for item in await self._records.digests(row.node_id)]
            if row.head is None and not digests:
                self._dropped[row.node_id] = (row.head_epoch, row.head_seq)
                continue
            replica = self._replicas[row.node_id] = Replica(digests)
            replica.head_position = (row.head_epoch, row.head_seq)
            replica.refreshed_ms = row.refreshed_ms
            replica.bytes, _ = await self._records.bytes_of(row.node_id)
            if row.head is not None:
                replica.signed_head = stored_head(row.head)
                replica.head = decode_head(replica.signed_head.payload)

    def ids(self) -> list[str]:
        """Return the origins carried."""
        return list(self._replicas)

    def newest(self) -> list[str]:
        """Return the origins carried, that with the latest head first."""
        return sorted(self._replicas, key=lambda origin: -self._replicas[origin].refreshed_ms)

    def get(self, origin: str) -> Replica | None:
        """Return what is carried of `origin`."""
        return self._replicas.get(origin)

    async def bounds(self, origin: str) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return (epoch, seq) of an origin's highest batch, and of its floor."""
        for row in await self._records.origins():
            if row.node_id == origin:
                return (row.batch_epoch, row.batch_seq), (row.floor_epoch, row.floor_seq)
        return (0, 0), (0, 0)

    def digest(self, signed: Signed) -> bytes:
        """Return the digest of a batch."""
        return digest(signed, "batch", self._network, digest16)

    def check_head(self, signed: Signed) -> None:
        """Raise `ProtocolError("bad-signature")` for a head that its origin did not sign."""
        check(signed, "head", self._network, verify)

    def knows(self, origin: str, batch_digest: bytes) -> bool:
        """Tell whether a batch is carried."""
        replica = self._replicas.get(origin)
        return replica is not None and batch_digest in replica.trie

    def refuses(self, origin: str) -> bool:
        """Tell whether batches of an origin are not taken: it was dropped, or has a new id."""
        return origin in self._dropped or origin in self._retired

    async def take(self, batches: Sequence[Signed]) -> Judged:
        """Take batches from a peer, in one trip to the store.

        One that is malformed under a good signature is its origin's fault: it is dropped. Errors
        as of Database; Busy leaves single batches out, which are then not among the digests.
        """
        if self._records.losses != self._losses:
            await self.open()  # the disk was full, and what was not durable is gone
        digests: list[bytes] = []
        new: dict[bytes, Taken] = {}
        refusal = None
        carried = sum(replica.bytes for replica in self._replicas.values())
        try:
            for signed in batches:
                batch_digest = self.digest(signed)
                if batch_digest not in new:
                    try:
                        judged = self._judge(signed, batch_digest, carried)
                    except ProtocolError as error:
                        refusal = error
                        break
                    if judged is not None:
                        new[batch_digest] = judged
                        self._reserve(judged.row.origin, _size(judged.row))
                digests.append(batch_digest)
            added = await self._add(list(new.values()))
        finally:
            for judged in new.values():
                self._reserve(judged.row.origin, -_size(judged.row))
        unkept = {taken.row.digest for taken, found in added if found is None}
        return Judged(
            [taken for taken, found in added if found is not None and self._note(taken.row, found)],
            [batch_digest for batch_digest in digests if batch_digest not in unkept],
            refusal,
        )

    def _judge(self, signed: Signed, batch_digest: bytes, carried: int) -> Taken | None:
        """Return the batch, checked and read; None where it is not new, or not carried."""
        if self.refuses(signed.node_id) or self.knows(signed.node_id, batch_digest):
            return None
        row = batch_row(signed, batch_digest)
        if not self._has_room(row, carried):
            return None
        check(signed, "batch", self._network, verify)
        try:
            return Taken(row, decode_batch(signed.payload).updates)
        except DecodeError as error:
            _malformed("batch", signed, error)
            return None

    def _has_room(self, row: BatchRow, carried: int) -> bool:
        """Tell whether a batch fits in beside `carried` bytes of all, and what is being added."""
        replica = self._replicas.get(row.origin)
        if replica is None and row.origin not in self._adding:
            coming = sum(origin not in self._replicas for origin in self._adding)
            if len(self._replicas) + coming >= MAX_ORIGINS:
                return False
        size = _size(row)
        of_origin = self._adding.get(row.origin, 0) + (0 if replica is None else replica.bytes)
        of_all = carried + sum(self._adding.values())
        return of_origin + size <= MAX_ORIGIN_BYTES and of_all + size <= MAX_BYTES

    def _reserve(self, origin: str, size: int) -> None:
        self._adding[origin] = self._adding.get(origin, 0) + size
        if not self._adding[origin]:
            del self._adding[origin]

    async def _add(self, batches: Sequence[Taken]) -> list[tuple[Taken, Added | None]]:
        """Add all together, or each by itself where one has no room: None for that one."""
        if not batches:
            return []
        self._commit_later()
        try:
            added = await self._records.add(batches, durable=False)
        except Busy as error:
            if len(batches) == 1:
                log.warning(
                    "a batch of %s is not kept: %s",
                    batches[0].row.origin,
                    error,
                    extra={"event": "batch-not-kept", "peer": batches[0].row.origin},
                )
                return [(batches[0], None)]
        else:
            return list(zip(batches, added, strict=True))
        return [(await self._add([batch]))[0] for batch in batches]

    def _note(self, row: BatchRow, added: Added) -> bool:
        """Take what the store has taken into the trie; return whether the batch is new."""
        if added.new:
            self.note(row)
        if added.displaced is not None:
            self._replicas[row.origin].trie.remove(added.displaced)
            log.warning(
                "%s signed two batches under one number",
                row.origin,
                extra={"event": "origin-forked", "peer": row.origin},
            )
        return added.new

    def note(self, row: BatchRow) -> None:
        """Take a batch into its origin's trie that the store has already."""
        replica = self._replicas.get(row.origin)
        if replica is None:
            replica = self._replicas[row.origin] = Replica(())
            replica.refreshed_ms = self._wall_ms()
        replica.trie.add(row.digest)
        replica.bytes += _size(row)

    async def take_head(self, signed: Signed, *, own: bool = False) -> bool:
        """Take an origin's head, verified unless it is our `own`; True where it is newer.

        Raises `ProtocolError("bad-signature")`.
        """
        replica = self._replicas.get(signed.node_id)
        position = (signed.epoch, signed.seq)
        if signed.node_id in self._retired:
            return False
        if replica is None and len(self._replicas) >= MAX_ORIGINS:
            return False
        seen = self._dropped.get(signed.node_id, (0, 0))
        if position <= (replica.head_position if replica is not None else seen):
            return False
        if not own:
            self.check_head(signed)
        try:
            head = decode_head(signed.payload)
        except DecodeError as error:
            _malformed("head", signed, error)
            return False
        now_ms = self._wall_ms()
        text = encode(signed.to_data())
        if not await self._records.set_head(signed.node_id, text, *position, now_ms):
            return False
        if replica is None:
            replica = self._replicas[signed.node_id] = Replica(())
            self._dropped.pop(signed.node_id, None)
        replica.signed_head, replica.head, replica.head_position = signed, head, position
        replica.refreshed_ms = now_ms
        await self._forget_below(signed.node_id, (head.floor_epoch, head.floor_seq))
        self._commit_later()
        return True

    async def raise_floor(self, own_id: str, floor: tuple[int, int]) -> None:
        """Forget own batches below (epoch, seq); durable on return, so that it can be told."""
        await self._forget_below(own_id, floor)
        await self._records.commit()

    async def _forget_below(self, origin: str, floor: tuple[int, int]) -> None:
        replica = self._replicas.get(origin)
        dead = await self._records.raise_floor(origin, *floor)
        if replica is None or not dead:
            return
        for batch_digest in dead:
            replica.trie.remove(batch_digest)
        replica.bytes, _ = await self._records.bytes_of(origin)

    async def expire(self, own_id: str) -> list[str]:
        """Drop the origins without a new head for 72 h; return them."""
        before_ms = self._wall_ms() - EXPIRY_MS
        gone = [
            origin
            for origin, replica in self._replicas.items()
            if origin != own_id and replica.refreshed_ms < before_ms
        ]
        for origin in gone:
            await self._records.drop_origin(origin)
            self._dropped[origin] = self._replicas.pop(origin).head_position
        await self._forget()
        return gone

    async def drop(self, origin: str) -> None:
        """Drop an origin, where it is carried."""
        replica = self._replicas.get(origin)
        if replica is not None:
            await self._records.drop_origin(origin)
            if self._replicas.pop(origin, None) is not None:
                self._dropped[origin] = replica.head_position

    async def _forget(self) -> None:
        """Forget, now and then, what was dropped long ago."""
        now_ms = self._wall_ms()
        if now_ms - self._forgot_ms > FORGET_INTERVAL_MS:
            self._forgot_ms = now_ms
            if await self._records.forget(now_ms - FORGET_MS):
                known = {row.node_id for row in await self._records.origins()}
                self._dropped = {
                    origin: seen for origin, seen in self._dropped.items() if origin in known
                }

    def _commit_later(self) -> None:
        if self._commit is None:
            loop = asyncio.get_running_loop()
            self._commit = loop.call_later(COMMIT_DELAY_S, self._begin_commit)

    def _begin_commit(self) -> None:
        self._commit = None
        task = asyncio.create_task(self._do_commit())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _do_commit(self) -> None:
        try:
            await self._records.commit()
        except (StoreFailed, StoreFull) as error:
            refused = {"event": "disk-refuses"}
            log.error("records are not durable: %s", error, extra=refused)  # noqa: TRY400 - one line


def _malformed(what: str, signed: Signed, error: DecodeError) -> None:
    fields = {"event": "origin-malformed", "peer": signed.node_id}
    log.warning("a %s that %s signed is malformed: %s", what, signed.node_id, error, extra=fields)


def _size(row: BatchRow) -> int:
    return len(row.payload.encode()) + len(row.signature)
