"""A node that passes blocks on, with links that only keep what is sent."""

import asyncio
from typing import cast

from edgenode.core.counters import Counters
from edgenode.core.errors import StoreFailed
from edgenode.core.events import HAVE, WANT, BlockSync
from edgenode.core.inbound import Chunk, decode_frame
from edgenode.daemon.outbound import Outbound
from edgenode.daemon.reach.passing import Passing
from edgenode.link.link import Link

OWN = "11" * 32
HOLDER, OTHER = "aa" * 32, "bb" * 32
BLOCK = "0f" * 64
KIB = 1024


class FakeLink:
    def __init__(self, node_id: str) -> None:
        self.node_id = node_id
        self.sent: asyncio.Queue[BlockSync | Chunk] = asyncio.Queue()

    def post(self, frame: bytes) -> None:
        record = decode_frame(frame, OWN)
        assert isinstance(record, BlockSync | Chunk)
        self.sent.put_nowait(record)

    async def send(self, frame: bytes) -> None:
        self.post(frame)

    async def next_sync(self) -> BlockSync:
        record = await self.sent.get()
        assert isinstance(record, BlockSync)
        return record

    async def next_chunk(self) -> Chunk:
        record = await self.sent.get()
        assert isinstance(record, Chunk)
        return record


class Place:
    """A node with links to holders and askers."""

    def __init__(self, bytes_per_s: int = 1000 * KIB, known: tuple[str, ...] = (HOLDER,)) -> None:
        self.links = {name: FakeLink(name) for name in (HOLDER, OTHER)}
        self.counters = Counters()
        self.last_id = 100
        self.database_fails = False

        async def holders(_block_id: str) -> list[str]:
            if self.database_fails:
                raise StoreFailed("the disk is gone")
            return list(known)

        self.passing = Passing(
            bytes_per_s=bytes_per_s,
            links=lambda name: cast("Link | None", self.links.get(name)),
            holders=holders,
            new_id=self.new_id,
            encode=Outbound(OWN, lambda: 0).block_sync,
            counters=self.counters,
        )

    def new_id(self) -> int:
        self.last_id += 1
        return self.last_id

    def asker(self, number: int = 0) -> FakeLink:
        return FakeLink(f"{number:02d}" * 32)

    def want(self, link: FakeLink, length: int = 0, offset: int = 0, fetch_id: int = 7) -> None:
        want = BlockSync(WANT, BLOCK, fetch_id, offset=offset, length=length, through=True)
        self.passing.want(cast(Link, link), want)

    async def find(self, link: FakeLink, holder: str = HOLDER) -> None:
        """Let an asker find that the holder has the block."""
        self.want(link)
        asked = await self.links[holder].next_sync()
        assert (asked.op, asked.length, asked.through) == (WANT, 0, False)
        self.passing.on_sync(holder, BlockSync(HAVE, BLOCK, asked.fetch_id, size=1000 * KIB))
        have = await link.next_sync()
        assert (have.op, have.fetch_id, have.size, have.through) == (HAVE, 7, 1000 * KIB, True)
