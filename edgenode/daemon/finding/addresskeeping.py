"""The address table of a running node: read at the start, written seldom and at the end."""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Sequence

from edgenode.core.addressbook import AddressBook
from edgenode.core.errors import Busy, StoreFailed, StoreFull
from edgenode.crypto import digest16, random_bytes
from edgenode.store.addresses import KEY_BYTES, MAX_ANCHORS, AddressTable, Anchor

# What is lost when the power fails can be learned again; a card wears by being written.
SAVE_S = 3600.0

# Anchors matter most just when the power fails, so they are written soon; the longest-lived links
# change seldom, but links that come and go must not write all the time.
ANCHORS_S = 300.0

_log = logging.getLogger(__name__)


class AddressKeeping:
    """`open` it, run `run` beside the node, and `close` it before the database.

    `book` and `anchors` (those of the last run, until the first are kept) are there after `open`.
    """

    def __init__(
        self, table: AddressTable, monotonic_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._table = table
        self._monotonic_s = monotonic_s
        self._began_s = monotonic_s()
        self._clock_s = 1
        self._secret = b""
        self._saved_changes = 0
        self._saved_anchors: list[Anchor] = []
        self.anchors: list[Anchor] = []
        # Not to be foreseen by those who tell addresses.
        self.book = AddressBook(self._keyed_hash, random.SystemRandom().randrange)

    async def open(self) -> None:
        """Read what was kept."""
        kept = await self._table.load(random_bytes(KEY_BYTES))
        self._secret = kept.secret
        self._clock_s = max(kept.clock_s, 1)
        self._began_s = self._monotonic_s()
        for entry, tried in kept.entries:
            self.book.restore(entry, tried=tried, now_s=self._clock_s)
        self.anchors = self._saved_anchors = kept.anchors
        self._saved_changes = self.book.changes

    def now_s(self) -> int:
        """Return the table's clock: the seconds that the node has run, over all its starts.

        Not the time of day, which a node may not know: a table is not older for a node that was
        switched off.
        """
        return self._clock_s + int(self._monotonic_s() - self._began_s)

    def keep_anchors(self, anchors: Sequence[Anchor]) -> None:
        """Take the peers to be dialled first after the next start; the first two count."""
        self.anchors = list(anchors[:MAX_ANCHORS])

    async def run(self) -> None:
        """Save from time to time."""
        while True:
            for _ in range(int(SAVE_S / ANCHORS_S)):
                await asyncio.sleep(ANCHORS_S)
                await self._save_anchors()
            self.book.expire(self.now_s())
            await self._save_book()

    async def close(self) -> None:
        """Save what has changed."""
        await self._save_anchors()
        await self._save_book()

    async def _save_book(self) -> None:
        changes = self.book.changes
        if changes == self._saved_changes:
            return
        try:
            await self._table.save(self.book, self.now_s())
        except (
            Busy,
            StoreFailed,
            StoreFull,
        ) as error:  # it is tried again, and costs little where it is lost
            _log.info("the addresses of peers were not saved: %s", error)
            return
        self._saved_changes = changes

    async def _save_anchors(self) -> None:
        anchors = self.anchors
        if anchors == self._saved_anchors:
            return
        try:
            await self._table.save_anchors(anchors)
        except (Busy, StoreFailed, StoreFull) as error:
            _log.info("the anchors were not saved: %s", error)
            return
        self._saved_anchors = anchors

    def _keyed_hash(self, data: bytes) -> bytes:
        # BLAKE2b needs no HMAC: what comes behind a secret key of fixed length is a MAC.
        return digest16(self._secret + data)
