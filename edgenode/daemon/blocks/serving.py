"""Handing over blocks that one peer wants: in the order asked, bounded, at the peer's pace."""

import asyncio
from collections import deque
from collections.abc import Callable

from edgenode.core.errors import BlockError
from edgenode.core.events import HAVE, LACK, BlockSync
from edgenode.core.frame import CHUNK_BYTES, encode_chunk
from edgenode.link.link import Link
from edgenode.link.socket import SocketClosed
from edgenode.store.blocks import BlockStore

# What a peer may have asked for and not yet got: two for each of the 8 fetches that a node runs
# at once, and the questions that go before them. Bytes are read one want at a time.
MAX_WANTS = 64


class Serving:
    """Answers the wants of the peer of `link`."""

    def __init__(
        self,
        link: Link,
        store: BlockStore,
        encode: Callable[[BlockSync], bytes],
        on_read: Callable[[str], None],
        pass_on: Callable[[Link, BlockSync], None],
    ) -> None:
        """`on_read` is told the id of each block that is handed over, when that begins.

        `pass_on` takes the wants for blocks that are not held and may come through this node.
        """
        self._link = link
        self._store = store
        self._encode = encode
        self._on_read = on_read
        self._pass_on = pass_on
        self._wants: deque[BlockSync] = deque()
        self._task: asyncio.Task[None] | None = None

    def want(self, want: BlockSync) -> None:
        """Queue a want; over the bound it is answered with a lack."""
        if len(self._wants) >= MAX_WANTS:
            self._lack(want, "busy")
            return
        self._wants.append(want)
        if self._task is None:
            self._task = asyncio.create_task(self._work())

    def stop(self) -> None:
        """Forget what is queued."""
        self._wants.clear()
        if self._task is not None:
            self._task.cancel()

    async def _work(self) -> None:
        try:
            while self._wants:
                want = self._wants.popleft()
                try:
                    await self._answer(want)
                except BlockError:
                    self._lack(want, "unreadable")
        except SocketClosed:
            self._wants.clear()
        finally:
            self._task = None

    async def _answer(self, want: BlockSync) -> None:
        if not want.length:
            size = await self._store.size_of(want.block_id)
            if size is None:
                self._not_held(want)
            else:
                have = BlockSync(HAVE, want.block_id, want.fetch_id, size=size)
                self._link.post(self._encode(have))
            return
        held = await self._store.get(want.block_id)
        if held is None:
            self._not_held(want)
            return
        if want.offset + want.length > held.size:
            self._lack(want, "out-of-range")
            return
        if not want.offset:
            self._on_read(want.block_id)
        data = await self._store.read(held, want.offset, want.length)
        for start in range(0, len(data), CHUNK_BYTES):
            piece = data[start : start + CHUNK_BYTES]
            await self._link.send(encode_chunk(want.fetch_id, want.offset + start, piece))

    def _not_held(self, want: BlockSync) -> None:
        if want.through:
            self._pass_on(self._link, want)
        else:
            self._lack(want, "not-held")

    def _lack(self, want: BlockSync, reason: str) -> None:
        lack = BlockSync(LACK, want.block_id, want.fetch_id, reason=reason)
        self._link.post(self._encode(lack))
