"""The life of one link in this node: admitted, announced to, listened to, forgotten."""

import asyncio
import logging
from collections.abc import Callable

from edgenode.core.events import HAVE, LACK, Announce, BlockSync
from edgenode.core.inbound import Chunk, Leave, Ping, Pong, decode_frame
from edgenode.core.linkpace import cost_of
from edgenode.core.meetevents import Meet
from edgenode.core.message import ANNOUNCE, LEAVE
from edgenode.core.reachevents import DialBack
from edgenode.core.rotation import Rotations
from edgenode.daemon.blocks.fetching import Fetcher
from edgenode.daemon.blocks.serving import Serving
from edgenode.daemon.finding.discovering import Discovering
from edgenode.daemon.guard.retiring import Retiring
from edgenode.daemon.outbound import Outbound
from edgenode.daemon.peers import Peers
from edgenode.daemon.reach.meetingparts import MeetingParts
from edgenode.daemon.reach.passing import Passing
from edgenode.daemon.reach.reaching import Reaching
from edgenode.daemon.records.exchange import Exchange
from edgenode.daemon.records.recordparts import RecordParts
from edgenode.daemon.watch.peerclocks import PeerClocks
from edgenode.link.link import Link
from edgenode.link.table import LinkTable
from edgenode.store.blocks import BlockStore

log = logging.getLogger(__name__)


class Sessions:
    """Lives through links: `serve` is given to the accepting and the dialling side."""

    def __init__(
        self,
        *,
        links: LinkTable,
        peers: Peers,
        clocks: PeerClocks,
        store: BlockStore,
        fetcher: Fetcher,
        passing: Passing,
        outbound: Outbound,
        records: RecordParts,
        on_read: Callable[[str], None],
        show: Callable[[str, dict[str, object], str], None],
        reaching: Reaching,
        meetings: MeetingParts,
        discovering: Discovering,
        on_linked: Callable[[], None],
        pace: Callable[[str], Callable[[float], float]],
        retiring: Retiring,
    ) -> None:
        """Take the parts that a link concerns.

        `pace(node_id)` gives what takes the cost of each frame of a peer and returns the seconds
        to wait before the next. `on_linked()` is told of each new peer, `on_read(block_id)` of each
        block handed over; `show(type, data, sender)` shows an event.
        """
        self._links = links
        self._peers = peers
        self._clocks = clocks
        self._store = store
        self._fetcher = fetcher
        self._passing = passing
        self._outbound = outbound
        self._records = records
        self._on_read = on_read
        self._show = show
        self._reaching = reaching
        self._meetings = meetings
        self._discovering = discovering
        self._on_linked = on_linked
        self._pace = pace
        self._retiring = retiring

    async def serve(self, link: Link) -> str:
        """Live through `link`; return the reason for its end."""
        refusal = self._retiring.refusal(link.node_id) or await self._links.admit(link)
        if refusal is not None:
            link.close(refusal)
            await link.run(lambda _: None)
            return refusal
        peer = link.node_id
        log.info(
            "linked with %s at %s",
            peer,
            link.address,
            extra={"event": "linked", "peer": peer, "address": link.address},
        )
        announcement = self._reaching.announcement(link)
        announcement.advertisements = self._discovering.on_linked(link)
        link.post(self._outbound.announce(announcement))
        self._retiring.greet(link)
        self._peers.on_linked(link)
        # What was asked over an earlier link that this one replaces is lost with it.
        self._passing.on_lost(peer)
        self._fetcher.on_lost(peer)
        self._fetcher.on_linked(peer)
        self._on_linked()
        self._reaching.on_linked(link)
        self._meetings.on_linked(peer)
        serving = Serving(
            link, self._store, self._outbound.block_sync, self._on_read, self._passing.want
        )
        exchange = self._records.exchange(link)
        self._records.on_linked(exchange)
        working = asyncio.create_task(exchange.run())
        reason = "cut"
        try:
            pace = self._pace(peer)
            reason = await link.run(
                lambda frame: pace(self._on_frame(link, serving, exchange, frame))
            )
        finally:
            serving.stop()
            working.cancel()
            self._records.on_lost(exchange)
            if self._links.remove(link):
                self._peers.on_lost(peer)
                self._fetcher.on_lost(peer)
                self._passing.on_lost(peer)
                self._meetings.on_lost(peer, reason)
                self._discovering.on_lost(link, reason)
            log.info(
                "link with %s at %s ended: %s",
                peer,
                link.address,
                reason,
                extra={"event": "unlinked", "peer": peer, "address": link.address},
            )
        return reason

    def _on_announce(self, link: Link, announce: Announce) -> None:
        self._discovering.receive(link, announce)
        # One that only passes on advertisements says nothing new of the peer itself.
        if self._peers.on_announce(link.node_id, announce):
            self._show(ANNOUNCE, announce.to_data(), link.node_id)

    def _on_frame(self, link: Link, serving: Serving, exchange: Exchange, frame: bytes) -> float:
        """Work on a frame; return what it costs."""
        record = decode_frame(
            frame, link.node_id, lambda timestamp_ms: self._clocks.heard(link, timestamp_ms)
        )
        if isinstance(record, Chunk):
            link.useful_bytes += len(frame)
            if not self._passing.on_chunk(link.node_id, record):
                self._fetcher.on_chunk(link.node_id, record)
        elif isinstance(record, BlockSync):
            if record.op not in (HAVE, LACK):
                serving.want(record)
            elif not self._passing.on_sync(link.node_id, record):
                self._fetcher.on_sync(link.node_id, record)
        elif isinstance(record, Ping):
            link.post(self._outbound.pong(record.nonce))
        elif isinstance(record, DialBack):
            self._reaching.receive(link, record)
        elif isinstance(record, Meet):
            self._meetings.receive(link, record)
        elif isinstance(record, Rotations):
            self._retiring.receive(link, record)
        elif isinstance(record, Announce):
            self._on_announce(link, record)
        elif isinstance(record, Leave):
            log.info("%s leaves: %s", link.node_id, record.reason)
            self._show(LEAVE, {"reason": record.reason}, link.node_id)
        elif record is not None and not isinstance(record, Pong):
            exchange.receive(record)
        return cost_of(record)
