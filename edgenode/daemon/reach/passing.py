"""Passing blocks on between two peers that cannot reach each other.

A peer asks for a block "through" this node. Where the node lacks it, it asks those of its own
peers that are known to hold it, and passes on the bytes, keeping nothing: each want of the asker
becomes one to the holder, or several smaller ones where the bandwidth is small, under a fetch id
of the node's own. All of it stays within one bandwidth, shared in turn by those who ask.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from edgenode.core.bucket import Bucket
from edgenode.core.counters import Counters
from edgenode.core.errors import Busy, EdgenodeError, ProtocolError
from edgenode.core.events import HAVE, LACK, MAX_WANT_BYTES, WANT, BlockSync
from edgenode.core.frame import encode_chunk
from edgenode.core.inbound import Chunk
from edgenode.daemon.clock import loop_ms
from edgenode.link.link import Link
from edgenode.link.socket import SocketClosed

# Peers that are served at once; each holds one want, 256 KiB, on its way: 2 MiB in all. Fewer where
# each would get less than this, twice what a fetch gives up at (core.fetch).
MAX_ASKERS = 8
LEAST_SHARE = 4096
# An asker that wants nothing for so long, longer than a slow disk takes, may lose its place to
# another; after STALL_S it does anyhow.
IDLE_S = 5.0
# What one asker may have waiting: the two wants that a fetch keeps under way, of two fetches.
MAX_WAITING = 4
# Holders that are asked whether they have a block; one may be mistaken, four are not.
MAX_HOLDERS = 4
# Answers that may wait for one asker: the chunks of one want, and what its holders say. Holders may
# send small chunks.
MAX_ANSWERS = 256
# Blocks for which an asker's holder is remembered: those of the fetches that it runs at once.
MAX_BLOCKS = 8
# Less than an asker waits for the answer (10 s), and as long as it waits for bytes (core.fetch).
ASK_S = 8.0
STALL_S = 30.0

_BUSY = float("inf")

log = logging.getLogger(__name__)


class Passing:
    """Gets for linked peers what this node does not hold, from others that it is linked with."""

    def __init__(
        self,
        *,
        bytes_per_s: int,
        links: Callable[[str], Link | None],
        holders: Callable[[str], Awaitable[list[str]]],
        new_id: Callable[[], int],
        encode: Callable[[BlockSync], bytes],
        counters: Counters,
    ) -> None:
        """`bytes_per_s` bounds the whole, 0 passes nothing on.

        `holders(block_id)` names the nodes known to hold a block; `new_id()` gives a fetch id that
        nothing else of this node uses.
        """
        self._links = links
        self._holders = holders
        self._new_id = new_id
        self._encode = encode
        self._counters = counters
        self._bytes_per_s = bytes_per_s
        self._max_askers = min(MAX_ASKERS, max(1, bytes_per_s // LEAST_SHARE))
        # What goes through in one turn: never more than the askers can wait for, each for all.
        self._piece = min(bytes_per_s, MAX_WANT_BYTES)
        self._bucket = Bucket(bytes_per_s, max(bytes_per_s, MAX_WANT_BYTES), loop_ms())
        self._turn = asyncio.Lock()  # its queue lets the askers have the bandwidth in turn
        self._askers: dict[str, _Asker] = {}
        self._told = False

    def want(self, link: Link, want: BlockSync) -> None:
        """Serve a want of the peer of `link` for a block that this node does not hold."""
        if not self._bytes_per_s:
            self._lack(link, want, "not-held")
            return
        asker = self._askers.get(link.node_id) or self._admit(link)
        if asker is None or asker.wants.full():
            self._lack(link, want, "busy")
        else:
            asker.wants.put_nowait(want)

    def _admit(self, link: Link) -> "_Asker | None":
        """Give a new asker a place, if need be that of one who has wanted nothing for a while."""
        if len(self._askers) >= self._max_askers:
            before = asyncio.get_running_loop().time() - IDLE_S
            idle = [peer for peer, asker in self._askers.items() if asker.is_idle_since(before)]
            if not idle:
                return None
            self._drop(idle[0])
        asker = self._askers[link.node_id] = _Asker(link)
        asker.task = asyncio.create_task(self._serve(asker))
        return asker

    def _drop(self, peer: str) -> None:
        asker = self._askers.pop(peer, None)
        if asker is not None and asker.task is not None:
            asker.task.cancel()

    def on_sync(self, peer: str, sync: BlockSync) -> bool:
        """Take a `have` or `lack` of `peer`; False where it answers no question asked here."""
        asker = self._asked(peer, sync.fetch_id)
        if asker is not None:
            asker.put(peer, sync)
        return asker is not None

    def on_chunk(self, peer: str, chunk: Chunk) -> bool:
        """Take bytes of `peer`; False where they were not wanted here."""
        asker = self._asked(peer, chunk.fetch_id)
        if asker is not None:
            asker.put(peer, chunk)
        return asker is not None

    def on_lost(self, peer: str) -> None:
        """The link to `peer` ended."""
        self._drop(peer)
        for asker in self._askers.values():
            if peer in asker.asked:
                asker.answers.put_nowait((peer, None))

    def stop(self) -> None:
        """Serve nobody any more."""
        for asker in self._askers.values():
            if asker.task is not None:
                asker.task.cancel()

    def _asked(self, peer: str, fetch_id: int) -> "_Asker | None":
        for asker in self._askers.values():
            if asker.fetch_id == fetch_id and peer in asker.asked:
                return asker
        return None

    async def _serve(self, asker: "_Asker") -> None:
        """Serve the wants of one asker, in order, until none comes for a while."""
        try:
            while True:
                asker.idle_since = asyncio.get_running_loop().time()
                async with asyncio.timeout(STALL_S):
                    want = await asker.wants.get()
                asker.idle_since = _BUSY
                try:
                    if want.length:
                        await self._pass_on(asker, want)
                    else:
                        await self._find(asker, want)
                except EdgenodeError as error:  # of the database, when holders are looked up
                    log.debug("who holds %s is not known: %s", want.block_id, error)
                    self._lack(asker.link, want, Busy.code)
                finally:
                    asker.asked.clear()
        except (TimeoutError, SocketClosed):
            while not asker.wants.empty():
                self._lack(asker.link, asker.wants.get_nowait(), "busy")
        finally:
            if self._askers.get(asker.link.node_id) is asker:
                del self._askers[asker.link.node_id]

    async def _find(self, asker: "_Asker", want: BlockSync) -> None:
        """Find a linked holder of the block and say so."""
        asker.holders.pop(want.block_id, None)
        known = await self._holders(want.block_id)
        others = [peer for peer in known if peer != asker.link.node_id]
        self._ask(asker, want, others, 0, 0)
        while asker.asked:
            try:
                async with asyncio.timeout(ASK_S):
                    peer, answer = await asker.answers.get()
            except TimeoutError:
                break
            asker.asked.discard(peer)
            if isinstance(answer, BlockSync) and answer.op == HAVE:
                asker.hold(want.block_id, peer)
                have = BlockSync(HAVE, want.block_id, want.fetch_id, size=answer.size, through=True)
                asker.link.post(self._encode(have))
                return
        self._lack(asker.link, want, "not-held")

    def _ask(
        self, asker: "_Asker", want: BlockSync, peers: list[str], offset: int, length: int
    ) -> None:
        """Ask the first peers that are linked, under a new id, for this part of the block."""
        asker.begin(self._new_id(), length)
        sync = BlockSync(WANT, want.block_id, asker.fetch_id, offset=offset, length=length)
        for peer in peers:
            link = self._links(peer)
            if link is not None and len(asker.asked) < MAX_HOLDERS:
                asker.asked.add(peer)
                link.post(self._encode(sync))

    async def _pass_on(self, asker: "_Asker", want: BlockSync) -> None:
        """Get the wanted bytes from the holder that was found, and pass them on as they come."""
        holder = asker.holders.get(want.block_id)
        if holder is None:
            self._lack(asker.link, want, "not-held")
            return
        self._tell()
        end = want.offset + want.length
        for offset in range(want.offset, end, self._piece):
            length = min(self._piece, end - offset)
            async with self._turn:
                while wait_ms := self._bucket.take(length, loop_ms()):  # noqa: ASYNC110
                    await asyncio.sleep(wait_ms / 1000)
            self._ask(asker, want, [holder], offset, length)
            if not await self._hand_over(asker, want, offset, offset + length):
                del asker.holders[want.block_id]
                self._lack(asker.link, want, "unreadable")
                return

    async def _hand_over(self, asker: "_Asker", want: BlockSync, offset: int, end: int) -> bool:
        """Pass on the bytes that were asked for; False where they do not all come."""
        while asker.asked and offset < end:
            try:
                async with asyncio.timeout(STALL_S):
                    _, answer = await asker.answers.get()
            except TimeoutError:
                break
            if not isinstance(answer, Chunk):
                break
            if answer.offset != offset or offset + len(answer.data) > end:
                break
            offset += len(answer.data)
            self._counters.bytes_relayed += len(answer.data)
            await asker.link.send(encode_chunk(want.fetch_id, answer.offset, answer.data))
        return offset == end

    def _lack(self, link: Link, want: BlockSync, reason: str) -> None:
        lack = BlockSync(LACK, want.block_id, want.fetch_id, reason=reason)
        link.post(self._encode(lack))

    def _tell(self) -> None:
        if not self._told:
            self._told = True
            log.info(
                "passing blocks on between peers that cannot reach each other, "
                "at most %d KiB/s ([nat] relay = false ends it)",
                self._bytes_per_s // 1024,
            )


class _Asker:
    """A peer that is being served, and what is under way for it."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.wants: asyncio.Queue[BlockSync] = asyncio.Queue(MAX_WAITING)
        # None: the link of the one who was asked has ended.
        self.answers: asyncio.Queue[tuple[str, BlockSync | Chunk | None]] = asyncio.Queue()
        self.holders: dict[str, str] = {}  # block id: who hands it over
        self.asked: set[str] = set()
        self.idle_since = _BUSY
        self.fetch_id = -1
        self._due = 0  # bytes that were asked for and have not come
        self.task: asyncio.Task[None] | None = None

    def is_idle_since(self, then: float) -> bool:
        """Tell whether nothing was wanted since `then`."""
        return self.idle_since <= then and self.wants.empty()

    def begin(self, fetch_id: int, length: int) -> None:
        """Ask anew: what still comes in answer to an earlier question is dropped."""
        self.fetch_id = fetch_id
        self._due = length
        self.asked.clear()
        self.answers = asyncio.Queue()

    def put(self, peer: str, answer: BlockSync | Chunk) -> None:
        """Keep what `peer` sent, of bytes no more than were asked for."""
        if isinstance(answer, Chunk):
            if len(answer.data) > self._due:
                return
            self._due -= len(answer.data)
        if self.answers.qsize() >= MAX_ANSWERS:
            raise ProtocolError("protocol-violation", "more than was asked for")
        self.answers.put_nowait((peer, answer))

    def hold(self, block_id: str, peer: str) -> None:
        """Remember who hands over a block; the block asked about longest ago is forgotten."""
        self.holders[block_id] = peer
        if len(self.holders) > MAX_BLOCKS:
            del self.holders[next(iter(self.holders))]
