"""Records exchanged with one linked peer: what it tells and asks, rounds of comparison."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from edgenode.core.errors import EdgenodeError, ProtocolError
from edgenode.core.signed import Signed
from edgenode.core.syncevents import (
    Batches,
    NodeStatus,
    batch_messages,
)
from edgenode.core.trie import EMPTY, MAX_PREFIX_CHARS
from edgenode.core.triesync import (
    AckBatches,
    AskNode,
    HaveBatches,
    NodeChildren,
    NodeList,
    WantBatches,
)
from edgenode.daemon.asking import Asking, Want
from edgenode.daemon.outbound import Outbound
from edgenode.daemon.records.carried import Taken
from edgenode.daemon.records.replicas import Replicas
from edgenode.daemon.records.signing import signed_of
from edgenode.daemon.records.telling import Telling
from edgenode.link.link import Link
from edgenode.link.socket import SocketClosed
from edgenode.store.records import Records

# Events of one peer that wait to be worked on, 6 MiB at the very worst. Over the lower bound gossip
# is dropped and asked for later, so that there is always room for what was asked for.
MAX_INBOX = 96
MAX_GOSSIP = 32
# Batches that are judged and kept together, in one trip to the store: no more messages are added to
# so many, or so many bytes of payload. Of the smallest and of the largest that is 15 ms of work for
# the loop at most, and one message more stays below what one acknowledgement takes.
GROUP_BATCHES = 64
GROUP_CHARS = 32 * 1024
# A round is answered by one, unless ours was told so lately: or two would answer for ever.
ANSWER_S = 30.0
Event = (
    Batches
    | NodeStatus
    | AckBatches
    | AskNode
    | HaveBatches
    | NodeChildren
    | NodeList
    | WantBatches
)

log = logging.getLogger(__name__)


class Exchange:
    """The records' side of one link. `run` works on what the peer sent, in order."""

    def __init__(
        self,
        link: Link,
        *,
        own_id: str,
        replicas: Replicas,
        records: Records,
        outbound: Outbound,
        retry_attempts: int,
        retry_delay_ms: int,
        on_taken: Callable[[Taken, str], None],
        on_heads: Callable[[list[str], str], None],
        on_known_epoch: Callable[[int], None],
    ) -> None:
        """`on_taken` and `on_heads` are told what is new, and the peer it came from.

        `on_known_epoch` is told the epoch of our own head as the peer knows it, 0 for none.
        """
        self.peer = link.node_id
        self._link = link
        self._own_id = own_id
        self._replicas = replicas
        self._records = records
        self._outbound = outbound
        self.telling = Telling(
            link,
            replicas=replicas,
            outbound=outbound,
            retry_attempts=retry_attempts,
            retry_delay_s=retry_delay_ms / 1000,
        )
        self._on_taken = on_taken
        self._on_heads = on_heads
        self._on_known_epoch = on_known_epoch
        self._inbox: deque[Event] = deque()
        self._wake = asyncio.Event()
        self._round_begun_at: float | None = None
        self._asking = Asking(lambda step: link.post(outbound.metadata_sync(step)))

    def receive(self, event: Event) -> None:
        """Queue an event of the peer; over the bounds it is dropped."""
        if isinstance(event, Batches) and len(self._inbox) >= MAX_GOSSIP:
            numbers = _numbers(event.batches)
            if not self._asking.awaits(numbers):
                for origin in {number[0] for number in numbers}:
                    self._asking.ask(origin, [""])
                return
        if len(self._inbox) >= MAX_INBOX:
            log.debug("an event of %s was dropped: too many wait", self.peer)
            return
        self._inbox.append(event)
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled; what the peer does wrong ends the link."""
        while True:
            while not self._inbox:
                self._wake.clear()
                await self._wake.wait()
            event = self._inbox.popleft()
            # The end of a link must not part what the store has taken from the trie over it.
            working = asyncio.ensure_future(self._work_on(event))
            try:
                await asyncio.shield(working)
            except asyncio.CancelledError:
                working.add_done_callback(_retrieve)
                raise
            except ProtocolError as error:
                fault = {"event": "peer-fault", "peer": self.peer}
                log.warning("%s: %s", self.peer, error, extra=fault)
                self._link.close(error.code)
            except SocketClosed:
                return
            except EdgenodeError as error:  # the disk, not the peer
                refused = {"event": "disk-refuses", "peer": self.peer}
                log.warning("what %s told is not kept: %s", self.peer, error, extra=refused)

    def stop(self) -> None:
        """Retry and ask nothing any more."""
        self._asking.stop()
        self.telling.stop()

    def expect_round(self) -> None:
        """A round of ours will begin: one of the peer that comes first is not to be answered."""
        self._round_begun_at = asyncio.get_running_loop().time()

    def begin_round(self) -> None:
        """Tell all that is carried, so that the peer asks for what it lacks and answers alike."""
        self.expect_round()
        self.telling.tell_origins(self._replicas.ids(), whole=True)

    async def _work_on(self, event: Event) -> None:
        if isinstance(event, Batches):
            await self._on_batches(event)
        elif isinstance(event, NodeStatus):
            await self._on_status(event)
        elif isinstance(event, AckBatches):
            self.telling.on_acknowledged(event.digests)
        elif isinstance(event, AskNode):
            await self._on_ask(event)
        elif isinstance(event, NodeChildren):
            self._on_children(event)
        elif isinstance(event, NodeList):
            self._want(event.origin, event.items)
            self._asking.on_node(event.origin, event.prefix)
        elif isinstance(event, WantBatches):
            await self._on_want(event)
        else:
            for origin, epoch, seq, digest in event.items:
                self._want(origin, [(epoch, seq, digest)])

    async def _on_batches(self, event: Batches) -> None:
        batches = list(event.batches)
        chars = sum(len(signed.payload) for signed in batches)
        while (
            self._inbox
            and isinstance(more := self._inbox[0], Batches)
            and len(batches) < GROUP_BATCHES
            and chars < GROUP_CHARS
        ):
            self._inbox.popleft()
            batches += more.batches
            chars += sum(len(signed.payload) for signed in more.batches)
        judged = await self._replicas.take(batches)
        for taken in judged.taken:
            self._on_taken(taken, self.peer)
        if judged.digests:
            self._link.post(self._outbound.metadata_sync(AckBatches(judged.digests)))
        if judged.refusal is not None:
            raise judged.refusal
        self._asking.on_batches(_numbers(batches))

    async def _on_status(self, event: NodeStatus) -> None:
        newer: list[str] = []
        own_epoch = None
        for status in event.origins:
            if status.head is not None:
                if status.node_id == self._own_id:
                    self._replicas.check_head(status.head)
                    own_epoch = status.head.epoch
                if await self._replicas.take_head(status.head):
                    newer.append(status.node_id)
            replica = self._replicas.get(status.node_id)
            root = EMPTY if replica is None else replica.trie.root()
            if self._replicas.refuses(status.node_id):
                continue  # its batches would not be taken
            if status.count and status.root != root:
                self._asking.ask(status.node_id, [""])
        if newer:
            self._on_heads(newer, self.peer)
        if own_epoch is not None:
            self._on_known_epoch(own_epoch)
        elif event.last:
            self._on_known_epoch(0)
        if event.last and not self._in_round():
            self.begin_round()

    def _in_round(self) -> bool:
        begun = self._round_begun_at
        return begun is not None and asyncio.get_running_loop().time() - begun < ANSWER_S

    async def _on_ask(self, ask: AskNode) -> None:
        replica = self._replicas.get(ask.origin)
        if replica is None:
            return
        kind, digests = replica.trie.node(ask.prefix)
        answer: NodeChildren | NodeList
        if kind == "children":
            answer = NodeChildren(ask.origin, ask.prefix, digests)
        else:
            answer = NodeList(ask.origin, ask.prefix, await self._named(ask.origin, digests))
        await self._link.send(self._outbound.metadata_sync(answer))

    async def _named(self, origin: str, digests: Sequence[bytes]) -> list[tuple[int, int, bytes]]:
        """Return (epoch, seq, digest) of the batches with these digests, ascending."""
        if not digests:
            return []
        found = await self._records.batches_between(origin, digests[0], digests[-1])
        named = set(digests)
        return [item for item in found if item[2] in named]

    def _on_children(self, event: NodeChildren) -> None:
        if len(event.prefix) >= MAX_PREFIX_CHARS:
            return  # below a whole digest there is nothing
        replica = self._replicas.get(event.origin)
        kind, own = ("list", []) if replica is None else replica.trie.node(event.prefix)
        self._asking.ask(
            event.origin,
            [
                event.prefix + f"{nibble:x}"
                for nibble, digest in enumerate(event.digests)
                if digest != EMPTY and (kind == "list" or own[nibble] != digest)
            ],
        )
        self._asking.on_node(event.origin, event.prefix)

    def _want(self, origin: str, items: Iterable[tuple[int, int, bytes]]) -> None:
        self._asking.want(
            origin,
            [
                (epoch, seq)
                for epoch, seq, digest in items
                if not self._replicas.knows(origin, digest)
            ],
        )

    async def _on_want(self, want: WantBatches) -> None:
        rows = await self._records.batches(want.origin, want.items)
        for message in batch_messages("metadata:update", [signed_of(row) for row in rows]):
            await self._link.send(self._outbound.batches(message))


def _retrieve(done: "asyncio.Future[None]") -> None:
    """Take note of how work ended that nobody waits for any more."""
    if not done.cancelled():
        done.exception()


def _numbers(batches: Iterable[Signed]) -> list[Want]:
    return [(signed.node_id, signed.epoch, signed.seq) for signed in batches]
