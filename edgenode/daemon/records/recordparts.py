"""The parts that keep, tell and compare records, joined: what the node has beside its blocks."""

import time
from collections.abc import Awaitable, Callable, Container, Coroutine, Sequence

from edgenode.api.events import EventFeed
from edgenode.core.records import LOCATION, TEMPERATURE
from edgenode.core.signed import Signed
from edgenode.core.syncevents import event_of
from edgenode.crypto import SigningKey
from edgenode.daemon.blocks.fetching import Fetcher
from edgenode.daemon.config.sections import BatchConfig
from edgenode.daemon.guard.succession import take_over
from edgenode.daemon.outbound import Outbound
from edgenode.daemon.peers import Peers
from edgenode.daemon.records.carried import Taken
from edgenode.daemon.records.exchange import Exchange
from edgenode.daemon.records.gossip import Gossip
from edgenode.daemon.records.heating import Heating
from edgenode.daemon.records.holding import Holding
from edgenode.daemon.records.publishing import Publisher
from edgenode.daemon.records.recordview import RecordView
from edgenode.daemon.records.repacking import Repacking
from edgenode.daemon.records.replicas import Replicas
from edgenode.daemon.records.signing import Signer
from edgenode.daemon.watch.lag import Lag, sync_lag
from edgenode.link.link import Link
from edgenode.link.table import LinkTable
from edgenode.store.blocks import BlockStore
from edgenode.store.heat import HeatTable
from edgenode.store.network import enter_network
from edgenode.store.outbox import Outbox
from edgenode.store.records import Records
from edgenode.store.state import State


