"""The composition root: makes the parts, starts them in order, stops them in reverse."""

import asyncio
import logging
import socket
import time
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, suppress

from aiohttp import web

from edgenode.api.access import OperatorToken
from edgenode.api.app import build_local_app, build_public_app, build_runner
from edgenode.api.events import EventFeed
from edgenode.core.counters import Counters
from edgenode.core.events import BlockSync
from edgenode.crypto import new_block_hasher
from edgenode.daemon.addresses import local_addresses
from edgenode.daemon.config_sections import Config
from edgenode.daemon.datadir import DataFolder, open_data_folder
from edgenode.daemon.describe import Description, metrics
from edgenode.daemon.fetching import Fetcher
from edgenode.daemon.listen import listen
from edgenode.daemon.outbound import Outbound
from edgenode.daemon.passing import Passing
from edgenode.daemon.peers import Peers
from edgenode.daemon.recordparts import RecordParts
from edgenode.daemon.repair import Repair
from edgenode.daemon.running import remove_run_file, write_run_file
from edgenode.daemon.session import Sessions
from edgenode.link.accept import Acceptor
from edgenode.link.dial import DialFailed, Dialler
from edgenode.link.handshake import LocalIdentity
from edgenode.link.keep import StaticPeer, keep_linked
from edgenode.link.table import LinkTable
from edgenode.store.blocks import BlockStore

# SIGTERM to exit takes at most 5 s. A link that hangs needs two of its deadlines of 1 s, and so do
# the requests under way after that.
STOP_LINKS_S = 2.0

log = logging.getLogger(__name__)


async def run_node(
    config: Config,
    *,
    any_port: bool,
    stop: asyncio.Event,
    on_ready: Callable[[str, int, int], None],
) -> None:
    """Run a node until `stop` is set; `on_ready(node_id, http_port, ws_port)` once it serves.

    Raises `EdgenodeError` (data folder in use, damaged key …), `PortBusy` or `OSError` where it
    cannot start; what was started by then is stopped.
    """
    server = config.server
    async with open_data_folder(config.data_dir) as data, AsyncExitStack() as stack:
        http = listen(server.http_bind, server.http_port, any_port=any_port)
        stack.callback(_close_sockets, http[0])
        peer = listen(server.ws_bind, server.ws_port, any_port=any_port)
        stack.callback(_close_sockets, peer[0])
        node = _Node(config, data, http_port=http[1], ws_port=peer[1])
        await node.start(stack, http[0], peer[0])
        write_run_file(data.path, node_id=node.node_id, http_port=http[1], ws_port=peer[1])
        stack.callback(remove_run_file, data.path)
        on_ready(node.node_id, http[1], peer[1])
        await stop.wait()


