"""Telling linked peers: own batches to many, those of others to a few, heads in rounds."""

import asyncio
import logging
import random
from collections.abc import Callable, Iterable

from edgenode.core.errors import EdgenodeError
from edgenode.core.head import Head
from edgenode.core.signed import Signed
from edgenode.core.trie import EMPTY
from edgenode.daemon.records.carried import Taken
from edgenode.daemon.records.exchange import Exchange
from edgenode.daemon.records.proving import show_epoch
from edgenode.daemon.records.publishing import Publisher
from edgenode.daemon.records.replicas import Replicas
from edgenode.daemon.records.signing import Signer
from edgenode.store.records import Records

# A network of so many nodes is a full mesh: an origin tells all of it itself.
FULL_MESH = 32
# Above that, and when passing on: 99.94 % of the living hear of it within 11 hops (D = 8).
EAGER = 8
# The rest is told the digest only; a quarter of it is enough to close the gaps.
LAZY_SHARE = 4

# Each minute one random peer is compared with.
ROUND_S = 60.0
# A head follows a change when no other came for so long.
QUIET_S = 2.0
MIN_HEAD_S = 60.0
HEAD_S_PER_ORIGIN = 4.0
# A head that came before the batches it speaks of is passed on with them, or after so long: our
# root goes with it, and others would ask us in vain for what we do not have yet.
UNSYNCED_S = 5.0

log = logging.getLogger(__name__)


def head_interval_s(origins: int) -> float:
    """Return how often an origin signs a head in a network of so many."""
    return max(MIN_HEAD_S, HEAD_S_PER_ORIGIN * origins)


class Gossip:
    """The exchanges with all linked peers, by nodeId, and the timers that they share."""

    def __init__(
        self,
        replicas: Replicas,
        records: Records,
        signer: Signer,
        on_taken: Callable[[Taken], None],
    ) -> None:
        """`on_taken` is told of every batch that is new here, ours too."""
        self._replicas = replicas
        self._records = records
        self._signer = signer
        self._on_taken = on_taken
        self._exchanges: dict[str, Exchange] = {}
        self._beginning: set[asyncio.Task[None]] = set()
        self._unsynced: dict[str, str] = {}  # origin: who has told its newest head
        self._unsynced_timer: asyncio.TimerHandle | None = None
        self._changed = asyncio.Event()

    def add(self, exchange: Exchange) -> None:
        """A peer is linked: compare with it."""
        self._exchanges[exchange.peer] = exchange
        exchange.expect_round()
        task = asyncio.create_task(self._begin(exchange))
        self._beginning.add(task)
        task.add_done_callback(self._beginning.discard)

    async def _begin(self, exchange: Exchange) -> None:
        try:
            await show_epoch(exchange, self._replicas, self._records)
        except EdgenodeError as error:
            log.warning(
                "%s is not told its numbers: %s",
                exchange.peer,
                error,
                extra={"event": "disk-refuses", "peer": exchange.peer},
            )
        if self._exchanges.get(exchange.peer) is exchange:
            exchange.begin_round()

    def remove(self, exchange: Exchange) -> None:
        """The link ended."""
        if self._exchanges.get(exchange.peer) is exchange:
            del self._exchanges[exchange.peer]

    def publish(self, taken: Taken) -> None:
        """Tell an own batch, to be acknowledged."""
        peers = list(self._exchanges.values())
        eager = _some(peers, FULL_MESH if len(peers) <= FULL_MESH else EAGER)
        for exchange in eager:
            exchange.telling.push(taken, acknowledged=True)
        _offer(taken, peers, eager)
        self._on_taken(taken)
        self._changed.set()

    def on_head_due(self) -> None:
        """A new head has to say something else: one will come soon."""
        self._changed.set()

    def pass_on(self, taken: Taken, source: str) -> None:
        """Tell a batch of another origin that came from `source`."""
        self._on_taken(taken)
        others = self._others(source)
        eager = _some(others, EAGER)
        for exchange in eager:
            exchange.telling.push(taken, acknowledged=False)
        _offer(taken, others, eager)
        origin = taken.row.origin
        if origin in self._unsynced and self._is_synced(origin):
            self._tell_heads([origin], self._unsynced.pop(origin))

    def pass_on_heads(self, origins: Iterable[str], source: str) -> None:
        """Tell newer heads that came from `source`, once we hold what they speak of."""
        synced = []
        for origin in origins:
            if self._is_synced(origin):
                synced.append(origin)
                self._unsynced.pop(origin, None)
            else:
                self._unsynced[origin] = source
        if synced:
            self._tell_heads(synced, source)
        if self._unsynced and self._unsynced_timer is None:
            loop = asyncio.get_running_loop()
            self._unsynced_timer = loop.call_later(UNSYNCED_S, self._tell_unsynced)

    def _is_synced(self, origin: str) -> bool:
        replica = self._replicas.get(origin)
        return replica is None or replica.head is None or replica.head.root == replica.trie.root()

    def _tell_unsynced(self) -> None:
        self._unsynced_timer = None
        by_source: dict[str, list[str]] = {}
        for origin, source in self._unsynced.items():
            by_source.setdefault(source, []).append(origin)
        self._unsynced.clear()
        for source, origins in by_source.items():
            self._tell_heads(origins, source)

    def _tell_heads(self, origins: list[str], source: str) -> None:
        for exchange in _some(self._others(source), EAGER):
            exchange.telling.tell_origins(origins)

    def _others(self, source: str) -> list[Exchange]:
        return [exchange for peer, exchange in self._exchanges.items() if peer != source]

    async def run_rounds(self) -> None:
        """Compare with a random peer each minute, until cancelled."""
        while True:
            await asyncio.sleep(ROUND_S)
            for exchange in _some(list(self._exchanges.values()), 1):
                exchange.begin_round()
            await self._replicas.expire(self._signer.node_id)

    async def run_heads(self, publisher: Publisher) -> None:
        """Sign a head at intervals and after each change, until cancelled."""
        while True:
            await publisher.ready()
            head = await self._sign_head()
            for exchange in list(self._exchanges.values()):
                exchange.telling.tell_origins([head.node_id])
            interval = head_interval_s(len(self._replicas.ids()))
            try:
                async with asyncio.timeout(interval):
                    await self._changed.wait()
                    while self._changed.is_set():
                        self._changed.clear()
                        await asyncio.sleep(QUIET_S)
            except TimeoutError:
                pass

    async def _sign_head(self) -> Signed:
        own = self._replicas.get(self._signer.node_id)
        newest, floor = await self._replicas.bounds(self._signer.node_id)
        signed = self._signer.head(
            Head(
                batch_epoch=newest[0],
                batch_seq=newest[1],
                floor_epoch=floor[0],
                floor_seq=floor[1],
                root=own.trie.root() if own is not None else EMPTY,
                count=len(own.trie) if own is not None else 0,
            )
        )
        await self._replicas.take_head(signed, own=True)
        return signed


def _some(exchanges: list[Exchange], count: int) -> list[Exchange]:
    """Return `count` of them at random, all where there are no more."""
    return exchanges if len(exchanges) <= count else random.sample(exchanges, count)


def _offer(taken: Taken, peers: list[Exchange], eager: list[Exchange]) -> None:
    """Tell a share of those that are not told the batch at once its digest."""
    rest = [exchange for exchange in peers if exchange not in eager]
    for exchange in _some(rest, len(rest) // LAZY_SHARE):
        exchange.telling.offer(taken.row)