class RecordParts:
    """Composition of the records' parts; `open` them, then run `work` beside the node."""

    def __init__(
        self,
        *,
        network: str,
        key: SigningKey,
        key_is_new: bool,
        epoch: int,
        state: State,
        batch: BatchConfig,
        outbound: Outbound,
        feed: EventFeed,
        wall_ms: Callable[[], int],
        retired: Container[str],
        former_ids: Sequence[str],
    ) -> None:
        """`retired` are ids of which nothing is taken, `former_ids` those this node had before."""
        self._former_ids = former_ids
        self._own_id = key.public_key.hex()
        self._batch = batch
        self._outbound = outbound
        self._feed = feed
        self._wall_ms = wall_ms
        self._network = network
        self._database = state.database
        self._records = Records(state.database)
        self._outbox = Outbox(state.database)
        self._signer = Signer(network, key, epoch, wall_ms)
        self._replicas = Replicas(self._records, network, wall_ms, retired)
        self._gossip = Gossip(self._replicas, self._records, self._signer, self._show)
        self._publisher = Publisher(
            self._outbox,
            self._signer,
            self._replicas,
            max_size=batch.max_size,
            interval_ms=batch.interval,
            next_epoch=state.next_epoch,
            on_batch=self._gossip.publish,
            on_head_due=self._gossip.on_head_due,
            key_is_new=key_is_new,
        )
        self._heating = Heating(HeatTable(state.database), self._publisher, _monotonic_ms)
        self.touch = self._heating.touch
        self._holding: Holding | None = None

    def follow(self, store: BlockStore) -> None:
        """Tell what `store` holds."""
        self._holding = Holding(
            store,
            self._records,
            self._outbox,
            self._publisher,
            own_id=self._own_id,
            wall_ms=self._wall_ms,
        )

    def on_held(self, block_id: str, size: int) -> None:
        """A block was stored."""
        if self._holding is not None:
            self._holding.on_held(block_id, size)

    def on_gone(self, block_id: str) -> None:
        """A block is no longer held."""
        if self._holding is not None:
            self._holding.on_gone(block_id)

    def view(
        self,
        *,
        region: str,
        store: BlockStore,
        fetcher: Fetcher,
        links: LinkTable,
        peers: Peers,
        dial: Callable[[str, int], Awaitable[None]],
    ) -> RecordView:
        """Return what REST asks; `follow` comes first."""
        assert self._holding is not None
        return RecordView(
            own_id=self._own_id,
            region=region,
            store=store,
            records=self._records,
            outbox=self._outbox,
            publisher=self._publisher,
            holding=self._holding,
            replicas=self._replicas,
            heating=self._heating,
            fetcher=fetcher,
            links=links,
            peers=peers,
            dial=dial,
            wall_ms=self._wall_ms,
        )

    @property
    def waiting(self) -> int:
        """Own updates that are not told yet."""
        return self._outbox.count

    def temperatures(self) -> dict[str, int]:
        """Return how many blocks are of each class at this node, hottest first."""
        return self._heating.counts()

    def lag(self) -> Lag:
        """Return how far this node is behind others."""
        return sync_lag(self._replicas, self._own_id)

    def others(self) -> list[str]:
        """Return the other nodes whose records are carried here, those heard of last first."""
        return [origin for origin in self._replicas.newest() if origin != self._own_id]

    async def holders(self, block_id: str) -> list[str]:
        """Return the other nodes that say that they hold a block."""
        found = await self._records.holders([block_id])
        return [holder for holder in found.get(block_id, []) if holder != self._own_id]

    def exchange(self, link: Link) -> Exchange:
        """Return the records' side of a new link."""
        return Exchange(
            link,
            own_id=self._own_id,
            replicas=self._replicas,
            records=self._records,
            outbound=self._outbound,
            retry_attempts=self._batch.retry_attempts,
            retry_delay_ms=self._batch.retry_delay,
            on_taken=self._on_taken,
            on_heads=self._gossip.pass_on_heads,
            on_known_epoch=self._publisher.on_known_epoch,
        )

    async def take(self, batches: Sequence[Signed], source: str) -> bool:
        """Take batches that `source` brought otherwise than over a link; durable on return.

        False where one of them is not carried now. Raises `ProtocolError("bad-signature")`, and as
        `Replicas.take`.
        """
        judged = await self._replicas.take(batches)
        for taken in judged.taken:
            self._on_taken(taken, source)
        await self._records.commit()
        if judged.refusal is not None:
            raise judged.refusal
        return all(
            self._replicas.knows(signed.node_id, self._replicas.digest(signed))
            for signed in batches
        )

    def on_linked(self, exchange: Exchange) -> None:
        """A link lives: compare with the peer."""
        self._gossip.add(exchange)

    def on_lost(self, exchange: Exchange) -> None:
        """A link ended."""
        exchange.stop()
        self._gossip.remove(exchange)

    async def open(self) -> None:
        """Load what is kept of this network."""
        await enter_network(self._database, self._network, self._own_id)
        await self._outbox.open()
        await self._replicas.open()
        # A crash may have come between own batches that peers have told, and an epoch above them.
        (newest, _), _ = await self._replicas.bounds(self._own_id)
        self._publisher.on_used_epoch(newest)
        await self._heating.open()

    def work(self) -> list[Coroutine[None, None, None]]:
        """Return what runs beside the node, each until cancelled."""
        assert self._holding is not None
        return [
            self._publisher.run(),
            self._gossip.run_heads(self._publisher),
            self._gossip.run_rounds(),
            self._heating.run(),
            self._hold(self._holding),
            Repacking(self._records, self._publisher, self._own_id).run(),
        ]

    async def _hold(self, holding: Holding) -> None:
        # First, or what was said of a block under an earlier id would be said as if it were new.
        await take_over(
            self._former_ids,
            self._own_id,
            records=self._records,
            replicas=self._replicas,
            publisher=self._publisher,
        )
        await holding.run()

    def carries(self, node_id: str) -> bool:
        """Tell whether there are records of a node here."""
        return self._replicas.get(node_id) is not None

    async def drop(self, node_id: str) -> None:
        """Drop the records of another node."""
        await self._replicas.drop(node_id)

    async def close(self) -> None:
        """Save what is not durable yet."""
        await self._heating.save()
        await self._records.commit()

    def _on_taken(self, taken: Taken, source: str) -> None:
        """A peer has told a batch that is new here; one of our own, and we had lost it."""
        if taken.row.origin == self._own_id:
            self._publisher.on_used_epoch(taken.row.epoch)
        self._gossip.pass_on(taken, source)

    def _show(self, taken: Taken) -> None:
        """Show the updates of a batch to local viewers."""
        if not self._feed.is_watched:
            return
        for update in taken.updates:
            data: dict[str, object] = {"blockId": update.block_id}
            if update.type == TEMPERATURE:
                data["temperature"] = update.data["class"] if update.data else None
            elif update.type == LOCATION:
                data["held"] = update.data is not None
            else:
                data["metadata"] = update.data
            self._feed.publish(event_of([update]), data, sender=taken.row.origin)


def _monotonic_ms() -> int:
    return time.monotonic_ns() // 1_000_000