class _Node:
    """All parts of one node, joined."""

    def __init__(self, config: Config, data: DataFolder, *, http_port: int, ws_port: int) -> None:
        self._config = config
        self._started = time.monotonic()
        self.node_id = data.key.public_key.hex()
        self._counters = Counters()
        self._outbound = Outbound(self.node_id, _wall_ms)
        self._links = LinkTable(self.node_id)
        self._static = [StaticPeer(node.address, node.port) for node in config.bootstrap.nodes]
        self._peers = Peers(self._links, self._static, _wall_ms)
        self._description = Description(
            node_id=self.node_id,
            network=config.network,
            region=config.node.region,
            capabilities=config.node.capabilities,
            http_port=http_port,
            ws_port=ws_port,
            addresses=lambda: local_addresses(config.server.ws_bind, ws_port),
        )
        self._feed = EventFeed(node_id=self.node_id, wall_ms=_wall_ms, counters=self._counters)
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
            announce=self._description.announce,
            on_linked=self._repair.wake,
        )
        self._identity = LocalIdentity(config.network, data.key.public_key, data.key.sign)
        self._operator = OperatorToken(data.token, new_block_hasher)

    async def start(
        self,
        stack: AsyncExitStack,
        http_sockets: list[socket.socket],
        peer_sockets: list[socket.socket],
    ) -> None:
        """Start the parts, the listeners first; `stack` stops them in reverse order."""
        acceptor = Acceptor(
            self._identity,
            self._sessions.serve,
            counters=self._counters,
            ping=self._outbound.ping,
        )
        dialler = Dialler(self._identity, counters=self._counters, ping=self._outbound.ping)

        async def dial(address: str, port: int) -> None:
            try:
                link = await dialler.dial(address, port)
            except DialFailed as failed:
                log.info("the announced address %s:%d: %s", address, port, failed)
            else:
                await self._sessions.serve(link)

        view = self._records.view(
            region=self._config.node.region,
            store=self._store,
            fetcher=self._fetcher,
            links=self._links,
            peers=self._peers,
            dial=dial,
        )
        local_app = build_local_app(
            blocks=self._store,
            fetch=self._fetcher.fetch,
            records=view,
            feed=self._feed,
            on_read=self._records.touch,
            info=self._description.info,
            peers=self._peers.to_json,
            status=self._metrics,
            operator=self._operator,
            host_names=[socket.gethostname()],
            max_block_size=self._config.storage.max_block_size,
            counters=self._counters,
        )
        public_app = build_public_app(
            blocks=self._store,
            records=view,
            on_read=self._records.touch,
            info=self._description.info,
            status=self._metrics,
            links=acceptor.handle,
            counters=self._counters,
        )
        await self._records.open()
        stack.push_async_callback(self._records.close)
        await _serve(stack, [(local_app, http_sockets), (public_app, peer_sockets)])
        _background(stack, self._store.open())
        stack.push_async_callback(self._fetcher.stop)
        stack.callback(self._passing.stop)
        _background(stack, self._repair.run())
        for work in self._records.work():
            _background(stack, work)
        stack.push_async_callback(dialler.close)
        stack.callback(view.stop)
        for peer in self._static:
            _background(
                stack,
                keep_linked(
                    peer,
                    dialler,
                    self._links,
                    self._sessions.serve,
                    retry_interval_ms=self._config.bootstrap.retry_interval,
                    max_retries=self._config.bootstrap.max_retries,
                ),
            )
        # Before those who keep the dialled links are cancelled, or these would end without it.
        stack.push_async_callback(self._end_links)

    def _on_corrupt(self, block_id: str) -> None:
        self._repair.want(block_id)

    async def _reach_holder(self, block_id: str) -> bool:
        """Tell whether a node that is not linked says that it holds the block."""
        holders = await self._records.holders(block_id)
        return any(self._links.get(holder) is None for holder in holders)

    def _send_sync(self, node_id: str, sync: BlockSync) -> bool:
        link = self._links.get(node_id)
        if link is None:
            return False
        link.post(self._outbound.block_sync(sync))
        return True

    def _metrics(self) -> dict[str, object]:
        return metrics(
            uptime_s=time.monotonic() - self._started,
            peers=len(self._links),
            blocks=self._store.count,
            counters=self._counters,
            pending_sync=len(self._repair.wanted | self._fetcher.pending),
        )

    async def _end_links(self) -> None:
        """Say good-bye on every link and wait, with a deadline, until they are over."""
        self._links.close()
        links = list(self._links)
        for link in links:
            link.post(self._outbound.leave("stopping"))
            link.close("bye")
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_LINKS_S):
                for link in links:
                    await link.ended()


async def _serve(
    stack: AsyncExitStack, listeners: list[tuple[web.Application, list[socket.socket]]]
) -> None:
    runners = [build_runner(app) for app, _ in listeners]

    async def end() -> None:
        # Together, since each may take its whole deadline.
        await asyncio.gather(*(runner.cleanup() for runner in runners))

    stack.push_async_callback(end)
    for runner, (_, sockets) in zip(runners, listeners, strict=True):
        await runner.setup()
        for opened in sockets:
            await web.SockSite(runner, opened).start()


def _background(stack: AsyncExitStack, work: Coroutine[None, None, None]) -> None:
    """Run `work` beside the rest until the stack unwinds; a failure of it is logged."""
    task = asyncio.create_task(work)

    async def end() -> None:
        task.cancel()
        await asyncio.wait([task])

    def report(done: "asyncio.Task[None]") -> None:
        if not done.cancelled() and (error := done.exception()) is not None:
            log.error("a part has failed: %s", error, exc_info=error)

    task.add_done_callback(report)
    stack.push_async_callback(end)


def _close_sockets(sockets: list[socket.socket]) -> None:
    for opened in sockets:
        opened.close()


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000
