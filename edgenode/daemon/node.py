"""The composition root: makes the parts, starts them in order, stops them in reverse."""

import asyncio
import socket
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial

from edgenode.api.access import OperatorToken
from edgenode.api.app import build_local_app, build_public_app
from edgenode.api.events import EventFeed
from edgenode.core.counters import Counters
from edgenode.core.events import BlockSync
from edgenode.crypto import new_block_hasher
from edgenode.daemon.addresses import local_addresses
from edgenode.daemon.background import background, close_sockets, serve
from edgenode.daemon.calling import call_announced
from edgenode.daemon.config_sections import Config
from edgenode.daemon.datadir import DataFolder, open_data_folder
from edgenode.daemon.describe import Description, metrics
from edgenode.daemon.display import Displaying
from edgenode.daemon.fetching import Fetcher
from edgenode.daemon.goodbye import end_links
from edgenode.daemon.listen import listen
from edgenode.daemon.liveness import Liveness
from edgenode.daemon.logs import Logs
from edgenode.daemon.meetingparts import MeetingParts
from edgenode.daemon.outbound import Outbound
from edgenode.daemon.passing import Passing
from edgenode.daemon.peers import Peers
from edgenode.daemon.profile import PROFILES
from edgenode.daemon.reaching import Reaching
from edgenode.daemon.reachparts import PortMapping
from edgenode.daemon.recordparts import RecordParts
from edgenode.daemon.repair import Repair
from edgenode.daemon.running import remove_run_file, write_run_file
from edgenode.daemon.session import Sessions
from edgenode.daemon.watchdog import feed_watchdog, watchdog_period_s
from edgenode.daemon.watching import Watching
from edgenode.link.accept import Acceptor
from edgenode.link.dial import Dialler
from edgenode.link.handshake import LocalIdentity
from edgenode.link.keep import StaticPeer, keep_linked
from edgenode.link.link import Link
from edgenode.link.table import LinkTable
from edgenode.reach.view import View
from edgenode.store.blocks import BlockStore


async def run_node(
    config: Config,
    *,
    any_port: bool,
    stop: asyncio.Event,
    on_ready: Callable[[str, int, int], None],
    logs: Logs,
) -> None:
    """Run a node until `stop` is set; `on_ready(node_id, http_port, ws_port)` once it serves.

    Raises `EdgenodeError` (data folder in use, damaged key …), `PortBusy` or `OSError` where it
    cannot start; what was started by then is stopped.
    """
    server = config.server
    cache_kib = PROFILES[server.profile].database_cache_kib
    async with (
        open_data_folder(config.data_dir, database_cache_kib=cache_kib) as data,
        AsyncExitStack() as stack,
    ):
        http = listen(server.http_bind, server.http_port, any_port=any_port)
        stack.callback(close_sockets, http[0])
        peer = listen(server.ws_bind, server.ws_port, any_port=any_port)
        stack.callback(close_sockets, peer[0])
        node = _Node(config, data, logs, http_port=http[1], ws_port=peer[1])
        await node.start(stack, http[0], peer[0])
        if (period_s := watchdog_period_s()) is not None:
            background(stack, feed_watchdog(period_s, node.alive))
        write_run_file(data.path, node_id=node.node_id, http_port=http[1], ws_port=peer[1])
        stack.callback(remove_run_file, data.path)
        on_ready(node.node_id, http[1], peer[1])
        await stop.wait()


class _Node:
    """All parts of one node, joined."""

    def __init__(
        self, config: Config, data: DataFolder, logs: Logs, *, http_port: int, ws_port: int
    ) -> None:
        self._config = config
        self._started = time.monotonic()
        self.node_id = data.key.public_key.hex()
        self._counters = Counters()
        self._outbound = Outbound(self.node_id, _wall_ms)
        profile = PROFILES[config.server.profile]
        self._links = LinkTable(
            self.node_id, max_links=profile.max_links, max_inbound=profile.max_inbound
        )
        self._static = [StaticPeer(node.address, node.port) for node in config.bootstrap.nodes]
        self._peers = Peers(self._links, self._static, _wall_ms)
        self._description = Description(
            node_id=self.node_id,
            network=config.network,
            region=config.node.region,
            capabilities=config.node.capabilities,
            http_port=http_port,
            ws_port=ws_port,
        )
        self._reaching = Reaching(
            links=self._links,
            outbound=self._outbound,
            port=ws_port,
            local=lambda: local_addresses(config.server.ws_bind, ws_port),
            announce=self._description.announce,
            wall_ms=_wall_ms,
        )
        self._mapping = PortMapping(
            nat=config.nat,
            server=config.server,
            ws_port=ws_port,
            database=data.state.database,
            on_view=self._on_view,
        )
        self._feed = EventFeed(
            node_id=self.node_id,
            wall_ms=_wall_ms,
            counters=self._counters,
            region=self._region,
        )
        self._records = RecordParts(
            network=config.network,
            key=data.key,
            key_is_new=data.key_is_new,
            epoch=data.epoch,
            state=data.state,
            batch=config.batch,
            outbound=self._outbound,
            feed=self._feed,
            wall_ms=_wall_ms,
        )
        storage = config.storage
        self._store = BlockStore(
            data.path / "blocks",
            max_bytes=storage.max_bytes,
            reserve_bytes=storage.reserve_bytes,
            max_block_size=storage.max_block_size,
            new_hasher=new_block_hasher,
            on_corrupt=self._on_corrupt,
            on_held=self._records.on_held,
            on_gone=self._records.on_gone,
        )
        self._fetcher = Fetcher(
            self._store,
            max_block_size=storage.max_block_size,
            linked=lambda: [link.node_id for link in self._links],
            send=self._send_sync,
            reach=self._reach_holder,
        )
        self._passing = Passing(
            bytes_per_s=config.nat.relay_bandwidth if config.nat.relay else 0,
            links=self._links.get,
            holders=self._records.holders,
            new_id=self._fetcher.new_id,
            encode=self._outbound.block_sync,
            counters=self._counters,
        )
        self._records.follow(self._store)
        self._repair = Repair(self._store, self._fetcher)
        self._identity = LocalIdentity(config.network, data.key.public_key, data.key.sign)
        self._dialler = Dialler(self._identity, counters=self._counters, ping=self._outbound.ping)
        self._meetings = MeetingParts(
            links=self._links,
            peers=self._peers,
            reaching=self._reaching,
            outbound=self._outbound,
            dialler=self._dialler,
            live=self._live,
            known=self._records.others,
            max_links=profile.max_links,
        )
        self._sessions = Sessions(
            links=self._links,
            peers=self._peers,
            store=self._store,
            fetcher=self._fetcher,
            passing=self._passing,
            outbound=self._outbound,
            records=self._records,
            on_read=self._records.touch,
            show=lambda type_, event, sender: self._feed.publish(type_, event, sender=sender),
            reaching=self._reaching,
            meetings=self._meetings,
            on_linked=self._repair.wake,
        )
        liveness = Liveness(data.state.database, data.path)
        self.alive = liveness.check
        self._watching = Watching(
            liveness=liveness,
            database=data.state.database,
            store=self._store,
            storage=storage,
            fetcher=self._fetcher,
            repair=self._repair,
            links=self._links,
            feed=self._feed,
            records=self._records,
            logs=logs,
            status=self._metrics,
        )
        self._displaying = Displaying(
            counters=self._counters,
            store=self._store,
            storage=storage,
            batch=config.batch,
            fetcher=self._fetcher,
            repair=self._repair,
            links=self._links,
            records=self._records,
            feed=self._feed,
            liveness=liveness,
            status=self._metrics,
            wall_ms=_wall_ms,
        )
        self._operator = OperatorToken(data.token, new_block_hasher)

    async def start(
        self,
        stack: AsyncExitStack,
        http_sockets: list[socket.socket],
        peer_sockets: list[socket.socket],
    ) -> None:
        """Start the parts, the listeners first; `stack` stops them in reverse order."""
        acceptor = Acceptor(
            self._identity, self._live, counters=self._counters, ping=self._outbound.ping
        )
        view = self._records.view(
            region=self._config.node.region,
            store=self._store,
            fetcher=self._fetcher,
            links=self._links,
            peers=self._peers,
            dial=partial(call_announced, self._dialler, self._live),
        )
        local_app = build_local_app(
            blocks=self._store,
            fetch=self._fetcher.fetch,
            records=view,
            feed=self._feed,
            on_read=self._records.touch,
            info=self._info,
            peers=self._peers.to_json,
            status=self._metrics,
            monitoring=self._watching.monitoring,
            display=self._displaying.display,
            operator=self._operator,
            host_names=[socket.gethostname()],
            max_block_size=self._config.storage.max_block_size,
            counters=self._counters,
        )
        public_app = build_public_app(
            blocks=self._store,
            records=view,
            on_read=self._records.touch,
            info=self._info,
            status=self._metrics,
            links=acceptor.handle,
            arrived=self._reaching.arrived,
            counters=self._counters,
        )
        await self._records.open()
        stack.push_async_callback(self._records.close)
        _, public = await serve(stack, [(local_app, http_sockets), (public_app, peer_sockets)])
        self._meetings.listen(public)
        stack.callback(self._store.close)
        background(stack, self._store.open())
        stack.push_async_callback(self._fetcher.stop)
        stack.callback(self._passing.stop)
        background(stack, self._repair.run())
        background(stack, self._watching.run())
        background(stack, self._displaying.run())
        stack.push_async_callback(self._reaching.close)
        for work in self._records.work() + self._reaching.work():
            background(stack, work)
        stack.push_async_callback(self._dialler.close)
        stack.push_async_callback(self._meetings.stop)
        background(stack, self._meetings.work())
        stack.callback(view.stop)
        for peer in self._static:
            background(
                stack,
                keep_linked(
                    peer,
                    self._dialler,
                    self._links,
                    self._live,
                    retry_interval_ms=self._config.bootstrap.retry_interval,
                    max_retries=self._config.bootstrap.max_retries,
                ),
            )
        # Before those who keep the dialled links are cancelled, or these would end without it.
        stack.push_async_callback(end_links, self._links, self._outbound)
        # Last, to be stopped first: SIGTERM deletes the mappings within half a second.
        stack.push_async_callback(self._mapping.close)
        await self._mapping.start()

    async def _live(self, link: Link) -> str:
        """Live through `link`; return the reason for its end."""
        reason = await self._sessions.serve(link)
        self._mapping.on_link_end(reason)
        return reason

    def _on_view(self, view: View) -> None:
        self._watching.on_view(view)
        self._reaching.on_view(view)

    def _region(self, node_id: str) -> str:
        own = node_id == self.node_id
        return self._config.node.region if own else self._peers.region(node_id)

    def _on_corrupt(self, block_id: str) -> None:
        self._repair.want(block_id)

    async def _reach_holder(self, block_id: str) -> bool:
        """Try to come to a link with one who says that he holds the block."""
        return await self._meetings.meet_one(await self._records.holders(block_id))

    def _send_sync(self, node_id: str, sync: BlockSync) -> bool:
        link = self._links.get(node_id)
        if link is None:
            return False
        link.post(self._outbound.block_sync(sync))
        return True

    def _info(self) -> dict[str, object]:
        return self._description.info(self._reaching.addresses())

    def _metrics(self) -> dict[str, object]:
        return metrics(
            uptime_s=time.monotonic() - self._started,
            peers=len(self._links),
            blocks=self._store.count,
            counters=self._counters,
            pending_sync=len(self._repair.wanted | self._fetcher.pending),
            reachability=self._reaching.status(),
        )


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000
